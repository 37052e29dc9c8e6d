"""One update of a restricted Boltzmann machine: data side, model side, step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from hamiltonians.utils.checks import number
from rbmqs.boltzmann.core.ascent import ascend
from rbmqs.boltzmann.core.rows import sum_rows
from rbmqs.boltzmann.core.units import mean_and_sample_units, mean_units
from rbmqs.boltzmann.descent import check_momentum
from rbmqs.boltzmann.negative import Chains, NegativePhase, Phase
from rbmqs.boltzmann.parameters import Parameters
from rbmqs.boltzmann.randomness import next_call
from rbmqs.boltzmann.rows import Rows
from rbmqs.boltzmann.training import restore_in_place
from rbmqs.core.blas import address

OFFSET_RATE = 0.01  # of the running means of hidden units, Melchior et al., section 6.3


@dataclass(frozen=True)
class StepOptions:
    """How a gradient becomes a step.

    Parameters
    ----------
    momentum, l1, l2 : float
    centred : bool
        Offsets mu = mean of the data, lambda = running mean of the hidden units.
    sparsity_target : float or None
        Mean activity that the hidden units are drawn to, with strength `sparsity_cost`.
    sparsity_cost : float
    """

    momentum: float = 0.0
    l1: float = 0.0
    l2: float = 0.0
    centred: bool = False
    sparsity_target: float | None = None
    sparsity_cost: float = 0.1

    def __post_init__(self) -> None:
        check_momentum(self.momentum)
        for name in ("l1", "l2", "sparsity_cost"):
            number(name, getattr(self, name), at_least=0)
        target = self.sparsity_target
        if target is not None and number("sparsity_target", target, above=0) >= 1:
            raise ValueError(f"sparsity_target must be below 1, got {target}")


class RBMLearner:
    """An RBM in training (a `rbmqs.boltzmann.training.Learner`).

    Parameters
    ----------
    machine : Parameters
        Its arrays are changed in place.
    rows : Rows
    negative : NegativePhase
    options : StepOptions
    stream : array
        Randomness, see `rbmqs.boltzmann.randomness`.
    batch_size : int
        Largest mini-batch.
    """

    def __init__(
        self,
        machine: Parameters,
        rows: Rows,
        negative: NegativePhase,
        options: StepOptions,
        stream: np.ndarray,
        batch_size: int,
    ) -> None:
        self.machine, self.rows, self.negative = machine, rows, negative
        self.options, self.stream, self.batch_size = options, stream, batch_size
        self._data = Chains(machine, batch_size)
        dtype, shape = machine.dtype, machine.weights.shape
        has_velocity = options.momentum > 0
        self._velocity = np.zeros(shape if has_velocity else (0, 0), dtype)
        self._bias_velocity = [np.zeros(n, dtype) for n in shape]
        self._mu = rows.mean().astype(dtype) if options.centred else np.empty(0, dtype)
        self._lam = np.full(shape[1] if options.centred else 0, 0.5, dtype)
        self._activity = np.full(shape[1], options.sparsity_target or 0.0, dtype)

    def parameters(self) -> dict[str, np.ndarray]:
        """Weights and biases."""
        m = self.machine
        return {
            "weights": m.weights,
            "visible_bias": m.visible_bias,
            "hidden_bias": m.hidden_bias,
        }

    def memory(self) -> dict[str, np.ndarray]:
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

    def update(self, rows: np.ndarray, rate: float) -> None:
        """One step from a mini-batch; one of small weight is a small step."""
        data = self._data_phase(rows)
        if self.rows.weights is not None:
            rate *= self.rows.weights[rows].mean()
        model = self.negative.draw(self.machine, self._data.hidden[: len(rows)], self.stream)
        self._step(data, model, rate)

    def _data_phase(self, rows: np.ndarray) -> Phase:
        n, data = len(rows), self._data
        thin = self.rows.sparse_batch(rows) if self.rows.is_thin else None
        if thin is not None:
            self._hidden_of_sparse(thin)
        else:
            self.rows.gather(rows, data.visible[:n])
            if self.negative.needs_data_sample:
                data.draw_hidden(self.machine, self.stream, n)
            else:
                data.average_hidden(self.machine, n)
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
        n, machine = rows.shape[0], self.machine
        mean, one = self._data.hidden_mean[:n], machine.dtype.type(1)
        sum_rows((rows.indptr, rows.indices), machine.weights, mean)
        if self.negative.needs_data_sample:
            stream = next_call(self.stream)
            mean_and_sample_units(mean, machine.hidden_bias, one, stream, self._data.hidden[:n])
        else:
            mean_units(mean, machine.hidden_bias, one)

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
        options, machine = self.options, self.machine
        dv = data.visible_mean - model.visible_mean
        dh = data.hidden_mean - model.hidden_mean
        db, dc = dv, dh
        if options.centred:
            self._lam += OFFSET_RATE * (data.hidden_mean - self._lam)
            db, dc = self._centred_biases(data, model, dv, dh)
        rows, entries = _dense_and_entries(data.visible, machine.dtype)
        ascend(
            address("gemm", machine.dtype), rows, entries, data.hidden, model.visible, model.hidden,
            (self._mu, self._lam), (dv, dh), (rate, options.momentum), (options.l1, options.l2),
            self._velocity, machine.weights,
        )  # fmt: skip
        for bias, velocity, gradient in zip(
            (machine.visible_bias, machine.hidden_bias), self._bias_velocity, (db, dc), strict=True
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

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Put back what `parameters` and `memory` gave."""
        restore_in_place(self, arrays, skip=self.negative.memory().keys())
        if hasattr(self.negative, "restore"):
            self.negative.restore(arrays)
        else:
            restore_in_place(self.negative, arrays)

    def take_rows(self, rows: Rows) -> None:
        """Go on with other rows of the same columns, in batches of any size."""
        self.rows = rows
        if len(rows) > self.batch_size:
            self.batch_size = len(rows)
            self._data = Chains(self.machine, self.batch_size)
            self.negative.allow(self.machine, self.batch_size)

    def monitor(self) -> dict[str, float]:
        """No figures; see `rbmqs.boltzmann.monitor`."""
        return {}


def _dense_and_entries(visible: Any, dtype: np.dtype) -> tuple[np.ndarray, tuple]:
    """The two forms that `ascend` takes rows in, one of them empty."""
    if sparse.issparse(visible):
        return np.empty((0, visible.shape[1]), dtype), (visible.indptr, visible.indices)
    none = np.empty(0, np.int32)
    return visible, (none, none)
