"""Energies of very small couplings, and of a Hamiltonian on top of a large constant."""

import numpy as np
import pytest

from hamiltonians import (
    PauliSum,
    SymmetryGroup,
    X,
    Y,
    Z,
    chain,
    full_spectrum,
    ground_state,
    heisenberg,
    identity,
    ising,
    low_spectrum,
    observable_connections,
    spin_hamiltonian,
)

UNIT = full_spectrum(heisenberg(chain(10)))


@pytest.mark.parametrize("J", [1e-13, 1e13])
def test_energies_scale_with_the_coupling(J):
    H = heisenberg(chain(10), J=J)
    np.testing.assert_allclose(ground_state(H, k=3).energies / J, UNIT[:3], atol=1e-8)
    np.testing.assert_allclose(ground_state(H).energy / J, UNIT[0], atol=1e-8)


def test_levels_scale_with_the_coupling():
    small = low_spectrum(heisenberg(chain(6), J=1e-13)).levels()
    unit = low_spectrum(heisenberg(chain(6))).levels()
    assert [level[1] for level in small] == [level[1] for level in unit]
    assert small[0][1] == 1


@pytest.mark.parametrize("H", [heisenberg(chain(12), total_sz=0), ising(chain(10), h=0.8)])
def test_large_constant_costs_no_accuracy(H):
    shifted, seen = H + 1e9 * identity(), []
    exact = full_spectrum(H)[:3]
    result = ground_state(shifted, k=3)
    one = ground_state(shifted, vectors=False, progress=lambda n, E, r: seen.append(E))
    np.testing.assert_allclose(result.energies - 1e9, exact, atol=1e-6)
    assert one.energy - 1e9 == pytest.approx(exact[0], abs=1e-6)
    assert seen[-1] == one.energy
    assert (result.residuals < 1e-6).all()
    np.testing.assert_allclose(full_spectrum(shifted)[:3] - 1e9, exact, atol=1e-6)
    assert result.expect(shifted.terms) == pytest.approx(result.energy)


def test_constant_alone():
    H = spin_hamiltonian(2.5 * identity(), 3)
    assert ground_state(H, k=2).energies.tolist() == [2.5, 2.5]
    assert full_spectrum(H).tolist() == [2.5] * 8


@pytest.mark.parametrize("s", [2.0**-900, 1e-13, 1.0, 2.0**40, 1e280])
@pytest.mark.parametrize("c", [0.0, -7.0, 1e3])
def test_sizes_scale_with_h_and_ignore_the_constant(s, c):
    H = heisenberg(chain(8)) + 0.5 * Z(3)
    scaled = spin_hamiltonian(s * H.terms + s * c * identity(), 8)
    assert scaled.trace == s * c
    assert scaled.energy_scale == pytest.approx(s * H.energy_scale, rel=1e-14)
    assert scaled.coupling_scale == s * H.coupling_scale == s
    assert scaled.size_of(s * (c - 5)) == pytest.approx(5 * s, rel=1e-12)
    assert scaled.size_of(s * c) == pytest.approx(1e-3 * scaled.energy_scale)
    unit = scaled.in_units_of(s)
    assert unit.trace == 0
    assert all(abs(unit.terms.terms[t] - v) < 1e-15 for t, v in H.terms.terms.items())


def test_a_strong_impurity_and_a_field_leave_the_coupling():
    assert (ising(chain(8), h=3.0) + 1e6 * Z(0)).coupling_scale == 1.0
    assert ising(chain(8), h=8.0).coupling_scale == 2.0
    assert spin_hamiltonian(identity(), 2).coupling_scale == 1.0
    assert spin_hamiltonian(identity(), 2).size_of(1.0) == 0.0


@pytest.mark.parametrize("size", [1e9, 1e13, 1e20])
@pytest.mark.parametrize("large", [identity(), Z(0), Z(0) * Z(1), X(1)])
def test_nothing_is_dropped_beside_a_large_term(large, size):
    with pytest.raises(ValueError, match=r"Hermitian.* got 0\.5j for X\(0\)"):
        spin_hamiltonian(size * large + 0.5j * X(0), 2)
    with pytest.raises(ValueError, match=r"total_sz must be None .*X\(0\) changes it"):
        spin_hamiltonian(size * identity() + size * Z(0) * Z(1) + X(0), 2, total_sz=0)
    with pytest.raises(ValueError, match=r"real diagonal.*Z\(1\)"):
        observable_connections(size * Z(0) + 0.5j * Z(1), 2)
    with pytest.raises(ValueError, match="invariant|symmetr|permutation"):
        SymmetryGroup([[0, 1], [1, 0]]).leaves_invariant(
            spin_hamiltonian(size * Z(0) * Z(1) + X(0), 2)
        )


def test_rounding_of_what_cancels_is_no_term():
    ladder = (0.1 + 0.2j) * (X(0) + 1j * Y(0)) * Z(1)
    H = spin_hamiltonian(ladder + ladder.hermitian_conjugate(), 2)
    assert set(H.terms.terms) == {((0, "X"), (1, "Z")), ((0, "Y"), (1, "Z"))}
    assert len(0.1 * X(0) + 0.2 * X(0) - 0.3 * X(0)) == 0


def test_strings_of_a_matrix_beside_a_large_constant():
    matrix = 1e12 * np.eye(4) + np.kron([[0, 1], [1, 0]], np.eye(2))
    assert PauliSum.from_matrix(matrix, (0, 1)).terms == {(): 1e12, ((0, "X"),): 1.0}
