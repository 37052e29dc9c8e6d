"""Base of the estimators of RBMs: training, resuming and files; see `rbm_use` for the rest."""

from __future__ import annotations

import hashlib
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Self

import numpy as np
from scipy import sparse

from hamiltonians.utils.archive import CheckpointError, Kind, read_archive, write_archive
from hamiltonians.utils.locks import locked
from rbmqs.boltzmann import (
    ops,
    rectified,  # noqa: F401  registers its types
)
from rbmqs.boltzmann.data import MIN_ROWS, row_weights
from rbmqs.boltzmann.estimator import defaults
from rbmqs.boltzmann.gradient_model import GradientModel
from rbmqs.boltzmann.keywords import described, estimator, keyword
from rbmqs.boltzmann.layers import Harmonium
from rbmqs.boltzmann.learner import RBMLearner
from rbmqs.boltzmann.linalg import one_pool
from rbmqs.boltzmann.negative import (
    ContrastiveDivergence,
    ExactSum,
    NegativePhase,
    PersistentChains,
)
from rbmqs.boltzmann.ops import Arrays
from rbmqs.boltzmann.plan import Training, describe, training_from
from rbmqs.boltzmann.randomness import new_stream, seed_sequence
from rbmqs.boltzmann.recipes import Recipe
from rbmqs.boltzmann.rows import Rows
from rbmqs.boltzmann.tempering import TemperedChains
from rbmqs.boltzmann.training import train
from rbmqs.boltzmann.trajectory import TrajectoryChains
from rbmqs.boltzmann.unit_types import UNIT_TYPES, BinaryUnits
from rbmqs.utils.interrupts import pass_on

RESUMABLE = ("n_iter", "max_seconds", "verbose")  # may differ when a run goes on
KIND = Kind("rbmqs-layered", 1, "two layers, E = e(v) + e(h) - s(v) W s(h); W (visible, hidden)")


@estimator
class RBMModel(GradientModel):
    """Base of the estimators of RBMs; subclasses say what rows and which layers.

    Parameters
    ----------
    n_components : int
        Hidden units M.
    method : {"auto", "pcd", "cd", "pt", "ptt", "exact"}
        Where the model's side of the gradient comes from: persistent chains, chains from the data,
        parallel tempering, parallel trajectory tempering, or enumeration. "auto" enumerates where
        that is cheap (up to 16 units beside 256) and takes persistent chains elsewhere.
    n_gibbs_steps : int
        Steps of every chain for each update.
    n_chains : int or None
        Persistent chains; as many as rows in a batch, at least 100, when None; "pcd" takes at
        least 500 on fewer than 1000 rows.
    n_temperatures : int
        Of "pt".
    **options
        See `rbmqs.boltzmann.keywords.TrainingKeywords`.

    Attributes
    ----------
    components_ : array (M, N)
    intercept_hidden_ : array (M,)
    intercept_visible_ : array (N,)
    rbm_ : Harmonium
        The same parameters as a value.
    training_ : Training
        History and status.
    n_iter_ : int
        Epochs done.
    n_features_in_ : int
    """

    n_components: int = 100
    method: str = keyword("pcd")
    n_gibbs_steps: int = keyword(1)
    n_chains: int | None = keyword(None)
    n_temperatures: int = keyword(8)

    visible = hidden = "bernoulli"
    file_kind = KIND
    _learner_type = RBMLearner

    def check_rows(self, X: Any, min_rows: int = 1) -> Any:
        """Data as rows of visible units."""
        return UNIT_TYPES[self.visible].check_rows(X, self._type, min_rows)

    def _visible_layer(self, rows: Any) -> BinaryUnits:
        """The visible units at the start of training."""
        return UNIT_TYPES[self.visible].of_rows(rows)

    def _fixed(self) -> Arrays:
        """What else a file needs beside the parameters."""
        return {}

    def fit(
        self, X: Any, y: Any = None, *, sample_weight: Any = None, validation: Any = None,
        checkpoint: str | Path | None = None,
    ) -> Self:  # fmt: skip
        """Train from random weights.

        Parameters
        ----------
        X : array or sparse matrix (n, N)
        y : ignored
        sample_weight : array (n,), optional
            How much each row counts in the likelihood.
        validation : array or sparse matrix (n', N), optional
            Rows whose free energy is compared with that of the training rows as training goes on.
        checkpoint : str or Path, optional
            File to save the run to, at once, once a minute and at its end; see `resume`.

        Raises
        ------
        TypeError, ValueError
            Rows the model cannot take, a parameter out of bounds.
        """
        seed = int(seed_sequence(self.random_state).generate_state(1, np.uint64)[0])
        learner = self._start(X, validation, sample_weight, seed)
        return self._run(learner, Training(), seed, checkpoint)

    def resume(
        self, path: str | Path, X: Any, *, sample_weight: Any = None, validation: Any = None
    ) -> Self:
        """Continue a run from its checkpoint, with the same data; ends as if never interrupted.

        The keywords are those of the checkpoint; `n_iter`, `max_seconds` and `verbose` may differ.

        Raises
        ------
        FileNotFoundError, ValueError
            No such file, not a checkpoint, of other data or other keywords.
        LockedError
            Another process is training into it.
        """
        meta, arrays = read_archive(Path(path), self.file_kind, lambda meta, arrays: (meta, arrays))
        if meta.get("training") is None:
            raise CheckpointError(f"{path} holds a model, not a run: fit with checkpoint=")
        self.set_params(**self._resumed_keywords(path, meta))
        learner = self._start(X, validation, sample_weight, meta["seed"])
        if meta["data"] != _checksum(learner.X, meta["data"]):
            raise CheckpointError(f"{path} is of a run on other data: its checksum differs")
        learner.restore(arrays)
        return self._run(learner, training_from(meta["training"]), meta["seed"], path)

    def _resumed_keywords(self, path: str | Path, meta: dict[str, Any]) -> dict[str, Any]:
        """The keywords of a checkpoint, with those of `RESUMABLE` that differ from defaults."""
        if meta["model"] != type(self).__name__:
            raise CheckpointError(f"{path} holds a {meta['model']}, not a {type(self).__name__}")
        own, usual, stored = described(self)["parameters"], defaults(self), meta["parameters"]
        for name, value in own.items():
            changed = value != usual[name] and value != stored.get(name, usual[name])
            if name not in RESUMABLE and changed:
                raise ValueError(
                    f"{path} is of a run with {name} {stored.get(name)!r}, got {value!r}: leave "
                    f"{name} out, or begin a new run"
                )
        return stored | {n: own[n] for n in RESUMABLE if own[n] != usual[n] or n == "verbose"}

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """One update with the rows X as a mini-batch, at the constant rate `learning_rate`."""
        first = not self.__sklearn_is_fitted__()
        rows = self.check_rows(X)
        if first:
            self._remember_columns(X, self._columns(rows))
        self._check_columns(X, self._columns(rows))
        if "_learner" not in self.__dict__:
            seed = int(seed_sequence(self.random_state).generate_state(1, np.uint64)[0])
            self._learner = self.new_learner(rows, None, seed, None if first else self.rbm_)
            self.training_ = Training()
        learner, batch = self._learner, Rows(rows)
        learner.take_rows(batch)
        rate = Recipe(self, len(batch), batch.n_features).learning_rate()
        with one_pool(learner.work):
            learner.update(np.arange(len(batch)), rate)
        self._publish(learner.rbm)
        return self

    def _start(self, X: Any, validation: Any, sample_weight: Any, seed: int) -> RBMLearner:
        """A learner for checked data, whose columns become those of the model."""
        self._forget()
        rows = self.check_rows(X, MIN_ROWS)
        learner = self.new_learner(rows, sample_weight, seed)
        self._remember_columns(X, self._columns(rows))
        if validation is not None:
            validation, given = self.check_rows(validation), validation
            self._check_columns(given, self._columns(validation))
        learner.watch(rows, validation)
        return learner

    def new_learner(
        self, rows: Any, sample_weight: Any = None, seed: int = 0, rbm: Harmonium | None = None
    ) -> RBMLearner:
        """A learner of checked rows before its first step; of a trained RBM if one is given."""
        recipe = Recipe(self, *rows.shape)
        data = Rows(rows, row_weights(sample_weight, rows.shape[0]))
        of_weights, of_draws = np.random.SeedSequence(seed).spawn(2)
        if rbm is None:
            rbm = self._first_rbm(rows, data, of_weights)
        stream = new_stream(of_draws)
        batch = min(recipe.batch_size, len(data))
        negative = negative_phase(recipe, rbm, data, batch, stream)
        return self._learner_type(rbm, data, negative, recipe.step_options(), stream, batch)

    def _first_rbm(self, rows: Any, data: Rows, seed: np.random.SeedSequence) -> Harmonium:
        """Small random weights between a layer that fits the columns and one at rest."""
        layer = self._visible_layer(rows)
        weights = ops.small_weights(seed, (rows.shape[1], self.n_components), self._type)
        if layer.scale is not None:
            weights *= layer.scale[:, None]
        hidden = UNIT_TYPES[self.hidden].at_rest(self.n_components, self._type)
        return Harmonium(layer, weights, hidden)

    def _run(
        self, learner: RBMLearner, training: Training, seed: int, path: str | Path | None
    ) -> Self:
        meta = {"seed": seed, "data": _checksum(learner.X)} if path is not None else {}

        def save(training: Training) -> None:
            arrays = learner.parameters() | learner.memory() | self._fixed()
            own = described(self) | meta | {"training": describe(training)}
            write_archive(Path(path), self.file_kind, arrays, own)  # type: ignore[arg-type]

        plan = Recipe(self, *learner.X.shape).plan(seed % 2**32)
        with nullcontext() if path is None else locked(path):
            with one_pool(learner.work), np.errstate(all="ignore"):  # the loop's guard watches
                self.training_ = train(
                    learner, plan, training, show=self.verbose > 0,
                    save=None if path is None else save,
                )  # fmt: skip
            self.__dict__.pop("_learner", None)
            self._publish(learner.rbm)
            if path is not None:
                save(self.training_)
        pass_on(self.training_.interrupted, self)
        return self

    def _publish(self, rbm: Harmonium) -> None:
        """Set the fitted attributes, views of the parameters."""
        self.rbm_ = rbm
        self.components_ = rbm.weights.T
        self.intercept_hidden_, self.intercept_visible_ = rbm.hidden_bias, rbm.visible_bias
        self.n_iter_ = max(1, self.training_.epoch)

    def save(self, path: str | Path) -> None:
        """Write the parameters and the constructor's keywords to an .npz file."""
        self.check_is_fitted()
        arrays = self.rbm_.arrays | self._fixed()
        write_archive(Path(path), self.file_kind, arrays, {**described(self), "training": None})

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` or a checkpoint wrote."""

        def assemble(meta: dict[str, Any], arrays: Arrays) -> Any:
            if meta["model"] != cls.__name__:
                raise CheckpointError(f"{path} holds a {meta['model']}, not a {cls.__name__}")
            model = cls(**meta["parameters"])
            rbm = model._stored_rbm(arrays)
            stored = meta.get("training")
            model.training_ = Training() if stored is None else training_from(stored)
            model.n_features_in_ = model._columns(rbm.weights.T)
            model._publish(rbm)
            return model

        return read_archive(Path(path), cls.file_kind, assemble)

    def _stored_rbm(self, arrays: Arrays) -> Harmonium:
        """The RBM of a file's arrays."""
        n, m = arrays["weights"].shape
        layers = (UNIT_TYPES[kind].at_rest(size, self._type)
                  for kind, size in ((self.visible, n), (self.hidden, m)))  # fmt: skip
        visible, hidden = layers
        visible.learn = True
        return Harmonium(visible, arrays["weights"], hidden).with_arrays(arrays)


def negative_phase(
    recipe: Recipe, rbm: Harmonium, rows: Rows, batch: int, stream: np.ndarray
) -> NegativePhase:
    """The model's side of the gradient."""
    steps, n_chains = recipe.n_gibbs_steps, recipe.n_chains
    if recipe.method == "cd":
        return ContrastiveDivergence(rbm, steps, batch)
    if recipe.method == "exact":
        return ExactSum(rbm)
    if recipe.method == "pt":
        return TemperedChains(rbm, steps, n_chains, recipe.n_temperatures, stream)
    if recipe.method == "ptt":
        return TrajectoryChains(rbm, steps, n_chains, stream)
    start = rows.take(np.arange(n_chains) % len(rows), rbm.dtype)
    return PersistentChains(rbm, steps, start, stream)


def _checksum(rows: Any, like: Any = "") -> Any:
    """SHA-256 of the rows in order; rows, columns and sum where a file of version 0.1 has those."""
    if isinstance(like, list):
        return [int(rows.shape[0]), int(rows.shape[1]), int(rows.sum())]
    digest = hashlib.sha256(repr((rows.shape, rows.dtype.str)).encode())
    parts = (rows.data, rows.indices, rows.indptr) if sparse.issparse(rows) else (rows,)
    for part in parts:
        digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()
