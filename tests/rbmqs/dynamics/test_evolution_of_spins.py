"""Evolution of spins S > 1/2 against exact vectors; what is refused."""

import numpy as np
import pytest

import hamiltonians as hm
import rbmqs
from rbmqs.dynamics import product_state


@pytest.fixture(scope="module")
def quench():
    """A chain of three spins 1 after its anisotropy has changed."""
    H = hm.xxz(hm.chain(3, periodic=False), delta=2.0, spin=1, total_sz=0)
    return H, rbmqs.SpinRBM.random(3, 3, seed=3, stddev=0.2)


@pytest.mark.parametrize("method", ["tdvp", "projected"])
def test_observables_follow_the_exact_vector(quench, method):
    H, psi = quench
    bond = {"bond": hm.spin_dot(0, 1, 1), "square": hm.Sz(0, 1) ** 2}
    found = rbmqs.evolve(
        H, psi, [0.0, 0.1, 0.2], observables=bond, echo=True, summation=True, method=method,
        progress=False,
    )  # fmt: skip
    sector = hm.SpinSector(H.local_space, 0)
    vectors = hm.evolve(H, psi.state_vector(sector), [0.0, 0.1, 0.2])
    for name, operator in bond.items():
        exact = [np.real(hm.expectation(v, operator, sector)) for v in vectors]
        np.testing.assert_allclose(found.values(name), exact, atol=2e-4)
        np.testing.assert_allclose(found.exact[name], exact, atol=1e-9)
    overlaps = [abs(np.vdot(vectors[0], v)) ** 2 for v in vectors]
    np.testing.assert_allclose(found.values("echo"), overlaps, atol=2e-4)


def test_sampled_evolution_agrees_within_its_errors(quench):
    """Beyond 5 error bars is one value in 10^6 by chance; no more than 6 values are looked at."""
    H, psi = quench
    found = rbmqs.evolve(
        H, psi, [0.0, 0.1], summation=False, n_samples=1024, progress=False, seed=2
    )
    assert set(found.observables) == {"energy", "mz", "zz"}
    for name in ("energy", "zz"):
        assert (abs(found.values(name) - found.exact[name]) < 5 * found.errors(name) + 1e-3).all()


def test_observables_must_be_of_these_spins(quench):
    H, psi = quench
    with pytest.raises(TypeError, match="observable 'z' must be a SpinOperator, got PauliSum"):
        rbmqs.evolve(H, psi, [0.0, 0.1], observables={"z": hm.Z(0)}, progress=False)


@pytest.mark.parametrize(
    ("spin", "units"), [(1, "quadratic"), (1.5, "quadratic"), (2, "one-hot"), (1, "one-hot")]
)
def test_product_states_are_coherent_states(spin, units):
    """<S> = S n on each site, and (n.S)^2 = S^2."""
    n = np.array([[0.6, 0.0, 0.8], [0.0, 0.6, -0.8], [1.0, 0.0, 0.0]])
    psi = rbmqs.SpinRBM.random(3, 1, spin=spin, units=units)
    state = product_state(psi, n, noise=0.0)
    sector = hm.SpinSector(psi.hilbert, None)
    vector = state.state_vector(sector)
    for i, direction in enumerate(n):
        along = sum(c * S(i, spin) for c, S in zip(direction, (hm.Sx, hm.Sy, hm.Sz), strict=True))
        assert hm.expectation(vector, along, sector).real == pytest.approx(spin)
        assert hm.expectation(vector, along**2, sector).real == pytest.approx(spin**2)


def test_a_neel_state_has_its_sector_and_small_corrections():
    state = product_state(rbmqs.SpinRBM.random(4, 1), "neel", total_sz=0, noise=0.0)
    vector = state.state_vector(hm.SpinSector(state.hilbert, 0))
    sigma = hm.SpinSector(state.hilbert, 0).configurations()
    neel = (sigma == [2, -2, 2, -2]).all(axis=1)
    assert abs(vector[neel][0]) ** 2 > 1 - 1e-3
    with pytest.raises(ValueError, match="units must be 'one-hot' for these levels of spins 2"):
        product_state(rbmqs.SpinRBM.random(4, 1, spin=2), "+x")


def test_tied_weights_keep_a_hamiltonian_of_less_symmetry_away():
    group = hm.chain(4).translation_group()
    psi = rbmqs.SpinRBM.random(4, n_features=1, group=group)
    with pytest.raises(ValueError, match="H must have the symmetry of psi"):
        rbmqs.evolve(hm.heisenberg(hm.chain(4, periodic=False), spin=1), psi, [0.0, 0.1])
