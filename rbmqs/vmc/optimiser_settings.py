"""How parameters move in a run, with defaults that hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hamiltonians.utils.checks import choice, number, plain_fields, short
from rbmqs.sr import SOLVERS
from rbmqs.utils.schedules import Schedule, as_schedule
from rbmqs.vmc.recommended import recommended

if TYPE_CHECKING:
    from rbmqs.states.state import VariationalState


@dataclass(frozen=True)
class OptimiserSettings:
    """How parameters move.

    Parameters
    ----------
    learning_rate : Schedule, float or None
        In units of 1 / J, J being `SpinHamiltonian.coupling_scale`: the convention of Carleo &
        Troyer for H / J. None for 0.05 / (1 + t / 100), with tied weights at least 0.02 while steps
        carry little noise, and for `kind` "adam" 0.01, "sgd" 0.05; see `rbmqs.vmc.recommended`.
    diag_shift : Schedule, float or None
        Added to the diagonal of S. None for 1e-2 falling to 1e-3, and where a `SpinRBM` is summed
        over all configurations to 1e-6.
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
        "sample-space", "sample-space-cg", "matrix-free", "dense", or None for the cheapest.
    kind : str
        "sr" for stochastic reconfiguration; "adam" and "sgd" are baselines that take neither shift,
        `solver` nor `local_shift`.
    """

    learning_rate: Schedule | float | None = None
    diag_shift: Schedule | float | None = None
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
            raise ValueError(f"momentum must lie in [0, 1), got {short(self.momentum)}")
        if not isinstance(self.local_shift, bool | None):
            raise TypeError(
                f"local_shift must be true, false or None, got {short(self.local_shift)}"
            )
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
        self,
        iteration: int,
        psi: VariationalState,
        low_noise: bool = False,
        summed: bool = False,
    ) -> float:
        """Learning rate for a wavefunction, before damping and the limit on the step.

        Parameters
        ----------
        low_noise : bool
            Whether steps carry little noise.
        summed : bool
            Whether the batch is a sum over all configurations.
        """
        if self.learning_rate is not None:
            return self.learning_rate(iteration)  # type: ignore[operator]
        found = recommended(psi)
        least = found.low_noise_rate if low_noise else 0.0
        return max(found.learning_rate(iteration), least, found.summed_rate if summed else 0.0)

    def diag_shift_at(self, iteration: int, psi: VariationalState, summed: bool = False) -> float:
        """Diagonal shift for a wavefunction, before damping; see `learning_rate_at`.

        The small one of sums belongs to their learning rate: at 0.1 a chain of 8 sites ended 1.8e-3
        too high with it.
        """
        found = recommended(psi)
        usual = summed and self.learning_rate is None
        default = (found.summed_shift if usual else None) or found.diag_shift
        return (self.diag_shift or default)(iteration)  # type: ignore[operator]
