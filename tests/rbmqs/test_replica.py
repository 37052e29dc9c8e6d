"""Replica exchange against enumeration, on wavefunctions where single chains fail visibly.

Chi-squared tests have fixed seeds and fail a correct sampler with probability 1e-6 each.
"""

import naive
import numpy as np
import pytest
from on_threads import on_one_and_two_threads
from scipy.stats import chi2

import rbmqs.sampling.replica_exchange as replica
from hamiltonians import Sector, chain, heisenberg, ising
from rbmqs import RBM, MetropolisSampler, ProjectedRBM, ReplicaExchangeSampler, SymmetricRBM
from rbmqs.sampling.chains import ChainState
from rbmqs.vmc.settings import SamplingSettings
from rbmqs.vmc.sources import make_sampler

P_VALUE = 1e-6
# psi = cosh(0.2 + M), M the magnetisation: at M = 8 and -8 maxima of weight 0.69 and 0.31, and at
# M = 0 all 70 states together 1e-5.
BIMODAL = RBM(np.zeros(8), np.array([0.2]), np.full((8, 1), 1.0))
# In total S_z = 0, two Neel states behind a barrier for exchanges along bonds.
STAGGERED = np.where(np.arange(8) % 2, -1.0, 1.0)[:, None]
NEEL = RBM(np.zeros(8), np.array([0.3]), 0.8 * STAGGERED)
TRANSLATIONS = chain(8).translation_group()
CASES = {
    "flips": (BIMODAL, ising(chain(8)), np.ones(8)),
    "exchanges": (NEEL, heisenberg(chain(8), total_sz=0), STAGGERED[:, 0]),
    "complex": (naive.random_rbm(8, 8, complex, scale=0.4, seed=2), ising(chain(8)), np.ones(8)),
    "tied": (
        SymmetricRBM.random(TRANSLATIONS, 1, seed=1, stddev=0.3),
        heisenberg(chain(8), total_sz=0),
        STAGGERED[:, 0],
    ),
    "projected": (
        ProjectedRBM(naive.random_rbm(8, 8, complex, scale=0.3, seed=4), TRANSLATIONS.sectors()[0]),
        ising(chain(8)),
        np.ones(8),
    ),
}


def chi_squared(spins, total_sz, probabilities):
    """p-value of configurations under probabilities; states expected below 10 are pooled."""
    sector = Sector(8, total_sz)
    counts = np.bincount(sector.rank(sector.spins_to_states(spins)), minlength=sector.dimension)
    expected = len(spins) * probabilities / probabilities.sum()
    rare = expected < 10
    counts = np.append(counts[~rare], counts[rare].sum())
    expected = np.append(expected[~rare], expected[rare].sum())
    return chi2.sf(np.sum((counts - expected) ** 2 / expected), len(counts) - 1)


def p_value(sampler, psi, total_sz, start, n_sweeps=60, seed=5):
    """p-value of one draw a chain, all started in one configuration."""
    state = sampler.start(seed)
    spins = np.tile(np.asarray(start, np.int8), (len(state.spins), 1))
    samples, _ = sampler.sample(psi, ChainState(spins, state.rng), 1, n_discard=n_sweeps)
    probabilities = abs(psi.state_vector(Sector(8, total_sz))) ** 2
    return chi_squared(samples.flat, total_sz, probabilities)


@pytest.mark.submission
@pytest.mark.parametrize("case", CASES)
def test_replicas_draw_from_psi_squared(case):
    psi, H, start = CASES[case]
    sampler = ReplicaExchangeSampler.for_hamiltonian(H, n_chains=2000, n_replicas=6, beta_min=0.1)
    assert p_value(sampler, psi, H.total_sz, start) > P_VALUE


@pytest.mark.parametrize("case", ["flips", "exchanges"])
def test_single_chains_do_not_get_over_the_barrier(case):
    psi, H, start = CASES[case]
    sampler = MetropolisSampler.for_hamiltonian(H, n_chains=2000)
    assert p_value(sampler, psi, H.total_sz, start, n_sweeps=360) < P_VALUE


MUTANTS = {
    "swaps by |psi|": ("2 * psi.log_psi", "psi.log_psi"),
    "wrong sign": ("gain = -np.diff", "gain = np.diff"),
    "always swapped": ("np.exp(np.minimum(gain, 0.0))", "1.0"),
}


@pytest.mark.submission
@pytest.mark.parametrize("name", MUTANTS)
def test_wrong_swaps_are_caught(name):
    import inspect
    import types

    source, (old, new) = inspect.getsource(replica), MUTANTS[name]
    assert old in source
    module = types.ModuleType("rbmqs.mutant")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(__import__("sys").modules, "rbmqs.mutant", module)
        exec(compile(source.replace(old, new), "<mutant>", "exec"), module.__dict__)
    psi, H, start = CASES["complex"]
    sampler = module.ReplicaExchangeSampler.for_hamiltonian(H, n_chains=2000, n_replicas=4)
    assert p_value(sampler, psi, None, start) < P_VALUE


def test_the_kernel_samples_any_exponent():
    """Every replica of a ladder without swaps follows |psi|^(2 beta)."""
    psi = naive.random_rbm(8, 8, complex, scale=0.15, seed=2)
    sampler = ReplicaExchangeSampler.for_hamiltonian(ising(chain(8)), n_chains=3000, n_replicas=4)
    state, exponents = sampler.start(1), np.tile(sampler.betas, 3000)
    spins, drawn = state.spins.copy(), np.empty((len(state.spins), 1, 8), np.int8)
    sampler.moves.advance(psi, spins, state.rng.copy(), exponents, 30, drawn)
    weights = naive.probabilities(psi, naive.all_spins(8))
    for k, beta in enumerate(sampler.betas):
        assert chi_squared(drawn[k::4, 0], None, weights**beta) > P_VALUE
    assert chi_squared(drawn[3::4, 0], None, weights) < P_VALUE


def test_state_goes_in_untouched_and_results_depend_on_the_seed_only():
    psi, H, _ = CASES["exchanges"]
    sampler = ReplicaExchangeSampler.for_hamiltonian(H, n_chains=5, n_replicas=3, beta_min=0.2)

    def drawn():
        state = sampler.start(4)
        samples, after = sampler.sample(psi, state, 30)
        np.testing.assert_array_equal(state.spins, sampler.start(4).spins)
        return samples.spins.tobytes(), after.spins.tobytes(), after.rng.tobytes()

    one, two = on_one_and_two_threads(drawn)
    assert one == two
    _, after = sampler.sample(psi, sampler.start(4), 30)
    first, state = sampler.sample(psi, sampler.start(4), 10)
    second, _ = sampler.sample(psi, state, 20, n_discard=0)
    whole = np.concatenate([first.spins, second.spins], axis=1)
    assert whole.tobytes() == one[0]
    assert after.spins.shape == (15, 8)
    np.testing.assert_array_equal(after.spins.sum(axis=1), 0)


def test_swap_rates_are_reported():
    """A flat psi swaps always; a peaked one less the further apart the exponents are."""
    flat = RBM(np.zeros(8), np.zeros(1), np.zeros((8, 1)))
    make = ReplicaExchangeSampler.for_hamiltonian
    few = make(ising(chain(8)), n_chains=8, n_replicas=3)
    assert few.sample(flat, few.start(0), 50)[0].swap_rates == (1.0, 1.0)
    many = make(ising(chain(8)), n_chains=8, n_replicas=9)
    rates = [np.mean(s.sample(BIMODAL, s.start(0), 200)[0].swap_rates) for s in (few, many)]
    assert 0 < rates[0] < rates[1] < 1
    np.testing.assert_allclose(few.betas, [1, 0.1**0.5, 0.1])


def test_settings_make_the_ladder():
    settings = SamplingSettings(n_samples=64, n_chains=8, n_replicas=4, beta_min=0.3)
    sampler = make_sampler(heisenberg(chain(6), total_sz=0), settings)
    assert isinstance(sampler, ReplicaExchangeSampler)
    described = sampler.describe()
    assert described["sampler"] == "replica exchange"
    assert (described["n_replicas"], described["beta_min"], described["n_chains"]) == (4, 0.3, 8)
    assert sampler.start(0).spins.shape == (32, 6)


H6 = ising(chain(6))


@pytest.mark.parametrize(("mistake", "words"), [
    (lambda: ReplicaExchangeSampler.for_hamiltonian(H6, n_replicas=1), "n_replicas must be at"),
    (lambda: ReplicaExchangeSampler.for_hamiltonian(H6, beta_min=1.0), "beta_min must lie in"),
    (lambda: ReplicaExchangeSampler.for_hamiltonian(H6, beta_min=0), "beta_min must lie in"),
    (lambda: SamplingSettings(n_replicas=0), "n_replicas must be at least 1"),
    (lambda: SamplingSettings(beta_min=-0.1), "beta_min must lie in"),
    (lambda: SamplingSettings(beta_min="low"), "beta_min must be a number"),
    (lambda: SamplingSettings(exact=True, n_replicas=2), "n_replicas must be 1 with exact"),
    (lambda: ReplicaExchangeSampler.for_hamiltonian(H6).sample(
        RBM.random(6), MetropolisSampler.for_hamiltonian(H6).start(0), 3), "chain state must hold"),
])  # fmt: skip
def test_mistakes_are_met_at_the_door(mistake, words):
    with pytest.raises((TypeError, ValueError)) as caught:
        mistake()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
