"""Several random starts in one run: what each gets, which goes on, and what is kept of them."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from fake_time import FakeTime

import hamiltonians as hm
import rbmqs
from hamiltonians.models.symmetries import symmetric_sector
from rbmqs import RBM, ProjectedRBM, SymmetricRBM
from rbmqs.runs.checkpoint import load_checkpoint
from rbmqs.runs.run import CHECKPOINT, LOG
from rbmqs.states.factory import initial_wavefunction
from rbmqs.vmc import loop as vmc
from rbmqs.vmc.convergence import has_settled, judge_optimisation, present
from rbmqs.vmc.extension import RunContext
from rbmqs.vmc.extensions.multistart import (
    MultiStart,
    Standing,
    best_so_far,
    restart_energies,
    with_restarts,
)
from rbmqs.vmc.recommended import recommended
from rbmqs.vmc.settings import OptimiserSettings, RunSettings, SamplingSettings
from rbmqs.vmc.sources import make_sampler

CHAIN = hm.ising(hm.chain(6), h=1.0)
SAMPLING = SamplingSettings(n_samples=64, n_chains=8, n_final_samples=128, summation=False)
LENGTH = 8
SETTINGS = RunSettings(
    n_iterations=40, n_restarts=3, restart_iterations=LENGTH, sampling=SAMPLING, seed=5
)


def settings(**changes):
    return RunSettings(
        **{
            "n_restarts": 3,
            "restart_iterations": LENGTH,
            "sampling": SAMPLING,
            "seed": 5,
            "n_iterations": 40,
            **changes,
        }
    )


def states(n, chosen=SETTINGS):
    """Records, and the states after them, of n iterations of a tied RBM."""
    psi = initial_wavefunction(CHAIN, chosen.seed, tied="translations", alpha=1)
    return list(islice(vmc.iterate(CHAIN, psi, chosen), n))


def extension():
    return MultiStart(RunContext(CHAIN, SETTINGS, make_sampler(CHAIN, SAMPLING)))


def restarted(record, n):
    """A record with so many restarts before it."""
    return replace(record, extras={"multistart": {"restart": n}})


def run(directory, **changes):
    return rbmqs.ground_state(
        CHAIN, 1, tied="translations", settings=settings(**changes), output=directory,
        progress=False,
    )  # fmt: skip


def test_iterations_are_counted_within_restarts():
    chosen = settings()
    found = [
        (chosen.n_restarts_before(t), chosen.iteration_in_restart(t)) for t in (0, 7, 8, 23, 24)
    ]
    assert found == [(0, 0), (0, 7), (1, 0), (2, 7), (3, 8)]  # the lowest goes on after its 8
    one = settings(n_restarts=None)
    assert [(one.n_restarts_before(t), one.iteration_in_restart(t)) for t in (0, 30)] == [
        (0, 0),
        (0, 30),
    ]


def test_schedules_begin_again_with_each_restart():
    records = [record for record, _ in states(3 * LENGTH + 2)]
    tied = initial_wavefunction(CHAIN, 0, tied="translations", alpha=1)
    assert [r.extra("multistart", "restart") for r in records] == [0] * LENGTH + [1] * LENGTH + [
        2
    ] * LENGTH + [3, 3]
    for t, record in enumerate(records):
        here = t % LENGTH if t < 3 * LENGTH else t - 2 * LENGTH
        rate = OptimiserSettings().learning_rate_at(here, tied)
        assert record.learning_rate <= rate * (1 + 1e-12)
    first = [records[k * LENGTH].energy.mean.real for k in range(3)]
    last = [records[k * LENGTH + LENGTH - 1].energy.mean.real for k in range(3)]
    assert min(first) > max(last)  # each starts at random parameters and learns


def test_the_lowest_start_goes_on():
    found = states(3 * LENGTH + 1)
    after = found[-1][1]
    ends = [found[(k + 1) * LENGTH - 1][1].psi for k in range(3)]
    energies = [
        np.mean([r.energy.mean.real for r, _ in found[(k + 1) * LENGTH - 2 : (k + 1) * LENGTH]])
        for k in range(3)
    ]
    np.testing.assert_allclose(Standing.of(after).energies, energies, rtol=1e-12)
    assert len({tuple(psi.flat) for psi in ends}) == 3
    np.testing.assert_array_equal(Standing.of(after).best.flat, ends[int(np.argmin(energies))].flat)
    assert restart_energies([record for record, _ in found], SETTINGS) == pytest.approx(energies)


@pytest.mark.parametrize("best", [0, 1, 2])
def test_any_of_them_may_be_the_lowest(best, monkeypatch):
    """The judged energies are replaced, so that each restart in turn comes out lowest."""
    closed = Standing.closed
    monkeypatch.setattr(
        Standing,
        "closed",
        lambda self, psi, chains: closed(
            replace(self, total=float(len(self.energies) != best), n_judged=1), psi, chains
        ),
    )
    found = states(3 * LENGTH + 1)
    before = found[(best + 1) * LENGTH - 1][1].psi
    assert Standing.of(found[-1][1]).energies == tuple(float(k != best) for k in range(3))
    np.testing.assert_array_equal(Standing.of(found[-1][1]).best.flat, before.flat)


@pytest.mark.parametrize(("best", "goes_on"), [(0, False), (2, True)])
def test_the_last_restart_goes_on_as_it_is(best, goes_on):
    """With its momentum, which any other start has lost; both with the chains that they had."""
    state = states(3 * LENGTH)[-1][1]
    energies = (-2.0, -1.0) if best == 0 else (0.0, 0.0)
    standing = replace(Standing.of(state), energies=energies, total=-3.0, n_judged=2)
    after = extension().before(standing.into(state))
    assert Standing.of(after).energies == (*energies, -1.5)
    assert (after.iteration, Standing.of(after).n_judged) == (3 * LENGTH, 0)
    assert after.chains is (state.chains if goes_on else standing.chains)
    assert after.chains is not None
    assert np.any(after.optimiser.direction) == goes_on


def test_behind_its_restarts_a_run_ends_where_it_is():
    state = states(3 * LENGTH + 2)[-1][1]
    worse = replace(Standing.of(state), total=1e6, n_judged=1).into(state)
    assert best_so_far(worse, SETTINGS) is worse


@pytest.mark.submission
@pytest.mark.parametrize("cut", [3, LENGTH, 2 * LENGTH + 3, 3 * LENGTH, 3 * LENGTH + 4])
def test_a_run_cut_among_its_restarts_goes_on_bit_for_bit(tmp_path, cut):
    whole = run(tmp_path / "whole")
    run(tmp_path / "cut", n_iterations=cut)
    resumed = rbmqs.resume(tmp_path / "cut", n_iterations=40, progress=False)
    np.testing.assert_array_equal(resumed.psi.flat, whole.psi.flat)
    assert (tmp_path / "cut" / LOG).read_bytes() == (tmp_path / "whole" / LOG).read_bytes()
    kept = load_checkpoint(tmp_path / "cut" / CHECKPOINT).state
    assert len(Standing.of(kept).energies) == 3


def test_chains_may_change_among_the_restarts(tmp_path):
    run(tmp_path, n_iterations=LENGTH + 2)
    changes = {"sampling.n_chains": 16}
    resumed = rbmqs.resume(tmp_path, n_iterations=40, changes=changes, progress=False)
    assert {record.energy.n_chains for record in resumed.history[LENGTH + 2 :]} == {16}
    assert resumed.energy.n_chains == 16


def test_a_run_that_ends_among_its_restarts_gives_the_lowest(tmp_path):
    n = LENGTH + 4  # less than the judged part of the second restart, which therefore cannot win
    result = run(tmp_path, n_iterations=n)
    first = states(LENGTH)[-1][1].psi
    np.testing.assert_array_equal(result.psi.flat, first.flat)
    kept = load_checkpoint(tmp_path / CHECKPOINT).state
    assert kept.iteration == n  # where it is resumed from
    assert len(Standing.of(kept).energies) == 1
    assert not np.array_equal(kept.psi.flat, first.flat)


def test_result_and_report_name_the_energies(tmp_path):
    result = run(tmp_path)
    energies = result.to_dict()["restart_energies"]
    assert len(energies) == 3
    assert f"{energies[1]:.4f}" in str(result)
    assert "the best was kept" in str(result)
    assert rbmqs.ground_state(
        CHAIN, 1, settings=settings(n_restarts=1), progress=False
    ).to_dict()["restart_energies"] == []  # fmt: skip


def test_convergence_is_judged_from_the_present_start():
    records = [record for record, _ in states(3 * LENGTH + 5)]
    assert [r.iteration for r in present(records)] == list(range(3 * LENGTH, 3 * LENGTH + 5))
    assert [r.iteration for r in present(records[:10])] == [8, 9]
    assert present([]) == []
    one = [record for record, _ in states(12, settings(n_restarts=1))]
    assert present(one) == one
    undone = [*one[:-1], replace(one[-1], status="step undone")]
    later = [restarted(r, 1) for r in one]
    assert "steps were undone" in judge_optimisation(undone, 1.0).sentences[0]
    assert "fewer than 40 iterations" in judge_optimisation([*undone, *later], 1.0).sentences[0]
    flat = [restarted(replace(one[-1], iteration=t), t // 150) for t in range(300)]
    assert not has_settled(flat)
    assert has_settled([restarted(r, 0) for r in flat])


def test_a_restart_does_not_stop_the_run_when_it_has_settled(monkeypatch, tmp_path):
    monkeypatch.setattr("rbmqs.runs.run.has_settled", lambda history, trace: True)
    result = run(tmp_path, stop_when_converged=True)
    assert len(result.history) == 3 * LENGTH + 1
    alone = rbmqs.ground_state(
        CHAIN, 1, settings=settings(n_restarts=1, stop_when_converged=True), progress=False
    )
    assert len(alone.history) == 1


def test_how_many_restarts_where_nothing_is_said():
    tied = initial_wavefunction(CHAIN, 0, tied="translations", alpha=1)
    plain = RBM.random(6, 1)
    projected = ProjectedRBM(tied, symmetric_sector(CHAIN))

    def chosen(psi, **changes):
        return with_restarts(RunSettings(**changes), psi).n_restarts

    assert [chosen(psi) for psi in (plain, tied, projected)] == [1, 3, 3]
    assert [chosen(psi, n_iterations=9999) for psi in (plain, tied, projected)] == [1, 8, 3]
    assert [chosen(tied, n_iterations=n) for n in (600, 599, 400, 399, 20)] == [3, 2, 2, 1, 1]
    assert chosen(tied, n_restarts=5) == 5
    assert chosen(tied, growth=(1, 2)) is None  # stages of growth have starts of their own
    warm = rbmqs.ground_state(CHAIN, psi=tied, settings=settings(n_restarts=None), progress=False)
    assert {record.extra("multistart", "restart") for record in warm.history} == {
        0
    }  # a start that was given is the one


def test_how_many_samples_where_nothing_is_said():
    few = initial_wavefunction(CHAIN, 0, tied="translations", alpha=1)
    many = SymmetricRBM.random(hm.chain(30).translation_group(), n_features=70)
    free = SamplingSettings(n_chains=16)
    states = (RBM.random(6, 1), few, many, ProjectedRBM(few, symmetric_sector(CHAIN)))
    assert [free.n_samples_of(psi) for psi in states] == [1024, 4096, 1024, 4096]
    assert free.n_draws_at(0, few) == 256
    assert {SAMPLING.n_samples_of(psi) for psi in states} == {64}
    growing = SamplingSettings(n_chains=16, n_first_samples=512, sample_doubling=10.0)
    assert [growing.n_draws_at(t, few) for t in (0, 10, 20, 30, 99)] == [32, 64, 128, 256, 256]
    assert SamplingSettings(n_chains=1000).n_draws_at(0, states[0]) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_restarts": 0}, "n_restarts must be at least 1, got 0"),
        ({"restart_iterations": 3}, "restart_iterations must be at least 4, got 3"),
        ({"growth": (1, 2)}, "n_restarts must be 1 for a run with growth, got 3"),
    ],
)
def test_settings_that_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        settings(**changes)


PROJECTED = {"tied": "translations", "project": "symmetric"}


def projected_run(directory, **changes):
    return rbmqs.ground_state(
        CHAIN, 1, **PROJECTED, settings=settings(**changes), output=directory, progress=False
    )


def odd_under_inversion():
    return initial_wavefunction(CHAIN, 0, alpha=1, tied="translations", hidden_bias=True)


def test_what_a_projected_rbm_is_restarted_as():
    def rbm(**ansatz):
        return initial_wavefunction(CHAIN, 0, alpha=1, **ansatz)

    whole = rbm(**PROJECTED)
    for psi in (whole, rbm(project="symmetric")):
        assert recommended(psi).restart_state is psi.base
        assert recommended(psi).n_restarts == 3
    plain = rbm(project="k=0 odd +")
    assert recommended(plain).n_restarts == 1
    others = [
        plain,
        rbm(tied="translations"),
        rbm(tied="translations", project="k=0 odd +"),
        ProjectedRBM(odd_under_inversion(), replace(whole.sector, spin_inversion=-1)),
    ]
    for psi in others:
        assert recommended(psi).restart_state is None


def test_restarts_run_without_the_projection_and_the_lowest_is_projected():
    psi = initial_wavefunction(CHAIN, 5, alpha=1, **PROJECTED)
    found = list(islice(vmc.iterate(CHAIN, psi, SETTINGS), 3 * LENGTH + 1))
    kinds = [type(state.psi) for _, state in found]
    assert kinds == [SymmetricRBM] * (3 * LENGTH) + [ProjectedRBM]
    best = int(np.argmin(Standing.of(found[-1][1]).energies))
    lowest = found[(best + 1) * LENGTH - 1][1]
    before = extension().before(found[3 * LENGTH - 1][1])
    np.testing.assert_array_equal(before.psi.flat, lowest.psi.flat)
    np.testing.assert_array_equal(before.chains.spins, lowest.chains.spins)
    assert before.psi.describe() == psi.describe()
    assert before.target is None


def test_sums_over_all_configurations_are_restarted_as_they_are():
    summed = replace(SETTINGS, sampling=replace(SAMPLING, summation=None, n_samples=None))
    psi = initial_wavefunction(CHAIN, 5, alpha=1, **PROJECTED)
    for record, state in islice(vmc.iterate(CHAIN, psi, summed), 2):
        assert record.summed
        assert isinstance(state.psi, ProjectedRBM)


def test_a_best_restart_of_another_sector_is_not_projected(monkeypatch):
    monkeypatch.setattr("rbmqs.vmc.extensions.multistart.MIN_SHARE", 2.0)
    psi = initial_wavefunction(CHAIN, 5, alpha=1, **PROJECTED)
    last = list(islice(vmc.iterate(CHAIN, psi, SETTINGS), 3 * LENGTH))[-1][1]
    after = extension().before(last)
    assert isinstance(after.psi, ProjectedRBM)
    assert abs(after.psi.flat).max() < 0.06  # small random numbers
    assert abs(Standing.of(after).best.flat).max() > 0.06


def test_a_restart_that_leaves_the_sector_is_the_last(tmp_path, monkeypatch):
    monkeypatch.setattr("rbmqs.vmc.extensions.multistart.GOOD_SHARE", 2.0)
    result = projected_run(tmp_path)
    assert result.settings.n_restarts == 1
    unprojected = [r.iteration for r in result.history if r.extra("multistart", "unprojected")]
    assert unprojected == list(range(LENGTH))
    kept = load_checkpoint(tmp_path / CHECKPOINT).state
    assert isinstance(kept.psi, ProjectedRBM)
    assert abs(kept.psi.flat).max() > 0.06  # no random numbers


def test_projected_wavefunctions_begin_with_a_quarter_of_the_samples():
    psi = initial_wavefunction(CHAIN, 5, alpha=1, **PROJECTED)
    draws = [SamplingSettings().n_draws_at(t, psi) for t in (0, 150, 300, 900)]
    assert draws == [64, 128, 256, 256]
    assert SamplingSettings(512).n_draws_at(0, psi) == 32
    assert SamplingSettings().n_draws_at(0, psi.base) == 256


@pytest.mark.submission
@pytest.mark.parametrize("cut", [3, LENGTH, 2 * LENGTH + 3, 3 * LENGTH, 3 * LENGTH + 4])
def test_a_projected_run_cut_among_its_restarts_goes_on_bit_for_bit(tmp_path, cut):
    whole = projected_run(tmp_path / "whole")
    part = projected_run(tmp_path / "cut", n_iterations=cut)
    assert part.psi.describe() == whole.psi.describe()
    assert rbmqs.wavefunction_of(tmp_path / "cut").describe() == whole.psi.describe()
    resumed = rbmqs.resume(tmp_path / "cut", n_iterations=40, progress=False)
    np.testing.assert_array_equal(resumed.psi.flat, whole.psi.flat)
    assert (tmp_path / "cut" / LOG).read_bytes() == (tmp_path / "whole" / LOG).read_bytes()
    assert "the best was kept, projected" in str(whole)


# Of 100 s restarts may take 25. One takes 101 sweeps of fresh chains, and 21 in an iteration: 8
# draws, 5 discarded and 8 of probe chains.
@pytest.mark.parametrize(("per_sweep", "n"), [(0.06, 1), (0.045, 2), (0.03, 3)])
def test_where_time_is_short_there_are_fewer_restarts(tmp_path, monkeypatch, per_sweep, n):
    expected = run(tmp_path / "expected", n_restarts=n, n_iterations=3 * LENGTH)
    FakeTime(monkeypatch, per_sweep)
    result = run(tmp_path / "run", max_seconds=100.0, n_iterations=3 * LENGTH)
    assert result.settings.n_restarts == n
    np.testing.assert_array_equal(result.psi.flat, expected.psi.flat)
    assert restart_energies(result.history, result.settings) == (
        restart_energies(expected.history, expected.settings)
    )
    first, records = rbmqs.read_log(tmp_path / "run" / LOG)
    assert records == list(expected.history)
    assert first["settings"]["n_restarts"] == n
    changes = [{"iteration": n * LENGTH, "n_restarts": n}] if n < 3 else []
    assert first.get("changes", []) == changes


@pytest.mark.parametrize("cut", [LENGTH, LENGTH + 3])
def test_a_run_with_fewer_restarts_goes_on_bit_for_bit(tmp_path, monkeypatch, cut):
    expected = run(tmp_path / "expected", n_restarts=1)
    FakeTime(monkeypatch, 0.06)
    run(tmp_path / "run", max_seconds=100.0, n_iterations=cut)
    resumed = rbmqs.resume(tmp_path / "run", n_iterations=40, progress=False)
    np.testing.assert_array_equal(resumed.psi.flat, expected.psi.flat)


def test_a_state_that_time_allows_one_restart_is_projected_behind_it(tmp_path, monkeypatch):
    FakeTime(monkeypatch, 0.06, 0.01)
    result = projected_run(tmp_path, max_seconds=100.0)
    assert isinstance(result.psi, ProjectedRBM)
    first = projected_run(None, n_iterations=LENGTH)
    assert not np.array_equal(result.psi.flat, first.psi.flat)
    kept = load_checkpoint(tmp_path / CHECKPOINT).state
    assert isinstance(kept.psi, ProjectedRBM)
    assert kept.target is None
