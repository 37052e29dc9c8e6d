"""Pauli sums from matrices, raising and lowering operators, against Kronecker products."""

import numpy as np
import pytest
from hypothesis import given
from textbook import matrix, pauli_sums

from hamiltonians import PauliSum, Sm, Sp, X, Z, bond_sum, chain, heisenberg, rectangle

UP, DOWN = [[0, 1], [0, 0]], [[0, 0], [1, 0]]
RNG = np.random.default_rng(1)
ASYMMETRIC = RNG.normal(size=(4, 4)) + 1j * RNG.normal(size=(4, 4))


def test_raising_and_lowering():
    np.testing.assert_array_equal(matrix(Sp(0), 1), UP)
    np.testing.assert_array_equal(matrix(Sm(0), 1), DOWN)
    assert Sp(2).hermitian_conjugate() == Sm(2)
    assert Sp(np.int64(1)) * Sm(1) - Sm(1) * Sp(1) == Z(1)
    np.testing.assert_allclose(
        matrix(Sp(0) * Sm(2), 3), np.kron(np.kron(UP, np.eye(2)), DOWN), atol=1e-15
    )


@given(pauli_sums(3, hermitian=False))
def test_from_matrix_is_the_inverse_of_the_matrix(terms):
    again = PauliSum.from_matrix(matrix(terms, 3), (0, 1, 2))
    np.testing.assert_allclose(matrix(again, 3), matrix(terms, 3), atol=1e-12)


def test_first_site_is_the_leftmost_factor():
    swapped = ASYMMETRIC.reshape(2, 2, 2, 2).transpose(1, 0, 3, 2).reshape(4, 4)
    dense = matrix(PauliSum.from_matrix(ASYMMETRIC, (1, 0)), 2)
    np.testing.assert_allclose(dense, swapped, atol=1e-12)
    apart = PauliSum.from_matrix(np.kron(UP, DOWN), [np.int64(3), 1])
    assert apart == Sp(3) * Sm(1)


def test_from_matrix_of_one_site_and_of_eight():
    assert PauliSum.from_matrix([[0, 1], [1, 0]], [5]) == X(5)
    assert PauliSum.from_matrix(np.eye(256), range(8)).terms == {(): 1}


def test_bond_sum_against_dense():
    lattice = rectangle(2, 3, periodic=False)
    for shell in (1, 2):
        dense = sum(
            matrix(PauliSum.from_matrix(ASYMMETRIC, bond), 6)
            for bond in lattice.bonds(shell).tolist()
        )
        found = matrix(bond_sum(ASYMMETRIC, lattice, shell=shell), 6)
        np.testing.assert_allclose(found, dense, atol=1e-12)


def test_bond_sum_of_swaps_is_heisenberg():
    swap = np.eye(4)[[0, 2, 1, 3]]
    assert 2 * bond_sum(swap, chain(6)) - 6 == heisenberg(chain(6)).terms


def test_bond_sum_keeps_the_order_of_edges():
    assert bond_sum(np.kron(UP, DOWN), [(2, 0), (1, 2)]) == Sp(2) * Sm(0) + Sp(1) * Sm(2)
    assert bond_sum(np.eye(4), np.array([[0, 1], [1, 2]])).terms == {(): 2}


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (lambda: PauliSum.from_matrix(np.eye(4), [0]), "shape (2, 2) on 1 sites, got (4, 4)"),
        (lambda: PauliSum.from_matrix(np.eye(2), []), "sites must be 1 to 8 sites, got 0"),
        (lambda: PauliSum.from_matrix(np.eye(512), range(9)), "1 to 8 sites, got 9"),
        (lambda: PauliSum.from_matrix(np.eye(4), [1, 1]), "site"),
        (lambda: PauliSum.from_matrix(ASYMMETRIC, [1, 1]), "name each site once"),
        (lambda: PauliSum.from_matrix(np.eye(4), [0, -1]), "at least 0, got -1"),
        (lambda: PauliSum.from_matrix([["a", "b"], ["c", "d"]], [0]), "must hold numbers"),
        (lambda: PauliSum.from_matrix([[np.nan, 0], [0, 1]], [0]), "1 values that are not finite"),
        (lambda: Sp(-1), "at least 0"),
        (lambda: bond_sum(np.eye(2), chain(4)), "shape (4, 4) on 2 sites, got (2, 2)"),
        (lambda: bond_sum(np.eye(4), [(0, 1, 2)]), "pairs of sites, got (0, 1, 2)"),
        (lambda: bond_sum(np.eye(4), chain(4), shell=9), "shell must be between 1 and 2"),
    ],
)
def test_bad_matrices_are_one_line(build, reason):
    with pytest.raises((TypeError, ValueError)) as caught:
        build()
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
