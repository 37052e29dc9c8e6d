"""The likelihood and its gradient against sums written out and against differences."""

import numpy as np
import pytest
from tomography_twins import confusion_of, kron, random_vector, shots_of

from rbmqs.tomography.bases import haar_random_bases, random_pauli_bases
from rbmqs.tomography.likelihood import FullSum


def naive(shots, log_psi, n_ancillas, confusion):
    """The mean log-likelihood by Kronecker products, one shot after another."""
    psi = np.exp(log_psi)
    psi /= np.linalg.norm(psi)
    total = 0.0
    for outcome, basis, count in zip(shots.outcomes, shots.basis, shots.counts, strict=True):
        unitary = kron([*shots.bases.unitaries[basis], *[np.eye(2)] * n_ancillas])
        p = (abs(unitary @ psi) ** 2).reshape(2**shots.n_sites, -1).sum(axis=1)
        p = p if confusion is None else kron(confusion) @ p
        total += count * np.log(p[int("".join("01"[int(s < 0)] for s in outcome), 2)])
    return total / shots.n_shots


@pytest.mark.parametrize("n_ancillas", [0, 2])
@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("make", [random_pauli_bases, haar_random_bases])
def test_likelihood_and_gradient(n_ancillas, noisy, make):
    shots = shots_of(make(3, 4, seed=2))
    confusion = confusion_of(3) if noisy else None
    log_psi = random_vector(3 + n_ancillas, seed=3)
    full = FullSum(shots, n_ancillas)

    def mean(log_probabilities):
        return shots.counts @ log_probabilities / shots.n_shots

    def value(log_psi, confusion):
        return mean(np.log(full.probabilities(log_psi, confusion)))

    found = full.gradient(log_psi, confusion)
    expected = naive(shots, log_psi, n_ancillas, confusion)
    assert mean(found.log_probabilities) == pytest.approx(expected)
    assert value(log_psi, confusion) == pytest.approx(expected)
    # log psi_t as parameters: O_t is one for configuration t
    step = 1e-6
    for t in range(len(log_psi)):
        for direction in (1, 1j):
            change = np.zeros_like(log_psi)
            change[t] = step * direction
            values = [value(log_psi + sign * change, confusion) for sign in (1, -1)]
            slope = (values[0] - values[1]) / (2 * step)
            expected = 2 * (found.coefficients[t] * direction).real
            assert slope == pytest.approx(expected, abs=1e-8)
    assert abs(found.coefficients.sum()) < 1e-12
    if noisy:
        for index in np.ndindex(3, 2, 2):
            change = np.zeros_like(confusion)
            change[index] = step
            values = [value(log_psi, confusion + sign * change) for sign in (1, -1)]
            slope = (values[0] - values[1]) / (2 * step)
            assert slope == pytest.approx(found.confusion[index], abs=1e-7)


def test_bases_in_parts_give_the_same(monkeypatch):
    shots = shots_of(random_pauli_bases(4, 7, seed=4), 200)
    log_psi = random_vector(4)
    whole = FullSum(shots).gradient(log_psi)
    monkeypatch.setattr("rbmqs.tomography.likelihood.AT_ONCE", 32)
    parts = FullSum(shots).gradient(log_psi)
    np.testing.assert_allclose(parts.log_probabilities, whole.log_probabilities, rtol=1e-13)
    np.testing.assert_allclose(parts.coefficients, whole.coefficients, atol=1e-14)
