"""Tied and projected RBMs against their definitions, sums over the group written out."""

import naive
import numpy as np
import pytest
from on_threads import on_one_and_two_threads
from scipy.stats import chi2

import hamiltonians as hm
from hamiltonians import Sector, SymmetryGroup
from hamiltonians.symmetry.groups import SymmetrySector
from rbmqs import RBM, MetropolisSampler, ProjectedRBM, SymmetricRBM, local_energies
from rbmqs.core import projected_chains
from rbmqs.estimators.observables import correlations
from rbmqs.sampling.chains import ChainState, Samples
from rbmqs.sampling.exact import ExactSampler
from rbmqs.sr import solve
from rbmqs.states import projected_rbm

LATTICE = hm.rectangle(3, 4)
N = LATTICE.n_sites
TRANSLATIONS, SPACE = LATTICE.translation_group(), LATTICE.space_group()
SECTOR = Sector(N, 0)
SPINS = SECTOR.states_to_spins(SECTOR.basis_states())
HEISENBERG = hm.heisenberg(LATTICE, total_sz=0)


def sector_of(group, number, parity=None):
    return group.sectors()[number].with_spin_inversion(parity)


def plain(dtype=complex, bias=True, stddev=0.3, seed=3):
    return RBM.random(
        N, 1, dtype=dtype, seed=seed, stddev=stddev, visible_bias=bias, hidden_bias=bias
    )


def tied(dtype=complex, inversion=False, group=TRANSLATIONS, **options):
    options = {"n_features": 2, "seed": 1, "stddev": 0.2} | options
    return SymmetricRBM.random(group, dtype=dtype, spin_inversion=inversion, **options)


MACHINES = {
    "tied": tied(),
    "tied real": tied(float),
    "tied with a visible bias": tied(visible_bias=True),
    "tied even": tied(inversion=True, stddev=0.05),
    "projected": ProjectedRBM(plain(), sector_of(SPACE, 0, 1)),
    "projected odd": ProjectedRBM(plain(), sector_of(SPACE, 1, -1)),
    "projected real": ProjectedRBM(plain(float), sector_of(SPACE, 0, 1)),
    "projected real odd": ProjectedRBM(plain(float), sector_of(SPACE, 0, -1)),
    "projected real with one bias": ProjectedRBM(
        RBM.random(N, 1, dtype=float, seed=3, stddev=0.3, visible_bias=False),
        sector_of(SPACE, 0, 1),
    ),
    "projected without biases": ProjectedRBM(plain(bias=False), sector_of(SPACE, 0, 1)),
    "projected to a momentum": ProjectedRBM(plain(), sector_of(TRANSLATIONS, 3)),
    "tied and projected": ProjectedRBM(
        tied(n_features=1, visible_bias=True), sector_of(SPACE, 0, 1)
    ),
}


def amplitudes(psi, spins):
    """Psi by its definition, with nothing but the plain RBM's log psi."""
    if isinstance(psi, RBM):
        return np.exp(psi.log_psi(spins))
    if isinstance(psi, SymmetricRBM):
        signs = (1, -1) if psi.spin_inversion else (1,)
        theta = [
            psi.hidden_bias + (sign * psi.group.act(g, spins)) @ psi.weights
            for g in range(psi.group.order)
            for sign in signs
        ]
        field = spins @ psi.visible_bias[psi.orbits]
        return np.exp(field) * np.prod(2 * np.cosh(np.array(theta)), axis=(0, 2))
    group, chi = psi.sector.group, psi.sector.characters
    parity = psi.sector.spin_inversion
    total = 0
    for g in range(group.order):
        image = group.act(g, spins)
        both = amplitudes(psi.base, image)
        if parity is not None:
            both = (both + parity * amplitudes(psi.base, -image)) / 2
        total = total + np.conj(chi[g]) * both / group.order
    return total


@pytest.fixture(params=MACHINES)
def psi(request):
    return MACHINES[request.param]


def some_spins(psi, n_samples=30, seed=0):
    """Configurations whose amplitude does not vanish by symmetry."""
    size = abs(amplitudes(psi, SPINS))
    allowed = np.flatnonzero(size > 1e-6 * size.max())
    return SPINS[np.random.default_rng(seed).choice(allowed, n_samples)]


def test_amplitudes_are_those_of_the_definition(psi):
    expected = amplitudes(psi, SPINS)
    found = np.exp(psi.log_psi(SPINS))
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-13 * abs(expected).max())


def test_amplitudes_transform_with_the_character(psi):
    """The issue asks for 1e-10."""
    group = psi.sector.group if isinstance(psi, ProjectedRBM) else psi.group
    chi = psi.sector.characters if isinstance(psi, ProjectedRBM) else np.ones(group.order)
    spins = some_spins(psi)
    value = np.exp(psi.log_psi(spins))
    for g in range(group.order):
        moved = np.exp(psi.log_psi(group.act(g, spins)))
        assert np.max(abs(moved - chi[g] * value) / abs(value)) < 1e-10
    parity = psi.sector.spin_inversion if isinstance(psi, ProjectedRBM) else None
    if parity is not None:
        turned = np.exp(psi.log_psi(-spins))
        assert np.max(abs(turned - parity * value) / abs(value)) < 1e-10


def test_log_derivatives_are_central_differences(psi):
    spins = some_spins(psi)
    derivatives = psi.log_derivatives(spins)
    rng = np.random.default_rng(1)
    direction = rng.normal(size=psi.n_parameters)
    if psi.is_complex:
        direction = direction + 1j * rng.normal(size=psi.n_parameters)
    step = 1e-5
    ahead, behind = (amplitudes(psi.with_flat(psi.flat + s * direction), spins)
                     for s in (step, -step))  # fmt: skip
    expected = (ahead - behind) / (2 * step * amplitudes(psi, spins))
    assert np.max(abs(derivatives @ direction - expected)) < 1e-6 * np.max(abs(expected))


GROUPS = {  # orders 9 and 7, sites in one orbit; order 8, three orbits
    "odd order": hm.chain(9).translation_group(),
    "prime order": hm.chain(7).translation_group(),
    "several orbits": hm.square(3, periodic=False).space_group(),
}


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("inversion", [False, True])
@pytest.mark.parametrize("name", GROUPS)
def test_log_derivatives_are_those_of_the_machine_written_out(name, inversion, dtype):
    """By the chain rule: derivatives by equal weights add up."""
    group = GROUPS[name]
    psi = SymmetricRBM.random(
        group, dtype=dtype, n_features=3, spin_inversion=inversion, visible_bias=not inversion,
        stddev=0.2, seed=2,
    )  # fmt: skip
    spins = np.random.default_rng(3).choice(np.array([-1, 1], np.int8), (20, group.n_sites))
    rows = psi.plain.log_derivatives(spins)
    expected = []
    for k in range(psi.n_parameters):  # the written-out wavefunction is linear in the parameters
        unit = psi.with_flat(np.eye(psi.n_parameters, dtype=dtype)[k])
        expected.append(rows @ unit.plain.flat)
    np.testing.assert_allclose(psi.log_derivatives(spins), np.transpose(expected), atol=1e-12)


@pytest.mark.parametrize("at_once", [1, 2**9, 2**13])
def test_log_derivatives_do_not_depend_on_how_many_are_made_at_once(monkeypatch, at_once):
    psi = ProjectedRBM(tied(n_features=3, visible_bias=True), sector_of(SPACE, 0, 1))
    spins = some_spins(psi)
    expected = psi.log_derivatives(spins)
    monkeypatch.setattr("rbmqs.core.tables._AT_ONCE", at_once)
    np.testing.assert_allclose(psi.log_derivatives(spins), expected, atol=1e-12)


HAMILTONIANS = {
    "heisenberg": HEISENBERG,
    "ising": hm.ising(LATTICE, h=0.7),
    "no symmetry": hm.spin_hamiltonian(
        hm.PauliSum.sum(0.1 * i * hm.Z(i) + hm.X(i) * hm.Y((i + 1) % N) for i in range(N)),
        lattice=LATTICE,
    ),
}


@pytest.mark.parametrize("name", HAMILTONIANS)
def test_local_energies_are_rows_of_the_sparse_matrix(psi, name):
    """Also for a Hamiltonian that breaks the symmetry: what is sampled stays what was asked for."""
    hamiltonian = HAMILTONIANS[name]
    sector = Sector(N, hamiltonian.total_sz)
    spins = sector.states_to_spins(sector.basis_states())
    state = amplitudes(psi, spins)
    allowed = np.flatnonzero(abs(state) > 1e-6 * abs(state).max())
    chosen = np.random.default_rng(2).choice(allowed, 40)
    expected = (hamiltonian.to_sparse() @ state)[chosen] / state[chosen]
    found = local_energies(psi, hamiltonian, Samples(spins[chosen][None], 1.0)).ravel()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10 * abs(expected).max())


@pytest.mark.parametrize("name", [name for name in MACHINES if name.startswith("projected")])
def test_operators_that_commute_go_by_whole_images(monkeypatch, name):
    psi, samples = MACHINES[name], some_spins(MACHINES[name], 12)
    connections = HEISENBERG.connections
    assert psi._commutes_with(connections)
    fast = psi.local_values(samples, connections, True)
    monkeypatch.setattr(projected_rbm, "image_table_pays", lambda *arguments: False)
    np.testing.assert_allclose(psi.local_values(samples, connections, True), fast, rtol=1e-11)
    monkeypatch.setattr(ProjectedRBM, "_commutes_with", lambda *arguments: False)
    slow = psi.local_values(samples, connections, True)
    np.testing.assert_allclose(fast, slow, rtol=1e-11)


@pytest.mark.submission
@pytest.mark.parametrize("move", ["exchange", "pair-exchange", "flip", "mixed"])
@pytest.mark.parametrize("name", ["projected", "projected odd", "projected real", "tied even"])
def test_samples_have_the_distribution(name, move):
    """False alarm 1e-6."""
    psi = MACHINES[name]
    hamiltonian = HAMILTONIANS["ising" if move == "flip" else "heisenberg"]
    if move == "mixed":
        hamiltonian = hamiltonian.with_total_sz(None)
    assert chi_squared_p(psi, hamiltonian, move) > 1e-6


def chi_squared_p(psi, hamiltonian, move, n_chains=10_000):
    """Exact draws and then three sweeps of chains; sixty groups of states of like probability."""
    sector = Sector(N, hamiltonian.total_sz)
    exact = ExactSampler(sector, n_chains)
    sampler = MetropolisSampler.for_hamiltonian(hamiltonian, move, n_chains=n_chains)
    words = np.random.SeedSequence(5).generate_state(4 * n_chains, np.uint64)
    spins = np.repeat(exact.start(0).spins[:1], n_chains, axis=0)
    _, chains = exact.sample(psi, ChainState(spins, words.reshape(n_chains, 4)), 1)
    samples, _ = sampler.sample(psi, chains, 1, n_discard=2)
    probability = abs(psi.state_vector(sector)) ** 2
    ranks = sector.rank(sector.spins_to_states(samples.flat))
    counts = np.bincount(ranks, minlength=sector.dimension)
    groups = np.array_split(np.argsort(probability), 60)
    expected = np.array([probability[g].sum() for g in groups]) * n_chains
    found = np.array([counts[g].sum() for g in groups])
    large = expected > 10
    terms = np.sum((found - expected)[large] ** 2 / expected[large])
    return chi2.sf(terms, large.sum() - 1)


def test_the_chi_squared_test_can_fail(monkeypatch):
    """Samples of the plain RBM are not those of its projection."""
    psi = MACHINES["projected real odd"]

    monkeypatch.setattr(ProjectedRBM, "sweep", lambda psi, *rest: psi.base.sweep(*rest))
    assert chi_squared_p(psi, HEISENBERG, "exchange") < 1e-6


@pytest.mark.parametrize("name", ["projected", "projected real"])
def test_large_weights_go_by_logarithms(name):
    """Weights beyond the range of products: shares and ratios stay finite and right."""
    psi = MACHINES[name]
    exceeds_range = psi.with_flat(150 * psi.flat)
    sampler = MetropolisSampler.for_hamiltonian(HEISENBERG, n_chains=4)
    samples, _ = sampler.sample(exceeds_range, sampler.start(1), 20)
    assert 0 <= samples.acceptance <= 1
    log_psi = exceeds_range.log_psi(samples.flat)
    assert np.isfinite(log_psi).all()
    starts = exceeds_range.log_psi(sampler.start(1).spins)
    assert log_psi.real.reshape(4, 20)[:, -1].mean() >= starts.real.mean()


def test_chains_that_start_where_symmetry_forbids_it_leave():
    """Translation-invariant configurations vanish at k = pi: no chain may stay there."""
    lattice = hm.chain(8)
    momentum = lattice.translation_group()
    characters = np.exp(-1j * np.pi * np.arange(8))
    psi = ProjectedRBM(RBM.random(8, 1, seed=1, stddev=0.3), SymmetrySector(momentum, characters))
    sampler = MetropolisSampler(8, n_chains=4)
    chains = sampler.start(0)
    chains.spins[:] = 1
    samples, _ = sampler.sample(psi, chains, 10)
    assert not np.any(np.all(samples.spins[:, -1] == 1, axis=1))


@pytest.mark.submission
def test_energies_by_full_summation_in_every_sector():
    """4x4, sampled against the state vector in each sector of the space group."""
    lattice = hm.square(4)
    hamiltonian = hm.j1j2(lattice, J2=0.5, total_sz=0)
    basis = Sector(16, 0)
    base = RBM.random(16, 1, seed=5, stddev=0.2)
    for sector in lattice.space_group().sectors(spin_inversion=True):
        psi = ProjectedRBM(base, sector)
        state = psi.state_vector(basis)
        expected = np.vdot(state, hamiltonian.to_sparse() @ state).real
        sampler = MetropolisSampler.for_hamiltonian(hamiltonian, n_chains=16)
        samples, _ = sampler.sample(psi, sampler.start(2), 40, n_discard=20)
        found = local_energies(psi, hamiltonian, samples).real
        means = found.mean(axis=1)
        assert abs(found.mean() - expected) < 6 * means.std(ddof=1) / 4


@pytest.mark.parametrize("name", ["tied", "projected", "projected real", "tied and projected"])
def test_solvers_agree_on_the_direction(name):
    psi = MACHINES[name]
    spins = some_spins(psi, 60)
    energies = local_energies(psi, HEISENBERG, Samples(spins[None], 1.0)).ravel()
    rows = psi.log_derivatives(spins)
    centred = rows - rows.mean(axis=0)
    deviations = energies - energies.mean()
    deviations = deviations if psi.is_complex else deviations.real
    metric = centred.conj().T @ centred / 60 + 1e-3 * np.eye(psi.n_parameters)
    expected = np.linalg.solve(metric, centred.conj().T @ deviations / 60)
    for method in ("sample-space", "dense", "matrix-free"):
        found = solve(psi.jacobian(spins), energies, 1e-3, method).direction
        assert np.linalg.norm(found - expected) < 1e-7 * np.linalg.norm(expected)


def test_correlations_of_a_projected_state():
    psi = MACHINES["projected"]
    state = amplitudes(psi, SPINS)
    weight = abs(state) ** 2 / np.sum(abs(state) ** 2)
    sampler = MetropolisSampler.for_hamiltonian(HEISENBERG, n_chains=16)
    samples, _ = sampler.sample(psi, sampler.start(3), 300, n_discard=50)
    found = correlations(psi, HEISENBERG, samples)
    expected = np.einsum("s,si,sj->ij", weight, SPINS.astype(float), SPINS.astype(float))
    off = ~np.eye(N, dtype=bool)
    assert np.max(abs(found.zz - expected)[off] / found.zz_error[off]) < 6
    np.testing.assert_allclose(found.xx, found.xx.T)


@pytest.mark.parametrize("name", [name for name in MACHINES if "projected" not in name])
def test_a_tied_machine_is_the_plain_one_written_out(name):
    psi = MACHINES[name]
    np.testing.assert_allclose(
        np.exp(psi.plain.log_psi(SPINS[:50])), np.exp(psi.log_psi(SPINS[:50])), rtol=1e-12
    )
    assert psi.plain.n_hidden == psi.n_hidden
    np.testing.assert_array_equal(psi.with_flat(psi.flat).flat, psi.flat)


def test_a_tied_base_is_summed_over_cosets_only():
    psi = MACHINES["tied and projected"]
    assert psi.n_images == 2 * SPACE.order // TRANSLATIONS.order
    assert MACHINES["projected without biases"].n_images == SPACE.order


def test_naive_amplitudes_of_the_base_agree():
    np.testing.assert_allclose(
        np.exp(plain().log_psi(SPINS[:20])), naive.amplitude(plain(), SPINS[:20]), rtol=1e-10
    )


def test_kernels_take_both_paths_of_a_chain(monkeypatch):
    """A refresh after every proposal gives the chains that a rare refresh gives."""
    psi = MACHINES["projected"]
    sampler = MetropolisSampler.for_hamiltonian(HEISENBERG, n_chains=4)
    often, _ = sampler.sample(psi, sampler.start(1), 50)
    assert projected_chains.REFRESH < 6 * 50 * N  # several refreshes happened
    again, _ = sampler.sample(psi, sampler.start(1), 50)
    np.testing.assert_array_equal(often.spins, again.spins)


@pytest.mark.parametrize("name", ["projected", "projected real odd", "projected to a momentum"])
def test_exchanges_by_their_table_and_by_two_rows_give_the_same_chains(monkeypatch, name):
    """Without the table of bonds, and where the images of a bond are no bonds of the sampler."""
    psi, bonds = MACHINES[name], LATTICE.bonds(1)
    whole = MetropolisSampler(N, total_sz=0, move="exchange", bonds=bonds, n_chains=3)
    _, chains = whole.sample(psi, whole.start(1), 1)  # a start may have no amplitude
    by_table, _ = whole.sample(psi, chains, 20)
    monkeypatch.setattr(projected_chains, "exchange_table_pays", lambda *rest: False)
    by_rows, _ = whole.sample(psi, chains, 20)
    np.testing.assert_array_equal(by_table.spins, by_rows.spins)
    image_rows = psi._group[3]
    assert projected_chains._images_of_exchanges(image_rows, bonds).shape == (
        2 * len(bonds), psi.n_images,
    )  # fmt: skip
    assert projected_chains._images_of_exchanges(image_rows, bonds[:-1]) is None


@pytest.mark.parametrize("name", ["projected", "projected real"])
def test_threads_do_not_change_a_byte_of_a_projection(name):
    psi = MACHINES[name]
    sampler = MetropolisSampler.for_hamiltonian(HEISENBERG, n_chains=5)

    def iteration():
        samples, _ = sampler.sample(psi, sampler.start(1), 6)
        spins = samples.flat
        values = local_energies(psi, HEISENBERG, samples), psi.log_derivatives(spins)
        return [array.tobytes() for array in (spins, *values)]

    one, two = on_one_and_two_threads(iteration)
    assert one == two


IDENTITY = SymmetryGroup(np.arange(N)[None])
BAD = [
    (
        lambda: SymmetricRBM(np.zeros(1), np.zeros(1), np.zeros((N, 1)), LATTICE),
        TypeError,
        "group must be a SymmetryGroup",
    ),
    (lambda: SymmetricRBM.random(SPACE, 1.5), ValueError, "alpha must be a multiple of 4"),
    (lambda: SymmetricRBM.random(SPACE, 4, n_features=1), ValueError, "not both"),
    (lambda: SymmetricRBM.random(SPACE, n_features=0), ValueError, "n_features"),
    (lambda: tied(inversion=True, visible_bias=True), ValueError, "has_visible_bias"),
    (lambda: tied().with_flat(np.zeros(3)), ValueError, "flat must have shape"),
    (lambda: tied(float).with_flat(1j * tied(float).flat), ValueError, "real parameters"),
    (lambda: ProjectedRBM(tied(), SPACE), TypeError, "sector must be a SymmetrySector"),
    (lambda: ProjectedRBM(SPACE, SPACE.sectors()[0]), TypeError, "base must be"),
    (
        lambda: ProjectedRBM(RBM.random(8, 1), SPACE.sectors()[0]),
        ValueError,
        "base has 8 sites",
    ),
    (
        lambda: ProjectedRBM(plain(float), sector_of(TRANSLATIONS, 3)),
        ValueError,
        "complex characters",
    ),
    (
        lambda: ProjectedRBM(plain(bias=False), sector_of(SPACE, 0, -1)),
        ValueError,
        "odd under spin inversion",
    ),
    (lambda: ProjectedRBM(tied(), sector_of(TRANSLATIONS, 3)), ValueError, "tie over a smaller"),
]


@pytest.mark.parametrize("case", range(len(BAD)))
def test_bad_arguments_are_refused(case):
    make, error, message = BAD[case]
    with pytest.raises(error, match=message):
        make()
