"""A visible and a hidden layer of any types of units, joined by weights.

Everything follows from what the types offer (`rbmqs.boltzmann.unit_types`): p(v, h) is
exp(-E(v, h)) / Z, F(v) = -log of the sum over h, and log Z where one layer can be summed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import logsumexp

from hamiltonians.utils.checks import finite
from rbmqs.boltzmann.gradient_model import Arrays, times
from rbmqs.boltzmann.unit_types import BinaryUnits, GaussianUnits

MAX_HIDDEN = 20  # units of two states summed over exactly: a million states


@dataclass(frozen=True, eq=False)
class Harmonium:
    """Parameters of two layers; the arrays are changed in place by training.

    Parameters
    ----------
    visible, hidden : BinaryUnits or a subclass
    weights : array (N, M)
    """

    visible: BinaryUnits
    weights: np.ndarray
    hidden: BinaryUnits

    def __post_init__(self) -> None:
        for name, array in self.arrays.items():
            finite(name, array)

    @property
    def arrays(self) -> Arrays:
        """All parameters by name: "weights", "visible_bias", "hidden_bias", ..."""
        return {"weights": self.weights} | self._named(self.visible.arrays, self.hidden.arrays)

    @staticmethod
    def _named(visible: Arrays, hidden: Arrays) -> Arrays:
        parts = (("visible", visible), ("hidden", hidden))
        return {f"{side}_{name}": array for side, part in parts for name, array in part.items()}

    @property
    def hidden_bias(self) -> np.ndarray:
        """Biases of the hidden layer."""
        return self.hidden.bias

    @property
    def n_hidden(self) -> int:
        """Hidden units M."""
        return self.weights.shape[1]

    def hidden_inputs(self, v: Any) -> np.ndarray:
        """s(v) W, (n, M)."""
        return times(self.visible.scaled(v), self.weights)

    def visible_inputs(self, h: np.ndarray) -> np.ndarray:
        """s(h) W^T, (n, N)."""
        return times(self.hidden.scaled(h), self.weights, transpose_b=True)

    def hidden_mean(self, v: Any) -> np.ndarray:
        """Mean of h given v."""
        return self.hidden.mean(self.hidden_inputs(v))

    def sample_hidden(self, v: Any, stream: np.ndarray) -> np.ndarray:
        """h drawn given v."""
        return self.hidden.sample(self.hidden_inputs(v), stream)

    def visible_mean(self, h: np.ndarray) -> np.ndarray:
        """Mean of v given h."""
        return self.visible.mean(self.visible_inputs(h))

    def sample_visible(self, h: np.ndarray, stream: np.ndarray) -> np.ndarray:
        """v drawn given h."""
        return self.visible.sample(self.visible_inputs(h), stream)

    def gibbs(self, v: Any, stream: np.ndarray, n_steps: int = 1) -> np.ndarray:
        """v after steps v -> h -> v."""
        for _ in range(n_steps):
            v = self.sample_visible(self.sample_hidden(v, stream), stream)
        return v

    def log_weight(self, v: Any) -> np.ndarray:
        """-F(v) = log sum_h exp(-E(v, h)), (n,)."""
        return self.visible.log_weight(v) + self.hidden.log_sum(self.hidden_inputs(v))

    def log_partition(self) -> float:
        """log Z: a sum over the states of a layer, or in closed form for two Gaussian ones.

        Raises
        ------
        ValueError
            Neither is possible.
        """
        if type(self.visible) is type(self.hidden) is GaussianUnits:
            return self._gaussian_log_partition()
        return self.states()[-1]

    def _gaussian_log_partition(self) -> float:
        """log of the integral of exp(-x A x / 2 + x g - c) over x = (v, h)."""
        layers = (self.visible, self.hidden)
        precision = [np.exp(-u.arrays["log_variance"].astype(np.float64)) for u in layers]
        bias = [u.bias.astype(np.float64) for u in layers]
        a = np.diag(np.concatenate(precision))
        n = len(bias[0])
        coupling = precision[0][:, None] * self.weights * precision[1]
        a[:n, n:], a[n:, :n] = -coupling, -coupling.T
        mean = np.concatenate(bias)
        field = np.concatenate(precision) * mean
        sign, log_det = np.linalg.slogdet(a)
        if np.linalg.eigvalsh(a)[0] <= 0:
            raise ValueError("the weights are too large: the Gaussian distribution has no norm")
        quadratic = field @ np.linalg.solve(a, field) - field @ mean
        return float(0.5 * (len(a) * np.log(2 * np.pi) - sign * log_det + quadratic))

    def states(self) -> tuple[bool, np.ndarray, np.ndarray, float]:
        """Whether they are hidden, all states of the smaller layer, probabilities, log Z.

        Raises
        ------
        ValueError
            More than 2^20 of them in either layer.
        """
        bits = {
            is_hidden: len(layer.bias) for is_hidden, layer in ((True, self.hidden),
            (False, self.visible)) if layer.n_states is not None
        }  # fmt: skip
        is_hidden = min(bits, key=lambda key: bits[key]) if bits else True
        if not bits or bits[is_hidden] > MAX_HIDDEN:
            raise ValueError(
                f"exact sums go over the hidden states (or visible ones): at most {MAX_HIDDEN} "
                f"hidden units of finitely many values, got {self.n_hidden}: "
                "use annealed_log_partition"
            )
        layer, other = (self.hidden, self.visible) if is_hidden else (self.visible, self.hidden)
        states = layer.all_states()
        inputs = self.visible_inputs(states) if is_hidden else self.hidden_inputs(states)
        log_weight = layer.log_weight(states) + other.log_sum(inputs)
        log_z = float(logsumexp(log_weight))
        return is_hidden, states, np.exp(log_weight - log_z), log_z

    def hidden_states(self) -> tuple[np.ndarray, np.ndarray, float]:
        """All hidden states, their probabilities, log Z; refused as by `states`."""
        is_hidden, states, probability, log_z = self.states()
        if not is_hidden:
            raise ValueError("the visible layer is the smaller one")
        return states, probability, log_z

    def statistics(self, v: Any, weights: np.ndarray | None = None) -> Arrays:
        """Gradient of -E averaged over rows v of these weights, h averaged given each."""
        share = np.full(v.shape[0], 1 / v.shape[0], self.weights.dtype)
        if weights is not None:
            share *= weights
        return self._given_visible(v, share)

    def exact_statistics(self) -> Arrays:
        """Gradient of -E averaged over the model; refused as by `states`."""
        is_hidden, states, probability, _ = self.states()
        share = probability.astype(self.weights.dtype)
        return (
            self._given_hidden(states, share) if is_hidden else self._given_visible(states, share)
        )

    def _given_visible(self, v: Any, share: np.ndarray) -> Arrays:
        inputs = self.hidden_inputs(v)
        mean = self.hidden.mean(inputs.copy())
        weights = times(self.visible.scaled(v), self.hidden.scaled(mean) * share[:, None],
                        transpose_a=True)  # fmt: skip
        own = self.visible.statistics(v, lambda: self.visible_inputs(mean), share)
        other = self.hidden.mean_statistics(lambda: inputs, mean, share)
        return {"weights": weights} | self._named(own, other)

    def _given_hidden(self, h: np.ndarray, share: np.ndarray) -> Arrays:
        inputs = self.visible_inputs(h)
        mean = self.visible.mean(inputs.copy())
        weights = times(self.visible.scaled(mean), self.hidden.scaled(h) * share[:, None],
                        transpose_a=True)  # fmt: skip
        own = self.visible.mean_statistics(lambda: inputs, mean, share)
        other = self.hidden.statistics(h, lambda: self.hidden_inputs(mean), share)
        return {"weights": weights} | self._named(own, other)

    def precondition(self, gradient: Arrays) -> None:
        """Bring a gradient to the scale of the visible units, in place."""
        for side, layer in (("visible", self.visible), ("hidden", self.hidden)):
            layer.precondition({name: gradient[f"{side}_{name}"] for name in layer.arrays
                                if f"{side}_{name}" in gradient})  # fmt: skip
        if self.visible.scale is not None:
            gradient["weights"] *= self.visible.scale[:, None] ** 2

    def confine(self) -> None:
        """Bring parameters back into their range after a step."""
        self.visible.confine()
        self.hidden.confine()


def anneal(machine: Harmonium, betas: np.ndarray, start: Any, stream: np.ndarray) -> np.ndarray:
    """Log weights (n,) of annealing along weights beta W, rows `start` drawn at the first beta."""
    log_w, v = np.zeros(len(start)), start
    for inputs, now, then in _path(machine, betas, v, stream):
        log_w += machine.hidden.log_sum(then * inputs) - machine.hidden.log_sum(now * inputs)
    return log_w


def _path(
    machine: Harmonium, betas: np.ndarray, v: Any, stream: np.ndarray
) -> Iterator[tuple[np.ndarray, float, float]]:
    """Inputs of the hidden units, present and next beta; a Gibbs step at the next between."""
    for now, then in zip(betas[:-1].tolist(), betas[1:].tolist(), strict=True):
        inputs = machine.hidden_inputs(v)
        yield inputs, now, then
        h = machine.hidden.sample(inputs.dtype.type(then) * inputs, stream)
        v = machine.visible.sample(inputs.dtype.type(then) * machine.visible_inputs(h), stream)
