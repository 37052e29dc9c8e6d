"""Hyperparameters that a run takes where its settings leave them open, by the kind of its state.

Each figure has its measurement beside it. A kind that is not in the table gets the plain defaults.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from rbmqs.states.projected_rbm import ProjectedRBM
from rbmqs.states.rbm import RBM
from rbmqs.states.spin_rbm import SpinRBM
from rbmqs.states.state import VariationalState
from rbmqs.states.symmetric_rbm import SymmetricRBM
from rbmqs.utils.schedules import Schedule


@dataclass(frozen=True)
class Recommended:
    """Defaults for a state.

    Parameters
    ----------
    n_samples : int
        Configurations of an iteration.
    n_first_samples : int or None
        Those of the first, doubled every `sample_doubling` iterations; None for `n_samples`.
    sample_doubling : float
    learning_rate : Schedule
    diag_shift : Schedule
    friction : Schedule
        1 - momentum.
    low_noise_rate : float
        Below which the learning rate does not fall while steps carry little noise.
    summed_rate : float
        Below which it does not fall in sums over all configurations.
    summed_shift : Schedule or None
        The shift in such sums, None for `diag_shift`.
    n_restarts : int
        Random starts.
    restart_state : VariationalState or None
        What these starts are optimised as, with the same parameters; None for the state itself.
    """

    n_samples: int = 1024
    n_first_samples: int | None = None
    sample_doubling: float = 50.0
    learning_rate: Schedule = Schedule(0.05, "inverse", timescale=100.0)  # noqa: RUF009
    diag_shift: Schedule = Schedule(1e-2, "exponential", 100.0, final=1e-3)  # noqa: RUF009
    friction: Schedule = Schedule(0.1)  # noqa: RUF009
    low_noise_rate: float = 0.0
    summed_rate: float = 0.0
    summed_shift: Schedule | None = None
    n_restarts: int = 1
    restart_state: VariationalState | None = None


def recommended(psi: VariationalState) -> Recommended:
    """The defaults for a state, by its class or the nearest one that it is derived from."""
    found = next((TABLE[kind] for kind in type(psi).__mro__ if kind in TABLE), None)
    return Recommended() if found is None else found(psi)


# Of sums over all configurations, which carry no noise: soft directions of S hold the rest of the
# energy (docs/notes/summation.md has the models).
_STEADY: dict[str, Any] = {
    "summed_rate": 0.05,
    "summed_shift": Schedule(1e-2, "exponential", timescale=30.0, final=1e-6),
}


def _plain(psi: RBM | SpinRBM) -> Recommended:
    return Recommended(**_STEADY)


def _tied(psi: SymmetricRBM | SpinRBM) -> Recommended:
    # With as many samples as parameters the equations are at their noisiest: 10x10 Heisenberg
    # with 808 parameters ended at 2.9e-3 or 5.7e-3 by 1024 samples, at 1.07e-3 by 3072.
    n_samples = 4096 if psi.n_parameters <= 2048 else Recommended.n_samples
    # Steps of few parameters by many samples carry little noise (`rbmqs.vmc.optimisers`). At 0.004
    # the Ising chain of 80 sites, alpha = 4, had come to rest at a relative error of 7e-6; at 0.05
    # it fell to 2e-6 in 300 iterations.
    # Eight restarts, in runs long enough: minima of the energy differ by a third of the error.
    return Recommended(n_samples=n_samples, low_noise_rate=0.02, n_restarts=8, **_STEADY)


def _projected(psi: ProjectedRBM) -> Recommended:
    # With a momentum of 0.9 from the start whole classes of configurations lose their amplitude,
    # and are then never sampled again: 4x4 J1-J2 wandered between 2e-2 and 4e-3 for 300 iterations;
    # 0.5 brought 1.4e-4. Later it helps: 6x6 J1-J2 went from 1.8e-3 to 1.36e-3 in 70 iterations.
    friction = Schedule(0.5, "inverse", timescale=100.0, final=0.1)
    # Iterations are expensive, and noise does not limit the first: after 14 s of the triangular
    # cluster of 24 sites the error was 6.6e-2 by 1024 samples, 4.7e-2 by 512, 4.5e-2 by 256.
    of_base = recommended(psi.base)
    n_first = of_base.n_samples // 4
    of_base = replace(of_base, friction=friction, n_first_samples=n_first, sample_doubling=150.0)
    if not isinstance(psi.base, SpinRBM):
        # Sums over 4x4 J1-J2 were at 1e-13 after 150 iterations, and at 5e-5 with small shifts.
        of_base = replace(of_base, summed_rate=0.0, summed_shift=None)
    # Restarts go without the projection where the ground state of the base may be that of the
    # sector: they then take 1 / n_images of the time, and the projected RBM starts where it would
    # have come to much later. After a minute, a quarter of it without the projection, 6x6
    # Heisenberg stood at 3.1e-4 instead of 2.9e-3.
    if not psi.sector.is_symmetric:
        return of_base
    return replace(of_base, n_restarts=3, restart_state=psi.base)


def _of_spins(psi: SpinRBM) -> Recommended:
    return _plain(psi) if psi.group is None else _tied(psi)


TABLE: dict[type, Callable[[Any], Recommended]] = {
    RBM: _plain,
    SpinRBM: _of_spins,
    SymmetricRBM: _tied,
    ProjectedRBM: _projected,
}
