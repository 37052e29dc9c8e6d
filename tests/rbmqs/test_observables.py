"""Structure factor, order parameters, dimers and fidelity against exact enumeration.

Expectations come from Pauli strings of the unrotated Hamiltonian applied to the state vector,
which the Marshall rotation is first undone on.
"""

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
from rbmqs.estimators.observables import (
    all_wave_vectors,
    dimer_correlations,
    fidelity,
    mode_powers,
    staggered_magnetisation,
    structure_factor,
)
from rbmqs.estimators.observables.dimers import bond_values, correlate
from rbmqs.sampling.chains import ExactSampler, Samples

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


def test_connected_dimers_have_no_bias_and_the_bars_of_repetition():
    """300 repetitions of 4 x 16 samples: mean within 4.5 errors, spread known to 4 %."""
    rng = np.random.default_rng(5)
    covariance = np.array([[1.0, 0.3], [0.3, 1.0]])
    bonds = np.array([[0, 1], [1, 2]])
    found = [
        correlate(bonds, 2 + rng.multivariate_normal([0, 0], covariance, size=(4, 16)))
        for _ in range(300)
    ]
    connected = np.array([f.connected for f in found])
    spread = connected.std(axis=0)
    assert np.all(abs(connected.mean(axis=0) - covariance) < 4.5 * spread / np.sqrt(300))
    bars = np.sqrt(np.mean([f.connected_error**2 for f in found], axis=0))
    np.testing.assert_allclose(bars, spread, rtol=0.25)


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
        (lambda: fidelity(psi, samples, np.ones(3), sector_of(H)), r"shape \(70,\), got \(3,\)"),
    ]
    for call, message in calls:
        with pytest.raises(ValueError, match=message):
            call()
