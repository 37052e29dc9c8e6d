"""First-order optimisers, solvers and extensions from outside, by the protocol that ours follow."""

from itertools import islice

import numpy as np
import pytest

import hamiltonians as hm
import rbmqs
from rbmqs.runs.checkpoint import load_checkpoint
from rbmqs.runs.resume import CHECKPOINT
from rbmqs.sr import register_solver
from rbmqs.vmc.extension import Extension, register_extension
from rbmqs.vmc.settings import OptimiserSettings, RunSettings, SamplingSettings

CHAIN = hm.ising(hm.chain(6), h=1.0)
EXACT = hm.ground_state(CHAIN).energy


def settings(kind, n_iterations, **options):
    return RunSettings(n_iterations=n_iterations, optimiser=OptimiserSettings(kind=kind, **options))


@pytest.mark.submission
@pytest.mark.parametrize("kind", ["adam", "sgd"])
def test_first_order_methods_find_the_ground_state(kind):
    psi = rbmqs.RBM.random(6, 2, seed=1)
    last = list(islice(rbmqs.iterate(CHAIN, psi, settings(kind, 600)), 600))[-1][0]
    assert last.solve["method"] == kind
    assert abs(last.energy.mean.real / EXACT - 1) < 2e-2


def first_step(**options):
    """Change of the parameters in the first iteration, and its record."""
    psi = rbmqs.RBM.random(6, 2, seed=1)
    record, state = next(iter(rbmqs.iterate(CHAIN, psi, settings(n_iterations=2, **options))))
    return state.psi.flat - psi.flat, record


def test_the_first_step_of_adam_is_the_rate_in_every_parameter():
    """The means are divided by 1 - decay^n, so that the first gradient counts as a whole."""
    step, record = first_step(kind="adam")
    parts = np.abs(step)[np.abs(step) > 1e-9]
    np.testing.assert_allclose(parts, record.learning_rate, rtol=1e-3)


def test_a_step_is_at_most_as_long_in_the_metric_as_is_allowed():
    _, free = first_step(kind="sr", learning_rate=1.0, max_step=10.0, max_change=100.0)
    _, bound = first_step(kind="sr", learning_rate=1.0, max_step=0.01, max_change=100.0)
    assert free.step_length > 0.05
    assert bound.step_length == pytest.approx(0.01, rel=1e-9)


@pytest.mark.parametrize("kind", ["adam", "sgd"])
def test_a_resumed_run_has_the_same_moments(tmp_path, kind):
    options = {"settings": settings(kind, 12), "progress": False, "alpha": 1}
    whole = rbmqs.ground_state(CHAIN, output=tmp_path / "whole", **options)
    rbmqs.ground_state(CHAIN, n_iterations=5, output=tmp_path / "cut", **options)
    kept = load_checkpoint(tmp_path / "cut" / CHECKPOINT).state.optimiser
    assert (kept.squares is not None) == (kind == "adam")
    resumed = rbmqs.resume(tmp_path / "cut", n_iterations=12, progress=False)
    np.testing.assert_array_equal(resumed.psi.flat, whole.psi.flat)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "newton"}, "kind must be"),
        ({"kind": "adam", "solver": "dense"}, "solver belongs to kind = 'sr'"),
        ({"kind": "sgd", "local_shift": True}, "local_shift belongs to kind = 'sr'"),
    ],
)
def test_settings_that_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        OptimiserSettings(**options)


def test_a_solver_without_a_cost_is_refused():
    with pytest.raises(TypeError, match="solver 'mine' needs a cost model"):
        register_solver("mine")


class Counter(Extension):
    """Counts iterations, and keeps a vector, chains and a wavefunction of its own."""

    name = "counter"

    def adjust(self, batch, state):
        n = state.of(self.name).get("n", 0) + 1
        kept = {"n": n, "vector": np.arange(n), "chains": state.chains, "psi": state.psi}
        return batch, state.with_extension(self.name, kept), {"n": n}

    @classmethod
    def report(cls, history, settings):
        return [("counted", f"{history[-1].extra(cls.name, 'n')} iterations")]


def test_an_extension_from_outside_is_saved_resumed_and_reported(tmp_path):
    sampling = SamplingSettings(summation=False, n_samples=64)
    chosen = RunSettings(n_iterations=3, extensions=(Counter,), sampling=sampling)
    rbmqs.ground_state(CHAIN, 1, settings=chosen, output=tmp_path, progress=False)
    result = rbmqs.resume(tmp_path, n_iterations=5, progress=False)
    assert [record.extras["counter"]["n"] for record in result.history] == [1, 2, 3, 4, 5]
    assert "counted" in str(result)
    kept = load_checkpoint(tmp_path / CHECKPOINT).state.of("counter")
    np.testing.assert_array_equal(kept["vector"], np.arange(5))
    assert kept["psi"].n_sites == kept["chains"].spins.shape[1] == 6


def test_an_extension_may_be_passed_as_a_class_and_others_are_refused():
    psi = rbmqs.RBM.random(6, 1)
    record, _ = next(rbmqs.iterate(CHAIN, psi, RunSettings(), extensions=[Counter]))
    assert record.extras == {"counter": {"n": 1}}
    with pytest.raises(TypeError, match="must be a subclass of Extension"):
        next(rbmqs.iterate(CHAIN, psi, RunSettings(), extensions=[int]))
    with pytest.raises(ValueError, match="extension must be one of"):
        next(rbmqs.iterate(CHAIN, psi, RunSettings(extensions=("nothing",))))
    with pytest.raises(TypeError, match="must be a subclass of Extension"):
        register_extension("number")(3)
