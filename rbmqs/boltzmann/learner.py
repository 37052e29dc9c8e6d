"""One update of an RBM of any layers: data side, model side, step, and figures of a check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hamiltonians.utils.checks import number
from rbmqs.boltzmann.descent import check_momentum
from rbmqs.boltzmann.gradient_model import GradientLearner
from rbmqs.boltzmann.layers import Harmonium
from rbmqs.boltzmann.likelihood.pseudo import MAX_WEIGHT, pseudo_log_likelihood
from rbmqs.boltzmann.negative import NegativePhase
from rbmqs.boltzmann.ops import Arrays
from rbmqs.boltzmann.parameters import Parameters
from rbmqs.boltzmann.rows import Rows

EXACT_BELOW = 10  # units of the smaller layer: 2^10 states take a millisecond
PSEUDO_ROWS = 64
GAP_ROWS = 1000


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


class RBMLearner(GradientLearner):
    """An RBM in training (a `rbmqs.boltzmann.training.Learner`).

    Parameters
    ----------
    rbm : Harmonium
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
        rbm: Harmonium,
        rows: Rows,
        negative: NegativePhase,
        options: StepOptions,
        stream: np.ndarray,
        batch_size: int,
    ) -> None:
        self.rbm, self.rows, self.negative = rbm, rows, negative
        self.options, self.stream, self.batch_size = options, stream, batch_size
        self.X: Any = None  # what `watch` measures on
        self.validation: Any = None
        self._prepare()

    def _prepare(self) -> None:
        """Make what is kept between steps."""
        super().__init__(self.rbm.arrays, self.stream, self.options)

    @property
    def work(self) -> int:
        """Multiplications of the largest product of an update."""
        return self.rbm.weights.size * max(self.batch_size, self.negative.n_rows)

    def memory(self) -> Arrays:
        """Velocities, chains, stream."""
        return super().memory() | self.negative.memory()

    def restore(self, arrays: Arrays) -> None:
        """Put back what `parameters` and `memory` gave."""
        chains = self.negative.memory()
        for name, array in (self.parameters() | self.memory()).items():
            if name not in chains:
                array[...] = arrays[name]
        self.negative.restore(arrays)

    def update(self, rows: np.ndarray, rate: float) -> None:
        """One step from a mini-batch, on the scale of the visible units; one of rows of small
        weight is a small step.
        """
        weights = None if self.rows.weights is None else self.rows.weights[rows]
        if weights is not None:
            rate *= weights.mean()
            weights = weights / (weights.mean() or 1)
        gradient = self.gradient(self.rows.batch(rows, self.rbm.dtype), weights)
        self.rbm.precondition(gradient)
        self.descent.step(gradient, rate)
        self.rbm.confine()

    def gradient(self, batch: Any, weights: np.ndarray | None = None) -> Arrays:
        """<d(-E)> of the mini-batch with h averaged, less that of the model."""
        data = self.rbm.statistics(batch, weights)
        start = None
        if self.negative.needs_data_sample:
            start = self.rbm.sample_hidden(batch, self.stream)
        model = self.negative.statistics(self.rbm, start, self.stream)
        return {name: data[name] - model[name] for name in data}

    def take_rows(self, rows: Rows) -> None:
        """Go on with other rows of the same columns, in batches of any size."""
        self.rows = rows
        if len(rows) > self.batch_size:
            self.batch_size = len(rows)
            self.negative.allow(self.rbm, self.batch_size)

    def watch(self, X: Any, validation: Any) -> None:
        """Rows to measure on: evenly spread ones of the training and all validation data."""
        self.X, self.validation = X, validation
        self._few, self._many = _spread(X, PSEUDO_ROWS), _spread(X, GAP_ROWS)

    def monitor(self) -> dict[str, float]:
        """Exact log-likelihood of small RBMs, else pseudo-log-likelihood of zeros and ones; gap;
        swap rates.
        """
        rbm, figures = self.rbm, {}
        if rbm.n_bits <= EXACT_BELOW:
            mean = rbm.log_weight(self._many).mean()
            figures["log-likelihood"] = float(mean - rbm.log_partition())
        elif isinstance(rbm, Parameters) and np.abs(rbm.weights).max() <= MAX_WEIGHT:
            pseudo = pseudo_log_likelihood(rbm, self._few).mean()
            figures["pseudo-log-likelihood"] = float(pseudo)
        if self.validation is not None:
            gap = rbm.free_energy(self.validation).mean() - rbm.free_energy(self._many).mean()
            figures["free-energy gap"] = float(gap)
        return figures | self.negative.figures()


def _spread(X: Any, n: int) -> Any:
    """n rows at equal distances, or all of them."""
    if X.shape[0] <= n:
        return X
    return X[np.linspace(0, X.shape[0] - 1, n).astype(int)]
