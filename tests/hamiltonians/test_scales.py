"""Energies of very small couplings, and of a Hamiltonian on top of a large constant."""

import math
from functools import cache

import numpy as np
import pytest

from hamiltonians import (
    PauliSum,
    SymmetryGroup,
    X,
    Y,
    Z,
    best_reference,
    chain,
    evolve,
    full_spectrum,
    ground_state,
    heisenberg,
    identity,
    ising,
    j1j2,
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
    assert scaled.size_of(s * c) == pytest.approx(0.05 * scaled.energy_scale)
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
    with pytest.raises(ValueError, match=r"invariant|symmetr|permutation"):
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


def frustrated(s, c):
    """s (H + c) of an open J1-J2 chain of 10 with a field: 1024 states, so Lanczos."""
    H = j1j2(chain(10, periodic=False), J1=s, J2=0.3 * s) + 0.5 * s * Z(2)
    return H + s * c * identity() if c else H


def ring(s, c):
    """s (H + c) of the Heisenberg ring of 12 in S_z = 0."""
    H = heisenberg(chain(12), J=s, total_sz=0)
    return H + s * c * identity() if c else H


@cache
def exact_results(model, s, c):
    """Energies in units of s, without c, and everything that does not depend on either."""
    H = model(s, c)
    solved = [ground_state(H, k, vectors=v) for k, v in ((1, True), (1, False), (4, True))]
    reference = best_reference(H)
    return {
        "energies": [result.energies / s - c for result in solved],
        "residuals": [result.residuals / s for result in solved],
        "n_products": [result.n_products for result in solved],
        "correlations": solved[0].correlations(),
        "expect": solved[0].expect(s * Z(1) * Z(2)) / s,
        "reference": (reference.energy / s - c, reference.uncertainty / s),
    }


SCALES = [2.0**-900, 1e-300, 3.7, 1e290]
EXACT = [(s, c) for s in SCALES for c in (0.0, -1000.0)] + [(1.0, 3.0)]


@pytest.mark.parametrize(("s", "c"), EXACT)
@pytest.mark.parametrize("model", [frustrated, ring])
def test_exact_results_scale(model, s, c):
    found, wanted = exact_results(model, s, c), exact_results(model, 1.0, 0.0)
    assert found["n_products"] == wanted["n_products"]
    for name in ("energies", "residuals", "correlations", "expect", "reference"):
        pairs = zip(found[name], wanted[name], strict=True) if isinstance(found[name], list) else (
            (found[name], wanted[name]),
        )  # fmt: skip
        for one, other in pairs:
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-8)
    if math.frexp(s)[0] == 0.5 and c == 0:
        assert all(
            (a == b).all() for a, b in zip(found["energies"], wanted["energies"], strict=True)
        )


@pytest.mark.parametrize(("s", "c"), EXACT)
def test_levels_and_spectra_scale(s, c):
    H, unit = heisenberg(chain(6), J=s) + s * c * identity(), heisenberg(chain(6))
    levels = [[n for _, n, _ in low_spectrum(x, 3).levels()] for x in (H, unit)]
    assert levels[0] == levels[1]
    np.testing.assert_allclose(full_spectrum(H) / s - c, full_spectrum(unit), atol=1e-11)


@pytest.mark.parametrize("s", SCALES)
@pytest.mark.parametrize("c", [0.0, 3.0])
def test_evolution_scales(s, c):
    H, unit = (heisenberg(chain(8), J=x, total_sz=0) for x in (s, 1.0))
    H += s * c * identity()
    start = np.zeros(H.dimension)
    start[17] = 1.0
    times = np.array([0.3, -1.0, 2.0])
    found, wanted = evolve(H, start, times / s), evolve(unit, start, times)
    phases = np.exp(-1j * c * times)[:, None]
    np.testing.assert_allclose(found, phases * wanted, rtol=0, atol=1e-9)
    assert (evolve(spin_hamiltonian(identity(), 8, total_sz=0), start, [0.0]) == start).all()


def test_a_ground_state_energy_of_zero_converges():
    """A field shifts a sector as a whole: E = trace = 0 is far from the ends of H."""
    H = heisenberg(chain(14), total_sz=1)
    field = -ground_state(H).energy / 2
    shifted = H + PauliSum.sum(field * Z(i) for i in range(14))
    for vectors in (True, False):
        assert ground_state(shifted, vectors=vectors).energy == pytest.approx(0, abs=1e-7)


def test_zero_hamiltonian():
    H = spin_hamiltonian(0 * identity(), 3)
    assert full_spectrum(H).tolist() == [0.0] * 8
    assert [n for _, n, _ in low_spectrum(H).levels()] == [4]
    assert best_reference(H).energy == 0
