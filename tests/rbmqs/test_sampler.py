"""Samplers against enumeration: transition matrices, chi-squared, mutants that must fail.

Chi-squared tests have fixed seeds and fail a correct sampler with probability 1e-6 each.
"""

import inspect
import re
import types
from dataclasses import replace

import naive
import numba
import numpy as np
import pytest
from on_threads import on_one_and_two_threads
from scipy.stats import chi2

import rbmqs.states.rbm as wavefunction_module
from hamiltonians import LocalSpace, Sector, X, Y, Z, chain, heisenberg, ising, spin_hamiltonian
from rbmqs.core import metropolis, proposals
from rbmqs.core.random import below, fill_uniform, next_word
from rbmqs.core.simd import LANES
from rbmqs.core.split_complex import split
from rbmqs.estimators.local import local_energies
from rbmqs.sampling.chains import ChainState, Samples, random_chains
from rbmqs.sampling.exact import ExactSampler
from rbmqs.sampling.metropolis import MetropolisSampler
from rbmqs.states.rbm import RBM

P_VALUE = 1e-6
RING = np.array([[i, (i + 1) % 6] for i in range(6)])
MOVES = {"flip": None, "exchange": 0, "pair-exchange": 1, "mixed": None}
PSI = {
    "complex": naive.random_rbm(6, 6, complex, scale=0.25, seed=1),
    "real": naive.random_rbm(6, 6, float, scale=0.3, seed=2),
    "flat": RBM(np.zeros(6), np.zeros(1), np.zeros((6, 1))),
    "peaked": naive.random_rbm(6, 12, complex, scale=0.5, seed=3),
    "many units": naive.random_rbm(6, 150, complex, scale=0.06, seed=4),
}


def make(move, n_chains, **settings):
    if move in ("exchange", "mixed"):
        settings["bonds"] = RING
    return MetropolisSampler(6, MOVES[move], move, n_chains=n_chains, **settings)


def counts_of(samples, total_sz):
    """How often each state of the sector was drawn."""
    sector = Sector(6, total_sz)
    ranks = sector.rank(sector.spins_to_states(samples.flat))
    return np.bincount(ranks, minlength=sector.dimension)


def chi_squared(counts, probabilities):
    """p-value of counts under probabilities; states expected less than 10 times are pooled."""
    expected = counts.sum() * probabilities
    rare = expected < 10
    if rare.any():
        counts = np.append(counts[~rare], counts[rare].sum())
        expected = np.append(expected[~rare], expected[rare].sum())
        counts, expected = counts[expected > 1], expected[expected > 1]
    return chi2.sf(np.sum((counts - expected) ** 2 / expected), len(counts) - 1)


def many_streams(n_chains, seed):
    words = np.random.SeedSequence(seed).generate_state(4 * n_chains, np.uint64)
    return words.reshape(n_chains, 4)


def p_value(psi, move, n_chains=20_000, n_sweeps=5, seed=5):
    """Exact draws, then a few sweeps: a right rule leaves the distribution as it is.

    One draw a chain, so that counts are independent however slowly the chains mix.
    """
    total_sz = MOVES[move]
    sampler = make(move, n_chains)
    placeholder = np.ones((n_chains, 6), np.int8)
    placeholder[:, : 3 - (total_sz or 0)] = -1
    state = ChainState(placeholder, many_streams(n_chains, seed))
    _, state = ExactSampler(Sector(6, total_sz), n_chains).sample(psi, state, 1)
    samples, _ = sampler.sample(psi, state, 1, n_discard=n_sweeps - 1)
    probabilities = naive.probabilities(psi, naive.all_spins(6, total_sz))
    return chi_squared(counts_of(samples, total_sz), probabilities)


@pytest.mark.parametrize("name", PSI)
@pytest.mark.parametrize("move", MOVES)
def test_metropolis_draws_from_psi_squared(move, name):
    assert p_value(PSI[name], move) > P_VALUE


@pytest.mark.slow
@pytest.mark.parametrize("n_sweeps", [1, 3, 10])
@pytest.mark.parametrize("name", PSI)
@pytest.mark.parametrize("move", MOVES)
def test_metropolis_keeps_the_distribution_of_a_million_chains(move, name, n_sweeps):
    assert p_value(PSI[name], move, 1_000_000, n_sweeps, seed=6) > P_VALUE


@pytest.mark.parametrize("move", MOVES)
def test_random_starts_reach_equilibrium(move):
    sampler = make(move, 5000, sweep_size=60, n_discard_per_chain=10)
    samples, _ = sampler.sample(PSI["real"], sampler.start(7), 1)
    p = naive.probabilities(PSI["real"], naive.all_spins(6, MOVES[move]))
    assert chi_squared(counts_of(samples, MOVES[move]), p) > P_VALUE


@pytest.mark.parametrize("total_sz", [None, 0, -2])
@pytest.mark.parametrize("name", PSI)
def test_exact_sampler_draws_from_psi_squared(name, total_sz):
    sampler = ExactSampler(Sector(6, total_sz), 20)
    samples, state = sampler.sample(PSI[name], sampler.start(8), 1000)
    p = naive.probabilities(PSI[name], naive.all_spins(6, total_sz))
    assert chi_squared(counts_of(samples, total_sz), p) > P_VALUE
    assert samples.acceptance == 1
    np.testing.assert_array_equal(state.spins, samples.spins[:, -1])
    more, _ = sampler.sample(PSI[name], state, 10)
    longer, _ = sampler.sample(PSI[name], sampler.start(8), 1010)
    np.testing.assert_array_equal(longer.spins[:, 1000:], more.spins)


MUTANTS = {
    "|psi| for |psi|^2": ("return random_number < ratio", "return random_number < ratio**0.5"),
    "accepts at most half": ("return random_number < ratio", "return random_number < 0.5 + ratio"),
    "a forgotten": ("return product * scale\n", "return product\n"),
    "stale denominators": ("inverse_den[lane] = 1.0 / num[lane]\n        healthy", "healthy"),
    "stale units": ("    multiply_units(split, units, rows, first)\n", ""),
    "wrong row of the flipped spin": ("spins[site] < 0)\n", "spins[site] > 0)\n"),
}  # fmt: skip


def mutant(old, new):
    """The sampling kernels with one line changed, compiled serially and never cached."""
    own = r"from rbmqs.core.proposals import [^\n]*\n"
    source = inspect.getsource(proposals) + re.sub(own, "", inspect.getsource(metropolis))
    assert source.count(old) >= 1
    source = source.replace(old, new)
    source = re.sub(r"from hamiltonians.core.jit import (\([^)]*\)|[^\n]*)", "", source)
    module = types.ModuleType("mutant")
    for name in ("kernel", "exact_kernel", "inlined_kernel", "inlined_exact_kernel"):
        setattr(module, name, numba.njit(error_model="numpy"))
    module.parallel_kernel = module.kernel
    exec(compile(source, "<mutant>", "exec"), module.__dict__)
    return module


def check_mutant(name, monkeypatch):
    monkeypatch.setattr(wavefunction_module, "metropolis", mutant(*MUTANTS[name]))
    assert p_value(PSI["real"], "flip") < P_VALUE


@pytest.mark.submission
def test_the_chi_squared_test_can_fail(monkeypatch):
    check_mutant("|psi| for |psi|^2", monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(MUTANTS)[1:])
def test_mutants_are_caught(name, monkeypatch):
    check_mutant(name, monkeypatch)


@pytest.mark.slow
def test_the_unchanged_source_passes_as_a_mutant(monkeypatch):
    monkeypatch.setattr(wavefunction_module, "metropolis", mutant("FLIP, BOND", "FLIP, BOND"))
    assert p_value(PSI["real"], "flip") > P_VALUE


def kernel_ratio(psi, sigma, sites):
    """|psi'/psi|^2 of a move as the kernel takes it, with a fresh cache."""
    sites = np.array([*sites, *[-1] * (3 - len(sites))])
    first, second = naive.from_python(metropolis.rows_of_move)(False, sigma, sites)
    scales = metropolis.norm_scales(psi.flip_tables.scales[0])
    return kernel_ratio_of_rows(psi, sigma, first, second, psi.flip_tables.rows, scales)


def kernel_ratio_of_rows(psi, sigma, first, second, rows, scales):
    """|psi'/psi|^2 from rows of a table."""
    numbers, may_overflow = psi.flip_tables.split, psi.flip_tables.may_overflow
    units = np.empty((1 + rows.shape[1], rows.shape[2]))
    identity = np.zeros((1, *rows.shape[1:]))
    identity[0, 0] = 1
    inverse_den, num = np.empty((2, LANES))
    bias, weights = split(psi.hidden_bias), split(psi.weights)
    metropolis.refresh_units(numbers, sigma, bias, weights, units)
    metropolis.fill_denominators(numbers, units, identity, inverse_den, num)
    return naive.from_python(metropolis.norm_ratio)(
        numbers, units, rows, first, second, scales, inverse_den, may_overflow, num
    )


@pytest.mark.parametrize("name", PSI)
def test_tables_of_exchanges_hold_the_moves_of_two_sites(name):
    """The row and scale of each antiparallel bond give the ratio of the rows of its sites."""
    psi = PSI[name]
    rows, log_scale = metropolis.exchange_rows(psi.flip_tables, RING)
    scales = metropolis.norm_scales(log_scale)
    for sigma in naive.all_spins(6).astype(np.int8):
        for number, (i, j) in enumerate(RING):
            if sigma[i] != sigma[j]:
                by_bond, none = naive.from_python(metropolis.rows_of_move)(
                    True, sigma, np.array([i, j, number])
                )
                ratio = kernel_ratio_of_rows(psi, sigma, by_bond, none, rows, scales)
                assert ratio == pytest.approx(kernel_ratio(psi, sigma, (i, j)), rel=1e-12)


def test_exchanges_with_and_without_a_table_draw_the_same(monkeypatch):
    """The two ways to a ratio differ in its last digits only: 2,000 sweeps take the same moves."""
    drawn = []
    for largest in (metropolis.LARGEST_TABLE, 0):
        monkeypatch.setattr(metropolis, "LARGEST_TABLE", largest)
        sampler = make("exchange", 4)
        drawn.append(sampler.sample(PSI["complex"], sampler.start(3), 500)[0].flat)
    np.testing.assert_array_equal(*drawn)


def all_proposals(move):
    """Sites and probability of every proposal."""
    if move == "flip":
        return [((i,), 1 / 6) for i in range(6)]
    if move == "exchange":
        return [(tuple(bond), 1 / 6) for bond in RING.tolist()]
    if move == "mixed":
        both = all_proposals("flip") + all_proposals("exchange")
        return [(sites, probability / 2) for sites, probability in both]
    return [((i, j), 1 / 36) for i in range(6) for j in range(6)]


def transition_matrix(psi, move):
    """P[from, to] of one proposal and the kernel's own ratio and rule min(1, ratio)."""
    spins = naive.all_spins(6, MOVES[move]).astype(np.int8)
    index = {tuple(s): k for k, s in enumerate(spins.tolist())}
    P = np.zeros((len(spins), len(spins)))
    for k, sigma in enumerate(spins):
        for sites, probability in all_proposals(move):
            parallel = len(sites) == 2 and sigma[sites[0]] == sigma[sites[1]]
            if parallel and move != "mixed":
                P[k, k] += probability
                continue
            new = sigma.copy()
            new[list(sites)] *= -1
            accept = min(1.0, kernel_ratio(psi, sigma, sites))
            P[k, index[tuple(new.tolist())]] += probability * accept
            P[k, k] += probability * (1 - accept)
    return P


@pytest.mark.parametrize("name", PSI)
@pytest.mark.parametrize("move", MOVES)
def test_transition_matrix_is_in_detailed_balance_and_connected(move, name):
    psi = PSI[name]
    P = transition_matrix(psi, move)
    pi = naive.probabilities(psi, naive.all_spins(6, MOVES[move]))
    flow = pi[:, None] * P
    np.testing.assert_allclose(P.sum(axis=1), 1, atol=1e-14)
    np.testing.assert_allclose(flow, flow.T, rtol=1e-12, atol=1e-17)
    np.testing.assert_allclose(pi @ P, pi, atol=1e-14)
    assert np.all(np.linalg.matrix_power((P > 0) + np.eye(len(P)), 40) > 0)


def test_acceptance_rule():
    rule = naive.from_python(metropolis.metropolis_accepts)
    assert [rule(r, 0.5) for r in (0.4, 0.6, 2.0, np.inf)] == [False, True, True, True]
    assert not rule(np.nan, 0.0)
    assert not rule(0.0, 0.0)
    assert [rule(0.25, 0.4, beta) for beta in (1.0, 0.7, 0.5)] == [False, False, True]
    assert not rule(np.nan, 0.0, 0.5)


def test_observed_moves_follow_the_transition_matrix():
    """One proposal at a time from one state: 20000 chains, chi-squared over where they go."""
    for move in MOVES:
        psi, total_sz = PSI["complex"], MOVES[move]
        sampler = make(move, 20_000, sweep_size=1, n_discard_per_chain=0)
        start = sampler.start(9)
        first = start.spins[:1].repeat(20_000, axis=0)
        samples, _ = sampler.sample(psi, ChainState(first, start.rng), 1)
        row = Sector(6, total_sz)
        k = int(row.rank(row.spins_to_states(first[:1]))[0])
        p = transition_matrix(psi, move)[k]
        counts = counts_of(samples, total_sz)
        assert counts[p == 0].sum() == 0
        assert chi_squared(counts[p > 0], p[p > 0]) > P_VALUE
        moved = np.any(samples.flat != first, axis=1).mean()
        assert samples.acceptance == pytest.approx(moved, abs=1e-12)


@pytest.mark.slow
def test_a_site_never_proposed_is_caught(monkeypatch):
    """It keeps |psi|^2 but cannot reach all states: seen in single moves alone."""
    line = "sites[0] = below(rng, spins.shape[0])\n    sites[1] = -1\n"
    frozen = mutant(line, line.replace("below(rng, spins.shape[0])", "1 + below(rng, 5)"))
    monkeypatch.setattr(wavefunction_module, "metropolis", frozen)
    with pytest.raises(AssertionError):
        test_observed_moves_follow_the_transition_matrix()


def drift(psi, n_moves):
    """Largest relative error of z/c after many accepted moves without any refresh."""
    table, numbers = psi.flip_tables.rows, psi.flip_tables.split
    n_parts, n_units = table.shape[1:]
    bias, weights = split(psi.hidden_bias), split(psi.weights)
    sigma = np.random.default_rng(0).choice(np.array([1, -1], np.int8), psi.n_sites)
    units, fresh = np.empty((2, 1 + n_parts, n_units))
    metropolis.refresh_units(numbers, sigma, bias, weights, units)
    for site in np.random.default_rng(1).integers(psi.n_sites, size=n_moves):
        naive.from_python(metropolis.multiply_units)(
            numbers, units, table, 2 * site + int(sigma[site] < 0)
        )
        sigma[site] *= -1
    metropolis.refresh_units(numbers, sigma, bias, weights, fresh)
    last = slice(0, psi.n_hidden)
    values = [u[1, last] + (1j * u[2, last] if n_parts == 2 else 0) for u in (units, fresh)]
    ratio = (values[0] / units[0, last]) / (values[1] / fresh[0, last])
    return np.max(abs(ratio - 1))


@pytest.mark.parametrize("kind", [float, complex])
def test_units_drift_little_between_refreshes(kind):
    psi = naive.random_rbm(20, 40, kind, scale=0.1, seed=5)
    assert drift(psi, metropolis.REFRESH) <= 1e-12
    assert drift(psi, 100_000) <= 1e-9


@pytest.mark.parametrize("seed", range(3))
def test_weights_that_overflow_keep_the_balance(seed):
    """theta between 1 and 599: psi = exp(-theta) 2 cosh(theta) = 1 + exp(-2 theta) is flat."""
    weights = np.random.default_rng(seed).normal(size=(6, 1))
    weights *= 299 / abs(weights).sum()
    psi = RBM(-weights[:, 0], np.array([300.0]), weights)
    sampler = make("flip", 4000, sweep_size=60, n_discard_per_chain=1)
    exact = ExactSampler(Sector(6), 4000)
    _, state = exact.sample(psi, exact.start(0), 1)
    samples, _ = sampler.sample(psi, state, 1)
    p = abs(psi.state_vector(Sector(6))) ** 2
    assert chi_squared(counts_of(samples, None), p) > P_VALUE


def check_units_that_underflow():
    """theta runs from -701 to 1, so exp(2 theta) underflows to zero and has to come back.

    psi = exp(theta) 2 cosh(theta) = 1 + exp(2 theta): 8.4 where all spins are up, 1 elsewhere.
    """
    weights = np.full((6, 1), 351 / 6)
    psi = RBM(weights[:, 0], np.array([-350.0]), weights)
    sampler = make("flip", 2000, sweep_size=120, n_discard_per_chain=1)
    exact = ExactSampler(Sector(6), 2000)
    _, state = exact.sample(psi, exact.start(0), 1)
    samples, _ = sampler.sample(psi, state, 1, n_discard=20)
    p = np.append((1 + np.exp(2)) ** 2, np.ones(63))
    return chi_squared(counts_of(samples, None), p / p.sum())


def test_hidden_units_that_underflow_come_back():
    assert check_units_that_underflow() > P_VALUE


@pytest.mark.slow
def test_hidden_units_that_underflow_would_be_lost(monkeypatch):
    careless = mutant("rows, scales, tables.may_overflow,", "rows, scales, False,")
    monkeypatch.setattr(wavefunction_module, "metropolis", careless)
    assert check_units_that_underflow() < P_VALUE


@pytest.mark.parametrize("total_sz", [-3, -1, 0, 2, 3])
@pytest.mark.parametrize("move", ["exchange", "pair-exchange"])
def test_spins_stay_in_the_sector(move, total_sz):
    sampler = replace(make(move, 8), total_sz=total_sz)
    state = sampler.start(0)
    np.testing.assert_array_equal(state.spins.sum(axis=1), 2 * total_sz)
    samples, state = sampler.sample(PSI["complex"], state, 50)
    assert samples.spins.dtype == np.int8
    np.testing.assert_array_equal(abs(samples.spins), 1)
    np.testing.assert_array_equal(samples.spins.sum(axis=2), 2 * total_sz)
    np.testing.assert_array_equal(state.spins, samples.spins[:, -1])


@pytest.mark.parametrize("make_sampler", [
    lambda: make("flip", 8),
    lambda: make("exchange", 8),
    lambda: ExactSampler(Sector(6, 0), 8),
])  # fmt: skip
def test_state_goes_in_untouched_and_runs_repeat(make_sampler):
    sampler, psi = make_sampler(), PSI["complex"]
    state = sampler.start(1)
    spins, rng = state.spins.copy(), state.rng.copy()
    first, after = sampler.sample(psi, state, 20)
    np.testing.assert_array_equal(state.spins, spins)
    np.testing.assert_array_equal(state.rng, rng)
    second, _ = sampler.sample(psi, sampler.start(1), 20)
    np.testing.assert_array_equal(first.spins, second.spins)
    assert np.any(after.rng != rng)
    other, _ = sampler.sample(psi, sampler.start(2), 20)
    assert np.any(other.spins != first.spins)


@pytest.mark.parametrize("move", MOVES)
def test_two_calls_are_one_longer_run(move):
    """Pairs are made afresh at each call, so only rounding could tell the two apart."""
    sampler = make(move, 8, n_discard_per_chain=0)
    whole, end = sampler.sample(PSI["complex"], sampler.start(3), 200)
    first, state = sampler.sample(PSI["complex"], sampler.start(3), 70)
    second, state = sampler.sample(PSI["complex"], state, 130)
    np.testing.assert_array_equal(whole.spins, np.concatenate([first.spins, second.spins], axis=1))
    np.testing.assert_array_equal(end.rng, state.rng)
    late, _ = sampler.sample(PSI["complex"], sampler.start(3), 130, n_discard=70)
    np.testing.assert_array_equal(late.spins, second.spins)


@pytest.mark.parametrize("move", MOVES)
def test_bytes_do_not_depend_on_threads(move):
    psi, sampler = PSI["many units"], make(move, 7)
    H = heisenberg(chain(6), total_sz=MOVES[move])

    def drawn():
        samples, state = sampler.sample(psi, sampler.start(4), 30)
        energies = local_energies(psi, H, samples)
        return samples.spins.tobytes(), state.rng.tobytes(), energies.tobytes()

    one, two = on_one_and_two_threads(drawn)
    assert one == two


def test_chains_do_not_depend_on_how_many_there_are():
    few, many = make("flip", 3), replace(make("flip", 3), n_chains=9)
    a, _ = few.sample(PSI["real"], few.start(5), 10)
    b, _ = many.sample(PSI["real"], many.start(5), 10)
    np.testing.assert_array_equal(a.spins, b.spins[:3])


def test_a_seed_sequence_is_not_used_up():
    root = np.random.SeedSequence(6)
    first, second = (random_chains(LocalSpace(6), 0, 4, root) for _ in range(2))
    np.testing.assert_array_equal(first.rng, second.rng)
    np.testing.assert_array_equal(first.spins, second.spins)
    assert len(np.unique(first.rng)) == 16


def reference_xoshiro(state, n):
    """xoshiro256++ in Python integers, from the authors' C source."""
    mask, s, words = 2**64 - 1, [int(x) for x in state], []

    def rotate(x, k):
        return ((x << k) | (x >> (64 - k))) & mask

    for _ in range(n):
        words.append((rotate((s[0] + s[3]) & mask, 23) + s[0]) & mask)
        t = (s[1] << 17) & mask
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotate(s[3], 45)
    return words


@numba.njit
def first_words(state, n):
    return np.array([next_word(state) for _ in range(n)])


@numba.njit
def integers_below(state, n, count):
    return np.array([below(state, n) for _ in range(count)])


def test_random_words_are_xoshiro256plusplus():
    state = np.array([1, 2, 3, 4], dtype=np.uint64)
    words = reference_xoshiro(state, 100)
    assert words[:3] == [41943041, 58720359, 3588806011781223]  # published test vector
    assert first_words(state, 100).tolist() == words
    streams, out = np.array([[1, 2, 3, 4]] * 2, dtype=np.uint64), np.empty((2, 50))
    fill_uniform(streams, out)
    np.testing.assert_array_equal(out[1], [(w >> 11) / 2**53 for w in words[:50]])


def test_integers_are_uniform():
    state = np.random.SeedSequence(1).generate_state(4, np.uint64)
    counts = np.bincount(integers_below(state, 7, 20_000), minlength=7)
    assert len(counts) == 7
    assert chi_squared(counts, np.full(7, 1 / 7)) > P_VALUE


def test_the_natural_move_of_a_hamiltonian():
    for_hamiltonian = MetropolisSampler.for_hamiltonian
    assert for_hamiltonian(ising(chain(6))).move == "flip"
    free = for_hamiltonian(heisenberg(chain(6)))
    assert (free.move, len(free.bonds)) == ("mixed", 6)
    exchange = for_hamiltonian(heisenberg(chain(6), total_sz=0), n_chains=3)
    assert (exchange.move, exchange.n_chains, exchange.total_sz) == ("exchange", 3, 0)
    assert sorted(map(sorted, exchange.bonds.tolist())) == sorted(map(sorted, RING.tolist()))
    split = X(0) * X(1) + Y(0) * Y(1) + X(2) * X(3) + Y(2) * Y(3) + Z(0)
    assert for_hamiltonian(spin_hamiltonian(split, 4, total_sz=0)).move == "pair-exchange"
    assert for_hamiltonian(spin_hamiltonian(Z(0), 3, total_sz=0.5)).move == "pair-exchange"
    assert for_hamiltonian(heisenberg(chain(6), total_sz=0), "pair-exchange").bonds.size == 0


def test_describe():
    assert make("exchange", 4).describe() == {
        "sampler": "metropolis", "move": "exchange", "n_chains": 4, "sweep_size": 6,
        "n_discard_per_chain": 5,
    }  # fmt: skip
    assert ExactSampler(Sector(6), 3).describe() == {"sampler": "exact", "n_chains": 3}


def test_samples_have_axes_chain_draw_site():
    samples = Samples(np.arange(24, dtype=np.int8).reshape(2, 3, 4), 0.5)
    assert samples.shape == (2, 3)
    np.testing.assert_array_equal(samples.flat[3], samples.spins[1, 0])


M = MetropolisSampler
FLIP6 = make("flip", 2)
STATE6 = FLIP6.start(0)
BAD = [
    (lambda: M(6, 0, "flip"), "'exchange' or 'pair-exchange'"),
    (lambda: M(6, None, "exchange", RING), "use 'flip' or 'mixed', or fix total_sz"),
    (lambda: M(6, None, "pair-exchange"), "use 'flip' or 'mixed', or fix total_sz"),
    (lambda: M(6, 0, "exchange"), "bonds"),
    (lambda: M(6, 0, "exchange", RING[:3]), "bonds that connect all 6 sites"),
    (lambda: M(1, 0.5, "exchange"), "bonds"),
    (lambda: M(6, 0, "exchange", [[0, 6]]), "bonds"),
    (lambda: M(6, 0, "exchange", [[-1, 0]]), "bonds"),
    (lambda: M(6, 0, "exchange", [[0, 0]]), "bonds"),
    (lambda: M(6, 0, "exchange", [[0.5, 1]]), "bonds"),
    (lambda: M(6, 0, "exchange", [0, 1]), "bonds"),
    (lambda: M(6, 0, "hop"), "move"),
    (lambda: M(6, 0.5, "pair-exchange"), "total_sz"),
    (lambda: M(6, 4, "pair-exchange"), "total_sz"),
    (lambda: M(6, np.nan, "pair-exchange"), "total_sz"),
    (lambda: M(6, "0", "pair-exchange"), "total_sz"),
    (lambda: M(0), "n_sites"),
    (lambda: M(6.0), "n_sites"),
    (lambda: M(6, n_chains=0), "n_chains"),
    (lambda: M(6, n_chains=True), "n_chains"),
    (lambda: M(6, sweep_size=0), "sweep_size"),
    (lambda: M(6, sweep_size=1.5), "sweep_size"),
    (lambda: M(6, n_discard_per_chain=-1), "n_discard_per_chain"),
    (lambda: ExactSampler(Sector(6), 0), "n_chains"),
    (lambda: FLIP6.sample(PSI["real"], STATE6, 0), "n_draws"),
    (lambda: FLIP6.sample(PSI["real"], STATE6, 2.0), "n_draws"),
    (lambda: FLIP6.sample(PSI["real"], STATE6, 2, n_discard=-3), "n_discard"),
    (lambda: FLIP6.sample(RBM.random(5), STATE6, 2), "psi"),
    (lambda: FLIP6.sample(PSI["real"], make("flip", 3).start(0), 2), "chain state"),
    (lambda: FLIP6.sample(PSI["real"], ChainState(STATE6.spins * 1.0, STATE6.rng), 2), "int8"),
    (lambda: FLIP6.sample(PSI["real"], ChainState(0 * STATE6.spins, STATE6.rng), 2), "spins"),
    (lambda: M(6, 0, "pair-exchange", n_chains=2).sample(
        PSI["real"], ChainState(abs(STATE6.spins), STATE6.rng), 2), "total_sz=0"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "named"), BAD)
def test_refusals_name_the_argument_in_one_line(call, named):
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)
