"""The restricted Boltzmann machine over zeros and ones as a scikit-learn-shaped estimator."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np

from hamiltonians.utils.checks import positive_int
from rbmqs.boltzmann import fitting
from rbmqs.boltzmann.conditional import complete, sample_clamped
from rbmqs.boltzmann.data import unit_matrix, with_missing
from rbmqs.boltzmann.keywords import estimator
from rbmqs.boltzmann.likelihood import exact_log_z, pseudo_log_likelihood
from rbmqs.boltzmann.randomness import new_stream, seed_sequence


@estimator
class BernoulliRBM(fitting.TrainableRBM):
    """Restricted Boltzmann machine with visible and hidden units of 0 and 1.

        p(v, h) = exp(b.v + c.h + v W h) / Z

    Trained by stochastic gradient ascent on the log-likelihood; the defaults are those that reach
    the best likelihood in a given time (docs/boltzmann.md has the figures).

    Parameters
    ----------
    n_components : int
        Hidden units M.
    learning_rate : float or "auto"
        At the start; it falls by `schedule`. "auto" is 10 / sqrt(N M) with an exact gradient,
        30 / sqrt(N M) with a sampled one, at most 0.5; of fewer than 1000 rows, n, a sampled one
        takes (n / 1000)^(2/3) of that (a row of `partial_fit` counts as one of many).
    batch_size : int or "auto"
        "auto" is 100, less (10 at least) where `n_iter` epochs made fewer than 5000 updates;
        3 to 100, a 2000th of the rows, where `n_iter` and `learning_rate` are both numbers.
    n_iter : int or "auto"
        Epochs; "auto" makes 20 000 updates, 1500 where the gradient is exact.
    verbose : int
        Progress with an estimate of the likelihood on standard error if positive.
    random_state : int, Generator, RandomState or None
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
    schedule : {"linear", "cosine", "constant"}
        The first two bring the rate to zero at the end of the run.
    momentum : float or "auto"
        "auto" is 0.9 with an exact gradient and 0 with a sampled one.
    l1, l2 : float
        Weight decay.
    centred : bool
        Centred gradient (arXiv:1311.1354).
    sparsity_target, sparsity_cost : float
        Mean activity the hidden units are drawn to, and how strongly; no target when None.
    binarize : float or None
        Values above it become 1, others 0; None takes data in [0, 1], as probabilities.
    max_seconds : float or None
        The run ends by then, with its rate fallen in proportion.
    dtype : {"float32", "float64"}

    Attributes
    ----------
    components_ : array (M, N)
    intercept_hidden_ : array (M,)
    intercept_visible_ : array (N,)
    machine_ : Parameters
        The same parameters as a value.
    training_ : Training
        History and status.
    n_iter_ : int
        Epochs done.
    n_features_in_ : int
    """

    _accepts_sparse = True

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        sample_weight: Any = None,
        validation: Any = None,
        checkpoint: str | Path | None = None,
    ) -> Self:
        """Train from random weights.

        Parameters
        ----------
        X : array or sparse matrix (n, N)
            Zeros and ones, or numbers between, which are read as probabilities.
        y : ignored
        sample_weight : array (n,), optional
            How much each row counts in the likelihood.
        validation : array or sparse matrix (n', N), optional
            Rows whose free energy is compared with that of the training rows as training goes on.
        checkpoint : str or Path, optional
            File to save the run to, once a minute and at its end; see `resume`.

        Raises
        ------
        TypeError, ValueError
            Data outside [0, 1], or a parameter out of bounds.
        """
        rows = self._training_rows(X)
        validation = self._validation_rows(X, validation)
        fitting.fit(self, rows, validation, sample_weight, checkpoint)
        return self

    def resume(
        self, path: str | Path, X: Any, *, sample_weight: Any = None, validation: Any = None
    ) -> Self:
        """Continue a run from its checkpoint, with the same data; ends as if never interrupted.

        The parameters are those of the checkpoint; `n_iter` and `max_seconds` may be larger.

        Raises
        ------
        FileNotFoundError, ValueError
            No such file, not a checkpoint, or of other data.
        """
        rows = self._training_rows(X)
        validation = self._validation_rows(X, validation)
        fitting.resume(self, Path(path), rows, validation, sample_weight)
        return self

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """One update with the rows X as a mini-batch, at the constant rate `learning_rate`."""
        first = not self.__sklearn_is_fitted__()
        rows = self._training_rows(X, min_rows=1) if first else self.checked_rows(X)
        fitting.partial_fit(self, rows, first)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """p(h_j = 1 | v) for each row, (n, M)."""
        return self.machine.hidden_mean(self.checked_rows(X))

    def reconstruct(self, X: Any) -> np.ndarray:
        """p(v_i = 1 | h) with h at its mean given each row, (n, N)."""
        return self.machine.visible_mean(self.transform(X))

    def gibbs(self, v: Any, n_steps: int = 1) -> np.ndarray:
        """Rows after steps of block Gibbs sampling from v, (n, N) of the RBM's type."""
        positive_int("n_steps", n_steps)
        rows = self.checked_rows(v)
        return self.machine.gibbs(self.machine.rows(rows), self._stream(), n_steps)

    def sample(self, n_samples: int = 1, *, n_steps: int = 1000, start: Any = None) -> np.ndarray:
        """Independent chains of block Gibbs sampling, uint8 (n_samples, N).

        Parameters
        ----------
        n_samples : int
            Chains; one row is taken from each.
        n_steps : int
            Steps of each.
        start : array (n, N), optional
            Rows to start at, used in turn; units drawn from their biases alone when missing.
        """
        n_samples = positive_int("n_samples", n_samples)
        positive_int("n_steps", n_steps)
        machine, stream = self.machine, self._stream()
        if start is None:
            visible = machine.sample_visible(np.zeros((n_samples, machine.n_hidden)), stream)
        else:
            rows = machine.rows(self.checked_rows(start))
            visible = rows[np.arange(n_samples) % len(rows)]
        return machine.gibbs(visible, stream, n_steps).astype(np.uint8)

    def sample_conditional(self, X: Any, known: Any, *, n_steps: int = 100) -> np.ndarray:
        """Units drawn given the known ones, uint8 (n, N).

        Parameters
        ----------
        X : array (n, N)
            Known units keep their value; the others are where chains start.
        known : bool array (N,) or (n, N)
        """
        rows = self.machine.rows(self.checked_rows(X))
        stream = self._stream()
        return sample_clamped(self.machine, rows, known, stream, n_steps).astype(np.uint8)

    def impute(self, X: Any, *, n_steps: int = 200) -> np.ndarray:
        """Missing values (NaN) replaced by their probability given the others, float64 (n, N)."""
        self.check_is_fitted()
        rows, known = with_missing(X)
        self._check_columns(X, rows.shape[1])
        return complete(self.machine, self.machine.rows(rows), known, self._stream(), n_steps)

    def energy(self, v: Any, h: Any) -> np.ndarray:
        """E(v, h) of matching rows, (n,)."""
        return self.machine.energy(self.machine.rows(self.checked_rows(v)), np.asarray(h))

    def free_energy(self, X: Any) -> np.ndarray:
        """F(v) = -log sum_h exp(-E(v, h)), (n,)."""
        return self.machine.free_energy(self.checked_rows(X))

    def log_z(self) -> float:
        """Exact log Z; refused for more than 25 units in the smaller layer."""
        return exact_log_z(self.machine)

    def log_likelihood(self, X: Any) -> np.ndarray:
        """Exact log p(v) of each row in nats, (n,); refused as by `log_z`."""
        rows = self.checked_rows(X)
        return self.machine.in_double().log_weight(rows) - self.log_z()

    def log_joint(self, v: Any, h: Any) -> np.ndarray:
        """Exact log p(v, h) of matching rows, (n,); refused as by `log_z`."""
        return -self.energy(v, h) - self.log_z()

    def score_samples(self, X: Any) -> np.ndarray:
        """Pseudo-log-likelihood of each row, (n,): sum_i log p(v_i | v without i).

        scikit-learn draws one unit at random; this is the sum over all of them.
        """
        return pseudo_log_likelihood(self.machine, self.checked_rows(X))

    def score(self, X: Any, y: Any = None) -> float:
        """Mean of `score_samples`, for model selection."""
        return float(self.score_samples(X).mean())

    def save(self, path: str | Path) -> None:
        """Write the fitted RBM and the constructor's keywords to an .npz file."""
        self.check_is_fitted()
        fitting.save(self, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` or a checkpoint wrote."""
        return fitting.load(cls, Path(path))

    def _training_rows(self, X: Any, min_rows: int = 2) -> Any:
        rows = unit_matrix(X, None, self.binarize, min_rows=min_rows)
        self._remember_columns(X, rows.shape[1])
        return rows

    def _validation_rows(self, X: Any, validation: Any) -> Any:
        if validation is None:
            return None
        rows = unit_matrix(validation, None, self.binarize, "validation")
        self._check_columns(validation, rows.shape[1])
        return rows

    def checked_rows(self, X: Any) -> Any:
        """X as bytes or floats, dense or CSR; refused unless it fits the fitted machine."""
        self.check_is_fitted()
        rows = unit_matrix(X, None, self.binarize)
        self._check_columns(X, rows.shape[1])
        return rows

    def _stream(self) -> np.ndarray:
        """A stream of its own for each call, so that calls with a seed repeat themselves."""
        return new_stream(seed_sequence(self.random_state).spawn(1)[0])
