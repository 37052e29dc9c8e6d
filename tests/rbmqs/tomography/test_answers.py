"""Answers with errors, raw frequencies and classical shadows against exact values."""

import numpy as np
import pytest

import rbmqs
from hamiltonians import Sector, X, Y, Z, chain, heisenberg, ising
from rbmqs.tomography.answers import Answers
from rbmqs.tomography.bases import all_pauli_bases, haar_random_bases, random_pauli_bases
from rbmqs.tomography.drawing import shots_of_vector
from rbmqs.tomography.functionals import fidelities, pauli_means, target_array
from rbmqs.tomography.raw import frequencies, shadow_of_fidelity, shadow_of_operator
from rbmqs.tomography.rotations import rotated
from rbmqs.tomography.sampled_answers import SampledAnswers
from rbmqs.tomography.scoring import best_fit
from rbmqs.tomography.shots import Shots

OPERATOR = 0.7 * X(0) * Y(1) - Z(0) * Z(1) + 0.3 * Y(0) + 2.0


def random_vector(n_sites, seed):
    real, imaginary = np.random.default_rng(seed).normal(size=(2, 2**n_sites))
    vector = real + 1j * imaginary
    return vector / np.linalg.norm(vector)


def ideal_shots(vector, bases, n=10**7):
    """Shots whose frequencies are the probabilities, but for rounding."""
    n_sites = bases.n_sites
    counts = [np.round(n * np.abs(rotated(vector, u)) ** 2) for u in bases.unitaries]
    spins = np.tile(Sector(n_sites).configurations(), (len(bases), 1))
    basis = np.repeat(np.arange(len(bases)), 2**n_sites)
    return Shots.of(bases, spins, basis, np.concatenate(counts).astype(int))


def exact(vector, operator, n_sites):
    return pauli_means(vector[None], operator, n_sites)[0].real


@pytest.mark.submission
def test_frequencies_and_shadows_of_all_bases_are_exact_means():
    vector, bases = random_vector(3, 1), all_pauli_bases(3)
    shots = ideal_shots(vector, bases)
    expected = exact(vector, OPERATOR, 3)
    assert frequencies(shots, OPERATOR).mean == pytest.approx(expected, abs=1e-5)
    assert shadow_of_operator(shots, OPERATOR).mean == pytest.approx(expected, abs=1e-5)
    target = random_vector(3, 2)
    overlap = abs(np.vdot(target, vector)) ** 2
    assert shadow_of_fidelity(shots, target).mean == pytest.approx(overlap, abs=1e-5)
    matrix = 0.5 * np.outer(target, target.conj()) + 0.5 * np.outer(vector, vector.conj())
    assert shadow_of_fidelity(shots, matrix).mean == pytest.approx(overlap / 2 + 0.5, abs=1e-5)


def test_errors_of_the_raw_means_are_those_of_repetitions():
    vector = random_vector(3, 3)
    for bases in (all_pauli_bases(3), random_pauli_bases(3, 200, seed=1)):
        pairs = []
        for seed in range(60):
            shots = shots_of_vector(vector, bases, 5400 // len(bases), seed=seed)
            pairs.append((frequencies(shots, OPERATOR), shadow_of_fidelity(shots, vector)))
        for found in zip(*pairs, strict=True):
            means, errors = np.array(found).T
            # 60 draws: the spread is known to 9 %; the second set of bases stays the same, so that
            # shadows of it may spread less than bases drawn anew would
            ratio = means.std() / errors.mean()
            assert 0.4 < ratio < 1.35
            if len(bases) == 27:
                assert ratio > 0.7


def test_haar_random_shadows_and_unmeasured_strings():
    vector = random_vector(2, 4)
    shots = shots_of_vector(vector, haar_random_bases(2, 2000, seed=2), 4, seed=5)
    found = shadow_of_operator(shots, OPERATOR)
    assert abs(found.mean - exact(vector, OPERATOR, 2)) < 4 * found.error
    assert np.isnan(frequencies(shots, OPERATOR).mean)  # no basis measures a string
    overlap = shadow_of_fidelity(shots, vector)
    assert abs(overlap.mean - 1) < 4 * overlap.error


def answers_of(shots, seed=0):
    starts = (rbmqs.RBM.random(shots.n_sites, 2, seed=seed + k, stddev=0.3) for k in range(1))
    return Answers(best_fit(starts, shots).psi, shots, seed=seed)


def test_answers_are_right_within_their_errors_and_carry_the_raw_ones():
    vector = random_vector(2, 6)
    shots = shots_of_vector(vector, all_pauli_bases(2), 300, seed=7)
    answers = answers_of(shots)
    H = ising(chain(2, periodic=False), h=0.7)
    for found, true in (
        (answers.expect(OPERATOR), exact(vector, OPERATOR, 2)),
        (answers.energy(H), exact(vector, H.terms, 2)),
        (answers.fidelity(vector), 1.0),
        (answers.fidelity(np.eye(4)[0]), abs(vector[0]) ** 2),
    ):
        assert abs(found.estimate - true) < 4 * found.error
        assert found.error == max(found.bootstrap_error, found.fisher_error)
        assert 0.7 < found.bootstrap_error / found.fisher_error < 1.4
        assert found.shadow.error > found.error  # a model knows more than its data alone
        assert "shadows" in str(found)
    entropy = answers.entropy([0])
    matrix = vector.reshape(2, 2)
    weights = np.linalg.svd(matrix, compute_uv=False) ** 2
    assert abs(entropy.estimate + weights @ np.log(weights)) < 4 * entropy.error
    assert answers.purity().fitted == pytest.approx(1)


def test_errors_fall_as_the_root_of_the_number_of_shots():
    vector = random_vector(2, 8)
    few, many = (
        answers_of(shots_of_vector(vector, all_pauli_bases(2), n, seed=9)).expect(OPERATOR).error
        for n in (200, 3200)
    )
    assert 3 < few / many < 5.3


def test_answers_of_samples_agree_with_those_of_full_sums():
    # 5 sites: the samples are independent draws
    vector = random_vector(5, 3)
    psi = rbmqs.RBM.random(5, n_hidden=4, seed=1, stddev=0.3)
    shots = shots_of_vector(psi.state_vector(Sector(5)), random_pauli_bases(5, 40, seed=2), 50)
    H = ising(chain(5), h=0.7)
    exact_ones = Answers(psi, shots)
    sampled = SampledAnswers(psi, shots)
    np.testing.assert_allclose(
        sampled.fisher, exact_ones.information.fisher, atol=0.1 * sampled.fisher.max()
    )
    near = rbmqs.RBM(psi.visible_bias, psi.hidden_bias, psi.weights + 0.05)
    steep = X(0) * X(2) + 0.5 * Y(1) * Y(3)  # whose local values change most with parameters
    questions = (("energy", H), ("expect", OPERATOR), ("expect", steep), ("fidelity", near))
    for name, question in questions:
        few, all_ = getattr(sampled, name)(question), getattr(exact_ones, name)(question)
        assert abs(few.fitted - all_.fitted) < 4 * few.error
        assert 0.75 < few.error / all_.error < 1.35, name
        assert abs(few.estimate - all_.estimate) < 2 * all_.error
    open_chain = chain(5, periodic=False)  # with signs turned: the same energy of the same state
    for answers in (sampled, exact_ones):
        plain, turned = (answers.energy(heisenberg(open_chain, marshall=m)) for m in (False, True))
        assert turned.fitted == pytest.approx(plain.fitted, rel=1e-10)
    of_state, of_vector = (sampled.fidelity(t) for t in (near, near.state_vector(Sector(5))))
    assert of_state.fitted == pytest.approx(of_vector.fitted, abs=0.01)
    assert sampled.fidelity(vector).fitted < 0.9


@pytest.mark.slow
def test_two_errors_cover_the_truth_as_often_as_they_should():
    # 120 sets of shots: 92 to 98 % with room for three standard deviations of the counts
    vector = random_vector(2, 10)
    target = target_array(vector + 0.2 * random_vector(2, 11), 2)
    true = {
        "mean": exact(vector, OPERATOR, 2),
        "fidelity": fidelities(vector[None], target, 2)[0],
        "its own": 1.0,
    }
    hits = dict.fromkeys(true, 0)
    for seed in range(120):
        answers = answers_of(shots_of_vector(vector, all_pauli_bases(2), 100, seed=seed), seed)
        found = {
            "mean": answers.expect(OPERATOR),
            "fidelity": answers.fidelity(target),
            "its own": answers.fidelity(vector),
        }
        for name, answer in found.items():
            hits[name] += abs(answer.estimate - true[name]) < 2 * answer.error
    assert all(0.88 < n / 120 <= 1 for n in hits.values()), hits


def test_wrong_questions_are_refused():
    shots = shots_of_vector(random_vector(2, 1), all_pauli_bases(2), 10)
    with pytest.raises(ValueError, match="psi has 1 sites, the shots 2"):
        Answers(rbmqs.RBM.random(1), shots)
    for kind in (Answers, SampledAnswers):
        answers = kind(rbmqs.RBM.random(2), shots)
        with pytest.raises(ValueError, match="operator must be Hermitian"):
            answers.expect(1j * X(0))
        with pytest.raises(ValueError, match="operator must act on 2 sites at most, got 3"):
            answers.expect(Z(2))
        with pytest.raises(TypeError, match="operator must be"):
            answers.expect("ZZ")
        with pytest.raises(ValueError, match="target must have a finite positive norm, got 0"):
            answers.fidelity(np.zeros(4))
    with pytest.raises(ValueError, match="target must be a pure state"):
        answers.fidelity(np.eye(4))
