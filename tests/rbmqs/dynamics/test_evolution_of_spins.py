"""Evolution of spins S > 1/2 against exact vectors; what is refused."""

import numpy as np
import pytest

import hamiltonians as hm
import rbmqs


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
