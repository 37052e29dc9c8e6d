"""States from shots and a Hamiltonian together: log-likelihood less an energy.

    sum over shots of log P - weight E / J,

J being `SpinHamiltonian.coupling_scale`: the likelihood with a prior exp(-weight E / J), for a
Hamiltonian that is known roughly and shots that are few (S. Czischek et al., Phys. Rev. B 105,
205108 (2022), where the one starts the other). Exact sums over all configurations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from hamiltonians import SpinHamiltonian
from hamiltonians.exact.diagonalisation import ground_state
from hamiltonians.utils.checks import choice, instance, number
from rbmqs.states.state import VariationalState
from rbmqs.tomography.functionals import pauli_products
from rbmqs.tomography.scores import RELATIVE_RANK, Information, ShotInformation, Tangent
from rbmqs.tomography.scoring import best_fit
from rbmqs.tomography.shots import Shots

MAX_SITES = 12
WEIGHTS = (0.0, 10.0, 30.0, 100.0, 300.0)  # that "auto" tries, in nats


@dataclass(frozen=True, eq=False)
class Hybrid:
    """A state that both shots and a Hamiltonian have shaped.

    Parameters
    ----------
    psi : VariationalState
    weight : float
        Of an energy J, in nats.
    losses : dict of float to float
        Log loss in nats to be expected of as many new shots, by the weights that were tried.
    """

    psi: VariationalState
    weight: float
    losses: dict[float, float]


def fit_with_energy(
    starts: Iterable[VariationalState],
    shots: Shots,
    hamiltonian: SpinHamiltonian,
    *,
    weight: float | str = "auto",
    max_steps: int = 100,
) -> Hybrid:
    """The state of highest log-likelihood less weighted energy.

    Parameters
    ----------
    starts : iterable of VariationalState
        The best end is kept.
    shots : Shots
    hamiltonian : SpinHamiltonian
        In the basis of the shots.
    weight : float or "auto"
        Of an energy J, in nats; "auto" takes that of `WEIGHTS` from which the smallest loss of
        new shots is expected: -log-likelihood + Tr F (F + B)^-1, F the Fisher information of the
        shots and B the second derivative of the weighted energy, Akaike's criterion for a
        likelihood with a prior (S. Konishi and G. Kitagawa, Biometrika 83, 875 (1996)).
    max_steps : int
        Of each fit, after softened likelihoods.

    Raises
    ------
    TypeError, ValueError
        No shots, a negative weight, different numbers of sites or more than twelve.
    """
    instance("shots", shots, Shots)
    starts = list(starts)
    sizes = [("the Hamiltonian", hamiltonian.n_sites), *(("psi", psi.n_sites) for psi in starts)]
    for what, n in sizes:
        if n != shots.n_sites:
            raise ValueError(f"shots have {shots.n_sites} sites, {what} {n}")
    if shots.n_sites > MAX_SITES:
        raise ValueError(f"shots must have at most {MAX_SITES} sites, got {shots.n_sites}")
    if isinstance(weight, str):
        choice("weight", weight, ("auto",))
        weights: tuple[float, ...] = WEIGHTS
    else:
        weights = (number("weight", weight, at_least=0),)
    losses, found = {}, {}
    for strength in weights:
        prior = energy_prior(hamiltonian, strength)
        psi = best_fit(starts, shots, prior=prior, max_steps=max_steps).psi
        tangent = Tangent.of(psi)
        likelihood = ShotInformation.of(tangent, shots)
        free = np.linalg.pinv((likelihood + prior(tangent)).fisher, RELATIVE_RANK, hermitian=True)
        losses[strength] = np.sum(free * likelihood.fisher) - likelihood.log_likelihood
        found[strength] = psi
    best = min(losses, key=lambda strength: losses[strength])
    return Hybrid(found[best], best, losses)


def energy_prior(hamiltonian: SpinHamiltonian, weight: float) -> Callable[[Tangent], Information]:
    """-weight E / J at a state, with its gradient and a metric that is positive.

    The metric is that of H less its lowest energy E0, 2 weight Re <d psi|H - E0|d psi> / J: the
    second derivative of the energy at the ground state.
    """
    terms = hamiltonian.unrotated().terms  # shots are of the basis before signs were turned
    lowest = ground_state(hamiltonian).energy
    scale = weight / hamiltonian.coupling_scale

    def information_at(tangent: Tangent) -> Information:
        n_sites = hamiltonian.n_sites
        acted = pauli_products(tangent.vector, terms, n_sites)
        energy = np.vdot(tangent.vector, acted).real
        slopes = -2 * scale * tangent.real_parts(tangent.derivatives @ acted.conj())
        rows = tangent.derivatives
        pulled = pauli_products(rows, terms, n_sites) - lowest * rows
        blocks = rows.conj() @ pulled.T
        if tangent.is_complex:
            blocks = np.block([[blocks, 1j * blocks], [-1j * blocks, blocks]])
        return Information(-scale * float(energy), slopes, 2 * scale * blocks.real)

    return information_at
