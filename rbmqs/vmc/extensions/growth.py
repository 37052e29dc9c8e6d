"""Wavefunctions that start small: hidden units are added along a run.

New units have small random weights, so that psi changes by a relative O(N M stddev^2) only and the
run goes on from where it was. With weights of exactly zero it would not change at all, and the
units would never learn: their forces vanish with their weights.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from hamiltonians.utils.checks import number, short
from rbmqs.states.projected_rbm import ProjectedRBM
from rbmqs.states.rbm import RBM, hidden_units
from rbmqs.states.serialization import innermost
from rbmqs.states.starts import STDDEV, small_random
from rbmqs.states.state import VariationalState
from rbmqs.states.symmetric_rbm import SymmetricRBM, whole_features
from rbmqs.vmc.extension import Extension, register_extension
from rbmqs.vmc.extensions.distance_shift import DistanceShift
from rbmqs.vmc.run_state import RunState
from rbmqs.vmc.settings import RunSettings

Psi = TypeVar("Psi", bound=VariationalState)


def grown(
    psi: Psi, alpha: float, seed: int | np.random.SeedSequence = 0, stddev: float = STDDEV
) -> Psi:
    """The same wavefunction with alpha N hidden units.

    Parameters
    ----------
    psi : RBM, SymmetricRBM or ProjectedRBM
        A tied RBM grows by whole features.
    alpha : float
        Density of hidden units, at least that of `psi`.
    seed : int or SeedSequence
        Of the weights and biases of new units.
    stddev : float
        Standard deviation of their real and imaginary parts.

    Returns
    -------
    RBM, SymmetricRBM or ProjectedRBM
        As `psi`.

    Raises
    ------
    TypeError
        A wavefunction that is none of these.
    ValueError
        `alpha` below that of `psi`, or one that the group does not divide.
    """
    number("stddev", stddev, at_least=0)
    n_new = new_columns(psi, alpha)
    if n_new < 0:
        raise ValueError(f"alpha must be at least that of psi, got {short(alpha)}")
    rbm = innermost(psi)
    new = small_random((psi.n_sites + 1, n_new), rbm.is_complex, seed, stddev)
    larger = replace(
        rbm,
        hidden_bias=np.append(rbm.hidden_bias, new[0] * rbm.has_hidden_bias),
        weights=np.hstack([rbm.weights, new[1:]]),
    )
    return replace(psi, base=larger) if isinstance(psi, ProjectedRBM) else larger  # type: ignore


def new_columns(psi: VariationalState, alpha: float) -> int:
    """Columns of weights, one for each unit or tied feature, that `psi` lacks for a density."""
    rbm = innermost(psi)
    if isinstance(rbm, SymmetricRBM):
        wanted = whole_features(rbm.group, rbm.spin_inversion, alpha, None)
    elif isinstance(rbm, RBM):
        wanted = hidden_units(rbm.n_sites, alpha, None)
    else:
        raise TypeError(f"psi must be an RBM to grow, got {type(psi).__name__}")
    return wanted - rbm.weights.shape[1]


@register_extension("growth")
class Growth(Extension):
    """Adds the hidden units that `RunSettings.growth` asks for at an iteration."""

    def before(self, state: RunState) -> RunState:
        """The state with these units; mostly the state itself.

        The direction of the last step is kept, zero along new parameters, and the last good
        parameters grow by the same units, so that a bad step can be undone across the boundary.
        """
        settings = self.run.settings
        alpha = settings.alpha_at(state.iteration)
        if alpha is None or new_columns(state.psi, alpha) <= 0:
            return state
        seed = np.random.SeedSequence(
            settings.seed, spawn_key=(3, round(alpha * state.psi.n_sites))
        )
        shift = DistanceShift.of(self.run.hamiltonian, settings)
        n_samples = settings.sampling.n_samples_of(state.psi)

        def larger(psi: VariationalState) -> VariationalState:
            return shift.falling_with_distance(
                grown(psi, alpha, seed), n_samples, innermost(psi).n_hidden
            )

        def enlarge(vector: np.ndarray) -> np.ndarray:
            return grown(state.psi.with_flat(vector), alpha, stddev=0.0).flat

        good = state.last_good
        return replace(
            state,
            psi=larger(state.psi),
            optimiser=state.optimiser.enlarged(enlarge),
            last_good=None if good is None else replace(good, psi=larger(good.psi)),
        )


def final_form(psi: Psi, settings: RunSettings) -> Psi:
    """The wavefunction that a run ends with, for its description: `psi` with all its stages."""
    if not settings.growth or new_columns(psi, settings.growth[-1]) <= 0:
        return psi
    return grown(psi, settings.growth[-1])
