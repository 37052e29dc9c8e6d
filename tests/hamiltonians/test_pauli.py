import numpy as np
from hypothesis import given
from textbook import matrix, pauli_sums

from hamiltonians import PauliSum, X, Y, Z, identity


def test_products_of_one_site():
    assert X(0) * Y(0) == 1j * Z(0)
    assert Z(0) * Y(0) == -1j * X(0)
    assert Y(3) * Y(3) == identity()


def test_sites_are_sorted_and_zeros_dropped():
    assert Z(4) * X(1) == X(1) @ Z(4)
    assert len(X(0) - X(0)) == 0
    assert X(0) - X(0) == PauliSum()


@given(pauli_sums(3, hermitian=False), pauli_sums(3, hermitian=False))
def test_algebra_is_that_of_matrices(a, b):
    A, B = matrix(a, 3), matrix(b, 3)
    np.testing.assert_allclose(matrix(a * b, 3), A @ B, atol=1e-12)
    np.testing.assert_allclose(matrix(a - 2j * b, 3), A - 2j * B, atol=1e-12)
    np.testing.assert_array_equal(matrix(a.hermitian_conjugate(), 3), A.conj().T)


def test_scalars():
    assert (1 + X(0)) / 2 == 0.5 * identity() + 0.5 * X(0)
    assert 3 - Z(0) == -(Z(0) - 3)
    assert sum([X(0), X(1)]) == X(0) + X(1)
    assert np.float64(2) * X(0) == X(0) * np.int64(2)


def test_strings_and_terms_agree():
    spelt = PauliSum.from_strings({"XIY": 0.5, "IZI": -1})
    assert spelt == 0.5 * X(0) * Y(2) - Z(1)
    assert spelt == PauliSum.from_terms([(0.5, [(2, "Y"), (0, "X")]), (-1, [(1, "Z")])])
    assert spelt.n_sites_needed == 3


def test_hermitian():
    assert (X(0) * Z(1)).is_hermitian
    assert not (X(0) * Y(0)).is_hermitian
    assert (X(0) * Y(0) - Y(0) * X(0)).hermitian_conjugate() == -2j * Z(0)


def test_values_hash_and_hide_their_map():
    assert hash(X(0) + Z(1)) == hash(Z(1) + X(0))
    assert "X(0)" in repr(X(0))
    assert isinstance(dict(X(0).terms), dict)


def test_twenty_thousand_terms_in_one_pass():
    pairs = [(i, j) for i in range(200) for j in range(i)]
    couplings = PauliSum.from_terms((0.1, [(i, "Z"), (j, "Z")]) for i, j in pairs)
    assert len(couplings) == len(pairs)
    assert len(PauliSum.sum([couplings, X(0), -couplings])) == 1
