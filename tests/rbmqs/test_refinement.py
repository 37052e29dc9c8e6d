"""Refinement: what final chains found is corrected, and the run itself stays what it was."""

from dataclasses import replace

import numpy as np
import pytest

import rbmqs
from hamiltonians import chain, heisenberg, ising
from rbmqs.estimators.error_bars import MAX_R_HAT
from rbmqs.runs.checkpoint import load_checkpoint
from rbmqs.runs.resume import CHECKPOINT, SETTLED
from rbmqs.runs.run import run
from rbmqs.states.factory import initial_wavefunction
from rbmqs.vmc import loop as vmc
from rbmqs.vmc.ending import MAX_ROUNDS, end_run
from rbmqs.vmc.extension import EXTENSIONS, Extension
from rbmqs.vmc.extensions.probe_chains import ProbeChains
from rbmqs.vmc.extensions.refinement import MAX_ITERATIONS
from rbmqs.vmc.settings import RunSettings, SamplingSettings
from rbmqs.vmc.sources import make_sampler

H = heisenberg(chain(48), total_sz=0, marshall=True)
SAMPLING = SamplingSettings(n_samples=256, n_final_samples=1024)
SETTINGS = RunSettings(n_iterations=300, sampling=SAMPLING)
WITHOUT = replace(SETTINGS, sampling=replace(SAMPLING, probe_share=0.0))


@pytest.fixture(scope="module")
def untended():
    """A state trained without probe chains: |psi| of two domains is e^36 times that centred."""
    psi = initial_wavefunction(H, 0, alpha=2, tied="translations")
    steps = vmc.iterate(H, psi, WITHOUT)
    return next(state for _, state in steps if state.iteration == 300)


def estimated(state, settings):
    sampler = make_sampler(H, settings.sampling)
    return end_run(H, state.psi, state, sampler, settings)


@pytest.mark.submission
def test_without_probes_the_disagreement_stays_and_is_named(untended):
    found = estimated(untended, WITHOUT)
    assert (found.state, found.n_iterations) == (None, 0)
    assert found.estimate.energy.r_hat > 2
    assert "some chains sit in regions that they never leave" in found.estimate.warnings[0]


@pytest.mark.submission
def test_chains_that_are_stuck_are_reset(untended):
    found = estimated(untended, SETTINGS)
    assert found.estimate.comparison.agrees
    assert found.estimate.energy.r_hat <= MAX_R_HAT
    assert 0 < found.n_iterations <= MAX_ROUNDS * MAX_ITERATIONS
    assert found.state.iteration == 300 + found.n_iterations
    exact = -85.1541  # Bethe ansatz
    assert abs(found.estimate.energy.mean / exact - 1) < 1e-3
    again = estimated(untended, SETTINGS)
    np.testing.assert_array_equal(again.state.psi.flat, found.state.psi.flat)


def test_chains_is_centred_join_those_that_are_stuck(untended, monkeypatch):
    counts = []
    outlying = ProbeChains.outlying

    def counted(*arguments):
        found = outlying(*arguments)
        counts.append(0 if found is None else int(found.probes.sum()))
        return found

    monkeypatch.setattr(ProbeChains, "outlying", counted)
    asked = iter(range(100))
    sampler = make_sampler(H, SAMPLING)
    end_run(H, untended.psi, untended, sampler, SETTINGS, lambda: next(asked) >= 3)
    assert 0 < counts[0] < 16
    assert counts[1] == 16


@pytest.mark.submission
def test_refinement_stops_when_asked(untended):
    asked = iter(range(100))
    sampler = make_sampler(H, SAMPLING)
    found = end_run(H, untended.psi, untended, sampler, SETTINGS, lambda: next(asked) >= 3)
    assert (found.n_iterations, found.n_rounds) == (3, 1)  # asked before the round, and after each
    assert found.state.iteration == 303
    none = end_run(H, untended.psi, untended, sampler, SETTINGS, lambda: True)
    assert (none.n_iterations, none.state) == (0, None)


def test_the_checkpoint_of_the_run_stays(untended, tmp_path, monkeypatch):
    monkeypatch.setattr(vmc, "iterate", lambda *a, **k: iter(()))
    settings = replace(SETTINGS, n_iterations=310)
    result = run(
        H, untended.psi, settings, directory=tmp_path, state=untended, progress=False
    )  # fmt: skip
    saved = load_checkpoint(tmp_path / CHECKPOINT).state
    np.testing.assert_array_equal(saved.psi.flat, untended.psi.flat)
    settled = load_checkpoint(tmp_path / SETTLED).state
    np.testing.assert_array_equal(settled.psi.flat, result.psi.flat)
    np.testing.assert_array_equal(rbmqs.wavefunction_of(tmp_path).flat, result.psi.flat)
    assert result.n_refinement == settled.iteration - 300 > 0
    assert f"{result.n_refinement} iterations with stuck chains of the final estimate" in str(
        result
    )
    assert result.to_dict()["n_refinement"] == result.n_refinement


def test_where_nothing_is_stuck_nothing_is_done(tmp_path):
    settings = RunSettings(n_iterations=60, sampling=replace(SAMPLING, n_samples=128))
    result = rbmqs.ground_state(
        ising(chain(8), h=1.0), 1, settings=settings, output=tmp_path / "run", progress=False
    )
    assert result.n_refinement == 0
    assert not (tmp_path / "run" / SETTLED).exists()
    assert "refinement" not in str(result)


def test_any_extension_may_change_the_state_that_a_run_ends_with(monkeypatch):
    """Estimates are made again, with other seeds, until no extension changes the state."""
    H = ising(chain(6), h=1.0)
    seen = []

    class Nudge(Extension):
        name = "nudge"

        def finish(self, ending, state):
            seen.append((ending.number, ending.estimate.energy.mean, ending.state.iteration))
            if ending.number == 3:
                return state
            psi = state.psi.with_flat(0.9 * state.psi.flat)
            return replace(state, psi=psi, iteration=state.iteration + 1)

        @classmethod
        def report_ending(cls, n_iterations):
            return [("nudges", str(n_iterations))]

    monkeypatch.setitem(EXTENSIONS._known, "nudge", Nudge)
    settings = RunSettings(n_iterations=20, sampling=SamplingSettings(n_samples=128))
    result = rbmqs.ground_state(H, 1, settings=settings, progress=False)
    assert [number for number, _, _ in seen] == [1, 2, 3]
    assert {iteration for _, _, iteration in seen} == {20}
    assert len({energy for _, energy, _ in seen}) == 3
    assert result.n_refinement == 2
    assert "nudges         2" in str(result)
