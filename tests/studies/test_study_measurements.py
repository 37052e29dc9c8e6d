"""Observables of a point against exact enumeration and naive sums."""

import numpy as np
import pytest

import rbmqs
from hamiltonians import (
    PauliSum,
    Sector,
    chain,
    expectation,
    ground_state,
    heisenberg,
    honeycomb,
    ising,
    ladder,
    rectangle,
    square,
    triangular,
)
from rbmqs.sampling.chains import Samples
from rbmqs.studies.measurements import (
    _binder,
    correlation_arrays,
    scalar_observables,
)

N = 6


@pytest.fixture(scope="module")
def result():
    settings = rbmqs.RunSettings(
        n_iterations=60,
        seed=3,
        sampling=rbmqs.SamplingSettings(n_samples=256, n_final_samples=16384, exact=True),
    )
    return rbmqs.ground_state(
        ising(chain(N), h=1.2, J=-1.0), alpha=2, settings=settings, progress=False
    )


def exact_moments(psi) -> tuple[float, float]:
    """<m^2> and <m^4> of a wavefunction by enumeration."""
    sector = Sector(N)
    weights = abs(psi.state_vector(sector)) ** 2
    m = sector.states_to_spins(sector.basis_states()).mean(axis=1)
    return float(weights @ m**2), float(weights @ m**4)


def test_observables_agree_with_enumeration(result):
    values = scalar_observables(result)
    second, fourth = exact_moments(result.psi)
    exact = {"m_z_squared": second, "binder": 1 - fourth / (3 * second**2)}
    operator = PauliSum.from_terms((1 / N, [(i, "X")]) for i in range(N))
    exact["m_x"] = expectation(result.psi.state_vector(Sector(N)), operator, Sector(N)).real
    for name, value in exact.items():
        error = values[f"{name}_error"]
        assert abs(values[name] - value) < 4 * error, name
        assert 0 < error < 0.05


def test_observables_follow_the_ground_state(result):
    exact = ground_state(result.hamiltonian)
    assert result.psi.overlap(exact.vector, Sector(N)) > 0.999


def test_binder_error_is_that_of_repetition():
    """Jackknife error against the spread of 400 repetitions: 3.5 % known, bound 4 sigma + bias."""
    rng = np.random.default_rng(1)

    def draw():
        spins = rng.choice([1, -1], size=(8, 64, N), p=[0.7, 0.3]).astype(np.int8)
        return _binder("u", Samples(spins, 1.0), np.ones(N))

    found = [draw() for _ in range(400)]
    spread = np.std([v["u"] for v in found])
    assert np.mean([v["u_error"] for v in found]) == pytest.approx(spread, rel=0.2)


def test_binder_of_a_sector_without_magnetisation_is_not_a_number():
    spins = np.tile(np.array([1, -1], np.int8), (4, 16, 3))
    assert np.isnan(_binder("u", Samples(spins, 1.0), np.ones(N))["u"])


@pytest.mark.parametrize("shape", [(6,), (2, 3)])
def test_structure_factor_agrees_with_the_sum(shape):
    spins = np.random.default_rng(2).choice([1, -1], size=(3, 9, N)).astype(np.int8)
    lattice = chain(N) if len(shape) == 1 else rectangle(*shape, periodic=False)
    psi = rbmqs.RBM.random(N, alpha=1)
    found = rbmqs.structure_factor(psi, ising(lattice), Samples(spins, 1.0), spin=False)
    positions = np.asarray(lattice.positions, dtype=float)
    for k in np.ndindex(*shape):
        phase = np.exp(2j * np.pi * (positions @ (np.array(k) / shape)))
        naive = np.mean(abs(spins.reshape(-1, N) @ phase) ** 2) / N
        assert found.zz.reshape(shape)[k] == pytest.approx(naive, rel=1e-12)


def test_structure_factor_is_the_transform_of_the_correlations(result):
    arrays = correlation_arrays(result)
    sites = np.arange(N)
    for k in range(N):
        phases = np.exp(2j * np.pi * k * (sites[:, None] - sites) / N)
        assert arrays["structure_factor"][k] == pytest.approx(
            (phases * arrays["zz"]).sum().real / N
        )


def test_means_over_distances_are_those_of_the_estimate(result):
    """Not of the pairs: their bars in quadrature are too small by 1.8 on a ring of 24."""
    arrays, found = correlation_arrays(result), result.correlations().by_distance()
    assert arrays["distances"].tolist() == [1.0, 2.0, 3.0]
    for name in ("mean_zz", "mean_xx_error", "mean_spin", "mean_spin_error"):
        np.testing.assert_array_equal(arrays[name], getattr(found, name.removeprefix("mean_")))


@pytest.mark.parametrize(
    ("lattice", "n_k"),
    [(square(3), 9), (triangular(3, 3), 9), (honeycomb(2, 2), 4), (chain(6), 6), (ladder(4), 8)],
    ids=lambda value: getattr(value, "name", None),
)
def test_momenta_lie_in_the_first_zone_or_around_it(lattice, n_k):
    options = {"alpha": 1, "n_iterations": 0, "n_final_samples": 64, "progress": False}
    found = rbmqs.ground_state(ising(lattice), **options)
    arrays = correlation_arrays(found)
    k, reciprocal = arrays["wave_vectors"], arrays["reciprocal_vectors"]
    assert (len(k) == n_k) if arrays["periodic"] else (len(k) > n_k)
    spins = found.final.samples.flat
    naive = abs(spins @ np.exp(1j * np.asarray(lattice.positions) @ k.T)) ** 2 / lattice.n_sites
    np.testing.assert_allclose(arrays["structure_factor"], naive.mean(axis=0), rtol=1e-10)
    if arrays["periodic"]:
        numbers = np.array(list(np.ndindex((3,) * len(reciprocal)))) - 1
        images = np.linalg.norm(k[:, None] + numbers @ reciprocal, axis=-1)
        np.testing.assert_allclose(np.linalg.norm(k, axis=1), images.min(axis=1), atol=1e-9)


def test_fixed_sector_has_no_transverse_magnetisation():
    settings = rbmqs.RunSettings(n_iterations=2, sampling=rbmqs.SamplingSettings(n_samples=64))
    H = heisenberg(chain(4), total_sz=0, marshall=True)
    values = scalar_observables(rbmqs.ground_state(H, settings=settings, progress=False))
    assert "m_x" not in values
    assert values["m_z_squared"] == 0
    assert values["m_s_squared"] > 0
