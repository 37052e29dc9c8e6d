import numpy as np
from hypothesis import given
from textbook import matrix, pauli_sums

from hamiltonians import (
    Sector,
    X,
    Y,
    Z,
    bit_connections,
    chain,
    compile_connections,
    heisenberg,
    ising,
    rectangle,
)
from hamiltonians.operators.connections import Connections, is_invariant, observable_connections


def rows_from_connections(c: Connections) -> np.ndarray:
    """Dense matrix, read element by element off the arrays as their docstring says."""
    sector = Sector(c.n_sites)
    spins = sector.states_to_spins(sector.basis_states()).astype(int)
    dense = np.zeros((len(spins), len(spins)), complex)
    for r, sigma in enumerate(spins):
        for d, value in enumerate(c.diag_coef):
            dense[r, r] += value * sigma[c.diag_sites[c.diag_ptr[d] : c.diag_ptr[d + 1]]].prod()
        for f in range(len(c.flip_ptr) - 1):
            flipped = sigma.copy()
            flipped[c.flip_sites[c.flip_ptr[f] : c.flip_ptr[f + 1]]] *= -1
            column = int(sector.spins_to_states(flipped))
            for k in range(c.term_ptr[f], c.term_ptr[f + 1]):
                signs = sigma[c.z_sites[c.z_ptr[k] : c.z_ptr[k + 1]]]
                dense[r, column] += c.coef[k] * signs.prod()
    return dense


@given(pauli_sums(3))
def test_row_elements_are_those_of_the_textbook_matrix(terms):
    rows = rows_from_connections(compile_connections(terms, 3))
    np.testing.assert_allclose(rows, matrix(terms, 3), atol=1e-12)


def test_non_hermitian_observable():
    raising = (X(0) + 1j * Y(0)) * (X(2) - 1j * Y(2)) * Z(1)
    rows = rows_from_connections(observable_connections(raising, 3))
    np.testing.assert_allclose(rows, matrix(raising, 3), atol=1e-12)


def test_strings_of_one_flip_are_grouped():
    c = compile_connections(X(0) * X(1) + Y(0) * Y(1) + 2 * Z(0) + 5, 2)
    assert c.flip_sites.tolist() == [0, 1]
    assert c.term_ptr.tolist() == [0, 2]
    assert c.coef.tolist() == [1, -1]
    assert c.z_ptr.tolist() == [0, 0, 2]
    assert c.diag_coef.tolist() == [5, 2]
    assert c.diag_ptr.tolist() == [0, 0, 1]


def test_types():
    c = ising(chain(6), hz=0.1).connections
    assert {a.dtype for a in (c.flip_ptr, c.flip_sites, c.term_ptr, c.z_ptr, c.z_sites)} == {
        np.dtype(np.int64)
    }
    assert c.coef.dtype == np.complex128
    assert c.diag_coef.dtype == np.float64
    assert all(array.flags.c_contiguous for array in c[:-1])


def test_masks_put_site_zero_into_the_highest_bit():
    bits = bit_connections(compile_connections(X(0) * Z(2) + Z(1), 3))
    assert bits.flip_mask.tolist() == [0b100]
    assert bits.z_mask.tolist() == [0b001]
    assert bits.diag_mask.tolist() == [0b010]
    assert bits.flip_mask.dtype == np.uint64


def test_compiling_is_fast_enough_for_a_thousand_sites():
    assert len(ising(chain(1000)).connections.coef) == 1000


def test_invariance_sees_every_coefficient_and_sign():
    lattice = rectangle(3, 4)
    group = lattice.space_group().permutations
    ones = np.ones(len(group))
    whole = heisenberg(lattice)
    assert is_invariant(whole.connections, group, ones)
    assert is_invariant(whole.connections, group, -ones)
    broken = compile_connections(whole.terms + 1e-6 * X(0) * X(1), lattice.n_sites)
    assert not is_invariant(broken, group, ones)
    assert not is_invariant(compile_connections(X(0), lattice.n_sites), group, ones)
    odd = sum((X(i) * Z(j) + Z(i) * X(j) for i, j in lattice.bonds()), 0 * X(0))
    odd = compile_connections(odd, lattice.n_sites)
    assert is_invariant(odd, group, ones)
    assert not is_invariant(odd, group, -ones)
