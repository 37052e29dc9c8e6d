"""Full sums by tables and rotations by columns, against sample by sample and site by site."""

import numpy as np
import pytest
from tomography_twins import random_vector, shots_of

from hamiltonians import Sector
from rbmqs import RBM
from rbmqs.core.rotations import rotate_all
from rbmqs.states.amplitude_phase import AmplitudePhaseRBM
from rbmqs.tomography.bases import haar_random_bases, random_pauli_bases
from rbmqs.tomography.likelihood import FullSum
from rbmqs.tomography.objective import ExactObjective
from rbmqs.tomography.split_sums import split_sums_of

N = 13


def rbm(kind, stddev, seed=1, **options):
    return RBM.random(N, n_hidden=5, dtype=kind, stddev=stddev, seed=seed, **options)


STATES = {
    "complex": rbm(complex, 0.3),
    "real": rbm(float, 0.3),
    "no biases": rbm(complex, 0.3, visible_bias=False, hidden_bias=False),
    # products of units leave the range of doubles: they are looked at after each
    "large": rbm(complex, 6.0),
    "two": AmplitudePhaseRBM(rbm(float, 0.3), rbm(float, 0.2, seed=2)),
}


@pytest.mark.parametrize("name", STATES)
def test_full_sums_by_tables(name):
    psi = STATES[name]
    sums, objective = split_sums_of(psi), ExactObjective(shots_of(haar_random_bases(N, 1)))
    difference = sums.log_psi() - psi.log_state_vector(Sector(N))
    # phases are told up to 2 pi
    np.testing.assert_allclose(difference.real, 0, atol=1e-10)
    np.testing.assert_allclose(np.exp(1j * difference.imag), 1, atol=1e-10)
    values = random_vector(N)
    values -= values.mean()
    expected = objective._force(psi, values)
    np.testing.assert_allclose(sums.force(values), expected, atol=1e-9 * abs(expected).max())


def test_other_states_have_no_tables():
    assert split_sums_of(RBM.random(12)) is None
    assert split_sums_of(rbm(complex, 60.0)) is None


@pytest.mark.parametrize("make", [random_pauli_bases, haar_random_bases])
def test_rotations_of_many_sites(make):
    unitaries = make(N, 1, seed=3).unitaries
    vector = random_vector(N)
    expected = vector.reshape((2,) * N)
    for site, u in enumerate(unitaries[0]):
        expected = np.moveaxis(np.tensordot(u, expected, (1, site)), 0, site)
    rotate_all(vector[None], unitaries)
    np.testing.assert_allclose(vector, expected.ravel(), atol=1e-12)


@pytest.mark.parametrize("n_ancillas", [0, 2])
def test_likelihood_of_many_sites(n_ancillas):
    shots = shots_of(random_pauli_bases(N, 3, seed=5))
    log_psi = random_vector(N + n_ancillas)
    full = FullSum(shots, n_ancillas)
    found = full.gradient(log_psi)
    # bits that are never misread go another way
    other = full.gradient(log_psi, np.broadcast_to(np.eye(2), (N, 2, 2)))
    np.testing.assert_allclose(found.log_probabilities, other.log_probabilities, rtol=1e-9)
    np.testing.assert_allclose(found.coefficients, other.coefficients, atol=1e-12)
