"""How a run is done: everything but the Hamiltonian and the ansatz, with defaults that hold.

The defaults are the ones under which every model of the test suite converges from random starts
(`benchmarks/defaults.py` measures them); docs/defaults.md gives the figures behind each number.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from hamiltonians.utils.checks import choice, flag, number, plain_fields, positive_int
from hamiltonians.utils.memory import require_memory
from rbmqs.sampling.moves import MOVES
from rbmqs.sampling.replica_exchange import BETA_MIN
from rbmqs.sr import SOLVERS
from rbmqs.utils.schedules import Schedule, as_schedule
from rbmqs.vmc.recommended import recommended

if TYPE_CHECKING:
    from rbmqs.states.state import VariationalState

MAX_REPLICAS = 1000  # far more than separate maxima ask for; a million would run without an end


@dataclass(frozen=True)
class SamplingSettings:
    """How configurations are drawn.

    Parameters
    ----------
    n_samples : int or None
        Configurations per iteration; rounded up to whole draws per chain. None for the
        `n_samples` of the wavefunction, 1024, and 4096 for one whose weights are tied.
    n_chains : int
    move : str or None
        "flip", "exchange", "pair-exchange", "mixed", or None for the sector's natural one.
    sweep_size : int or None
        Proposals between recorded configurations, N when None.
    n_discard_per_chain : int
        Sweeps discarded after each change of the parameters.
    n_replicas : int
        More than 1 puts a ladder of replicas behind every chain, see `ReplicaExchangeSampler`.
    beta_min : float
        The ladder ends at |psi|^(2 beta_min).
    exact : bool
        Draw by enumeration instead of Markov chains (small sectors).
    n_final_samples : int
        Configurations of the final estimate.
    n_first_samples : int or None
        Configurations of the first iteration, where fewer do: their number then doubles every
        `sample_doubling` iterations until it is `n_samples`.
    sample_doubling : float
        In iterations.
    probe_share : float
        Weight that probe chains have in the equations of a step if all of them are outliers,
        relative to all samples (`rbmqs.vmc.extensions.probe_chains`); 0 for no probe chains.
    summation : bool or None
        Sum over all configurations in an iteration instead of drawing samples; None for where
        there are, up to symmetry, no more of them than samples.
    """

    n_samples: int | None = None
    n_chains: int = 16
    move: str | None = None
    sweep_size: int | None = None
    n_discard_per_chain: int = 5
    n_replicas: int = 1
    beta_min: float = BETA_MIN
    exact: bool = False
    n_final_samples: int = 16384
    n_first_samples: int | None = None
    sample_doubling: float = 50.0
    probe_share: float = 1e-4
    summation: bool | None = None

    def __post_init__(self) -> None:
        plain_fields(self)
        for name in ("n_chains", "n_final_samples", "n_replicas"):
            positive_int(name, getattr(self, name))
        if self.n_replicas > MAX_REPLICAS:
            raise ValueError(f"n_replicas must be at most {MAX_REPLICAS}, got {self.n_replicas}")
        if self.n_samples is not None:
            positive_int("n_samples", self.n_samples)
        positive_int("n_discard_per_chain", self.n_discard_per_chain, minimum=0)
        if self.sweep_size is not None:
            positive_int("sweep_size", self.sweep_size)
        if self.move is not None:
            choice("move", self.move, tuple(MOVES))
        flag("exact", self.exact)
        if not isinstance(self.summation, bool | None):
            raise TypeError(f"summation must be true, false or None, got {self.summation!r}")
        if not 0 < number("beta_min", self.beta_min) < 1:
            raise ValueError(f"beta_min must lie in (0, 1), got {self.beta_min}")
        if not 0 <= number("probe_share", self.probe_share) < 1:
            raise ValueError(f"probe_share must lie in [0, 1), got {self.probe_share}")
        if self.exact and self.n_replicas > 1:
            raise ValueError(f"n_replicas must be 1 with exact sampling, got {self.n_replicas}")
        if self.n_samples is not None and self.n_samples < 2 * self.n_chains:
            raise ValueError(
                f"n_samples must give every chain two draws: at least {2 * self.n_chains} for "
                f"{self.n_chains} chains, got {self.n_samples}"
            )
        self._check_growth()

    def _check_growth(self) -> None:
        number("sample_doubling", self.sample_doubling, above=0)
        if self.n_first_samples is None:
            return
        positive_int("n_first_samples", self.n_first_samples)
        largest = math.inf if self.n_samples is None else self.n_samples
        if not 2 * self.n_chains <= self.n_first_samples <= largest:
            raise ValueError(
                f"n_first_samples must lie between two draws for each of {self.n_chains} chains "
                f"and n_samples = {self.n_samples}, got {self.n_first_samples}"
            )

    def n_samples_of(self, psi: VariationalState) -> int:
        """Configurations per iteration of a run with this wavefunction."""
        return recommended(psi).n_samples if self.n_samples is None else self.n_samples

    def n_draws_at(self, iteration: int, psi: VariationalState) -> int:
        """Draws per chain of an iteration, a function of its number and the wavefunction's size."""
        n_samples = self.n_samples_of(psi)
        if self.n_first_samples is not None:
            doublings = min(iteration / self.sample_doubling, 64.0)
            n_samples = min(n_samples, int(self.n_first_samples * 2.0**doublings))
        return max(2, -(-n_samples // self.n_chains))

    @property
    def n_final_draws(self) -> int:
        """Draws per chain of the final estimate."""
        return max(4, -(-self.n_final_samples // self.n_chains))

    def check_memory(self, psi: VariationalState) -> None:
        """Refuse more samples or chains than fit into memory with what a step holds of each.

        Raises
        ------
        TooLargeError
        """
        n_units = getattr(psi, "n_hidden", psi.n_parameters)
        names = {
            "n_samples": self.n_samples_of(psi),
            "n_final_samples": self.n_final_samples,
            "n_chains": 4 * self.n_chains,
        }
        for name, n in names.items():  # spins; units before and after, of complex numbers
            what = f"{n} samples of {psi.n_sites} sites and {n_units} hidden units ({name})"
            require_memory(n * (psi.n_sites + 64 * n_units), what)


@dataclass(frozen=True)
class OptimiserSettings:
    """How parameters move.

    Parameters
    ----------
    learning_rate : Schedule, float or None
        In units of 1 / J, J being `SpinHamiltonian.coupling_scale`: the convention of Carleo &
        Troyer for H / J. None for 0.05 / (1 + t / 100), with tied weights at least 0.02 while steps
        carry little noise, and for `kind` "adam" 0.01, "sgd" 0.05; see `rbmqs.vmc.recommended`.
    diag_shift : Schedule or float
        Added to the diagonal of S.
    max_step : float
        Largest Fubini-Study distance sqrt(dtheta^dagger S dtheta) of one step; longer ones are
        shortened.
    max_change : float
        Largest change of one parameter in one step. The metric does not see directions that the
        samples do not, in which a step of any length may look short.
    momentum : float or None
        SPRING momentum mu in [0, 1) (Goldshlager, Abrahamsen & Lin, J. Comput. Phys. 516, 113351
        (2024), arXiv:2401.10190): the solve starts from mu times the previous direction. None for
        0.9, and for 0.5 rising to 0.9 over 400 iterations with a projected wavefunction: 1 - mu is
        then its `friction`.
    local_shift : bool or None
        Whether the shift of a plain RBM's weights grows with the distance between unit and
        site, see `rbmqs.vmc.extensions.distance_shift`. None for where there are more parameters
        than samples, and more than 32 sites.
    solver : str or None
        "sample-space", "matrix-free", "dense", or None for the cheapest.
    kind : str
        "sr" for stochastic reconfiguration; "adam" and "sgd" are baselines that take neither shift,
        `solver` nor `local_shift`.
    """

    learning_rate: Schedule | float | None = None
    diag_shift: Schedule | float = field(
        default_factory=lambda: Schedule(1e-2, "exponential", timescale=100.0, final=1e-3)
    )
    max_step: float = 0.2
    max_change: float = 0.06
    momentum: float | None = None
    local_shift: bool | None = None
    solver: str | None = None
    kind: str = "sr"

    def __post_init__(self) -> None:
        plain_fields(self)
        for name in ("learning_rate", "diag_shift"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, as_schedule(name, getattr(self, name)))
        if self.kind != "sr":
            self._check_first_order()
        number("max_step", self.max_step, above=0)
        number("max_change", self.max_change, above=0)
        if self.momentum is not None and not 0 <= number("momentum", self.momentum) < 1:
            raise ValueError(f"momentum must lie in [0, 1), got {self.momentum!r}")
        if not isinstance(self.local_shift, bool | None):
            raise TypeError(f"local_shift must be true, false or None, got {self.local_shift!r}")
        if self.solver is not None and ":" not in self.solver:
            choice("solver", self.solver, tuple(SOLVERS))

    def _check_first_order(self) -> None:
        # Optimisers of one's own go by import path.
        if not isinstance(self.kind, str) or ":" not in self.kind:
            choice("kind", self.kind, ("sr", "adam", "sgd"))
        for name in ("solver", "local_shift"):
            if getattr(self, name):
                raise ValueError(f"{name} belongs to kind = 'sr', got kind = {self.kind!r}")

    def learning_rate_at(
        self, iteration: int, psi: VariationalState, low_noise: bool = False
    ) -> float:
        """Learning rate for a wavefunction, before damping and the limit on the step.

        Parameters
        ----------
        low_noise : bool
            Whether steps carry little noise.
        """
        if self.learning_rate is not None:
            return self.learning_rate(iteration)  # type: ignore[operator]
        found = recommended(psi)
        return max(found.learning_rate(iteration), found.low_noise_rate if low_noise else 0.0)

    def diag_shift_at(self, iteration: int) -> float:
        """Diagonal shift before damping."""
        return self.diag_shift(iteration)  # type: ignore[operator]


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
        Optimise no longer than this, whichever comes first, and refine
        (`rbmqs.vmc.extensions.refinement`) for a quarter of it at most; where
        the run ends, and after how many restarts, then depends on the speed of the host, but not
        how it got there.
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
        raise TypeError(f"{name} must be a list of numbers, got {values!r}")
    numbers = tuple(number(name, value, above=0) for value in values)
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        raise ValueError(f"{name} must rise from stage to stage, got {list(numbers)}")
    return numbers
