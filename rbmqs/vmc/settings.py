"""How a run is done: everything but the Hamiltonian and the ansatz, with defaults that hold.

The defaults are the ones under which every model of the test suite converges from random starts
(`benchmarks/defaults.py` measures them); docs/defaults.md gives the figures behind each number.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from itertools import pairwise

from hamiltonians.utils.checks import flag, number, plain_fields, positive_int, short
from rbmqs.vmc.optimiser_settings import OptimiserSettings
from rbmqs.vmc.sampling_settings import SamplingSettings


@dataclass(frozen=True)
class RunSettings:
    """Everything about a run but the Hamiltonian and the ansatz.

    Parameters
    ----------
    n_iterations : int
        Iterations in all; a resumed run continues up to this number, and 0 only measures.
    seed : int
        Seeds chains and, in `ground_state`, the initial parameters.
    stop_when_converged : bool
        Stop before `n_iterations` when the energy has stopped falling.
    sampling : SamplingSettings
    optimiser : OptimiserSettings
    growth : tuple of float
        Rising densities alpha of hidden units, one for each stage of the run; empty for a
        wavefunction that keeps its size. Schedules begin again with each stage.
    growth_interval : int
        Iterations of each stage but the last, which goes on to the end.
    n_restarts : int or None
        Random restarts, one after the other, of which that of lowest energy is kept, see
        `rbmqs.vmc.extensions.multistart`. None for one, and in `ground_state` for the number of
        `rbmqs.vmc.recommended`, 8 for tied weights and 3 for most projected RBMs, as far as they
        take half of `n_iterations` or less: 3 of the default number. There are fewer where they
        would take more than a quarter of `max_seconds`.
    restart_iterations : int
        Iterations of each restart.
    max_seconds : float or None
        For all of the run, restarts, refinement and the final estimate too, which may have
        fewer than `n_final_samples`. Where time comes before `n_iterations`, the schedules of the
        optimiser end with it (`rbmqs.vmc.extensions.time_limit`), and the result depends on the
        speed of the host.
    extensions : tuple of str
        Import paths of extensions beside the registered ones, see `rbmqs.vmc.extension`; a class
        is taken for its import path.
    """

    n_iterations: int = 700
    seed: int = 0
    stop_when_converged: bool = False
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    optimiser: OptimiserSettings = field(default_factory=OptimiserSettings)
    growth: tuple[float, ...] = ()
    growth_interval: int = 200
    n_restarts: int | None = None
    restart_iterations: int = 100
    max_seconds: float | None = None
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        plain_fields(self)
        positive_int("n_iterations", self.n_iterations, minimum=0)
        positive_int("restart_iterations", self.restart_iterations, minimum=4)
        if self.n_restarts is not None:
            positive_int("n_restarts", self.n_restarts)
        positive_int("seed", self.seed, minimum=0)
        if self.max_seconds is not None:
            number("max_seconds", self.max_seconds, above=0)
        flag("stop_when_converged", self.stop_when_converged)
        positive_int("growth_interval", self.growth_interval)
        object.__setattr__(self, "growth", _rising("growth", self.growth))
        named = (
            f"{asked.__module__}:{asked.__qualname__}" if isinstance(asked, type) else asked
            for asked in self.extensions
        )
        object.__setattr__(self, "extensions", tuple(named))
        if self.growth and self.n_restarts_in_all > 1:
            raise ValueError(f"n_restarts must be 1 for a run with growth, got {self.n_restarts}")

    @property
    def n_restarts_in_all(self) -> int:
        """Number of restarts, one where nothing is said."""
        return self.n_restarts or 1

    def n_restarts_before(self, iteration: int) -> int:
        """Restarts that are over before an iteration; 0 in a run that has only one."""
        n = self.n_restarts_in_all
        return min(iteration // self.restart_iterations, n) if n > 1 else 0

    def is_restart(self, iteration: int) -> bool:
        """Whether an iteration belongs to one of several restarts."""
        n = self.n_restarts_in_all
        return n > 1 and self.n_restarts_before(iteration) < n

    def iteration_in_restart(self, iteration: int) -> int:
        """Iterations that the start which is followed at an iteration has behind it."""
        n_over = self.n_restarts_before(iteration)
        if n_over == self.n_restarts_in_all:
            n_over -= 1  # the best continues where its restart ended
        return iteration - n_over * self.restart_iterations

    def _stage(self, iteration: int) -> int:
        return min(iteration // self.growth_interval, max(len(self.growth) - 1, 0))

    def alpha_at(self, iteration: int) -> float | None:
        """Density of hidden units that `growth` wants at an iteration, None for any."""
        return self.growth[self._stage(iteration)] if self.growth else None

    def iteration_in_stage(self, iteration: int) -> int:
        """Iterations since the wavefunction started or grew last, which is what schedules count."""
        return self.iteration_in_restart(iteration) - self._stage(iteration) * self.growth_interval

    def describe(self) -> dict:
        """Plain JSON values, for logs and checkpoints."""
        return asdict(self)


def _rising(name: str, values: Iterable[float]) -> tuple[float, ...]:
    """Positive numbers, each larger than the one before."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise TypeError(f"{name} must be a list of numbers, got {short(values)}")
    numbers = tuple(number(name, value, above=0) for value in values)
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        raise ValueError(f"{name} must rise from stage to stage, got {list(numbers)}")
    return numbers
