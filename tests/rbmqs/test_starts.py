"""Starting states of final estimates, and the verdict on whether their chains agree."""

import numpy as np
import pytest
from scipy.signal import lfilter

from hamiltonians import (
    X,
    Z,
    chain,
    from_edges,
    heisenberg,
    ising,
    j1j2,
    kagome,
    spin_hamiltonian,
    square,
    triangular,
)
from rbmqs import RBM, MetropolisSampler, ProjectedRBM, ReplicaExchangeSampler
from rbmqs.estimators.chain_diagnostics import compare_starts, statistics_by_start
from rbmqs.estimators.equilibration import tempered
from rbmqs.estimators.error_bars import statistics
from rbmqs.estimators.final import final_estimate
from rbmqs.sampling.exact import ExactSampler
from rbmqs.sampling.initial_configurations import ordered_states, started_chains

HAMILTONIANS = {
    "chain, Sz=0": heisenberg(chain(10), total_sz=0),
    "chain, free": ising(chain(9)),
    "square, Sz=1": j1j2(square(4), total_sz=1),
    "square, free": heisenberg(square(4), signs="stripe-x"),
    "triangular": heisenberg(triangular(3), total_sz=0.5),
    "kagome": heisenberg(kagome(2), total_sz=0),
    "full": heisenberg(chain(6), total_sz=3),
    "odd ring": heisenberg(from_edges([(0, 1), (1, 2), (2, 3), (3, 4), (4, 0)]), total_sz=0.5),
    "no lattice": spin_hamiltonian(X(0) * X(2) + Z(1) * Z(2) * Z(3) + X(4)),
    "one site": spin_hamiltonian(X(0)),
}


@pytest.mark.parametrize("name", HAMILTONIANS)
@pytest.mark.parametrize("n_chains", [1, 2, 7, 16])
def test_half_of_the_chains_start_in_ordered_states_of_the_sector(name, n_chains):
    H = HAMILTONIANS[name]
    move = None if H.total_sz is None else "pair-exchange"
    sampler = MetropolisSampler.for_hamiltonian(H, move, n_chains=n_chains)
    psi = RBM.random(H.n_sites, 1)
    chains, kinds = started_chains(H, psi, sampler, 3)
    again, _ = started_chains(H, psi, sampler, 3)
    np.testing.assert_array_equal(chains.spins, again.spins)
    np.testing.assert_array_equal(chains.rng, sampler.start(3).rng)
    random = np.array(kinds) == "random"
    assert random.sum() == n_chains - n_chains // 2
    np.testing.assert_array_equal(chains.spins[random], sampler.start(3).spins[random])
    assert set(kinds) - {"random"} <= set(ordered_states(H))
    np.testing.assert_array_equal(abs(chains.spins), 1)
    if H.total_sz is not None:
        np.testing.assert_array_equal(chains.spins.sum(axis=1), 2 * H.total_sz)
    counts = {kind: kinds.count(kind) for kind in kinds}
    assert n_chains < 4 or min(counts.values()) >= 2
    assert set(kinds) == {"random", *list(ordered_states(H))[: n_chains // 4 or n_chains // 2]}


def test_states_of_a_chain():
    states = ordered_states(heisenberg(chain(8), total_sz=0))
    assert states["domain"].tolist() == [1, 1, 1, 1, -1, -1, -1, -1]
    assert states["Neel"].tolist() == [-1, 1] * 4
    assert states["Neel-domain"].tolist() == [-1, 1, -1, 1, 1, -1, 1, -1]
    polarised = ordered_states(heisenberg(chain(8), total_sz=2))
    assert polarised["domain"].tolist() == [1, 1, 1, 1, 1, 1, -1, -1]
    assert set(ordered_states(ising(chain(8)))) == {*states, "ferromagnetic"}


def test_states_of_other_lattices():
    square_states = ordered_states(j1j2(square(4), total_sz=0))
    assert list(square_states) == [
        "domain", "Neel", "Neel-domain", "stripe-x", "stripe-y", "domain-y"
    ]  # fmt: skip
    for name, axis in (("domain", 1), ("domain-y", 0)):
        halves = square_states[name].reshape(4, 4).sum(axis=axis)
        np.testing.assert_array_equal(halves, [4, 4, -4, -4])
    up = (ordered_states(heisenberg(square(4), total_sz=2))["domain-y"] == 1).reshape(4, 4)
    np.testing.assert_array_equal(up.sum(axis=0), [4, 4, 2, 0])
    rows = square_states["stripe-x"].reshape(4, 4)
    np.testing.assert_array_equal(rows, [[1, -1, 1, -1]] * 4)
    three = ordered_states(heisenberg(triangular(3), total_sz=0.5))["three-sublattice"]
    i, j = triangular(3).bonds().T
    assert sorted(three.tolist()) == [-1] * 3 + [0] * 3 + [1] * 3
    assert (three[i] != three[j]).all()
    ring = ordered_states(HAMILTONIANS["odd ring"])["alternating"]
    assert sum(ring[k] == ring[k - 1] for k in range(5)) == 1
    graph = ordered_states(HAMILTONIANS["no lattice"])
    assert graph["Neel"][0] != graph["Neel"][2]


def test_replicas_of_a_ladder_start_alike():
    H = heisenberg(chain(8), total_sz=0)
    sampler = ReplicaExchangeSampler.for_hamiltonian(H, n_chains=4, n_replicas=3)
    chains, kinds = started_chains(H, RBM.random(8, 1), sampler, 0)
    ladders = chains.spins.reshape(4, 3, 8)
    assert kinds == ("random", "random", "domain", "domain")
    np.testing.assert_array_equal(ladders[2:, :1].repeat(3, axis=1), ladders[2:])
    samples, _ = sampler.sample(RBM.random(8, 1), chains, 4)
    assert samples.shape == (4, 4)


def test_states_without_amplitude_are_left_out():
    class OddUnderInversion:
        n_sites = 8

        def log_psi(self, sigma):
            return np.log(abs(sigma @ np.arange(8) - 0j))

    H = heisenberg(chain(8), total_sz=0)
    sampler = MetropolisSampler.for_hamiltonian(H)
    with np.errstate(divide="ignore"):
        _, kinds = started_chains(H, OddUnderInversion(), sampler, 0)
    assert "Neel-domain" not in kinds
    assert "domain" in kinds


def test_independent_draws_have_one_kind_of_start():
    from hamiltonians import Sector

    H = heisenberg(chain(8), total_sz=0)
    sampler = ExactSampler(Sector(8, 0))
    estimate = final_estimate(H, RBM.random(8, 1), sampler, 64, 0)
    assert list(estimate.by_start) == ["random"]
    assert estimate.comparison is None


KINDS = ("random",) * 8 + ("domain",) * 3 + ("Neel",) * 3 + ("Neel-domain",) * 2


def autoregressive(rng, shape, tau):
    """Stationary AR(1) chains of unit variance and integrated autocorrelation time tau."""
    rho = (tau - 1) / (tau + 1)
    noise = rng.normal(size=shape) * np.sqrt(1 - rho**2)
    noise[:, 0] /= np.sqrt(1 - rho**2)
    return lfilter([1.0], [1.0, -rho], noise, axis=1)


@pytest.mark.parametrize(("tau", "n_draws"), [(1, 64), (1, 1024), (5, 1024), (10, 256), (60, 256)])
def test_false_alarms_of_stationary_chains_have_the_stated_rate(tau, n_draws):
    """400 sets of chains at a rate of 5 %: at most 20 + 3.3 sigma, passed by chance at 99.95 %."""
    rng = np.random.default_rng(tau * n_draws)
    alarms = sum(
        not compare_starts(autoregressive(rng, (16, n_draws), tau), KINDS, 0.05).agrees
        for _ in range(400)
    )
    assert alarms <= 20 + 3.3 * np.sqrt(400 * 0.05 * 0.95)


@pytest.mark.parametrize(("tau", "n_draws"), [(1, 1024), (10, 256)])
def test_a_kind_that_is_off_is_found(tau, n_draws):
    values = autoregressive(np.random.default_rng(0), (16, n_draws), tau)
    values[8:11] += 12 * np.sqrt(tau / n_draws)
    found = compare_starts(values, KINDS)
    assert not found.agrees
    assert found.kind == "domain"
    assert found.mean > found.rest


def test_one_wild_sample_does_not_accuse_its_chain():
    for chain_number in (0, 8, 15):
        values = np.random.default_rng(1).normal(size=(16, 1024))
        values[chain_number, 100] = 1e4
        assert compare_starts(values, KINDS).agrees


def test_frozen_chains():
    by_kind = np.array([["random", "domain", "Neel", "Neel-domain"].index(k) for k in KINDS])
    values = np.tile(by_kind[:, None], 8).astype(float)
    assert compare_starts(values, KINDS).n_bars == np.inf
    assert compare_starts(np.ones((16, 8)), KINDS).n_bars == 0
    assert compare_starts(np.full((16, 8), np.nan), KINDS) is None
    assert compare_starts(values, ("random",) * 16) is None
    assert compare_starts(values[:2], ("random", "domain")) is None
    assert set(statistics_by_start(values, KINDS)) == set(KINDS)


NEEL = np.where(np.arange(20) % 2, -1.0, 1.0)
DOMAINS = np.repeat([1.0, -1.0], 10)


def neel_and_domains(slope, flat=16.0, neel=0.25):
    """A wavefunction that favours Neel states, and two ferromagnetic domains behind a barrier.

    The last two units have log psi = 2 max(flat, slope |m|) for the difference m of the domains'
    magnetisations. With 16 and slope 1 it is flat up to |m| = 16, with exp(16) in |psi|^2 at
    |m| = 20, the two states out of 184756 that chains from random starts hardly find.
    """
    weights = np.stack([neel * NEEL, slope * DOMAINS, -slope * DOMAINS], axis=1)
    return RBM(np.zeros(20), np.array([0.0, -flat, -flat]), weights)


def estimate_of(psi, n_draws=512):
    H = heisenberg(chain(20), total_sz=0, marshall=True)
    return final_estimate(H, psi, MetropolisSampler.for_hamiltonian(H), n_draws, 2)


def test_a_machine_without_spurious_maxima_agrees():
    estimate = estimate_of(neel_and_domains(0.1))
    assert estimate.warnings == ()
    assert estimate.comparison.agrees
    assert set(estimate.by_start) == {"random", "domain", "Neel", "Neel-domain"}
    pooled = estimate.energy
    for kind in estimate.by_start.values():
        assert abs(kind.mean - pooled.mean) < 5 * (kind.error_of_mean + pooled.error_of_mean)
    assert sum(kind.n_chains for kind in estimate.by_start.values()) == pooled.n_chains


def test_a_spurious_maximum_is_caught():
    estimate = estimate_of(neel_and_domains(1.0))
    assert not estimate.comparison.agrees
    assert estimate.comparison.kind == "domain"
    assert estimate.comparison.n_bars > 5 * estimate.comparison.bound
    first = estimate.warnings[0]
    assert first.startswith("chains started from domain states disagree with the others by ")
    assert "R_hat" in first
    assert "\n" not in first
    assert estimate.by_start["domain"].mean > 0 > estimate.by_start["Neel"].mean


@pytest.mark.parametrize("tempering", [True, False])
def test_chains_held_where_there_is_next_to_nothing_are_freed(tempering, monkeypatch):
    """exp(11) at the domain states, 0.3 % of |psi|^2, which a chain leaves in 30,000 sweeps."""
    if not tempering:
        monkeypatch.setattr(
            "rbmqs.estimators.equilibration.tempered", lambda psi, sampler, chains: chains
        )
    estimate = estimate_of(neel_and_domains(1.375, 24.75, 0.4))
    assert estimate.comparison.agrees == tempering


def test_tempering_keeps_random_streams_and_leaves_other_samplers_alone():
    psi = neel_and_domains(0.1)
    moves = MetropolisSampler.for_hamiltonian(heisenberg(chain(20), total_sz=0))
    chains = moves.start(0)
    after = tempered(psi, moves, chains)
    again = tempered(psi, moves, chains)
    np.testing.assert_array_equal(after.spins, again.spins)
    np.testing.assert_array_equal(after.rng, chains.rng)
    assert (after.spins != chains.spins).any(axis=1).all()
    np.testing.assert_array_equal(after.spins.sum(axis=1), 0)
    from hamiltonians import Sector

    for sampler in (ExactSampler(Sector(20, 0)), ReplicaExchangeSampler(moves, 3)):
        chains = sampler.start(0)
        assert tempered(psi, sampler, chains) is chains


@pytest.mark.parametrize("number", [0, 1])
def test_projected_machines_agree_too(number):
    """Momenta 0 and pi/4: ordered states without amplitude in a sector are left out."""
    lattice = chain(8)
    sector = lattice.translation_group().sectors()[number]
    psi = ProjectedRBM(RBM.random(8, 1, stddev=0.2, seed=1), sector)
    H = heisenberg(lattice, total_sz=0)
    estimate = final_estimate(H, psi, MetropolisSampler.for_hamiltonian(H), 256, 1)
    assert estimate.comparison.agrees
    assert sum(kind.n_chains for kind in estimate.by_start.values()) == 16


def test_where_chains_of_several_kinds_are_stuck_r_hat_tells():
    """As with the weights of Carleo & Troyer: all domain chains and 3 of 8 random ones."""
    values = np.random.default_rng(3).normal(-141, 3, size=(16, 512))
    values[[0, 1, 2, 8, 9, 10]] += 216
    found = compare_starts(values, KINDS)
    assert (found.kind, found.agrees) == ("domain", True)
    assert "some chains sit in regions that they never leave" in statistics(values).status


def test_random_starts_alone_do_not_notice_the_spurious_maximum(monkeypatch):
    monkeypatch.setattr(
        "rbmqs.estimators.final.started_chains",
        lambda H, psi, sampler, seed: (sampler.start(seed), KINDS),
    )
    assert estimate_of(neel_and_domains(1.0)).warnings == ()
