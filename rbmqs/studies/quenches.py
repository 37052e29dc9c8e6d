"""Quenches: an evolution from the ground state of a point, or from a product state, under its model
with other parameters.

    [quench]
    parameters = { h = 1.0 }     # of the model from t = 0 on; a text is an expression of t
    until = 1.0
    every = 0.1                  # between times of output
    start = "+x"                 # a product state in place of the ground state, which then only
                                 # gives the form of the wavefunction: n_iterations may be 0
    echo = true                  # and fidelity, renyi = [0, 1, 2]
    settings = { n_samples = 2048, tolerance = 1e-4 }    # keywords of `rbmqs.evolve`

Axes may vary any of it, such as `quench.parameters.h`. The files of the evolution are in the folder
`evolution` of the point.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hamiltonians.utils.checks import number
from rbmqs.studies.expressions import evaluate
from rbmqs.utils.interrupts import signals_reported
from rbmqs.utils.json_files import read_json
from rbmqs.utils.parsing import describing
from rbmqs.utils.typed_tables import read_table
from rbmqs.vmc.records import stats_from_dict

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.dynamics.measurements import StateQuantities
    from rbmqs.dynamics.records import Evolution
    from rbmqs.dynamics.settings import EvolutionSettings
    from rbmqs.runs.config import Config
    from rbmqs.runs.result import RunResult

EVOLUTION = "evolution"
MAX_TIMES = 100_000
_COLUMNS = {
    "energy": "quench_energy", "mx": "quench_m_x", "mz": "quench_m_z", "zz": "quench_zz",
    "echo": "quench_echo", "fidelity": "quench_fidelity", "renyi2": "quench_renyi2",
}  # fmt: skip


@dataclass(frozen=True)
class Quench:
    """Table [quench], see above."""

    until: float
    parameters: dict[str, Any] = field(default_factory=dict)
    every: float | None = None
    start: str | list[Any] | None = None
    echo: bool = False
    fidelity: bool = False
    renyi: list[int] | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def times(self) -> np.ndarray:
        """Times of output; twenty after the first unless `every` says otherwise."""
        return output_times(self.until, self.every)

    def evolution_settings(self, seed: int) -> EvolutionSettings:
        """Settings of the evolution; the seed is that of the run but for one among them."""
        from rbmqs.dynamics.evolution import with_keywords  # late: loads Numba kernels
        from rbmqs.dynamics.settings import EvolutionSettings

        return with_keywords(EvolutionSettings(), {"seed": seed, **self.settings})

    def first(self, ground: RunResult, total_sz: float | None, seed: int) -> Any:
        """What evolves: the ground state, or a product state of its form."""
        from rbmqs.dynamics.starts import as_complex, product_state  # late: loads Numba kernels

        if self.start is None:
            return ground
        return product_state(as_complex(ground.psi), self.start, total_sz=total_sz, seed=seed)

    def quantities(self, n_sites: int) -> StateQuantities:
        """What is measured beside means of operators."""
        from rbmqs.dynamics.measurements import StateQuantities  # late: loads Numba kernels

        return StateQuantities.checked(self.echo, self.fidelity, self.renyi, n_sites)


def quench_of(table: Mapping[str, Any]) -> Quench | None:
    """The quench of a point's table, None where it has none.

    Raises
    ------
    ValueError
        Unknown or missing keys, values of another kind, in one line.
    """
    found = table.get("quench")
    return None if found is None else read_table(Quench, found, "quench")


def output_times(until: float, every: float | None, option: str = "") -> np.ndarray:
    """Times from 0 to `until`, about `every` apart; `option` stands before names in messages.

    Raises
    ------
    ValueError
        `until` is not positive, or `every` longer.
    """
    number(f"{option}until", until, above=0)
    n = 20 if every is None else until / number(f"{option}every", every, above=0)
    if not 0.5 < n < MAX_TIMES:
        raise ValueError(
            f"{option}every must lie between {until:g}, the last time, and a "
            f"{MAX_TIMES:,}th of it, got {every:g}"
        )
    n_times = max(round(n), 1)
    return until / n_times * np.arange(n_times + 1)


def evolved_model(
    config: Config, parameters: Mapping[str, Any]
) -> SpinHamiltonian | Callable[[float], SpinHamiltonian]:
    """The model with other parameters; a function of t where some are texts, expressions of t.

    Raises
    ------
    ValueError
        Parameters that the model does not take, or expressions without a value, at t = 0.
    """
    fixed = {name: p for name, p in parameters.items() if not isinstance(p, str)}
    texts = {name: p for name, p in parameters.items() if isinstance(p, str)}

    def at(time: float) -> SpinHamiltonian:
        values = {name: evaluate(text, {"t": time}) for name, text in texts.items()}
        changed = {**config.model.parameters, **fixed, **values}
        return replace(config.model, parameters=changed).build(config.lattice)

    first = at(0.0)
    return at if texts else first


def evolve_point(config: Config, quench: Quench, ground: RunResult, work: Path) -> Evolution:
    """Evolve the start of a point in its folder, or go on with what is there."""
    from rbmqs.dynamics.evolution import evolve  # late: loads Numba kernels
    from rbmqs.dynamics.files import CHECKPOINT

    place = work / EVOLUTION
    begun = (place / CHECKPOINT).exists()
    if not begun:
        shutil.rmtree(place, ignore_errors=True)
    first = quench.first(ground, config.hamiltonian().total_sz, config.run.seed)
    with signals_reported():
        return evolve(
            evolved_model(config, quench.parameters), first, quench.times.tolist(),
            echo=quench.echo, fidelity=quench.fidelity, renyi=quench.renyi,
            settings=quench.evolution_settings(config.run.seed), output=place, resume=begun,
            progress=False,
        )  # fmt: skip


def quench_row(result: Evolution) -> dict[str, Any]:
    """Columns of the table: observables at the last time, and what the equations left out."""
    row: dict[str, Any] = {
        "quench_time": float(result.times[-1]),
        "quench_largest_r2": result.largest_r2,
        "quench_integrated_r2": result.integrated_r2,
        "quench_step_errors": result.step_errors,
        "quench_status": "; ".join(result.status),
    }
    for name, column in _COLUMNS.items():
        if name in result.observables:
            row[column] = float(result.values(name)[-1])
            row[f"{column}_error"] = float(result.errors(name)[-1])
    return row


def read_curves(directory: Path) -> dict[str, np.ndarray]:
    """`times` and observables along an evolution with `_error`, `_exact` where known; from a point.

    Empty where the point has no quench.
    """
    path = directory / EVOLUTION / "result.json"
    if not path.exists():
        return {}
    with describing(path):
        table = read_json(path)
        curves = {"times": np.array(table["times"], float)}
        for name, series in table["observables"].items():
            found = [stats_from_dict(stats) for stats in series]
            curves[name] = np.array([stats.mean.real for stats in found])
            curves[f"{name}_error"] = np.array([stats.error_of_mean for stats in found])
        return {**curves, **{f"{k}_exact": np.array(v, float) for k, v in table["exact"].items()}}
