"""The learner of an RBM of zeros and ones: fused kernels, sparse batches, centred gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from rbmqs.boltzmann.core.ascent import ascend
from rbmqs.boltzmann.core.rows import sum_rows
from rbmqs.boltzmann.core.units import mean_and_sample_tempered, mean_units
from rbmqs.boltzmann.learner import RBMLearner
from rbmqs.boltzmann.negative import Chains, Phase
from rbmqs.boltzmann.ops import Arrays
from rbmqs.boltzmann.randomness import next_call
from rbmqs.boltzmann.rows import Rows
from rbmqs.core.blas import address

OFFSET_RATE = 0.01  # of the running means of hidden units, Melchior et al., section 6.3


class BinaryLearner(RBMLearner):
    """An `RBMLearner` whose `rbm` is `Parameters`."""

    def _prepare(self) -> None:
        self.arrays, options, dtype = self.rbm.arrays, self.options, self.rbm.dtype
        self._data = Chains(self.rbm, self.batch_size)
        shape = self.rbm.weights.shape
        self._velocity = np.zeros(shape if options.momentum > 0 else (0, 0), dtype)
        self._bias_velocity = [np.zeros(n, dtype) for n in shape]
        self._mu = self.rows.mean().astype(dtype) if options.centred else np.empty(0, dtype)
        self._lam = np.full(shape[1] if options.centred else 0, 0.5, dtype)
        self._activity = np.full(shape[1], options.sparsity_target or 0.0, dtype)

    def memory(self) -> Arrays:
        """Velocities, running means, chains, stream."""
        return {
            "velocity": self._velocity,
            "velocity_visible_bias": self._bias_velocity[0],
            "velocity_hidden_bias": self._bias_velocity[1],
            "hidden_offset": self._lam,
            "activity": self._activity,
            "stream": self.stream,
            **self.negative.memory(),
        }

    def take_rows(self, rows: Rows) -> None:
        """Go on with other rows of the same columns, in batches of any size."""
        if len(rows) > self.batch_size:
            self._data = Chains(self.rbm, len(rows))
        super().take_rows(rows)

    def update(self, rows: np.ndarray, rate: float) -> None:
        """One step from a mini-batch; one of small weight is a small step."""
        data = self._data_phase(rows)
        if self.rows.weights is not None:
            rate *= self.rows.weights[rows].mean()
        model = self.negative.draw(self.rbm, self._data.hidden[: len(rows)], self.stream)
        self._step(data, model, rate)

    def _data_phase(self, rows: np.ndarray) -> Phase:
        n, data = len(rows), self._data
        thin = self.rows.sparse_batch(rows) if self.rows.is_thin else None
        if thin is not None:
            self._hidden_of_sparse(thin)
        else:
            self.rows.gather(rows, data.visible[:n])
            if self.negative.needs_data_sample:
                data.draw_hidden(self.rbm, self.stream, n)
            else:
                self.rbm.average(data.visible[:n], data.hidden_mean[:n])
        if self.options.sparsity_target is not None:
            self._draw_to_target(data.hidden_mean[:n])
        if self.rows.weights is None:
            return data.phase(n) if thin is None else self._sparse_phase(thin)
        weights = self.rows.weights[rows]
        return self._weighted_phase(weights, data.visible[:n] if thin is None else thin)

    def _weighted_phase(self, weights: np.ndarray, visible: Any) -> Phase:
        """The hidden activities times the rows' weights, whose mean in the batch becomes 1."""
        hidden = self._data.hidden_mean[: len(weights)]
        weights = (weights / (weights.mean() or 1)).astype(hidden.dtype)
        hidden *= weights[:, None]
        mean = np.asarray(visible.T @ weights).ravel() / hidden.dtype.type(len(weights))
        return Phase(visible, hidden, mean.astype(hidden.dtype), hidden.mean(axis=0))

    def _hidden_of_sparse(self, rows: sparse.csr_matrix) -> None:
        """Hidden units given sparse rows, at the cost of their ones."""
        n, rbm = rows.shape[0], self.rbm
        mean = self._data.hidden_mean[:n]
        sum_rows((rows.indptr, rows.indices), rbm.weights, mean)
        if self.negative.needs_data_sample:
            stream = next_call(self.stream)
            scales, drawn = np.ones(n, rbm.dtype), self._data.hidden[:n]
            mean_and_sample_tempered(mean, rbm.hidden_bias, scales, stream, drawn)
        else:
            mean_units(mean, rbm.hidden_bias, rbm.dtype.type(1))

    def _sparse_phase(self, rows: sparse.csr_matrix) -> Phase:
        n, n_visible = rows.shape
        frequency = np.bincount(rows.indices, minlength=n_visible) / n
        hidden = self._data.hidden_mean[:n]
        return Phase(rows, hidden, frequency.astype(hidden.dtype), hidden.mean(axis=0))

    def _draw_to_target(self, hidden: np.ndarray) -> None:
        """Add the gradient of the cross entropy between target and running activity.

        V. Nair and G. Hinton, NIPS 22 (2009): with respect to a unit's input it is target - q.
        """
        target, cost = self.options.sparsity_target, self.options.sparsity_cost
        self._activity += 0.1 * (hidden.mean(axis=0) - self._activity)
        hidden += cost * (target - self._activity)

    def _step(self, data: Phase, model: Phase, rate: float) -> None:
        options, rbm = self.options, self.rbm
        dv = data.visible_mean - model.visible_mean
        dh = data.hidden_mean - model.hidden_mean
        db, dc = dv, dh
        if options.centred:
            self._lam += OFFSET_RATE * (data.hidden_mean - self._lam)
            db, dc = self._centred_biases(data, model, dv, dh)
        rows, entries = _dense_and_entries(data.visible, rbm.dtype)
        ascend(
            address("gemm", rbm.dtype), rows, entries, data.hidden, model.visible, model.hidden,
            (self._mu, self._lam), (dv, dh), (rate, options.momentum), (options.l1, options.l2),
            self._velocity, rbm.weights,
        )  # fmt: skip
        for bias, velocity, gradient in zip(
            (rbm.visible_bias, rbm.hidden_bias), self._bias_velocity, (db, dc), strict=True
        ):
            velocity *= options.momentum
            velocity += rate * gradient
            bias += velocity

    def _centred_biases(
        self, data: Phase, model: Phase, dv: np.ndarray, dh: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """dv - G lambda and dh - mu G, without forming the centred gradient G of the weights."""
        mu, lam = self._mu, self._lam
        g_lam, mu_g = -mu * (dh @ lam) - dv * (lam @ lam), -dh * (mu @ mu) - lam * (mu @ dv)
        for sign, phase in ((1, data), (-1, model)):
            factor = sign / len(phase.hidden)
            g_lam += factor * ((phase.hidden @ lam) @ phase.visible)
            mu_g += factor * ((phase.visible @ mu) @ phase.hidden)
        return dv - g_lam, dh - mu_g


def _dense_and_entries(visible: Any, dtype: np.dtype) -> tuple[np.ndarray, tuple]:
    """The two forms that `ascend` takes rows in, one of them empty."""
    if sparse.issparse(visible):
        return np.empty((0, visible.shape[1]), dtype), (visible.indptr, visible.indices)
    none = np.empty(0, np.int32)
    return visible, (none, none)
