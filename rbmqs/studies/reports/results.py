"""Reports of evolutions, reconstructions and fidelities: a table of what came out, and pictures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hamiltonians.utils.archive import CheckpointError
from rbmqs.dynamics.files import PICTURE
from rbmqs.studies.fidelity import FORMAT as FIDELITIES
from rbmqs.studies.numbers import short, with_error
from rbmqs.studies.reports.content import Report
from rbmqs.tomography.files import RESULT_FORMAT, load_reconstruction
from rbmqs.utils.json_files import read_json
from rbmqs.utils.parsing import describing
from rbmqs.vmc.records import stats_from_dict

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]
_CAPTIONS = {
    PICTURE: "Observables with bands of two error bars, exact curves, and r^2",
    "likelihood.png": "Log-likelihood of a shot against the step",
    "outcomes.png": "Frequencies of outcomes by basis against the model",
    "density_matrix.png": "Density matrix",
    "fidelity.png": "Infidelity against the number of shots",
}


def report_of_result(root: Path) -> Report | None:
    """The report of a directory whose result is no run's; None for a run or a study."""
    path = root / "result.json"
    if not path.exists():
        return None
    result = read_json(path)
    kind = "evolution" if "integrated_r2" in result else str(result.get("format"))
    if kind not in _TABLES:
        return None
    with describing(path):
        heads, rows = _TABLES[kind](result)
        status = result.get("status", result.get("warning")) or []
        warnings = [status] if isinstance(status, str) else status
        title = result.get("what") or result.get("hamiltonian") or result["name"]
        settings = result.get("settings", result.get("options", {}))
    return Report(
        title=str(title),
        summary=f"{len(warnings)} warnings." if warnings else "Nothing speaks against it.",
        verdicts=[],
        settings=json.dumps(settings, indent=1),
        facts={"directory": root.name},
        heads=heads,
        rows=rows,
        warnings=[(root.name, text) for text in warnings],
        remarks=[],
        failures=[],
        figures=_pictures(root, kind),
    )


def _pictures(root: Path, kind: str) -> dict[str, tuple[str, bytes]]:
    """Those in the directory; of a reconstruction without any they are drawn."""
    found = {
        Path(name).stem: (caption, (root / name).read_bytes())
        for name, caption in _CAPTIONS.items()
        if (root / name).exists()
    }
    if found or kind != RESULT_FORMAT:
        return found
    try:
        result = load_reconstruction(root)
    except (FileNotFoundError, CheckpointError):
        return {}
    with TemporaryDirectory() as name:
        return {p.stem: (_CAPTIONS[p.name], p.read_bytes()) for p in result.plot(name)}


def _of_evolution(result: dict[str, Any]) -> Table:
    """One row a time."""
    names = list(result["observables"])
    rows = [
        (f"{time:g}", *(_value(result["observables"][name][k]) for name in names))
        for k, time in enumerate(result["times"])
    ]
    return ("time", *names), rows


def _value(table: dict[str, Any]) -> str:
    stats = stats_from_dict(table)
    return with_error(stats.mean.real, stats.error_of_mean)


def _of_reconstruction(result: dict[str, Any]) -> Table:
    """Its summary, then chi-squared of each basis."""
    rows: list[tuple[str, ...]] = [
        (k, str(v)) for k, v in result.items() if isinstance(v, str) and k in _QUANTITIES
    ]
    for one in result["goodness"] or []:
        chance = short(one["chance"])
        text = f"{short(one['chi_squared'])} in {one['n_classes']} classes, chance {chance}"
        rows.append((f"chi-squared of {one['basis']}", text))
    return ("quantity", "value"), rows


_QUANTITIES = ("shots", "state", "likelihood", "steps", "chi-squared", "fidelity", "readout")


def _of_fidelities(result: dict[str, Any]) -> Table:
    pairs = zip(result["shots"], result["mean_fidelity"], strict=True)
    return ("shots", "mean fidelity"), [(str(n), f"{f:.5f}") for n, f in pairs]


_TABLES: dict[str, Callable[[dict[str, Any]], Table]] = {
    "evolution": _of_evolution,
    RESULT_FORMAT: _of_reconstruction,
    FIDELITIES: _of_fidelities,
}
