"""Sectors of Pauli strings against projectors, and what is refused."""

import numpy as np
import pytest

import hamiltonians as hm
from hamiltonians import PauliSum, X, Y, Z, chain, spin_hamiltonian
from hamiltonians.exact.pauli_symmetries import pauli_sectors


def string(text):
    return PauliSum.from_strings({text: 1})


def cluster_chain(n):
    """Z X Z on a ring in a field: symmetric under X on even and on odd sites."""
    terms = [Z(i) * X((i + 1) % n) * Z((i + 2) % n) + 0.3 * X(i) for i in range(n)]
    return spin_hamiltonian(PauliSum.sum(terms), n)


CASES = {
    "ising": (hm.ising(chain(5), h=0.7), ["XXXXX"]),
    "cluster": (cluster_chain(6), ["XIXIXI", "IXIXIX"]),
    "xyz": (hm.xyz(chain(4), 1.0, 0.4, -0.7), ["XXXX", "ZZZZ"]),
    "overlapping": (
        spin_hamiltonian(X(0) * X(1) + 0.4 * Y(2) * X(3) + 0.9 * Z(0) * Z(1) * Y(2) * X(3), 4),
        ["XXII", "ZZII"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_levels_and_observables_are_those_of_the_projected_matrix(name):
    H, texts = CASES[name]
    dense = H.to_dense()
    strings = [string(text) for text in texts]
    matrices = [spin_hamiltonian(s, H.n_sites).to_dense() for s in strings]
    levels = []
    for sector in pauli_sectors(H, strings):
        projector = np.eye(len(dense))
        for value, matrix in zip(sector.eigenvalues, matrices, strict=True):
            projector = projector @ (np.eye(len(dense)) + value * matrix) / 2
        _, basis = np.linalg.eigh(projector)
        basis = basis[:, -round(np.trace(projector).real) :]
        expected = np.linalg.eigvalsh(basis.conj().T @ dense @ basis)
        reduced = sector.hamiltonian.to_dense()
        np.testing.assert_allclose(np.linalg.eigvalsh(reduced), expected, atol=1e-12)
        square = spin_hamiltonian(sector.operator(H.terms @ H.terms), len(sector.sites))
        np.testing.assert_allclose(square.to_dense(), reduced @ reduced, atol=1e-12)
        levels += [*expected]
    np.testing.assert_allclose(np.sort(levels), np.linalg.eigvalsh(dense), atol=1e-12)


def test_a_product_of_strings_has_the_eigenvalue_of_both():
    """XXXX YYYY = ZZZZ, so that X = 1, Y = -1 is the sector X = 1, Z = -1."""
    H = hm.xyz(chain(4), 1.0, 0.4, -0.7)
    [one] = pauli_sectors(H, [string("XXXX"), string("YYYY")], [1, -1])
    [same] = pauli_sectors(H, [string("ZZZZ"), string("XXXX")], [-1, 1])
    first, second = (hm.full_spectrum(s.hamiltonian) for s in (one, same))
    np.testing.assert_allclose(first, second, atol=1e-12)
    assert hm.ground_state(one.hamiltonian).energy == pytest.approx(first[0])


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (
            lambda: pauli_sectors(hm.ising(chain(4)), [string("ZZZZ"), string("XXXX")]),
            "strings must commute with H, got Z(0) Z(1) Z(2) Z(3), which does not commute with",
        ),
        (
            lambda: pauli_sectors(spin_hamiltonian(Z(2), 3), [string("XII"), string("ZII")]),
            "strings must commute, got X(0) and Z(0), which do not",
        ),
        (
            lambda: pauli_sectors(CASES["xyz"][0], [string(s * 4) for s in "XYZ"]),
            "strings must be independent, got one that is a product of others",
        ),
        (lambda: pauli_sectors(hm.ising(chain(4)), [2 * X(0)]), "strings must each be one Pauli"),
        (
            lambda: pauli_sectors(hm.ising(chain(4)), [string("XXXX")], [0]),
            "eigenvalues must be +1 or -1 for each of 1 strings, got (0,)",
        ),
        (
            lambda: pauli_sectors(hm.heisenberg(chain(4), total_sz=0), []),
            "H must have spins 1/2 and no total_sz or blockade",
        ),
        (
            lambda: pauli_sectors(hm.ising(chain(4)), [string("XXXX")], [1])[0].operator(Z(0)),
            "observable must commute with the strings, got Z(0)",
        ),
    ],
)
def test_wrong_strings_are_named(build, reason):
    with pytest.raises((TypeError, ValueError)) as caught:
        build()
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
