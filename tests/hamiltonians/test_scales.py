"""Energies of very small couplings, and of a Hamiltonian on top of a large constant."""

import numpy as np
import pytest

from hamiltonians import (
    chain,
    full_spectrum,
    ground_state,
    heisenberg,
    identity,
    ising,
    low_spectrum,
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
