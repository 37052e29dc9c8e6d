"""What an evolution leaves behind: a record of each step, and the result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hamiltonians.utils.brief import Rows, Tabled
from rbmqs.estimators.stats import Stats
from rbmqs.vmc.records import stats_from_dict

if TYPE_CHECKING:
    from rbmqs.dynamics.settings import EvolutionSettings
    from rbmqs.states.state import VariationalState

MAX_R2 = 0.05  # r^2 above which the equations are said not to be solved
MAX_INTEGRATED = 0.05
# Of the estimated errors of all steps: product states of a ring of 8 lost 9e-3 of m_x at 0.1, which
# r^2 does not see, and 2e-4 at 0.015.
MAX_STEP_ERRORS = 0.01
MAX_R_HAT = 1.1
MIN_ACCEPTED = 0.02
MAX_DRIFT = 5.0  # error bars
OVERFITTED = 4.0  # r^2 on the second batch over that on the first


@dataclass(frozen=True)
class EvolutionRecord:
    """One step.

    Parameters
    ----------
    time : float
        Before the step.
    step : float
        Its length.
    n_rejected : int
        Longer steps that were tried before, on the same samples.
    energy : Stats
        Before the step, of H at that time.
    drift : float
        Change of the energy since the start in its error bars; nan where H depends on t.
    r2, r2_probe : float
        Relative error of the equations before the step, on the samples of the equations and on
        others; see `rbmqs.dynamics.equations`.
    integrated_r2 : float
        Integral of `r2_probe` (of `r2` in sums) over time in units of 1 / J, this step included.
    residual : float
        |S theta' - F| / |F|: what the cut-off leaves out of the force.
    rank : float
        Eigenvectors kept.
    cutoff : float
    error : float
        Estimated error of the step as a Fubini-Study distance, nan of projected steps.
    length : float
        Fubini-Study distance of the step.
    effective_share : float
        Effective samples after the step, by their weights there, as a part of their number.
    acceptance : float
    eigenvalues, snr : tuple of float
        Of the quantum geometric tensor, relative to the largest and falling, and the
        signal-to-noise ratios of the force along these eigenvectors; at most 32 of them, evenly
        spread. Sums have no noise, and no ratios.
    """

    time: float
    step: float
    n_rejected: int
    energy: Stats
    drift: float
    r2: float
    r2_probe: float
    integrated_r2: float
    residual: float
    rank: float
    cutoff: float
    error: float
    length: float
    effective_share: float
    acceptance: float
    eigenvalues: tuple[float, ...] = ()
    snr: tuple[float, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a line of the log."""
        return {**asdict(self), "energy": self.energy.to_dict()}

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> EvolutionRecord:
        """What `to_dict` gave, null being nan."""
        values: dict[str, Any] = {f.name: table[f.name] for f in fields(cls) if f.name in table}
        values = {k: np.nan if v is None else v for k, v in values.items()}
        spectra = {
            name: tuple(np.inf if x is None else x for x in values.get(name, ()))
            for name in ("eigenvalues", "snr")
        }
        return cls(**{**values, **spectra, "energy": stats_from_dict(values["energy"])})


@dataclass(frozen=True, eq=False, repr=False)
class Evolution(Tabled):
    """An evolution in time.

    Parameters
    ----------
    times : float64 (n_times,)
        Those of the states: all that were asked for, or those before the evolution stopped.
    states : tuple of VariationalState
        At these times.
    observables : mapping of str to sequence of Stats
        By name, at these times; with "energy", and "echo", "fidelity" and "renyi2" where they were
        asked for.
    records : tuple of EvolutionRecord
    settings : EvolutionSettings
    name : str
        Of the Hamiltonian.
    stopped : str
        Why it ended before its last time; empty where it did not.
    interrupted : int or None
        The signal that stopped it.
    seconds : float
    directory : Path or None
    exact : mapping of str to array
        Exact values at the same times, of the observables that have them.
    """

    times: np.ndarray
    states: tuple[VariationalState, ...]
    observables: Mapping[str, Sequence[Stats]]
    records: tuple[EvolutionRecord, ...]
    settings: EvolutionSettings
    name: str
    stopped: str = ""
    interrupted: int | None = None
    seconds: float = 0.0
    directory: Path | None = None
    exact: Mapping[str, np.ndarray] | None = None

    @property
    def psi(self) -> VariationalState:
        """The last of the states."""
        return self.states[-1]

    def values(self, name: str) -> np.ndarray:
        """Real parts of an observable at the times, float64 (n_times,)."""
        return np.array([stats.mean.real for stats in self._of(name)])

    def errors(self, name: str) -> np.ndarray:
        """One-sigma errors of an observable at the times; zero in sums."""
        return np.array([stats.error_of_mean for stats in self._of(name)])

    def _of(self, name: str) -> Sequence[Stats]:
        if name not in self.observables:
            known = ", ".join(self.observables)
            raise ValueError(f"name must be one of {known}, got {name!r}")
        return self.observables[name]

    @property
    def largest_r2(self) -> float:
        """The largest relative error of the equations, on other samples where there are any."""
        return max(map(_error, self.records), default=0.0)

    @property
    def integrated_r2(self) -> float:
        """Integral of the relative error of the equations, see `EvolutionRecord`."""
        return self.records[-1].integrated_r2 if self.records else 0.0

    @property
    def step_errors(self) -> float:
        """Estimated errors of all steps, Fubini-Study distances, added up; nan where projected."""
        return float(sum(record.error for record in self.records))

    @property
    def status(self) -> tuple[str, ...]:
        """Reasons not to trust the evolution; empty where there are none."""
        found = [self.stopped] if self.stopped else []
        if not self.records:
            return tuple(found)
        worst = max(self.records, key=_error)
        if self.settings.imaginary:  # r^2 says nothing near an eigenstate, where nothing changes
            return (*found, *self._estimate_status(), *_chain_status(self.records))
        if self.step_errors > MAX_STEP_ERRORS:
            shorter, limit = "a smaller tolerance", self.settings.tolerance
            if not self.settings.is_adaptive:
                shorter, limit = "shorter steps", max(record.step for record in self.records)
            found.append(
                f"steps of {self.settings.stepping} add up to an error of {self.step_errors:.2g} "
                f"(Fubini-Study distance), which r^2 does not see: take {shorter} than "
                f"{limit:.3g}"
            )
        if _error(worst) > MAX_R2:
            found.append(
                f"the equations leave {_error(worst):.2g} of the change of psi out at "
                f"t = {worst.time:.3g} (r^2): take more hidden units or samples"
            )
        elif self.integrated_r2 > MAX_INTEGRATED:
            found.append(
                f"errors of the equations add up to {self.integrated_r2:.2g} (integral of r^2)"
            )
        followed = [
            r for r in self.records if r.r2_probe > OVERFITTED * r.r2 and r.r2_probe > MAX_R2 / 10
        ]
        if len(followed) > len(self.records) / 10:
            found.append(
                f"in {len(followed)} of {len(self.records)} steps the velocity follows the noise "
                "of its samples (r^2 on others is over 4 times as large): take more samples"
            )
        drifts = [r.drift for r in self.records if np.isfinite(r.drift)]
        if drifts and max(map(abs, drifts)) > MAX_DRIFT:
            found.append(
                f"the energy drifts by {max(drifts, key=abs):.1f} error bars, and should not"
            )
        return (*found, *self._estimate_status(), *_chain_status(self.records))

    def _estimate_status(self) -> Iterator[str]:
        """What is wrong with fidelities and entropies, whose samples may be too few."""
        for name in ("echo", "fidelity", "renyi2"):
            series = zip(self.times, self.observables.get(name, ()), strict=False)
            wrong = [(t, stats.status) for t, stats in series if stats.status]
            if wrong:
                first = f"from t = {wrong[0][0]:.3g} on, at {len(wrong)} times"
                yield f"{name} {first}: {wrong[0][1]}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a file: everything but the states."""
        return {
            "hamiltonian": self.name,
            "times": self.times.tolist(),
            "observables": {k: [s.to_dict() for s in v] for k, v in self.observables.items()},
            "exact": {k: np.asarray(v).tolist() for k, v in (self.exact or {}).items()},
            "status": list(self.status),
            "n_steps": len(self.records),
            "step_errors": self.step_errors,
            "integrated_r2": self.integrated_r2,
            "seconds": self.seconds,
            "interrupted": self.interrupted,
            "settings": self.settings.describe(),
        }

    def plot(self, path: str | Path | None = None, *, ax: Any = None) -> Any:
        """Observables with error bands and exact curves, and r^2; see `dynamics.plotting`."""
        from rbmqs.dynamics.plotting import plot_evolution  # matplotlib, where it is wanted

        return plot_evolution(self, path, ax=ax)

    def summary(self) -> tuple[str, Rows]:
        """Times, steps, observables at the first and the last of them, status."""
        time = "imaginary" if self.settings.imaginary else "real"
        span = f"{self.times[0]:g} to {self.times[-1]:g}" if len(self.times) else "none"
        rows = [("times", f"{span} ({time}), {len(self.times)} asked for")]
        if self.records:
            rejected = sum(r.n_rejected for r in self.records)
            steps = f"{len(self.records)} ({rejected} repeated) by {self.settings.stepping}"
            total = self.step_errors
            errors = "" if np.isnan(total) else f", errors add up to {total:.1g}"
            rows += [
                ("steps", f"{steps}{errors}, {self.seconds:.1f} s"),
                ("r^2", f"largest {self.largest_r2:.2g}, integral {self.integrated_r2:.2g}"),
            ]
        for name, series in self.observables.items():
            exact = "" if not self.exact or name not in self.exact else (
                f"   exact {self.exact[name][len(series) - 1]:.6f}"
            )  # fmt: skip
            rows.append((name, f"{_short(series[0])} -> {_short(series[-1])}{exact}"))
        first, *others = self.status or ("all checks passed",)
        rows += [("status", first), *(("", sentence) for sentence in others)]
        return f"evolution under {self.name}", rows


def _chain_status(records: Sequence[EvolutionRecord]) -> list[str]:
    found = []
    disagree = [r.energy.r_hat for r in records if r.energy.r_hat > MAX_R_HAT]
    if len(disagree) > len(records) / 20:
        found.append(
            f"chains disagree in {len(disagree)} of {len(records)} steps "
            f"(R-hat up to {max(disagree):.2f}): take more sweeps"
        )
    if min(r.acceptance for r in records) < MIN_ACCEPTED:
        found.append("chains hardly move: take more sweeps between draws")
    return found


def _error(record: EvolutionRecord) -> float:
    return record.r2 if np.isnan(record.r2_probe) else record.r2_probe


def _short(stats: Stats) -> str:
    if stats.error_of_mean == 0:
        return f"{stats.mean.real:.6f}"
    return f"{stats.mean.real:.6f} +- {stats.error_of_mean:.1g}"
