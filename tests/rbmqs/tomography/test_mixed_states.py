"""Purified RBMs against density matrices: likelihood, derivatives, maxima, means."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

import rbmqs
from hamiltonians import X, Y, Z
from rbmqs.tomography.bases import Bases, all_pauli_bases
from rbmqs.tomography.drawing import shots_of_probabilities, shots_of_vector
from rbmqs.tomography.mixed import MixedState, reconstruct_mixed
from rbmqs.tomography.scores import ShotInformation, Tangent
from rbmqs.tomography.scoring import best_fit, fisher_scoring
from rbmqs.tomography.shots import Shots

PAULI = {"X": [[0, 1], [1, 0]], "Y": [[0, -1j], [1j, 0]], "Z": [[1, 0], [0, -1]]}
CONFUSION = np.array([[[0.95, 0.1], [0.05, 0.9]], [[0.98, 0.03], [0.02, 0.97]]])


def kron(matrices):
    total = np.eye(1)
    for matrix in matrices:
        total = np.kron(total, matrix)
    return total


def random_density_matrix(n_sites, rank, seed):
    a = np.random.default_rng(seed).normal(size=(2, 2**n_sites, rank)) @ np.diag(
        0.8 ** np.arange(rank)
    )
    a = a[0] + 1j * a[1]
    return a @ a.conj().T / np.linalg.norm(a) ** 2


def probabilities(rho, bases):
    """The naive twin: diagonals of U rho U^dagger."""
    turned = [kron(u) for u in bases.unitaries]
    return np.array([np.diag(u @ rho @ u.conj().T).real for u in turned])


def shots_of(rho, n_shots, seed=0, n_sites=2):
    bases = all_pauli_bases(n_sites)
    rng = np.random.default_rng(seed)
    return shots_of_probabilities(bases, iter(probabilities(rho, bases)), n_shots, rng)


def most_likely_density_matrix(shots, n_steps=3000):
    """An independent way to the maximum over all density matrices: rho -> R rho R."""
    dimension = 2**shots.n_sites
    bras = [
        kron(u)[s] for u, s in zip(shots.bases.unitaries[shots.basis], shots.states, strict=True)
    ]
    bras, rho = np.array(bras), np.eye(dimension) / dimension
    for _ in range(n_steps):
        p = np.einsum("oi,ij,oj->o", bras, rho, bras.conj()).real
        r = np.einsum("o,oi,oj->ij", shots.counts / p, bras.conj(), bras)
        rho = r @ rho @ r
        rho /= np.trace(rho).real
    return rho, float(shots.counts @ np.log(p))


STATES = {
    "complex": rbmqs.RBM.random(3, 2, seed=1, stddev=0.4),
    "real": rbmqs.RBM.random(3, 2, seed=1, stddev=0.4, dtype=float),
}


@pytest.mark.parametrize("kind", STATES)
@pytest.mark.parametrize("confusion", [None, CONFUSION])
def test_scores_and_information_are_those_of_the_likelihood(kind, confusion):
    psi, shots = STATES[kind], shots_of(random_density_matrix(2, 2, 3), 40)
    found = ShotInformation.of(Tangent.of(psi), shots, confusion)
    read = np.eye(4) if confusion is None else kron(confusion)

    def log_p(flat):
        mixed = MixedState(psi.with_flat(flat), 1)
        return np.log(probabilities(mixed.density_matrix, shots.bases) @ read.T)

    chosen = shots.basis, shots.states
    assert found.log_likelihood == pytest.approx(shots.counts @ log_p(psi.flat)[chosen])
    directions = [(k, 1.0) for k in range(psi.n_parameters)]
    if kind == "complex":
        directions += [(k, 1j) for k in range(psi.n_parameters)]
    slopes = []
    for k, unit in directions:
        step = np.zeros(psi.n_parameters, psi.flat.dtype)
        step[k] = 1e-6 * unit
        slopes.append((log_p(psi.flat + step) - log_p(psi.flat - step)) / 2e-6)
    slopes = np.array(slopes)
    np.testing.assert_allclose(found.scores, slopes[:, chosen[0], chosen[1]].T, atol=1e-7)
    fisher = 40 * np.einsum("kbo,bo,lbo->kl", slopes, np.exp(log_p(psi.flat)), slopes)
    np.testing.assert_allclose(found.fisher, fisher, atol=1e-5)
    inverse = found.directions @ found.directions.T
    np.testing.assert_allclose(fisher @ inverse @ fisher, fisher, atol=1e-4)


def test_the_maximum_is_that_over_all_density_matrices():
    rho = 0.5 * random_density_matrix(2, 4, 5) + 0.125 * np.eye(4)
    shots = shots_of(rho, 300)
    expected, height = most_likely_density_matrix(shots)
    starts = (rbmqs.RBM.random(4, 2, seed=k, stddev=0.3) for k in range(2))
    fit = best_fit(starts, shots)
    assert fit.converged
    assert fit.log_likelihood == pytest.approx(height, abs=1e-3)
    assert fit.information.rank == 15
    np.testing.assert_allclose(MixedState(fit.psi, 2).density_matrix, expected, atol=2e-3)


def test_every_start_reaches_the_highest_likelihood():
    # without softening one start in eight did, and the others ended 20 to 1,000 nats below
    vector = np.random.default_rng(2).random(16) + 0.05
    psi = rbmqs.RBM.random(4, 1, seed=0)
    shots = shots_of_vector(vector, ["ZZZZ", "XXXX"], 1000)
    heights = [
        best_fit([rbmqs.RBM.random(4, 2, seed=k, stddev=0.2, dtype=float)], shots).log_likelihood
        for k in range(6)
    ]
    np.testing.assert_allclose(heights, max(heights), atol=0.01)
    alone = fisher_scoring(psi, lambda at: ShotInformation.of(Tangent.of(at), shots))
    assert len(alone.history) > 1
    assert np.all(np.diff(alone.history) > 0)


def test_the_criterion_takes_positive_amplitudes_and_two_ancillas_for_a_noisy_bell_state():
    bell = np.array([0, 1, 1, 0]) / np.sqrt(2)
    rho = 0.5 * np.outer(bell, bell) + 0.125 * np.eye(4)
    shots = shots_of(rho, 400, seed=1)
    mixed, fit = reconstruct_mixed(shots, n_starts=2)
    assert mixed.n_ancillas == 2
    assert not fit.psi.is_complex
    best, _ = most_likely_density_matrix(shots)
    assert mixed.fidelity(rho) > 0.99
    # nine parameters fewer carry less noise than the maximum over all density matrices
    full = rbmqs.RBM.random(4, 1, seed=0)
    assert mixed.fidelity(rho) > fidelity(best, rho)
    with pytest.raises(ValueError, match="n_ancillas must be less than the 4 sites"):
        MixedState(full, 4)


def fidelity(rho, sigma):
    root = sqrtm(rho)
    return np.trace(sqrtm(root @ sigma @ root)).real ** 2


def test_means_entropies_and_fidelities_are_those_of_the_density_matrix():
    mixed = MixedState(rbmqs.RBM.random(4, 2, seed=4, stddev=0.5), 2)
    rho = mixed.density_matrix
    assert np.trace(rho) == pytest.approx(1)
    operator = 0.5 * X(0) * Y(1) - 2 * Z(0) + Y(0) * Y(1) + 3.0
    matrix = 0.5 * np.kron(PAULI["X"], PAULI["Y"]) - 2 * np.kron(PAULI["Z"], np.eye(2))
    matrix = matrix + np.kron(PAULI["Y"], PAULI["Y"]) + 3 * np.eye(4)
    assert mixed.expect(operator) == pytest.approx(np.trace(rho @ matrix).real)
    assert mixed.purity == pytest.approx(np.trace(rho @ rho).real)
    weights = np.linalg.eigvalsh(rho)
    assert mixed.entropy() == pytest.approx(-weights @ np.log(weights))
    reduced = np.einsum("abcb->ac", rho.reshape(2, 2, 2, 2))
    weights = np.linalg.eigvalsh(reduced)
    assert mixed.entropy([0]) == pytest.approx(-weights @ np.log(weights))
    target = random_density_matrix(2, 3, 6)
    assert mixed.fidelity(5 * target) == pytest.approx(fidelity(rho, target), abs=1e-7)
    vector = np.array([1, 2j, 0, -1])
    expected = (vector.conj() @ rho @ vector).real / 6
    assert mixed.fidelity(vector) == pytest.approx(expected)
    assert mixed.fidelity(np.outer(vector, vector.conj())) == pytest.approx(expected)
    assert mixed.fidelity(mixed) == pytest.approx(1)
    bases = Bases.of_strings(["XY", "ZX"])
    np.testing.assert_allclose(mixed.probabilities(bases), probabilities(rho, bases), atol=1e-12)
    shots = mixed.sample_in(bases, 500)
    assert isinstance(shots, Shots)
    assert shots.shots_of_basis.tolist() == [500, 500]
    assert "purity" in repr(mixed)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (np.ones(3), r"target must have shape \(4,\) or \(4, 4\), got \(3,\)"),
        (np.zeros(4), "finite positive norm, got 0"),
        (np.diag([1, 1, 1, -1.0]), "no negative eigenvalues, got -1"),
        (np.triu(np.ones((4, 4))), "Hermitian matrix of positive trace"),
    ],
)
def test_wrong_targets_are_refused(target, words):
    mixed = MixedState(rbmqs.RBM.random(3, 1, seed=4), 1)
    with pytest.raises(ValueError, match=words):
        mixed.fidelity(target)


def test_wrong_calls_of_reconstruct_mixed_are_refused():
    shots = shots_of(np.eye(4) / 4, 10)
    with pytest.raises(ValueError, match="dtype must be one of auto, complex, real, got 'float'"):
        reconstruct_mixed(shots, dtype="float")
    with pytest.raises(ValueError, match="n_ancillas must be at least 0, got -1"):
        reconstruct_mixed(shots, n_ancillas=-1)
    with pytest.raises(ValueError, match="at most 12 sites and ancillas, got 13"):
        reconstruct_mixed(shots, n_ancillas=11)
    with pytest.raises(ValueError, match="operator must act on 2 sites at most, got 3"):
        MixedState(rbmqs.RBM.random(3, 1), 1).expect(Z(2))
