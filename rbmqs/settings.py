"""How a run is done: everything but the Hamiltonian and the ansatz, with defaults that hold.

The defaults are the ones under which every model of the test suite converges from random starts
(`benchmarks/defaults.py` measures them); docs/defaults.md gives the figures behind each number.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from rbmqs.checks import choice, number, positive_int
from rbmqs.reconfiguration import SOLVERS
from rbmqs.replica import BETA_MIN
from rbmqs.sampler import MOVES
from rbmqs.schedules import Schedule, as_schedule


@dataclass(frozen=True)
class SamplingSettings:
    """How configurations are drawn.

    Parameters
    ----------
    n_samples : int
        Configurations per iteration; rounded up to whole draws per chain.
    n_chains : int
    move : str or None
        "flip", "exchange", "pair-exchange", or None for the sector's natural one.
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
    """

    n_samples: int = 1024
    n_chains: int = 16
    move: str | None = None
    sweep_size: int | None = None
    n_discard_per_chain: int = 5
    n_replicas: int = 1
    beta_min: float = BETA_MIN
    exact: bool = False
    n_final_samples: int = 16384

    def __post_init__(self) -> None:
        for name in ("n_samples", "n_chains", "n_final_samples", "n_replicas"):
            positive_int(name, getattr(self, name))
        positive_int("n_discard_per_chain", self.n_discard_per_chain, minimum=0)
        if self.sweep_size is not None:
            positive_int("sweep_size", self.sweep_size)
        if self.move is not None:
            choice("move", self.move, MOVES)
        if not isinstance(self.exact, bool):
            raise TypeError(f"exact must be true or false, got {self.exact!r}")
        if not 0 < number("beta_min", self.beta_min) < 1:
            raise ValueError(f"beta_min must lie in (0, 1), got {self.beta_min}")
        if self.exact and self.n_replicas > 1:
            raise ValueError(f"n_replicas must be 1 with exact sampling, got {self.n_replicas}")
        if self.n_samples < 2 * self.n_chains:
            raise ValueError(
                f"n_samples must give every chain two draws: at least {2 * self.n_chains} for "
                f"{self.n_chains} chains, got {self.n_samples}"
            )

    @property
    def n_draws(self) -> int:
        """Draws per chain and iteration."""
        return -(-self.n_samples // self.n_chains)

    @property
    def n_final_draws(self) -> int:
        """Draws per chain of the final estimate."""
        return max(4, -(-self.n_final_samples // self.n_chains))


@dataclass(frozen=True)
class OptimiserSettings:
    """How parameters move.

    Parameters
    ----------
    learning_rate : Schedule or float
    diag_shift : Schedule or float
        Added to the diagonal of S.
    max_step : float
        Largest Fubini-Study distance sqrt(dtheta^dagger S dtheta) of one step; longer ones are
        shortened.
    momentum : float
        SPRING momentum mu in [0, 1) (Goldshlager, Abrahamsen & Lin, J. Comput. Phys. 516, 113351
        (2024), arXiv:2401.10190): the solve starts from mu times the previous direction.
    solver : str or None
        "sample-space", "matrix-free", "dense", or None for the cheapest.
    """

    learning_rate: Schedule | float = field(
        default_factory=lambda: Schedule(0.05, "inverse", timescale=100.0)
    )
    diag_shift: Schedule | float = field(
        default_factory=lambda: Schedule(1e-2, "exponential", timescale=100.0, final=1e-3)
    )
    max_step: float = 0.2
    momentum: float = 0.9
    solver: str | None = None

    def __post_init__(self) -> None:
        for name in ("learning_rate", "diag_shift"):
            object.__setattr__(self, name, as_schedule(name, getattr(self, name)))
        number("max_step", self.max_step, above=0)
        if not 0 <= number("momentum", self.momentum) < 1:
            raise ValueError(f"momentum must lie in [0, 1), got {self.momentum!r}")
        if self.solver is not None:
            choice("solver", self.solver, tuple(SOLVERS))

    def learning_rate_at(self, iteration: int) -> float:
        """Learning rate before damping and the limit on the step."""
        return self.learning_rate(iteration)  # type: ignore[operator]

    def diag_shift_at(self, iteration: int) -> float:
        """Diagonal shift before damping."""
        return self.diag_shift(iteration)  # type: ignore[operator]


@dataclass(frozen=True)
class RunSettings:
    """Everything about a run but the Hamiltonian and the ansatz.

    Parameters
    ----------
    n_iterations : int
        Iterations in all; a resumed run continues up to this number.
    seed : int
        Seeds chains and, in `ground_state`, the initial parameters.
    stop_when_converged : bool
        Stop before `n_iterations` when the energy has stopped falling.
    sampling : SamplingSettings
    optimiser : OptimiserSettings
    """

    n_iterations: int = 700
    seed: int = 0
    stop_when_converged: bool = False
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    optimiser: OptimiserSettings = field(default_factory=OptimiserSettings)

    def __post_init__(self) -> None:
        positive_int("n_iterations", self.n_iterations)
        positive_int("seed", self.seed, minimum=0)
        if not isinstance(self.stop_when_converged, bool):
            raise TypeError(
                f"stop_when_converged must be true or false, got {self.stop_when_converged!r}"
            )

    def describe(self) -> dict:
        """Plain JSON values, for logs and checkpoints."""
        return asdict(self)
