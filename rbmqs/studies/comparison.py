"""Methods side by side, over sizes, couplings and sectors.

Exact diagonalisation, closed forms, published energies, the RBM and, where it is installed,
NetKet; each energy with what it cost and how far it is from the best exact one.
"""

from __future__ import annotations

import importlib.util
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hamiltonians.utils.checks import choice
from rbmqs.runs.signs import KNOWN
from rbmqs.studies.figures.common import draw, finish, panels
from rbmqs.studies.table import from_rows
from rbmqs.utils.figures import saved
from rbmqs.vmc.settings import RunSettings

if TYPE_CHECKING:
    from hamiltonians import Reference, SpinHamiltonian

NAN = float("nan")
METHODS = ("closed form", "exact", "published", "rbmqs", "NetKet")
FIDELITY_STATES = 2**18  # basis states up to which the RBM's whole vector is compared
EXACT_STATES = 2**22  # basis states, or orbits, up to which a case is diagonalised by default


@dataclass(frozen=True)
class Row:
    """One method's energy of one case.

    Parameters
    ----------
    method : str
    n_sites : int
    energy, error : float
        Total, Pauli units.
    v_score : float
        nan for methods without samples.
    fidelity : float
        |<psi|exact>|^2, nan where the exact vector is not at hand.
    relative_error : float
        From the case's first exact energy; nan without one.
    seconds : float
        Wall clock, compilation included; nan for an energy that was looked up.
    memory : float
        Bytes planned for exact diagonalisation, nan otherwise.
    note : str
    case : mapping of str to float
        Values of what is scanned.
    """

    method: str
    n_sites: int
    energy: float
    error: float
    v_score: float = NAN
    fidelity: float = NAN
    relative_error: float = NAN
    seconds: float = NAN
    memory: float = NAN
    note: str = ""
    case: Mapping[str, float] = field(default_factory=dict)


def compare(
    hamiltonian: SpinHamiltonian,
    ansatz: dict[str, Any],
    settings: RunSettings,
    *,
    signs: Any = KNOWN,
    case: Mapping[str, float] | None = None,
    methods: Iterable[str] = METHODS,
    max_dimension: int = EXACT_STATES,
    progress: bool = True,
) -> list[Row]:
    """Energies of one Hamiltonian by all methods that apply, exact ones first.

    NetKet gets the Hamiltonian in the basis of the signs that our own run takes.

    Raises
    ------
    ValueError
        If a method is not one of `METHODS`.
    """
    chosen = [choice("method", method, METHODS) for method in methods]
    rows, vector = _exact_rows(hamiltonian, chosen, max_dimension)
    if "rbmqs" in chosen:
        rows.append(_rbm(hamiltonian, ansatz, settings, signs, vector, progress))
    if "NetKet" in chosen:
        rows.append(_netket(hamiltonian, ansatz, settings, signs))
    best = next((row.energy for row in rows if row.method not in ("rbmqs", "NetKet")), None)
    if best is not None:
        rows = [
            replace(r, relative_error=hamiltonian.relative(r.energy - best, best)) for r in rows
        ]
    return [replace(row, case=case or {}) for row in rows]


def _exact_rows(
    H: SpinHamiltonian, chosen: Iterable[str], max_dimension: int
) -> tuple[list[Row], np.ndarray | None]:
    """Rows of the exact methods, and the ground state where there is room for its fidelity."""
    from hamiltonians.references.lookup import closed_form, published

    rows: list[Row] = []
    vector = None
    if "closed form" in chosen and (reference := closed_form(H)) is not None:
        rows.append(_looked_up(H, reference))
    if "exact" in chosen:
        row, vector = _diagonalised(H, max_dimension, with_vector="rbmqs" in chosen)
        rows += [row] if row is not None else []
    if "published" in chosen and (reference := published(H)) is not None:
        rows.append(_looked_up(H, reference))
    return rows, vector


def _looked_up(H: SpinHamiltonian, reference: Reference) -> Row:
    energy, error = reference.energy, reference.uncertainty
    return Row(reference.kind, H.n_sites, energy, error, note=reference.source)


def _diagonalised(
    H: SpinHamiltonian, max_dimension: int, with_vector: bool
) -> tuple[Row | None, np.ndarray | None]:
    from hamiltonians import TooLargeError, ground_state
    from hamiltonians.exact.memory import sector_dimension

    smaller, symmetry, _ = _sector(H)
    if sector_dimension(smaller, symmetry) > max_dimension:
        return None, None
    started = time.perf_counter()
    vectors = with_vector and H.dimension <= FIDELITY_STATES and smaller is H
    try:
        result = ground_state(smaller, symmetry=symmetry, vectors=vectors)
    except TooLargeError:
        return None, None
    row = Row(
        "exact", H.n_sites, result.energy, float(result.residuals[0]),
        seconds=time.perf_counter() - started, memory=result.memory_bytes,
        note=f"dimension {result.dimension}",
    )  # fmt: skip
    return row, result.expanded() if vectors else None


def _sector(H: SpinHamiltonian) -> Any:
    """S_z and symmetries as `rbmqs exact` chooses them; none where the vector is wanted."""
    from hamiltonians.exact.sector_choice import choose_sector

    return (H, None, "") if H.dimension <= FIDELITY_STATES else choose_sector(H, "auto", 1)


def _rbm(
    H: SpinHamiltonian, ansatz: dict[str, Any], settings: RunSettings, signs: Any,
    vector: np.ndarray | None, progress: bool,
) -> Row:  # fmt: skip
    from hamiltonians.operators.spin_sectors import sector_of
    from rbmqs.runs.run import ground_state

    started = time.perf_counter()
    result = ground_state(H, **ansatz, signs=signs, settings=settings, progress=progress)
    seconds = time.perf_counter() - started
    fidelity = NAN
    if vector is not None:
        fidelity = result.psi.overlap(vector, sector_of(H.local_space, H.total_sz))
    return Row(
        "rbmqs", H.n_sites, result.energy.mean.real, result.energy.error_of_mean,
        v_score=result.v_score, fidelity=fidelity, seconds=seconds,
        note="; ".join([str(result.verdict), *result.status[:1]]),
    )  # fmt: skip


def _netket(H: SpinHamiltonian, ansatz: dict[str, Any], settings: RunSettings, signs: Any) -> Row:
    """NetKet from the same initial parameters, with the same samples and iterations."""
    if importlib.util.find_spec("netket") is None:
        missing = 'not installed: pip install "rbmqs[netket]"'
        return Row("NetKet", H.n_sites, NAN, NAN, note=missing)
    from rbmqs.estimators.stats import v_score
    from rbmqs.runs.netket import ground_state_with_netket
    from rbmqs.runs.prepare import prepare
    from rbmqs.states.rbm import RBM

    H, psi, _ = prepare(H, ansatz, settings, signs=signs)
    if not isinstance(psi, RBM):
        only_plain = "compared for plain RBMs only, not tied or projected ones"
        return Row("NetKet", H.n_sites, NAN, NAN, note=only_plain)
    outcome = ground_state_with_netket(
        H,
        psi,
        n_iterations=settings.n_iterations,
        learning_rate=settings.optimiser.learning_rate_at(0, psi) / H.coupling_scale,
        diag_shift=settings.optimiser.diag_shift_at(0, psi),
        n_samples=settings.sampling.n_samples_of(psi),
        n_chains=settings.sampling.n_chains,
        seed=settings.seed,
        n_final_samples=settings.sampling.n_final_samples,
    )
    energy = outcome["energy"]
    score = v_score(energy, outcome["variance"], H.n_sites) if math.isfinite(energy) else NAN
    return Row(
        "NetKet", H.n_sites, energy, outcome["error"], v_score=score,
        seconds=outcome["seconds"], note="VMC_SR, constant learning rate and shift",
    )  # fmt: skip


_COLUMNS: dict[str, Callable[[Row], str]] = {
    "method": lambda row: row.method,
    "energy": lambda row: _number(row.energy, ".8f"),
    "error": lambda row: _number(row.error, ".1e"),
    "per site": lambda row: _number(row.energy / row.n_sites, ".8f"),
    "S.S": lambda row: _number(row.energy / row.n_sites / 4, ".8f"),
    "relative": lambda row: _number(row.relative_error, "+.1e"),
    "V-score": lambda row: _number(row.v_score, ".1e"),
    "fidelity": lambda row: _number(row.fidelity, ".6f"),
    "seconds": lambda row: _number(row.seconds, ".1f"),
    "MiB": lambda row: _number(row.memory / 2**20, ".0f"),
    "note": lambda row: row.note,
}


def table(rows: list[Row]) -> str:
    """Rows as aligned text; a dash where there is nothing to say."""
    axes = list(rows[0].case) if rows else []
    header = [*axes, *_COLUMNS]
    body = [
        [*(f"{row.case[axis]:g}" for axis in axes), *(show(row) for show in _COLUMNS.values())]
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(header, *body, strict=True)]
    left = {"method", "note"}
    return "\n".join(
        "  ".join(
            text.ljust(width) if name in left else text.rjust(width)
            for name, text, width in zip(header, line, widths, strict=True)
        ).rstrip()
        for line in [header, *body]
    )


def plot_comparison(rows: list[Row], path: str | Path | None = None, *, ax: Any = None) -> Any:
    """Energy per site and distance from the exact one, against the first axis of the cases.

    Cases that differ in further axes are series of their own.

    Parameters
    ----------
    rows : list of Row
    path : str or Path, optional
        File to write, its format by its ending.
    ax : Axes or sequence of Axes, optional
        To draw into, one a panel, in place of a new figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    names = list(rows[0].case) or ["case"]
    cells = [{"case": 0.0, **row.case, **asdict(row)} for row in rows]
    table = from_rows(cells, (*names, "method"))
    figure, (energies, errors) = panels(2, 2.8, ax=ax)
    for number, (label, found) in enumerate(table.series(names[0])):
        x, n, sampled = found[names[0]], found["n_sites"], np.isfinite(found["v_score"])
        style = {"ls": "-", "lw": 0.8, "mfc": "none"}
        draw(energies, x, found["energy"] / n, found["error"] / n, label, number, **style)
        if sampled.any():
            distance, bar = np.abs(found["relative_error"]), found["error"] / abs(found["energy"])
            draw(errors, x[sampled], distance[sampled], bar[sampled], "", number, **style)
    if errors.has_data():
        errors.set_yscale("log")
    finish(energies, "", "energy per site (Pauli units)")
    finish(errors, names[0], "relative error")
    return saved(figure, path)


def _number(value: float, form: str) -> str:
    return "-" if math.isnan(value) else format(value, form)
