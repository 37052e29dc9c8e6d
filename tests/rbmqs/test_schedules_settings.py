"""Schedules and settings: values, and refusals that name the argument in one line."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from hamiltonians import chain, ising
from hamiltonians.utils.checks import finite, number, positive_int, spin_array
from rbmqs.estimators.error_bars import quick_statistics
from rbmqs.states.factory import initial_wavefunction
from rbmqs.states.rbm import RBM
from rbmqs.states.spin_rbm import SpinRBM
from rbmqs.utils.schedules import Schedule, as_schedule
from rbmqs.vmc import loop as vmc
from rbmqs.vmc.optimisers import has_low_noise
from rbmqs.vmc.recommended import recommended
from rbmqs.vmc.settings import OptimiserSettings, RunSettings, SamplingSettings

PSI = RBM.random(4, 1)
CHAIN = ising(chain(6), h=1.0)


def test_values_of_schedules():
    assert [Schedule(0.3)(t) for t in (0, 10, 10**6)] == [0.3] * 3
    inverse = Schedule(0.4, "inverse", timescale=50)
    assert [inverse(t) for t in (0, 50, 150)] == pytest.approx([0.4, 0.2, 0.1], rel=1e-14)
    falling = Schedule(0.4, "exponential", timescale=50)
    values = [0.4, 0.4 / math.e, 0.4 / math.e**3]
    assert [falling(t) for t in (0, 50, 150)] == pytest.approx(values, rel=1e-14)
    floored = Schedule(0.4, "exponential", timescale=50, final=0.1)
    assert floored(50) == pytest.approx(0.4 / math.e, rel=1e-14)
    assert floored(10**6) == 0.1


@pytest.mark.parametrize("decay", ["constant", "inverse", "exponential"])
def test_schedules_never_rise(decay):
    values = [Schedule(1.0, decay, 7.0, 0.2)(t) for t in range(200)]
    assert values[0] == 1
    assert min(values) >= 0.2
    assert sorted(values, reverse=True) == values


def test_numbers_are_constant_schedules():
    assert as_schedule("learning_rate", 0.1) == Schedule(0.1)
    assert as_schedule("learning_rate", np.float64(0.1))(5) == 0.1
    falling = Schedule(0.1, "inverse")
    assert as_schedule("learning_rate", falling) is falling


def test_momentum_of_a_projected_machine_rises_to_that_of_others():
    tied = initial_wavefunction(CHAIN, 0, tied="translations", alpha=1)
    projected = initial_wavefunction(CHAIN, 0, alpha=1, project="symmetric")
    assert [1 - recommended(psi).friction(t) for psi in (PSI, tied) for t in (0, 10**4)] == [
        0.9
    ] * 4
    rising = [1 - recommended(projected).friction(t) for t in (0, 100, 300, 400, 10**4)]
    assert rising == pytest.approx([0.5, 0.75, 0.875, 0.9, 0.9], rel=1e-14)

    def after_two_steps(momentum):
        settings = RunSettings(optimiser=OptimiserSettings(momentum=momentum))
        return next(s for _, s in vmc.iterate(CHAIN, projected, settings) if s.iteration == 2).psi

    open_, same, other = map(after_two_steps, (None, 1 - recommended(projected).friction(1), 0.9))
    np.testing.assert_array_equal(open_.flat, same.flat)
    assert not np.array_equal(open_.flat, other.flat)


def test_draws_per_chain_round_up():
    settings = SamplingSettings(n_samples=1000, n_chains=16, n_final_samples=5)
    assert (settings.n_draws_at(0, PSI), settings.n_final_draws) == (63, 4)
    assert SamplingSettings(n_samples=32, n_chains=16).n_draws_at(10**6, PSI) == 2


def test_samples_double_until_there_are_enough():
    settings = SamplingSettings(1000, n_first_samples=100, sample_doubling=20.0, n_chains=10)
    assert [settings.n_draws_at(t, PSI) for t in (0, 20, 40, 50)] == [10, 20, 40, 57]
    assert [settings.n_draws_at(t, PSI) for t in (67, 10**9)] == [100, 100]


def test_optimiser_settings_follow_their_schedules():
    settings = OptimiserSettings(learning_rate=0.1, diag_shift=Schedule(0.1, "inverse", 10.0))
    assert settings.learning_rate_at(100, PSI) == 0.1
    assert settings.diag_shift_at(10, PSI) == pytest.approx(0.05)
    default = OptimiserSettings()
    assert [default.diag_shift_at(t, PSI) for t in (0, 10**6)] == [1e-2, 1e-3]
    tied = initial_wavefunction(CHAIN, 0, tied="translations")
    for psi in (PSI, tied, SpinRBM.random(4, 1)):  # sums have no noise: a smaller shift
        assert [default.diag_shift_at(10**6, psi, summed) for summed in (0, 1)] == [1e-3, 1e-6]
        assert [default.learning_rate_at(9900, psi, summed=s) for s in (0, 1)] == [0.0005, 0.05]
    assert settings.diag_shift_at(10**6, PSI, True) == settings.diag_shift_at(10**6, PSI)
    given = OptimiserSettings(learning_rate=0.1)  # with a rate of one's own the shift is the usual
    assert given.diag_shift_at(10**6, PSI, True) == 1e-3
    projected = initial_wavefunction(CHAIN, 0, project="symmetric")
    assert [default.diag_shift_at(10**6, projected, summed) for summed in (0, 1)] == [1e-3, 1e-3]


def test_the_learning_rate_falls_less_far_with_tied_weights():
    tied = {"tied": "translations"}
    states = [
        initial_wavefunction(CHAIN, 0, alpha=1, **ansatz)
        for ansatz in ({}, tied, {"project": "symmetric"}, tied | {"project": "symmetric"})
    ]
    falling, bounded = [0.05, 0.025, 0.05 / 101], [0.05, 0.025, 0.02]
    for low_noise, expected in ((True, [falling, bounded] * 2), (False, [falling] * 4)):
        rates = [
            [OptimiserSettings().learning_rate_at(t, psi, low_noise) for t in (0, 100, 10**4)]
            for psi in states
        ]
        np.testing.assert_allclose(rates, expected)
    given = OptimiserSettings(learning_rate=0.001)
    assert given.learning_rate_at(0, states[1], True) == 0.001


def test_steps_are_quiet_where_their_noise_costs_a_millionth():
    psi = initial_wavefunction(CHAIN, 0, alpha=1, tied="translations")
    energy = replace(quick_statistics(np.zeros((16, 64))), mean=-50.0 + 0j)
    limit = 1e-6 * 50 * 4 * 1024 / (psi.n_parameters * 0.02)
    assert has_low_noise(psi, replace(energy, variance=0.99 * limit))
    assert not has_low_noise(psi, replace(energy, variance=1.01 * limit))
    last = next(
        (r, s)
        for r, s in vmc.iterate(
            CHAIN,
            psi,
            RunSettings(
                optimiser=OptimiserSettings(max_change=9.0),
                sampling=SamplingSettings(n_samples=1024, summation=False),
            ),
        )
        if s.iteration == 400
    )[0]
    assert last.learning_rate == 0.02


def test_settings_are_plain_json():
    settings = RunSettings(n_iterations=3, optimiser=OptimiserSettings(learning_rate=0.2))
    read = json.loads(json.dumps(settings.describe()))
    assert read["n_iterations"] == 3
    assert read["optimiser"]["learning_rate"]["initial"] == 0.2
    assert read["sampling"]["n_chains"] == SamplingSettings().n_chains


BAD = [
    (lambda: Schedule(0), "initial"),
    (lambda: Schedule(-1.0), "initial"),
    (lambda: Schedule(math.nan), "initial"),
    (lambda: Schedule("0.1"), "initial"),
    (lambda: Schedule(True), "initial"),
    (lambda: Schedule(0.1, "linear"), "decay"),
    (lambda: Schedule(0.1, "inverse", 0), "timescale"),
    (lambda: Schedule(0.1, "inverse", math.inf), "timescale"),
    (lambda: Schedule(0.1, final=-1), "final"),
    (lambda: Schedule(0.1, final=0.2), "final"),
    (lambda: as_schedule("diag_shift", "big"), "diag_shift"),
    (lambda: as_schedule("diag_shift", None), "diag_shift"),
    (lambda: as_schedule("diag_shift", 0), "diag_shift"),
    (lambda: as_schedule("diag_shift", True), "diag_shift"),
    (lambda: as_schedule("diag_shift", 1j), "diag_shift"),
    (lambda: SamplingSettings(n_samples=0), "n_samples"),
    (lambda: SamplingSettings(n_samples=1e3), "n_samples"),
    (lambda: SamplingSettings(n_samples=31, n_chains=16), "n_samples"),
    (lambda: SamplingSettings(n_chains=-1), "n_chains"),
    (lambda: SamplingSettings(n_final_samples=0), "n_final_samples"),
    (lambda: SamplingSettings(sweep_size=0), "sweep_size"),
    (lambda: SamplingSettings(n_discard_per_chain=-1), "n_discard_per_chain"),
    (lambda: SamplingSettings(move="hop"), "move"),
    (lambda: SamplingSettings(exact=1), "exact"),
    (lambda: SamplingSettings(n_first_samples=16), "n_first_samples"),
    (lambda: SamplingSettings(1024, n_first_samples=2048), "n_first_samples"),
    (lambda: SamplingSettings(n_first_samples=64.0), "n_first_samples"),
    (lambda: SamplingSettings(sample_doubling=0), "sample_doubling"),
    (lambda: OptimiserSettings(learning_rate=0), "learning_rate"),
    (lambda: OptimiserSettings(learning_rate="fast"), "learning_rate"),
    (lambda: OptimiserSettings(diag_shift=-1e-3), "diag_shift"),
    (lambda: OptimiserSettings(diag_shift=math.nan), "diag_shift"),
    (lambda: OptimiserSettings(max_step=0), "max_step"),
    (lambda: OptimiserSettings(max_step=None), "max_step"),
    (lambda: OptimiserSettings(max_change=0), "max_change"),
    (lambda: OptimiserSettings(momentum=1.0), "momentum"),
    (lambda: OptimiserSettings(momentum=-0.1), "momentum"),
    (lambda: OptimiserSettings(momentum=math.nan), "momentum"),
    (lambda: OptimiserSettings(solver="lu"), "solver"),
    (lambda: RunSettings(n_iterations=-1), "n_iterations"),
    (lambda: RunSettings(n_iterations=10.0), "n_iterations"),
    (lambda: RunSettings(seed=-1), "seed"),
    (lambda: RunSettings(seed=0.5), "seed"),
    (lambda: RunSettings(stop_when_converged="yes"), "stop_when_converged"),
    (lambda: positive_int("n", True), "n must be an integer"),
    (lambda: number("x", np.nan), "x must be finite"),
    (lambda: finite("w", np.array([[0, np.inf]])), "(0, 1)"),
    (lambda: spin_array("sigma", 1, 1), "sigma"),
    (lambda: spin_array("sigma", [1, 0.5], 2), "sigma"),
]


@pytest.mark.parametrize(("call", "named"), BAD)
def test_refusals_name_the_argument_in_one_line(call, named):
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)
