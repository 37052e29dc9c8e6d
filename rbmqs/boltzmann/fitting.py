"""From an estimator's keywords and data to a training run, its checkpoint and fitted attributes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from hamiltonians.utils.archive import CheckpointError, Kind, read_archive, write_archive
from hamiltonians.utils.checks import choice, number, positive_int
from rbmqs.boltzmann.data import row_weights
from rbmqs.boltzmann.keywords import BernoulliKeywords, described
from rbmqs.boltzmann.learner import StepOptions
from rbmqs.boltzmann.linalg import one_pool
from rbmqs.boltzmann.monitor import MonitoredLearner
from rbmqs.boltzmann.negative import (
    ContrastiveDivergence,
    ExactSum,
    NegativePhase,
    PersistentChains,
)
from rbmqs.boltzmann.parameters import Parameters
from rbmqs.boltzmann.randomness import new_stream, seed_sequence
from rbmqs.boltzmann.rows import Rows
from rbmqs.boltzmann.tempering import TemperedChains
from rbmqs.boltzmann.training import UPDATES, Plan, Training, describe, train, training_from
from rbmqs.boltzmann.trajectory import TrajectoryChains
from rbmqs.utils.interrupts import pass_on

PARAMETERS = ("weights", "visible_bias", "hidden_bias")
RESUMABLE = ("n_iter", "max_seconds", "verbose")  # may differ when a run goes on
METHODS = ("auto", "pcd", "cd", "pt", "ptt", "exact")
DTYPES = ("float32", "float64")
KIND = Kind("rbmqs-boltzmann", 1, "units 0 and 1; E = -b.v - c.h - v W h; W (visible, hidden)")
INITIAL_WEIGHT = 0.01  # Hinton's practical guide, section 8.1
LARGEST = 1e3  # a sigmoid is saturated at 20: a parameter of this size has run away
AUTO_COST = 2.0**24  # units averaged exactly for one update of method "auto": 16 x 256, 15 ms
EXACT_COST = 2.0**27
RATE = 30.0  # learning rate times the root of the number of weights, see docs/boltzmann.md
# Without noise on the model's side momentum pays, and fewer updates are enough.
EXACT_UPDATES, EXACT_RATE, EXACT_MOMENTUM = 1_500, 10.0, 0.9
BATCH, SMALL_BATCH, SHORT_RUN = 100, 10, 5_000  # the last in updates
# A learning rate given as a number beside epochs bounds how far the weights get. scikit-learn's
# batches of 10 keep the rate; one that falls to zero needs smaller ones to get as far.
GIVEN_RATE_BATCH, GIVEN_RATE_BATCHES = 3, 2_000
CHAINS = 100  # at least, where rows are few
# Fewer rows than this make sharp peaks, between which chains stop moving early: the rate of a
# sampled gradient falls as this power of the rows, and plain persistent chains are more.
FEW_ROWS, FEW_ROWS_POWER, FEW_ROWS_CHAINS = 1_000, 2 / 3, 500


class TrainableRBM(BernoulliKeywords):
    """An estimator as the functions of this file change it: keywords and fitted attributes."""

    components_: np.ndarray
    intercept_hidden_: np.ndarray
    intercept_visible_: np.ndarray
    machine_: Parameters
    training_: Training
    n_iter_: int
    _learner: MonitoredLearner

    @property
    def machine(self) -> Parameters:
        """The fitted RBM; refused before `fit`."""
        self.check_is_fitted()
        return self.machine_


E = TypeVar("E", bound=TrainableRBM)


def fit(
    rbm: TrainableRBM, X: Any, validation: Any, weights: Any, checkpoint: str | Path | None
) -> None:
    """Train from random weights and set the fitted attributes."""
    seed = int(seed_sequence(rbm.random_state).generate_state(1, np.uint64)[0])
    learner = new_learner(rbm, X, validation, seed, weights=weights)
    _run(rbm, learner, Training(), seed, None if checkpoint is None else Path(checkpoint))


def resume(rbm: TrainableRBM, path: Path, X: Any, validation: Any, weights: Any) -> None:
    """Take up a run where its checkpoint left it."""
    meta, arrays = read_archive(path, KIND, lambda meta, arrays: (meta, arrays))
    if meta.get("training") is None:
        raise CheckpointError(f"{path} holds a machine, not a run: fit with checkpoint=")
    if meta["data"] != _fingerprint(X):
        raise CheckpointError(
            f"{path} is of a run on other data: (rows, columns, ones) were {meta['data']}, are "
            f"{_fingerprint(X)}"
        )
    kept = {name: getattr(rbm, name) for name in RESUMABLE}
    rbm.set_params(**{**meta["parameters"], **kept})
    learner = new_learner(rbm, X, validation, meta["seed"], weights=weights)
    learner.restore(arrays)
    _run(rbm, learner, training_from(meta["training"]), meta["seed"], path)


def partial_fit(rbm: TrainableRBM, X: Any, first: bool) -> None:
    """One update from the rows X."""
    rows = Rows(X)
    if first or not hasattr(rbm, "_learner"):
        seed = int(seed_sequence(rbm.random_state).generate_state(1, np.uint64)[0])
        machine = None if first else rbm.machine
        rbm._learner = new_learner(rbm, X, None, seed, machine)
        rbm.training_ = Training()
    learner = rbm._learner
    learner.take_rows(rows)
    with one_pool(_work(learner)):
        learner.update(np.arange(len(rows)), learning_rate(rbm, rows.n_features))
    _set_attributes(rbm, learner.machine)


def new_learner(
    rbm: TrainableRBM, X: Any, validation: Any, seed: int, machine: Parameters | None = None,
    weights: Any = None,
) -> MonitoredLearner:  # fmt: skip
    """An RBM about to be trained; keywords are checked before anything is allocated."""
    _check(rbm, X)
    of_weights, of_draws = np.random.SeedSequence(seed).spawn(2)
    rows = Rows(X, row_weights(weights, X.shape[0]))
    if machine is None:
        machine = initial_machine(rows, rbm.n_components, rbm.dtype, of_weights)
    stream = new_stream(of_draws)
    batch = min(batch_size(rbm, rows.n_features, len(rows)), len(rows))
    negative = _negative_phase(rbm, machine, rows, batch, stream)
    learner = MonitoredLearner(
        machine, rows, negative, _step_options(rbm, rows.n_features), stream, batch
    )
    learner.watch(X, validation)
    return learner


def _negative_phase(
    rbm: TrainableRBM, machine: Parameters, rows: Rows, batch: int, stream: np.ndarray
) -> NegativePhase:
    steps, method = rbm.n_gibbs_steps, chosen_method(rbm, rows.n_features)
    least = FEW_ROWS_CHAINS if method == "pcd" and len(rows) < FEW_ROWS else CHAINS
    n_chains = rbm.n_chains or max(least, batch)
    if method == "cd":
        return ContrastiveDivergence(machine, steps, batch)
    if method == "exact":
        return ExactSum(machine)
    if method == "pt":
        base = machine.visible_bias.copy()
        return TemperedChains(machine, steps, n_chains, rbm.n_temperatures, base, stream)
    if method == "ptt":
        return TrajectoryChains(machine, steps, n_chains, machine.visible_bias.copy(), stream)
    start = rows.take(np.arange(n_chains) % len(rows), machine.dtype)
    return PersistentChains(machine, steps, n_chains, start, stream)


def _run(
    rbm: TrainableRBM, learner: MonitoredLearner, training: Training, seed: int, path: Path | None
) -> None:
    def save(training: Training) -> None:
        if path is not None:
            meta = {**described(rbm), "training": describe(training), "seed": seed,
                    "data": _fingerprint(learner.X)}  # fmt: skip
            write_archive(path, KIND, learner.parameters() | learner.memory(), meta)

    with one_pool(_work(learner)):
        rbm.training_ = train(
            learner, plan(rbm, learner.X.shape, seed % 2**32), training,
            show=rbm.verbose > 0, save=None if path is None else save,
        )  # fmt: skip
    rbm.__dict__.pop("_learner", None)
    _set_attributes(rbm, learner.machine)
    pass_on(rbm.training_.interrupted, rbm)


def _work(learner: MonitoredLearner) -> int:
    """Multiplications of the largest product of an update."""
    return learner.machine.weights.size * max(learner.batch_size, learner.negative.n_rows)


def _set_attributes(rbm: TrainableRBM, machine: Parameters) -> None:
    rbm.machine_ = machine
    rbm.components_ = machine.weights.T
    rbm.intercept_hidden_ = machine.hidden_bias
    rbm.intercept_visible_ = machine.visible_bias
    rbm.n_iter_ = max(1, rbm.training_.epoch)


def save(rbm: TrainableRBM, path: Path) -> None:
    """Write a fitted machine."""
    machine = rbm.machine
    arrays = {name: getattr(machine, name) for name in PARAMETERS}
    write_archive(path, KIND, arrays, {**described(rbm), "training": None})


def load(kind: type[E], path: Path) -> E:
    """Read a machine."""

    def assemble(meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> E:
        rbm = kind(**meta["parameters"])
        machine = Parameters(*(arrays[name] for name in PARAMETERS))
        rbm.n_features_in_ = machine.n_visible
        stored = meta.get("training")
        rbm.training_ = Training() if stored is None else training_from(stored)
        _set_attributes(rbm, machine)
        return rbm

    return read_archive(path, KIND, assemble)


def _fingerprint(X: Any) -> list[int]:
    return [int(X.shape[0]), int(X.shape[1]), int(X.sum())]


def initial_machine(
    rows: Rows, n_hidden: int, dtype: str, seed: np.random.SeedSequence
) -> Parameters:
    """Small random weights, visible biases of the data's frequencies, hidden biases zero."""
    floor = 1 / (2 * len(rows))
    mean = np.clip(rows.mean(), floor, 1 - floor)
    rng = np.random.default_rng(seed)
    weights = INITIAL_WEIGHT * rng.standard_normal((rows.n_features, n_hidden))
    return Parameters(weights.astype(dtype), np.log(mean / (1 - mean)), np.zeros(n_hidden))


def _check(rbm: TrainableRBM, X: Any) -> None:
    """Refuse bad keywords before anything is allocated."""
    positive_int("n_components", rbm.n_components)
    positive_int("n_gibbs_steps", rbm.n_gibbs_steps)
    positive_int("n_temperatures", rbm.n_temperatures, minimum=2)
    positive_int("verbose", int(rbm.verbose), minimum=0)
    if rbm.n_chains is not None:
        positive_int("n_chains", rbm.n_chains)
    choice("method", rbm.method, METHODS)
    choice("dtype", rbm.dtype, DTYPES)
    plan(rbm, X.shape)
    _step_options(rbm, X.shape[1])
    cost = ExactSum.cost(X.shape[1], rbm.n_components)
    if rbm.method == "exact" and cost > EXACT_COST:
        raise ValueError(
            f"method 'exact' would average {cost:.3g} units for every update, at most "
            f"{EXACT_COST:.3g} are allowed: use 'pcd' or 'ptt'"
        )


def chosen_method(rbm: TrainableRBM, n_features: int) -> str:
    """The method, "auto" resolved: exact where the sum is cheap, else persistent chains."""
    if rbm.method != "auto":
        return rbm.method
    cheap = ExactSum.cost(n_features, rbm.n_components) <= AUTO_COST
    return "exact" if cheap else "pcd"


def learning_rate(rbm: TrainableRBM, n_features: int, n_rows: int = FEW_ROWS) -> float:
    """The learning rate, "auto" resolved."""
    if not isinstance(rbm.learning_rate, str):
        return number("learning_rate", rbm.learning_rate, above=0)
    choice("learning_rate", rbm.learning_rate, ("auto",))
    scale = 1 / math.sqrt(n_features * rbm.n_components)
    if chosen_method(rbm, n_features) == "exact":
        return min(0.5, EXACT_RATE * scale)
    return min(0.5, RATE * scale) * min(1.0, n_rows / FEW_ROWS) ** FEW_ROWS_POWER


def batch_size(rbm: TrainableRBM, n_features: int, n_rows: int) -> int:
    """Rows of a mini-batch, "auto" resolved."""
    if not isinstance(rbm.batch_size, str):
        return positive_int("batch_size", rbm.batch_size)
    choice("batch_size", rbm.batch_size, ("auto",))
    if isinstance(rbm.n_iter, str) or chosen_method(rbm, n_features) == "exact":
        return BATCH
    if not isinstance(rbm.learning_rate, str):
        return min(BATCH, max(GIVEN_RATE_BATCH, n_rows // GIVEN_RATE_BATCHES))
    return min(BATCH, max(SMALL_BATCH, n_rows * rbm.n_iter // SHORT_RUN))


def plan(rbm: TrainableRBM, shape: tuple[int, int], seed: int = 0) -> Plan:
    """The training plan that the keywords describe, for data of this shape."""
    n_updates = EXACT_UPDATES if chosen_method(rbm, shape[1]) == "exact" else UPDATES
    return Plan(
        shape[0], rbm.n_iter, batch_size(rbm, shape[1], shape[0]),
        learning_rate(rbm, shape[1], shape[0]), rbm.schedule,
        rbm.max_seconds, seed, LARGEST, n_updates,
    )  # fmt: skip


def _step_options(rbm: TrainableRBM, n_features: int) -> StepOptions:
    momentum = rbm.momentum
    if isinstance(momentum, str):
        choice("momentum", momentum, ("auto",))
        momentum = EXACT_MOMENTUM if chosen_method(rbm, n_features) == "exact" else 0.0
    return StepOptions(
        momentum, rbm.l1, rbm.l2, bool(rbm.centred), rbm.sparsity_target, rbm.sparsity_cost
    )
