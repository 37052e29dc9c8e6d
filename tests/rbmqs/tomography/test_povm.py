"""States as softmax RBMs over outcomes of a POVM."""

import numpy as np
import pytest

from hamiltonians import X, Y, Z
from rbmqs.tomography.bases import all_pauli_bases, haar_random_bases
from rbmqs.tomography.drawing import shots_of_vector
from rbmqs.tomography.functionals import pauli_means
from rbmqs.tomography.povm import dual_frame, effects_of, reconstruct_povm
from rbmqs.tomography.raw import frequencies

GHZ = np.zeros(8, complex)
GHZ[[0, 7]] = 1 / np.sqrt(2), 1j / np.sqrt(2)


@pytest.mark.parametrize("povm", ["pauli-6", "tetrahedral"])
def test_the_dual_frame_inverts_the_measurement(povm):
    effects = effects_of(povm)
    np.testing.assert_allclose(effects.sum(axis=0), np.eye(2), atol=1e-15)
    assert np.linalg.eigvalsh(effects).min() > -1e-15
    rho = np.array([[0.7, 0.2 - 0.3j], [0.2 + 0.3j, 0.3]])
    p = np.einsum("aij,ji->a", effects, rho).real
    np.testing.assert_allclose(np.einsum("a,aij->ij", p, dual_frame(effects)), rho, atol=1e-14)


def test_means_and_density_matrix_of_an_entangled_state():
    shots = shots_of_vector(GHZ, all_pauli_bases(3), 400, seed=1)
    state = reconstruct_povm(shots, n_hidden=10, seed=2)
    rho = state.density_matrix
    assert np.trace(rho) == pytest.approx(1)
    operators = [Z(0) * Z(1), X(0) * X(1) * Y(2), Y(0) * Y(1) * Y(2), X(0), Z(2)]
    for operator in operators:
        # means over hidden states are those of the density matrix, and near the exact ones: a
        # string of three letters is known to 0.05, as 400 shots have it
        basis = np.eye(8, dtype=complex)
        columns = np.array([pauli_means(basis[[k]], operator, 3)[0] for k in range(8)])
        if {letter for s in operator.terms for _, letter in s} == {"Z"}:
            assert state.expect(operator).mean == pytest.approx((np.diag(rho) @ columns).real)
        exact = pauli_means(GHZ[None], operator, 3)[0].real
        assert abs(state.expect(operator).mean - exact) < 0.2
    assert (GHZ.conj() @ rho @ GHZ).real > 0.85
    for operator in (X(0), Z(2), Z(0) * Z(1)):
        # a model with few parameters knows no less than the shots that measured the string
        ratio = state.expect(operator).error / max(frequencies(shots, operator).error, 0.005)
        assert 0.3 < ratio < 1.3


def test_errors_of_a_model_of_too_few_units_hold_its_bias():
    """One unit has no means of three letters; the shots, which have them, say so."""
    shots = shots_of_vector(GHZ, all_pauli_bases(3), 100, seed=3)
    state = reconstruct_povm(shots, n_hidden=1, n_starts=1, seed=1)
    for operator in (X(0) * X(1) * Y(2), Y(0) * Y(1) * Y(2), X(0), Z(0) * Z(1)):
        exact = pauli_means(GHZ[None], operator, 3)[0].real
        found = state.expect(operator)
        assert abs(found.mean - exact) < 3 * found.error
        # three letters are measured in one of 27 bases, one letter in nine
        frame, frequency = state.of_frame(operator), frequencies(shots, operator)
        assert frame.mean == pytest.approx(frequency.mean)
        assert frame.error == pytest.approx(frequency.error, rel=0.02)
    assert state.expect(Y(0) * Y(1) * Y(2)).error > 0.5


def test_outcomes_of_a_tetrahedral_povm_are_taken_as_they_are():
    rng = np.random.default_rng(3)
    vector = np.array([0.8, 0.6j])
    p = np.einsum("i,aij,j->a", vector.conj(), effects_of("tetrahedral"), vector).real
    rows = rng.choice(4, (4000, 2), p=p)
    state = reconstruct_povm(rows, povm="tetrahedral", n_hidden=2, seed=1)
    # each outcome is known to 0.007, a mean of three times as much
    assert abs(state.expect(Z(0)).mean - (0.64 - 0.36)) < 0.1
    assert abs(state.expect(Y(0) * Y(1)).mean - 0.96**2) < 0.25


@pytest.mark.parametrize(
    ("shots", "options", "words"),
    [
        (np.zeros((4, 2), int), {"povm": "sic"}, "povm must be one of pauli-6, tetrahedral"),
        (np.zeros((4, 2)), {}, "shots must be Shots or integers"),
        (np.zeros((4, 2), int), {"n_hidden": 17}, "n_hidden must be at most 16, got 17"),
        (np.array([[6, 0], [0, 1]]), {}, "category 6"),
    ],
)
def test_wrong_calls_of_reconstruct_povm_are_refused(shots, options, words):
    with pytest.raises(ValueError, match=words):
        reconstruct_povm(shots, **options)


def test_shots_in_other_bases_are_refused():
    shots = shots_of_vector(GHZ, haar_random_bases(3, 2), 10)
    with pytest.raises(ValueError, match="must be in Pauli bases"):
        reconstruct_povm(shots)
    with pytest.raises(ValueError, match="povm must be 'pauli-6' for shots in Pauli bases"):
        reconstruct_povm(shots_of_vector(GHZ, "XXX", 10), povm="tetrahedral")
    state = reconstruct_povm(shots_of_vector(GHZ, "XXX", 10), n_hidden=1)
    with pytest.raises(ValueError, match="operator must be Hermitian"):
        state.expect(1j * X(0))
