"""A limited time holds for all of a run, and schedules end with it."""

import numpy as np
import pytest
from fake_time import FakeTime

import hamiltonians as hm
import rbmqs
from rbmqs import ProjectedRBM
from rbmqs.vmc.clock import ENDING, Clock
from rbmqs.vmc.extensions.time_limit import COOLING, LENGTH, cooled
from rbmqs.vmc.settings import RunSettings, SamplingSettings

CHAIN = hm.heisenberg(hm.chain(8), total_sz=0, marshall=True)
SAMPLING = SamplingSettings(
    n_samples=128, n_chains=8, n_final_samples=2048, summation=False, probe_share=0
)


def run(seconds, n_iterations=10**6, **ansatz):
    settings = RunSettings(n_iterations=n_iterations, max_seconds=seconds, sampling=SAMPLING)
    return rbmqs.ground_state(CHAIN, 1, settings=settings, progress=False, **ansatz)


@pytest.mark.parametrize("per_sweep", [0.03, 0.1, 0.4])
@pytest.mark.parametrize("first", [0.0, 15.0])
def test_all_of_a_run_takes_the_time_that_it_was_given(monkeypatch, per_sweep, first):
    clock = FakeTime(monkeypatch, per_sweep, first=first)
    run(100.0)
    assert 85 < clock.now < 105


@pytest.mark.parametrize(("per_sweep", "projected"), [(0.02, 0.1), (0.05, 0.3), (0.2, 0.5)])
def test_restarts_without_a_projection_are_part_of_it(monkeypatch, per_sweep, projected):
    clock = FakeTime(monkeypatch, per_sweep, projected)
    result = run(100.0, project="symmetric")
    assert 85 < clock.now < 110
    assert isinstance(result.psi, ProjectedRBM)
    plain = [r for r in result.history if r.extra("multistart", "unprojected")]
    assert len(plain) * 21 * per_sweep < 45
    assert len(result.history) > len(plain)


def test_a_run_that_time_ends_goes_through_its_schedules(monkeypatch):
    clock = FakeTime(monkeypatch, 0.06)
    result = run(100.0)
    n, rates = len(result.history), [r.learning_rate for r in result.history]
    assert 40 < n < 80
    full = rbmqs.OptimiserSettings()
    assert rates[-1] == pytest.approx(full.learning_rate_at(LENGTH, result.psi), rel=0.1)
    early = int(n * (1 - COOLING)) - 2
    assert rates[early] <= full.learning_rate_at(early, result.psi)  # limits may shorten a step
    monkeypatch.undo()
    free = run(None, n_iterations=early)
    np.testing.assert_array_equal(
        [r.energy.mean for r in free.history], [r.energy.mean for r in result.history[:early]]
    )
    assert clock.now < 105


def test_time_that_is_not_needed_changes_nothing(monkeypatch):
    FakeTime(monkeypatch, 0.06)
    limited, free = run(1000.0, n_iterations=30), run(None, n_iterations=30)
    np.testing.assert_array_equal(limited.psi.flat, free.psi.flat)
    assert str(limited.energy) == str(free.energy)


def test_where_no_time_is_left_for_fresh_chains_the_estimate_says_so(monkeypatch):
    FakeTime(monkeypatch, 0.4)
    result = run(100.0)
    assert "no time was left for fresh chains: those of the run went on" in result.status
    assert 4 <= result.estimate.samples.shape[1] < 256


def test_the_clock_leaves_out_a_first_iteration_that_compiles(monkeypatch):
    fake = FakeTime(monkeypatch, 0.0)
    clock = Clock(100.0, 0.0, n_final_draws=10)
    assert clock.n_iterations_left() == np.inf
    for seconds in (30.0, 1.0, 1.2, 1.1):
        clock.begin("plain")
        fake.now += seconds / 2
        clock.drew(5)
        fake.now += seconds / 2
    clock.begin("plain")
    assert clock.per_iteration == pytest.approx(1.1)
    assert clock.ending == pytest.approx(1.5 * 10 * 0.11)
    assert clock.n_iterations_left() == pytest.approx((100 - 33.3 - 1.65) / 1.1)
    clock.begin("projected")
    assert (clock.per_iteration, clock.ending) == (0, ENDING * 100)


def test_a_clock_without_a_limit_asks_nobody():
    def agree(seconds):
        raise AssertionError

    clock = Clock(agree=agree)
    clock.begin("plain")
    clock.drew(1)
    assert (clock.left(), clock.is_over(), clock.text()) == (np.inf, False, "")


def test_sums_over_all_configurations_end_in_time():
    result = rbmqs.ground_state(CHAIN, 1, n_iterations=10**6, max_seconds=0.3, progress=False)
    assert result.history[-1].summed
    assert len(result.history) > 3
    assert result.seconds["optimisation"] < 2


@pytest.mark.parametrize("n", [20, 300, 5000])
def test_schedules_go_on_evenly_and_end_with_the_time(n):
    seen = [cooled(t, t, n - t) for t in np.linspace(0, n, 200)]
    assert np.all(np.diff(seen) > 0)
    assert seen[100] == pytest.approx(n * 100 / 199)
    assert seen[-1] == pytest.approx(max(n, LENGTH))
