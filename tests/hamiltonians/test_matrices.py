"""One definition of H, four forms: textbook, dense, sparse and products; all must agree."""

import numpy as np
import pytest
from hypothesis import given, settings
from on_threads import on_one_and_two_threads
from textbook import matrix, pauli_sums, total_z

from hamiltonians import PauliSum, Sector, X, Y, Z, chain, heisenberg, j1j2, spin_hamiltonian, xyz
from hamiltonians.exact.blocks import BlockOperator
from hamiltonians.models.terms import bond_terms
from hamiltonians.operators.matrices import sector_operator


@settings(deadline=None)
@given(pauli_sums(4))
def test_dense_is_the_kronecker_product(terms):
    H = spin_hamiltonian(terms, 4)
    textbook = matrix(terms, 4)
    np.testing.assert_allclose(H.to_dense(), textbook, atol=1e-12)
    assert H.is_real == (not textbook.imag.any())


@settings(deadline=None)
@given(pauli_sums(4))
def test_total_sz_is_conserved_exactly_if_the_commutator_vanishes(terms):
    textbook, z = matrix(terms, 4), np.diag(total_z(4))
    vanishes = np.allclose(textbook @ z, z @ textbook, atol=1e-9)
    assert spin_hamiltonian(terms, 4).conserves_total_sz == vanishes


def awkward_conserving_sum(n_sites: int) -> PauliSum:
    """Conserves S_z with complex elements, four-site flips and strings on other sites."""
    lattice = chain(n_sites)
    twist = PauliSum.sum(X(i) * Y(j) - Y(i) * X(j) for i, j in lattice.bonds().tolist())
    raising = [(X(i) + 1j * Y(i)) / 2 for i in range(4)]
    pairs = raising[0] * raising[1] * raising[2].hermitian_conjugate()
    pairs = pairs * raising[3].hermitian_conjugate()
    flips = bond_terms(lattice, "XX", J=1.0) + bond_terms(lattice, "YY", J=1.0)
    return (
        flips * 0.7
        + flips * Z(2) * Z(5)
        + Z(5) * Z(2) * flips
        + 0.3 * twist
        + 0.4 * Z(1)
        + (pairs + pairs.hermitian_conjugate())
    )


@pytest.mark.parametrize("total_sz", [None, -3, -2, -1, 0, 1, 2, 3])
def test_sector_matrix_is_a_block_of_the_textbook_matrix(total_sz):
    terms = awkward_conserving_sum(6)
    H = spin_hamiltonian(terms, 6, total_sz=total_sz)
    rows = np.arange(64) if total_sz is None else np.flatnonzero(total_z(6) == 2 * total_sz)
    block = matrix(terms, 6)[np.ix_(rows, rows)]
    np.testing.assert_allclose(H.to_dense(), block, atol=1e-12)
    np.testing.assert_array_equal(Sector(6, total_sz).basis_states(), rows)


def product(operator, v):
    """H v, in the dtype that holds both."""
    x = v.astype(np.result_type(v, operator.dtype))
    y = np.zeros_like(x)
    operator.multiply(x, y)
    return y


@pytest.mark.parametrize("total_sz", [None, 0, 2])
@pytest.mark.parametrize("kind", [float, complex])
def test_products_match_the_dense_matrix(total_sz, kind):
    for terms in (awkward_conserving_sum(8), j1j2(chain(8), J2=0.3).terms):
        H = spin_hamiltonian(terms, 8, total_sz=total_sz)
        rng = np.random.default_rng(3)
        v = rng.normal(size=H.dimension).astype(kind) * (1 if kind is float else 1 + 0.5j)
        y = product(BlockOperator(Sector(8, total_sz), terms), v)
        np.testing.assert_allclose(y, H.to_dense() @ v, atol=1e-12)


def test_products_do_not_depend_on_the_number_of_threads():
    sector = Sector(14, 0)
    operator = BlockOperator(sector, awkward_conserving_sum(14))
    v = np.random.default_rng(5).normal(size=sector.dimension) + 0j
    one, two = on_one_and_two_threads(lambda: product(operator, v).tobytes())
    assert one == two


def test_a_pair_flip_in_a_sector_needs_no_string():
    operator = sector_operator(heisenberg(chain(6)).terms, Sector(6, 0))
    assert len(operator.flips.coef) == 0
    assert set(operator.flips.constant) == {2.0}


def test_sparse_rows_hold_no_zeros_off_the_diagonal():
    H = heisenberg(chain(6), total_sz=0)
    sparse = H.to_sparse()
    assert sparse.has_sorted_indices
    assert sparse.nnz - np.count_nonzero(sparse.data) == np.count_nonzero(sparse.diagonal() == 0)
    assert sparse.dtype == np.float64
    assert xyz(chain(3)).to_sparse().dtype == np.float64


def test_sectors_together_are_the_full_spectrum():
    H = heisenberg(chain(7), field=(0, 0, 0.3))
    sectors = [H.with_total_sz(m / 2) for m in range(-7, 8, 2)]
    blocks = np.concatenate([np.linalg.eigvalsh(block.to_dense()) for block in sectors])
    np.testing.assert_allclose(np.sort(blocks), np.linalg.eigvalsh(H.to_dense()), atol=1e-11)


def test_operator_without_terms():
    H = spin_hamiltonian(PauliSum(), n_sites=2)
    np.testing.assert_array_equal(H.to_dense(), np.zeros((4, 4)))
