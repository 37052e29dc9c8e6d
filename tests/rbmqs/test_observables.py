"""Structure factor, order parameters, dimers and fidelity against exact enumeration.

Expectations come from Pauli strings of the unrotated Hamiltonian applied to the state vector,
which the Marshall rotation is first undone on.
"""

import re

import naive
import numpy as np
import pytest

from hamiltonians import (
    PauliSum,
    Sector,
    chain,
    expectation,
    from_edges,
    heisenberg,
    honeycomb,
    j1j2,
    spin_hamiltonian,
    square,
    tilted_square,
    triangular,
    xyz,
)
from hamiltonians.lattices.geometry import pair_distances
from rbmqs import RBM
from rbmqs.estimators.observables import (
    all_wave_vectors,
    correlations,
    dimer_correlations,
    fidelity,
    magnetisations,
    mode_powers,
    renyi_entropy,
    staggered_magnetisation,
    state_fidelity,
    structure_factor,
)
from rbmqs.estimators.observables.dimers import bond_values, correlate
from rbmqs.sampling.chains import Samples
from rbmqs.sampling.exact import ExactSampler

TRIANGLE = triangular(vectors=((3, 0), (0, 3)))
MODELS = {
    "chain": lambda: heisenberg(chain(8), total_sz=0, marshall=True),
    "square": lambda: j1j2(tilted_square(2, 2), J2=0.3, total_sz=1, marshall=True),
    "triangular": lambda: heisenberg(TRIANGLE, total_sz=0.5),
    "free": lambda: xyz(chain(6), Jx=1.0, Jy=0.6, Jz=0.3, marshall=True),
}


def sector_of(H):
    return Sector(H.n_sites, H.total_sz)


def physical_vector(psi, H):
    """State vector in the unrotated basis: U = prod Z_i on the rotated sublattice."""
    sector = sector_of(H)
    vector = psi.state_vector(sector)
    if H.rotation is not None:
        spins = sector.states_to_spins(sector.basis_states())
        turned = np.array(H.rotation.sixths) == 3
        vector = vector * spins[:, turned].prod(axis=1)
    return vector


def heisenberg_term(i, j, letters="XYZ"):
    if i == j:
        return PauliSum.from_terms([(float(len(letters)), ())])
    return PauliSum.from_terms((1.0, ((i, c), (j, c))) for c in letters)


def exact(psi, H, operator):
    """Expectation in the free basis, where operators may leave the sector."""
    return expectation(physical_vector(psi, H), operator, sector_of(H)).real


def draw(psi, H, n_draws=512, n_chains=16, seed=3):
    sampler = ExactSampler(sector_of(H), n_chains)
    return sampler.sample(psi, sampler.start(seed), n_draws)[0]


def assert_within(found, error, value, bars=4.5):
    """A few dozen numbers within 4.5 bars each: a false alarm below 1e-3."""
    assert np.all(np.abs(found - value) <= bars * error + 1e-10)


def all_states(psi, H):
    """Every configuration of the sector as one chain, and |psi|^2 of each."""
    sector = sector_of(H)
    spins = sector.states_to_spins(sector.basis_states())
    weights = abs(psi.state_vector(sector)) ** 2
    seen = weights > 1e-24
    return Samples(spins[None, seen], 1.0), weights[seen]


def correlation_matrices(psi, H):
    """<z_i z_j> and <sigma_i.sigma_j> of the physical state, by Pauli strings."""
    sites = range(H.n_sites)
    return [
        np.array([[exact(psi, H, heisenberg_term(i, j, c)) for j in sites] for i in sites])
        for c in ("Z", "XYZ")
    ]


MACHINES = ["real", "complex", "tied", "projected", "momentum"]


def rbm(name, H):
    """A wavefunction of each kind; momenta have amplitudes that vanish."""
    if name in ("real", "complex"):
        return naive.random_rbm(H.n_sites, 4, float if name == "real" else complex)
    return naive.symmetric_machines(H.lattice)[name]


@pytest.mark.submission
@pytest.mark.parametrize("kind", MACHINES)
@pytest.mark.parametrize("name", MODELS)
def test_mode_powers_by_full_summation(name, kind):
    """Random complex modes, every configuration: equality to rounding."""
    H = MODELS[name]()
    psi = rbm(kind, H)
    rng = np.random.default_rng(1)
    modes = rng.normal(size=(2, 3, H.n_sites))
    modes = modes[0] + 1j * modes[1]
    samples, weights = all_states(psi, H)
    found = mode_powers(psi, H, samples, modes)
    for values, matrix in zip(found.values(), correlation_matrices(psi, H), strict=True):
        expected = np.einsum("ki,ij,kj->k", modes.conj(), matrix, modes).real
        np.testing.assert_allclose(weights @ values[0], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", MODELS)
def test_sampled_structure_factor(name):
    H = MODELS[name]()
    psi = naive.random_rbm(H.n_sites, 4, scale=0.2)
    found = structure_factor(psi, H, draw(psi, H))
    positions = np.asarray(H.lattice.positions)
    zz, spin = correlation_matrices(psi, H)
    waves = np.exp(1j * found.wave_vectors @ positions.T) / np.sqrt(H.n_sites)
    for matrix, value, error in (
        (zz, found.zz, found.zz_error), (spin, found.spin, found.spin_error)
    ):  # fmt: skip
        expected = np.einsum("ki,ij,kj->k", waves.conj(), matrix, waves).real
        assert_within(value, error, expected)
        assert np.median(error) < 0.1 * np.median(value)
    assert len(found.wave_vectors) == H.n_sites
    assert found.to_dict()["zz"] == found.zz.tolist()


def test_the_rotation_must_be_undone():
    """The broken twin: whole spins without the Marshall signs are far off, z components not."""
    H = MODELS["chain"]()
    psi = naive.random_rbm(8, 4, scale=0.1)
    samples = draw(psi, H)
    right = structure_factor(psi, H, samples)
    wrong = structure_factor(psi, heisenberg(chain(8), total_sz=0), samples)
    np.testing.assert_array_equal(right.zz, wrong.zz)
    assert np.max(abs(right.spin - wrong.spin) / np.maximum(right.spin_error, 1e-6)) > 20


LATTICES = [
    chain(6), chain(7, periodic=False), square(4), tilted_square(3, 1), triangular(3), TRIANGLE,
    triangular(vectors=((2, 2), (-2, 4))), honeycomb(3),
]  # fmt: skip


@pytest.mark.parametrize("lattice", LATTICES, ids=lambda lattice: lattice.name)
def test_wave_vectors_are_all_that_the_cluster_allows(lattice):
    k = all_wave_vectors(lattice)
    n_basis = lattice.cell.n_basis
    assert len(k) == lattice.n_sites // n_basis
    np.testing.assert_array_equal(k[0], 0)
    if all(lattice.periodic or [True]):
        turns = k @ np.asarray(lattice.translations).T / (2 * np.pi)
        np.testing.assert_allclose(turns, np.round(turns), atol=1e-9)
        momenta = np.sort(lattice.momenta(), axis=0)
        phases = np.sort(k @ np.asarray(lattice.cell.vectors).T, axis=0)
        np.testing.assert_allclose(phases, momenta, atol=1e-9)
    cells = np.asarray(lattice.positions)[::n_basis]
    waves = np.exp(1j * k @ cells.T) / np.sqrt(len(cells))
    np.testing.assert_allclose(waves @ waves.conj().T, np.eye(len(k)), atol=1e-9)


def test_peak_of_the_neel_state():
    H = heisenberg(square(4), total_sz=0)
    signs = (1 - 2 * H.lattice.sublattices()).astype(np.int8)
    spins = np.tile(signs, (4, 9, 1))
    found = structure_factor(naive.random_rbm(16, 2), H, Samples(spins, 1.0), spin=False)
    np.testing.assert_allclose(found.peak, [np.pi, np.pi])
    assert found.zz.max() == pytest.approx(16)
    assert found.spin is None


@pytest.mark.parametrize("name", ["chain", "square", "free"])
def test_staggered_magnetisation(name):
    H = MODELS[name]()
    psi = naive.random_rbm(H.n_sites, 4, scale=0.2)
    found = staggered_magnetisation(psi, H, draw(psi, H))
    signs = (1 - 2.0 * H.lattice.sublattices()) / H.n_sites
    for stats, matrix in zip(found.values(), correlation_matrices(psi, H), strict=True):
        assert_within(stats.mean, stats.error_of_mean, signs @ matrix @ signs)


def bond_operator(H, bond, component):
    return heisenberg_term(*bond, "XYZ" if component == "spin" else "Z")


@pytest.mark.parametrize("component", ["spin", "zz"])
@pytest.mark.parametrize("kind", ["complex", "tied", "projected"])
@pytest.mark.parametrize("name", MODELS)
def test_dimers_by_full_summation(name, kind, component):
    H = MODELS[name]()
    psi = rbm(kind, H)
    samples, weights = all_states(psi, H)
    bonds = H.lattice.bonds()
    values = bond_values(psi, H, samples, bonds, component)[0]
    gram = (values.conj().T * weights @ values).real
    operators = [bond_operator(H, bond.tolist(), component) for bond in bonds]
    for a in (0, 1, len(bonds) - 1):
        for b in range(len(bonds)):
            product = 0.5 * (operators[a] * operators[b] + operators[b] * operators[a])
            assert gram[a, b] == pytest.approx(exact(psi, H, product), abs=1e-9)


@pytest.mark.parametrize("component", ["spin", "zz"])
def test_sampled_dimers(component):
    H = MODELS["chain"]()
    psi = naive.random_rbm(8, 4, scale=0.2)
    found = dimer_correlations(psi, H, draw(psi, H), component=component)
    operators = [bond_operator(H, bond.tolist(), component) for bond in found.bonds]
    means = np.array([exact(psi, H, o) for o in operators])
    products = np.array(
        [[exact(psi, H, 0.5 * (a * b + b * a)) for b in operators] for a in operators]
    )
    assert_within(found.means, found.means_error, means)
    assert_within(found.products, found.products_error, products)
    assert_within(found.connected, found.connected_error, products - np.outer(means, means))
    assert found.to_dict()["bonds"] == found.bonds.tolist()


def repeated_dimers(n_repetitions, n_draws):
    """Connected products of normal series of known covariance, and their bars."""
    rng = np.random.default_rng(5)
    bonds = np.array([[0, 1], [1, 2]])
    found = [
        correlate(bonds, 2 + rng.multivariate_normal([0, 0], COVARIANCE, size=(4, n_draws)))
        for _ in range(n_repetitions)
    ]
    return np.array([[f.connected, f.connected_error] for f in found]).swapaxes(0, 1)


COVARIANCE = np.array([[1.0, 0.3], [0.3, 1.0]])


def test_connected_dimers_have_no_bias():
    """300 repetitions of 4 x 16 samples: mean within 4.5 errors."""
    connected, _ = repeated_dimers(300, 16)
    spread = connected.std(axis=0)
    assert np.all(abs(connected.mean(axis=0) - COVARIANCE) < 4.5 * spread / np.sqrt(300))


def test_connected_dimers_have_the_bars_of_repetition():
    """200 repetitions of 4 x 256 samples: the spread is known to 5 %."""
    connected, bars = repeated_dimers(200, 256)
    np.testing.assert_allclose(np.sqrt(np.mean(bars**2, axis=0)), connected.std(axis=0), rtol=0.2)


@pytest.mark.parametrize("name", MODELS)
def test_fidelity(name):
    """Against the exact overlap, with a vector not far from psi and with psi itself."""
    H = MODELS[name]()
    psi = naive.random_rbm(H.n_sites, 4, scale=0.2)
    sector = sector_of(H)
    own = psi.state_vector(sector)
    samples = draw(psi, H)
    noise = np.random.default_rng(1).normal(size=(2, len(own))) / np.sqrt(len(own))
    vector = 3j * (own + 0.2 * (noise[0] + 1j * noise[1]))
    found = fidelity(psi, samples, vector, sector)
    assert_within(found.mean, found.error_of_mean, psi.overlap(vector, sector))
    assert 0 < found.error_of_mean < 0.02
    assert fidelity(psi, samples, own, sector).mean == pytest.approx(1, abs=1e-12)


@pytest.mark.submission
@pytest.mark.parametrize("kind", MACHINES)
@pytest.mark.parametrize("name", MODELS)
def test_fidelity_of_two_sampled_states(name, kind):
    """Near psi, far from it, and psi itself, of another norm and phase."""
    H = MODELS[name]()
    psi = rbm(kind, H)
    sector = sector_of(H)
    samples = draw(psi, H)
    flat = psi.flat
    noise = np.random.default_rng(4).normal(size=flat.shape)
    for scale in (0.05, 0.5):
        other = psi.with_flat(flat + scale * noise)
        found = state_fidelity(psi, samples, other, draw(other, H, seed=8))
        exact = other.overlap(psi.state_vector(sector), sector)
        assert abs(found.mean - exact) < 4.5 * found.error_of_mean
        assert found.error_of_mean < 0.02
        assert found.status == ""
    same = state_fidelity(psi, samples, psi, draw(psi, H, seed=8))
    assert same.mean == pytest.approx(1, abs=1e-12)
    assert same.error_of_mean < 1e-7


def test_fidelity_of_distant_states_says_so():
    """Two opposite ferromagnets of 20 sites share no sample."""
    H = spin_hamiltonian(PauliSum.from_terms([(1.0, ((0, "X"),))]), 20)
    up, down = (RBM(np.full(20, s * 2.0), np.zeros(1), np.zeros((20, 1))) for s in (1, -1))
    spins = np.ones((4, 16, 20), np.int8)
    found = state_fidelity(up, Samples(spins, 1.0), down, Samples(-spins, 1.0))
    assert abs(found.mean) < 1e-6
    assert (
        "samples lie where both states have weight" in found.status or "identical" in found.status
    )
    assert H.n_sites == 20


@pytest.mark.parametrize("seed", range(3))
def test_fidelity_bars_cover(seed):
    """150 estimates from 4 x 64 draws: 68 % within one bar, 55 to 82 % allowed (3.5 sigma)."""
    psi, other = (naive.random_rbm(6, 4, scale=s, seed=seed) for s in (0.3, 0.25))
    H = MODELS["free"]()
    exact = other.overlap(psi.state_vector(sector_of(H)), sector_of(H))
    found = [
        state_fidelity(psi, draw(psi, H, 64, 4, seed=k), other, draw(other, H, 64, 4, seed=k + 999))
        for k in range(150)
    ]
    inside = [abs(f.mean - exact) <= f.error_of_mean for f in found]
    assert 0.55 < np.mean(inside) < 0.82
    bias = np.mean([f.mean for f in found]) - exact
    assert abs(bias) < 4 * np.std([f.mean for f in found]) / np.sqrt(150)


@pytest.mark.parametrize("name", MODELS)
def test_correlations_by_distance(name):
    """Against the mean of exact correlations, and of those of the pairs."""
    H = MODELS[name]()
    psi = naive.random_rbm(H.n_sites, 4, scale=0.2)
    found = correlations(psi, H, draw(psi, H))
    averaged = found.by_distance()
    zz, spin = correlation_matrices(psi, H)
    distances = pair_distances(H.lattice)
    pairs = np.triu_indices(H.n_sites, 1)
    assert averaged.n_pairs.sum() == len(pairs[0])
    for k, distance in enumerate(averaged.distances):
        inside = np.isclose(distances[pairs], distance)
        assert averaged.n_pairs[k] == inside.sum()
        assert_within(averaged.zz[k], averaged.zz_error[k], zz[pairs][inside].mean())
        assert_within(averaged.spin[k], averaged.spin_error[k], spin[pairs][inside].mean())
        for component in ("xx", "yy", "zz"):
            mean = getattr(found, component)[pairs][inside].mean()
            assert getattr(averaged, component)[k] == pytest.approx(mean, abs=1e-12)
    assert len(repr(averaged).splitlines()) <= 20
    assert averaged.to_dict()["n_pairs"] == averaged.n_pairs.tolist()


def test_classes_of_pairs():
    H = MODELS["chain"]()
    psi = naive.random_rbm(8, 4, scale=0.2)
    samples = draw(psi, H, 64)
    classes = np.full((8, 8), -1)
    classes[0, 4] = classes[4, 0] = 7
    found = correlations(psi, H, samples, classes=classes)
    averaged = found.by_distance()
    np.testing.assert_array_equal(averaged.distances, [7])
    assert averaged.zz[0] == pytest.approx(found.zz[0, 4], abs=1e-12)
    assert averaged.zz_error[0] == pytest.approx(found.zz_error[0, 4], rel=1e-12)


def test_parts_of_the_pairs_give_the_same(monkeypatch):
    H = MODELS["free"]()
    psi = naive.random_rbm(6, 4)
    samples = draw(psi, H, 32, 4)
    whole = correlations(psi, H, samples)
    monkeypatch.setattr("rbmqs.estimators.observables.two_point._AT_ONCE", 4 * 128)
    parts = correlations(psi, H, samples)
    for name in ("xx", "yy", "zz", "xx_error", "yy_error", "zz_error"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
    np.testing.assert_allclose(parts.by_distance().spin, whole.by_distance().spin, rtol=1e-12)


def test_every_bar_knows_autocorrelation_and_names_the_worst():
    """Draws that are repeated twenty times have the bars of the distinct ones, and say so."""
    H = MODELS["chain"]()
    psi = naive.random_rbm(8, 4, scale=0.2)
    few = draw(psi, H, 24, 8)
    slow = Samples(np.repeat(few.spins, 20, axis=1), 1.0)
    expected, found = (correlations(psi, H, samples) for samples in (few, slow))
    pairs = np.triu_indices(8, 1)
    ratio = found.zz_error[pairs] / expected.zz_error[pairs]
    assert 0.7 < np.median(ratio) < 1.4
    assert re.search(
        r"^(xx|zz) of sites \d and \d: error bar not to be trusted .*bars are not", found.status
    )
    assert re.search("^(zz|spin) at k = ", structure_factor(psi, H, slow).status)
    assert re.search(
        r"^bond \d-\d( times bond \d-\d)?: error bar not", dimer_correlations(psi, H, slow).status
    )
    assert found.by_distance().status
    assert renyi_entropy(psi, H, slow, [0, 1]).status
    good = draw(psi, H)
    assert correlations(psi, H, good).status == ""
    assert dimer_correlations(psi, H, good).status == ""


def test_frozen_chains_are_reported():
    H = MODELS["chain"]()
    psi = naive.random_rbm(8, 4)
    frozen = Samples(np.tile(np.array([1, -1], np.int8), (4, 16, 4)), 1.0)
    assert "all values identical" in correlations(psi, H, frozen).status


def test_sizes_are_compared_at_the_door():
    """A kernel would read beyond the arrays of the smaller one."""
    H, psi = MODELS["free"](), naive.random_rbm(6, 3)
    small = naive.random_rbm(4, 3)
    samples = draw(psi, H, 8)
    sector = Sector(8, 0)
    calls = [
        lambda p, s: correlations(p, H, s),
        lambda p, s: magnetisations(p, H, s),
        lambda p, s: mode_powers(p, H, s, np.ones(6)),
        lambda p, s: structure_factor(p, H, s),
        lambda p, s: staggered_magnetisation(p, H, s),
        lambda p, s: dimer_correlations(p, H, s),
        lambda p, s: renyi_entropy(p, H, s, [0]),
        lambda p, s: fidelity(p, s, np.ones(64), Sector(6)),
        lambda p, s: state_fidelity(p, s, p, s),
    ]
    wide = Samples(np.ones((2, 2, 8), np.int8), 1.0)
    for call in calls:
        with pytest.raises(ValueError, match="samples have 6 sites, the state 4"):
            call(small, samples)
        with pytest.raises(ValueError, match="samples have 8 sites, the state 6"):
            call(psi, wide)
    with pytest.raises(ValueError, match="the sector has 8 sites, the state 6"):
        fidelity(psi, samples, np.ones(70), sector)
    with pytest.raises(ValueError, match="the Hamiltonian has 6 sites, the state 8"):
        correlations(naive.random_rbm(8, 3), H, wide)
    outside = Samples(np.ones((2, 2, 8), np.int8), 1.0)
    with pytest.raises(ValueError, match="4 of 4 outside, such as total_sz=4"):
        correlations(naive.random_rbm(8, 3), MODELS["chain"](), outside)


def test_bad_input():
    H = MODELS["chain"]()
    psi = naive.random_rbm(8, 2)
    samples = draw(psi, H, 4)
    graph = heisenberg(from_edges([(0, 1), (1, 2), (2, 3)]), total_sz=0)
    bare = spin_hamiltonian(heisenberg(chain(8)).terms, total_sz=0)
    calls = [
        (lambda: mode_powers(psi, H, samples, np.ones(7)), "modes must have 8 columns"),
        (lambda: mode_powers(psi, H, samples, np.full(8, np.nan)), "not finite"),
        (lambda: structure_factor(psi, H, samples, [[0.0, 1.0]]), r"shape \(n, 1\)"),
        (lambda: structure_factor(psi, bare, samples), "needs a lattice"),
        (lambda: all_wave_vectors(graph.lattice), "need a lattice with a unit cell"),
        (lambda: staggered_magnetisation(psi, bare, samples), "needs a lattice"),
        (lambda: dimer_correlations(psi, bare, samples), "need bonds"),
        (lambda: dimer_correlations(psi, H, samples, [[0, 8]]), "sites 0 to 7"),
        (lambda: dimer_correlations(psi, H, samples, [[0, 1], [1, 0]]), "each pair once"),
        (lambda: dimer_correlations(psi, H, samples, [[0.5, 1]]), "bonds must be integers"),
        (lambda: dimer_correlations(psi, H, samples, component="x"), "component must be one of"),
        (lambda: correlations(psi, bare, samples).by_distance(), "with a lattice"),
        (lambda: correlations(psi, H, samples, classes=np.ones((3, 3), int)), r"shape \(8, 8\)"),
        (lambda: correlations(psi, H, samples, classes=np.triu(np.ones((8, 8), int))), "same for"),
        (lambda: fidelity(psi, samples, np.ones(3), sector_of(H)), r"shape \(70,\), got \(3,\)"),
    ]
    for call, message in calls:
        with pytest.raises(ValueError, match=message):
            call()
