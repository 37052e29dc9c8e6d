"""What a trained RBM does: features, samples, completions, likelihoods."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from hamiltonians.utils.checks import positive_int
from rbmqs.boltzmann import ops
from rbmqs.boltzmann.keywords import estimator
from rbmqs.boltzmann.likelihood.annealing import LogZ, ais, reverse_ais
from rbmqs.boltzmann.linalg import one_pool
from rbmqs.boltzmann.randomness import new_stream, seed_sequence
from rbmqs.boltzmann.rbm_model import RBMModel


@estimator
class TrainedRBM(RBMModel):
    """Methods of a fitted RBM of any layers.

    A `random_state` that is None gives each call a stream of the estimator's own seed, so that
    calls with a seed repeat themselves.
    """

    def _dense(self, X: Any) -> np.ndarray:
        rows = self.checked_rows(X)
        dense = rows.toarray() if sparse.issparse(rows) else rows
        return np.ascontiguousarray(dense, self.rbm_.dtype)

    def _decoded(self, rows: np.ndarray) -> np.ndarray:
        """Rows of the layer as the user's data."""
        return rows

    def _means(self, rows: np.ndarray) -> np.ndarray:
        """Means of the layer as the user sees them."""
        return rows

    def _units_of(self, columns: np.ndarray) -> np.ndarray:
        """A mask of the user's columns as one of the visible units."""
        return columns

    def _stream(self, random_state: Any) -> np.ndarray:
        if random_state is None:
            return new_stream(seed_sequence(self.random_state).spawn(1)[0])
        return ops.stream_of(random_state)

    def transform(self, X: Any) -> np.ndarray:
        """Means of the hidden units given each row, (n, M)."""
        return self.rbm_.hidden_mean(self.checked_rows(X))

    def reconstruct(self, X: Any) -> np.ndarray:
        """Means of the visible units given h at its mean given each row, (n, N)."""
        return self._means(self.rbm_.visible_mean(self.transform(X)))

    def gibbs(self, X: Any, n_steps: int = 1, random_state: Any = None) -> np.ndarray:
        """Rows after `n_steps` steps of block Gibbs sampling v -> h -> v that start at X."""
        positive_int("n_steps", n_steps)
        rows = self._dense(X)
        with one_pool():
            return self._decoded(self.rbm_.gibbs(rows, self._stream(random_state), n_steps))

    def sample(
        self, n_samples: int = 1, n_steps: int = 1000, random_state: Any = None, *,
        start: Any = None,
    ) -> np.ndarray:  # fmt: skip
        """Independent chains of block Gibbs sampling, one row of each, (n_samples, N).

        Parameters
        ----------
        n_samples : int
        n_steps : int
            Of each chain.
        random_state : int, Generator or None
        start : array (n, N), optional
            Rows to start at, used in turn; units drawn from their biases alone when missing.
        """
        n = positive_int("n_samples", n_samples)
        positive_int("n_steps", n_steps)
        self.check_is_fitted()
        rbm, stream = self.rbm_, self._stream(random_state)
        with one_pool():
            if start is None:
                rows = rbm.first_draw(n, stream)
            else:
                rows = self._dense(start)
                rows = rows[np.arange(n) % len(rows)]
            return self._decoded(rbm.gibbs(rows, stream, n_steps))

    def sample_conditional(
        self, X: Any, known: Any, n_steps: int = 100, random_state: Any = None
    ) -> np.ndarray:
        """Units drawn given the known ones, (n, N).

        Parameters
        ----------
        X : array (n, N)
            Known units keep their value; the others are where chains start.
        known : bool array (N,) or (n, N)
        """
        rows, mask = self._dense(X), self._units_of(np.asarray(known))
        if mask.dtype != bool or mask.shape not in (rows.shape, rows.shape[1:]):
            raise ValueError(f"known must be booleans of shape {rows.shape[1:]} or {rows.shape}, "
                             f"got {mask.dtype} {mask.shape}")  # fmt: skip
        steps = range(positive_int("n_steps", n_steps))
        rbm, stream, v = self.rbm_, self._stream(random_state), rows
        with one_pool():
            for _ in steps:
                drawn = rbm.sample_visible(rbm.sample_hidden(v, stream), stream)
                v = np.where(mask, rows, drawn)
        return self._decoded(v)

    def impute(self, X: Any, n_steps: int = 200, random_state: Any = None) -> np.ndarray:
        """Missing values (NaN) replaced by their mean given the others, float64 (n, N).

        The mean is over the second half of a chain of `n_steps` Gibbs steps for each row.
        """
        self.check_is_fitted()
        table = np.asarray(X.toarray() if sparse.issparse(X) else X, np.float64)
        known = ~np.isnan(table)
        rows = self._dense(np.where(known, table, self.rbm_.visible.first_value))
        rbm, stream, known = self.rbm_, self._stream(random_state), self._units_of(known)
        burn_in = positive_int("n_steps", n_steps, minimum=2) // 2
        v, total = rows, np.zeros(rows.shape)
        with one_pool():
            for step in range(n_steps):
                h = rbm.sample_hidden(v, stream)
                if step >= burn_in:
                    total += rbm.visible_mean(h)
                v = np.where(known, rows, rbm.sample_visible(h, stream))
        return np.where(known, rows, total / (n_steps - burn_in))

    def energy(self, v: Any, h: Any) -> np.ndarray:
        """E(v, h) of matching rows, (n,)."""
        return self.rbm_.energy(self._dense(v), np.asarray(h))

    def free_energy(self, X: Any) -> np.ndarray:
        """F(v) = -log of the unnormalised probability (density) of each row, (n,)."""
        return self.rbm_.free_energy(self.checked_rows(X))

    def log_partition(self) -> float:
        """log Z, exact: a sum over one layer, or closed form for two Gaussian ones.

        Raises
        ------
        ValueError
            More than 25 units of two values in both layers: use `annealed_log_partition`.
        """
        self.check_is_fitted()
        return self.rbm_.log_partition()

    def annealed_log_partition(
        self, n_betas: int = 1000, n_runs: int = 100, samples: Any = None, random_state: Any = None
    ) -> LogZ:
        """log Z by annealed importance sampling between free layers and the model.

        Parameters
        ----------
        n_betas, n_runs : int
            Steps of a run, runs.
        samples : array (n, N), optional
            Rows drawn from the model: reverse runs start there, and log Z lies above on average.
        """
        self.check_is_fitted()
        if samples is None:
            return ais(self.rbm_, n_betas=n_betas, n_runs=n_runs, random_state=random_state)
        rows = self._dense(samples)
        return reverse_ais(self.rbm_, rows, n_betas=n_betas, random_state=random_state)

    def log_likelihood(self, X: Any) -> np.ndarray:
        """Exact log p(v) of each row in nats, (n,); refused as by `log_partition`."""
        rows = self.checked_rows(X)
        return self.rbm_.in_double().log_weight(rows) - self.log_partition()

    def log_joint(self, v: Any, h: Any) -> np.ndarray:
        """Exact log p(v, h) of matching rows, (n,); refused as by `log_partition`."""
        return -self.energy(v, h) - self.log_partition()
