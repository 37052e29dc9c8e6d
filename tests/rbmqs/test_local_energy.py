"""Local values against (O psi)(sigma) / psi(sigma) with matrices, on every basis state."""

import math

import naive
import numpy as np
import pytest

from hamiltonians import (
    PauliSum,
    Sector,
    X,
    Y,
    Z,
    chain,
    from_edges,
    heisenberg,
    ising,
    j1j2,
    observable_connections,
    spin_hamiltonian,
    square,
    xyz,
)
from hamiltonians.models.symmetries import symmetric_sector
from rbmqs.estimators.local import (
    expect,
    local_energies,
    local_estimators,
    observable_values,
)
from rbmqs.estimators.observables import correlations, magnetisations
from rbmqs.sampling.chains import Samples
from rbmqs.sampling.exact import ExactSampler
from rbmqs.states.projected_rbm import ProjectedRBM
from rbmqs.states.rbm import RBM

KINDS = [float, complex]


def random_strings(n_sites, seed, weights=(1, 2, 3, 4, 5), n_terms=12):
    """Hermitian sum of strings of up to five letters: complex elements wherever Y is odd."""
    rng = np.random.default_rng(seed)
    terms = []
    for _ in range(n_terms):
        sites = rng.choice(n_sites, size=rng.choice(weights), replace=False)
        letters = rng.choice(list("XYZ"), size=len(sites))
        factors = zip(sites.tolist(), letters.tolist(), strict=True)
        terms.append((rng.normal(), list(factors)))
    return PauliSum.from_terms(terms)


def conserving_strings(n_sites):
    """Conserves S_z with two- and four-site flips, strings on other sites, complex elements."""
    hops = [X(i) * X(i + 1) + Y(i) * Y(i + 1) for i in range(n_sites - 1)]
    twist = PauliSum.sum(X(i) * Y(i + 1) - Y(i) * X(i + 1) for i in range(n_sites - 1))
    raising = [(X(i) + 1j * Y(i)) / 2 for i in range(4)]
    double = raising[0] * raising[1] * raising[2].hermitian_conjugate()
    double = double * raising[3].hermitian_conjugate()
    return (
        0.7 * PauliSum.sum(hops)
        + 0.3 * twist
        + 0.31 * hops[0] * Z(3) * Z(n_sites - 1)
        + 0.4 * Z(1)
        + (0.2 + 0.1j) * double
        + (0.2 - 0.1j) * double.hermitian_conjugate()
    )


def couplings(lattice, seed):
    return np.random.default_rng(seed).normal(size=len(lattice.bonds()))


HAMILTONIANS = {
    "ising": ising(chain(6), h=0.7, hz=0.3),
    "ising, disordered, square": ising(square(3), h=1.3, J=couplings(square(3), 0)),
    "heisenberg": heisenberg(chain(7)),
    "heisenberg, Sz=0": heisenberg(chain(8), total_sz=0),
    "heisenberg, Sz=-2": heisenberg(chain(8), total_sz=-2),
    "heisenberg, Sz=0, Marshall": heisenberg(chain(8), total_sz=0, marshall=True),
    "heisenberg, Sz=1/2": heisenberg(chain(7), total_sz=0.5),
    "heisenberg, polarised": heisenberg(chain(6), total_sz=3),
    "j1j2, Sz=0": j1j2(chain(8), J2=0.4, total_sz=0, marshall=True),
    "xyz, field": xyz(chain(6), Jx=0.8, Jy=-1.1, Jz=0.5, field=(0.3, 0.9, -0.4)),
    "xyz, field, Marshall": xyz(chain(6), Jx=0.8, Jy=-1.1, field=(0.3, 0.9, -0.4), marshall=True),
    "strings": spin_hamiltonian(random_strings(6, 1), 6),
    "long strings": spin_hamiltonian(random_strings(7, 2, weights=(3, 4, 5, 6)), 7),
    "conserving strings, Sz=0": spin_hamiltonian(conserving_strings(6), 6, total_sz=0),
    "conserving strings, Sz=1": spin_hamiltonian(conserving_strings(6), 6, total_sz=1),
    "one site": spin_hamiltonian(0.3 * X(0) + 0.8 * Y(0) - Z(0) + 0.5, 1),
    "diagonal": spin_hamiltonian(Z(0) * Z(2) - 1.5, 3),
}


def close(values, expected, tolerance=1e-12):
    """Relative to the size of the largest: single values may cancel."""
    scale = np.maximum(abs(expected), 1.0)
    worst = np.max(abs(values - expected) / scale)
    assert worst <= tolerance, worst


def product_over_psi(hamiltonian, psi):
    """(H psi)(sigma) / psi(sigma) on the basis of the sector, and the sum of |terms|."""
    amplitude = naive.amplitude(psi, naive.all_spins(hamiltonian.n_sites, hamiltonian.total_sz))
    return (hamiltonian.to_sparse() @ amplitude) / amplitude


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", HAMILTONIANS)
def test_local_energies_are_rows_of_the_matrix(name, kind):
    H = HAMILTONIANS[name]
    for n_hidden, seed in ((2 * H.n_sites, 0), (70, 1)):
        psi = naive.random_rbm(H.n_sites, n_hidden, kind, scale=0.2, seed=seed)
        samples = naive.as_samples(naive.all_spins(H.n_sites, H.total_sz))
        close(local_energies(psi, H, samples).ravel(), product_over_psi(H, psi))


@pytest.mark.parametrize("kind", KINDS)
def test_local_energies_against_explicit_connected_states(kind):
    H = HAMILTONIANS["strings"]
    psi = naive.random_rbm(6, 5, kind, scale=0.4, seed=2)
    spins = naive.all_spins(6)
    expected = naive.local_energies(psi, H.to_dense(), spins)
    close(local_energies(psi, H, naive.as_samples(spins)).ravel(), expected)


@pytest.mark.parametrize("name", ["xyz, field", "strings", "conserving strings, Sz=0"])
def test_full_sum_of_local_energies_is_the_expectation(name):
    H = HAMILTONIANS[name]
    psi = naive.random_rbm(H.n_sites, 6, complex, scale=0.4, seed=3)
    spins = naive.all_spins(H.n_sites, H.total_sz)
    p = naive.probabilities(psi, spins)
    vector = psi.state_vector(Sector(H.n_sites, H.total_sz))
    energy = np.vdot(vector, H.to_sparse() @ vector)
    assert abs(energy.imag) < 1e-12
    mean = np.sum(p * local_energies(psi, H, naive.as_samples(spins)).ravel())
    assert abs(mean - energy) <= 1e-12 * max(1, abs(energy))


def test_an_eigenvector_has_no_variance():
    """h = 0 fields along x only: the product state is an eigenvector, and an RBM with W = 0."""
    H = spin_hamiltonian(PauliSum.sum(X(i) for i in range(5)) * -1.0, 5)
    psi = RBM(np.zeros(5), np.zeros(3), np.zeros((5, 3)))
    energies = local_energies(psi, H, naive.as_samples(naive.all_spins(5)))
    np.testing.assert_array_equal(energies, -5.0)


def test_samples_do_not_depend_on_their_neighbours():
    """Blocks of samples share rows of flips; every sample alone gives the same numbers."""
    H = HAMILTONIANS["long strings"]
    psi = naive.random_rbm(7, 9, complex, seed=4)
    spins = np.random.default_rng(0).permutation(naive.all_spins(7))[:53]
    cache = psi.prepare(spins)
    together = local_estimators(psi, H.connections, naive.as_samples(spins), cache).ravel()
    alone = [
        local_estimators(psi, H.connections, naive.as_samples(s[None]), pair[None]).item()
        for s, pair in zip(spins, cache, strict=True)
    ]
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("total_sz", [None, 0, 1])
def test_observables_outside_the_sector_are_projected(kind, total_sz):
    """Amplitudes of another S_z are zero: rows of P O P, P the projector on the sector."""
    observable = random_strings(6, 5) + X(0) * X(1) + Y(2) * X(4)
    psi = naive.random_rbm(6, 6, kind, seed=6)
    spins = naive.all_spins(6, total_sz)
    everything = naive.all_spins(6)
    inside = np.ones(64, bool) if total_sz is None else everything.sum(axis=1) == 2 * total_sz
    matrix = spin_hamiltonian(observable, 6).to_dense()[np.ix_(inside, inside)]
    amplitude = naive.amplitude(psi, spins)
    values = local_estimators(
        psi,
        observable_connections(observable, 6),
        naive.as_samples(spins),
        fixed_sector=total_sz is not None,
    )
    close(values.ravel(), matrix @ amplitude / amplitude)


def test_rounding_in_the_couplings_does_not_leave_the_sector():
    """0.3 XX + (0.1 + 0.2) YY conserves S_z but for 6e-17, times an amplitude of e^40 outside."""
    terms = 0.3 * X(0) * X(1) + (0.1 + 0.2) * Y(0) * Y(1) + Z(0)
    H = spin_hamiltonian(terms, 4, total_sz=0)
    psi = RBM(np.zeros(4), np.zeros(1), np.full((4, 1), 10.0))
    spins = naive.all_spins(4, 0)
    energies = local_energies(psi, H, naive.as_samples(spins)).ravel()
    expected = spins[:, 0] + np.where(spins[:, 0] == spins[:, 1], 0, 0.6)
    np.testing.assert_allclose(energies, expected, rtol=1e-13)


def expectation(hamiltonian, psi, operator):
    """<psi|O|psi> in the unrotated basis: U psi with U = prod_{i in A} Z_i undone."""
    n = hamiltonian.n_sites
    spins = naive.all_spins(n)
    vector = naive.amplitude(psi, spins).astype(complex)
    if hamiltonian.total_sz is not None:
        vector[spins.sum(axis=1) != 2 * hamiltonian.total_sz] = 0
    if hamiltonian.rotation is not None:
        angles = np.array(hamiltonian.rotation.sixths) * np.pi / 3
        vector = vector * np.exp(0.5j * spins @ angles)  # U^dagger, into the physical basis
    vector /= np.linalg.norm(vector)
    return np.vdot(vector, spin_hamiltonian(operator, n).to_sparse() @ vector)


PRISM = from_edges([(0, 1), (1, 2), (0, 2), (2, 3), (1, 3), (3, 4), (2, 4), (4, 5), (3, 5)])
OBSERVED = {
    "free": heisenberg(chain(6)),
    "free, Marshall": heisenberg(chain(6), marshall=True),
    "Sz=0": heisenberg(chain(6), total_sz=0),
    "Sz=1, Marshall": heisenberg(chain(6), total_sz=1, marshall=True),
    "free, 120 degrees": heisenberg(PRISM, signs="sublattice"),
    "Sz=0, 120 degrees": heisenberg(PRISM, total_sz=0, signs="sublattice"),
}
OPERATORS = {
    "XX": X(0) * X(1),
    "YY far": Y(0) * Y(3),
    "XY": X(1) * Y(4),
    "ZZ": Z(2) * Z(3),
    "X": X(2),
    "mixed": random_strings(6, 8),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("basis", OBSERVED)
def test_observables_by_full_sum(basis, kind):
    """Local values on every state, weighted by |psi|^2, are <psi|O|psi> without any error."""
    H = OBSERVED[basis]
    psi = naive.random_rbm(6, 5, kind, seed=9)
    spins = naive.all_spins(6, H.total_sz)
    p = naive.probabilities(psi, spins)
    for operator in OPERATORS.values():
        values = observable_values(psi, H, naive.as_samples(spins), operator).ravel()
        assert abs(np.sum(p * values) - expectation(H, psi, operator)) <= 1e-12


def exact_draws(H, psi, n_draws=1000):
    sampler = ExactSampler(Sector(H.n_sites, H.total_sz), n_chains=16)
    return sampler.sample(psi, sampler.start(11), n_draws)[0]


@pytest.mark.parametrize("basis", OBSERVED)
def test_estimates_lie_within_their_errors(basis):
    """About 70 comparisons at 6.5 sigma and 6 bases: fails by chance once in 3e7 runs."""
    H = OBSERVED[basis]
    psi = naive.random_rbm(6, 5, complex, seed=10)
    samples = exact_draws(H, psi)
    for operator in OPERATORS.values():
        stats = expect(psi, H, samples, operator)
        exact = expectation(H, psi, operator).real
        assert abs(stats.mean.real - exact) <= 6.5 * stats.error_of_mean + 1e-12
    found = correlations(psi, H, samples)
    for i in range(6):
        for j in range(i):
            for name, letter in (("xx", X), ("yy", Y), ("zz", Z)):
                exact = expectation(H, psi, letter(i) * letter(j)).real
                value, error = getattr(found, name), getattr(found, f"{name}_error")
                assert abs(value[i, j] - exact) <= 6.5 * error[i, j]
                assert value[i, j] == value[j, i]
                assert error[i, j] == error[j, i]
    np.testing.assert_array_equal(np.diag(found.xx), 1)
    np.testing.assert_array_equal(np.diag(found.zz_error), 0)
    assert {"xx", "yy", "zz", "xx_error", "yy_error", "zz_error"} < set(found.to_dict())


@pytest.mark.parametrize("kind", KINDS)
def test_correlations_by_full_sum(kind):
    """Every state as often as its weight says: a uniform psi up to signs makes all weights one."""
    H = OBSERVED["free, Marshall"]
    weights = np.zeros((6, 1), dtype=kind)
    bias = np.zeros(6) if kind is float else 1j * np.linspace(0.2, 1.4, 6)  # phases only
    psi = RBM(bias, np.zeros(1), weights)
    found = correlations(psi, H, naive.as_samples(naive.all_spins(6)))
    for i in range(6):
        for j in range(i):
            for name, letter in (("xx", X), ("yy", Y), ("zz", Z)):
                exact = expectation(H, psi, letter(i) * letter(j)).real
                assert abs(getattr(found, name)[i, j] - exact) <= 1e-12


@pytest.mark.parametrize("basis", OBSERVED)
def test_magnetisations(basis):
    """Five comparisons at 6.5 sigma: by chance once in 2e9 runs."""
    H = OBSERVED[basis]
    psi = naive.random_rbm(6, 5, complex, seed=12)
    found = magnetisations(psi, H, exact_draws(H, psi))
    spins = naive.all_spins(6, H.total_sz)
    p, m = naive.probabilities(psi, spins), spins.mean(axis=1)
    staggered = spins @ np.array([1, -1, 1, -1, 1, -1]) / 6
    exact = {"z": m, "|z|": abs(m), "z^2": m**2, "staggered z^2": staggered**2}
    expected = {name: np.sum(p * values) for name, values in exact.items()}
    if H.total_sz is None:
        expected["x"] = expectation(H, psi, PauliSum.sum(X(i) / 6 for i in range(6))).real
    if not H.lattice.is_bipartite:
        del expected["staggered z^2"]
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert abs(found[name].mean - value) <= 6.5 * found[name].error_of_mean + 1e-12


def connections_of(flips):
    """An operator that flips these sets of sites with matrix elements one."""
    return observable_connections(PauliSum.sum(math.prod(map(X, flip)) for flip in flips), 6)


@pytest.mark.parametrize("fixed", [False, True])
def test_flip_ratios(fixed):
    psi = naive.random_rbm(6, 5, complex, seed=13)
    spins = naive.all_spins(6, 0 if fixed else None)
    flips = [(0,), (0, 1, 2, 3), (0, 1, 2, 3, 5), (0, 5), (1, 2, 4), (2, 3)]
    ratios = psi.flip_ratios(spins.astype(np.int8), connections_of(flips), fixed)
    for f, flip in enumerate(flips):
        new = spins.copy()
        new[:, flip] *= -1
        expected = naive.amplitude(psi, new) / naive.amplitude(psi, spins)
        if fixed:
            expected[spins[:, flip].sum(axis=1) != 0] = 0
        np.testing.assert_allclose(ratios[:, f], expected, rtol=1e-12, atol=1e-15)


@pytest.mark.submission
@pytest.mark.parametrize("scale", [1.0, 8.0, 15.0, 30.0])
def test_ratios_where_products_leave_the_range_of_doubles(scale):
    """prod 2 cosh reaches 1e+20000; ratios that a double can hold stay right to 1e-9."""
    psi = naive.random_rbm(6, 600, complex, scale=scale, seed=14)
    spins = np.random.default_rng(1).permutation(naive.all_spins(6))[:6]
    flips = [(0,), (0, 5), (1,), (1, 4), (2, 3)]
    ratios = psi.flip_ratios(spins.astype(np.int8), connections_of(flips), False)
    compared = 0
    for s, sigma in enumerate(spins):
        for f, flip in enumerate(flips):
            new = sigma.copy()
            new[list(flip)] *= -1
            exact_log = naive.mp_log_amplitude(psi, new) - naive.mp_log_amplitude(psi, sigma)
            if abs(exact_log.real) < 650:
                exact = complex(naive.mpmath.exp(exact_log))
                assert abs(ratios[s, f] / exact - 1) <= 1e-9
                compared += 1
            elif exact_log.real < 0:
                assert abs(ratios[s, f]) < 1e-250
    assert compared >= 3


@pytest.mark.parametrize("size", [90, 177, 178, 300, 1000])
@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("project", [None, "symmetric"])
def test_large_weights_give_finite_local_energies(size, dtype, project):
    """Case 35: exp(4 W) is beyond the range of doubles, psi(sigma')/psi(sigma) is not."""
    H = heisenberg(chain(6))
    psi = RBM.random(6, alpha=1, seed=1, dtype=dtype, visible_bias=False, stddev=0.1)
    weights = psi.weights.copy()
    weights[2, 3] += size
    weights[4, 3] -= size
    psi = psi.with_parameters({**psi.parameters, "weights": weights})
    if project:
        psi = ProjectedRBM(psi, symmetric_sector(H))
    sigma = Sector(6, 0).configurations()
    log_psi = psi.log_psi(sigma)
    elements = heisenberg(chain(6), total_sz=0).to_dense()
    with np.errstate(over="ignore", invalid="ignore"):
        ratios = np.exp(log_psi[None, :] - log_psi[:, None])
        wanted = np.where(elements != 0, elements * ratios, 0).sum(axis=1)
        found = local_energies(psi, H, Samples(sigma[:, None], 1.0)).ravel()
    finite = np.isfinite(wanted)
    assert finite.any()
    np.testing.assert_allclose(found[finite], wanted[finite], rtol=1e-9)
    drawn = psi.sample(32, seed=1)
    assert np.isfinite(psi.log_psi(drawn.flat)).all()
