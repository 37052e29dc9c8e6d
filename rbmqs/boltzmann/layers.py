"""A visible and a hidden layer of any types of units, joined by weights.

Everything follows from what the types offer (`rbmqs.boltzmann.unit_types`): p(v, h) is
exp(-E(v, h)) / Z, F(v) = -log of the sum over h, and log Z where one layer can be summed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from scipy.special import logsumexp

from hamiltonians.utils.checks import finite
from rbmqs.boltzmann import ops
from rbmqs.boltzmann.enumeration import MAX_BITS, MAX_UNITS
from rbmqs.boltzmann.ops import Arrays
from rbmqs.boltzmann.real_units import GaussianUnits
from rbmqs.boltzmann.unit_types import BinaryUnits

CHUNK = 8192  # rows worked out at a time: bounds memory, not results


@dataclass(frozen=True, eq=False)
class Harmonium:
    """Parameters of an RBM of any two layers; the arrays are changed in place by training.

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
        return {"weights": self.weights} | _named(self.visible.arrays, self.hidden.arrays)

    def with_arrays(self, arrays: Arrays) -> Self:
        """The same types of units with other parameters."""
        layers = {
            side: getattr(self, side).with_arrays(
                {name: arrays[f"{side}_{name}"] for name in getattr(self, side).arrays}
            )
            for side in ("visible", "hidden")
        }
        return replace(self, weights=arrays["weights"], **layers)

    def in_double(self) -> Self:
        """The same parameters in double precision."""
        return self.with_arrays({n: a.astype(np.float64) for n, a in self.arrays.items()})

    @cached_property
    def visible_bias(self) -> np.ndarray:
        """Biases of the visible layer, (N,)."""
        return self.visible.bias

    @cached_property
    def hidden_bias(self) -> np.ndarray:
        """Biases of the hidden layer, (M,)."""
        return self.hidden.bias

    @cached_property
    def n_visible(self) -> int:
        """Visible units N."""
        return self.weights.shape[0]

    @cached_property
    def n_hidden(self) -> int:
        """Hidden units M."""
        return self.weights.shape[1]

    @cached_property
    def dtype(self) -> np.dtype:
        """float32 or float64."""
        return self.weights.dtype

    def hidden_inputs(self, v: Any) -> np.ndarray:
        """s(v) W without biases, (n, M); a sparse v costs by its non-zeros."""
        return ops.times(self.visible.scaled(v), self.weights)

    def visible_inputs(self, h: np.ndarray) -> np.ndarray:
        """s(h) W^T, (n, N)."""
        return ops.times(self.hidden.scaled(h), self.weights, transpose_b=True)

    def hidden_mean(self, v: Any) -> np.ndarray:
        """Mean of h given v, (n, M)."""
        return self.hidden.mean(self.hidden_inputs(v))

    def visible_mean(self, h: np.ndarray) -> np.ndarray:
        """Mean of v given h, (n, N)."""
        return self.visible.mean(self.visible_inputs(h))

    def sample_hidden(self, v: Any, stream: np.ndarray) -> np.ndarray:
        """h drawn given v, (n, M); advances the stream."""
        return self.hidden.sample(self.hidden_inputs(v), stream)

    def sample_visible(self, h: np.ndarray, stream: np.ndarray) -> np.ndarray:
        """v drawn given h, (n, N); advances the stream."""
        return self.visible.sample(self.visible_inputs(h), stream)

    def draw(
        self, given: Any, out: np.ndarray, stream: np.ndarray, *, downwards: bool = False,
        mean: np.ndarray | None = None, betas: Any = None, base: np.ndarray | None = None,
    ) -> np.ndarray:  # fmt: skip
        """out <- units of one layer given the other, their `mean` too if an array is given.

        With inverse temperatures betas (n,) the inputs with biases are beta (input + bias) +
        (1 - beta) base: the path to independent units of biases `base` (the layer's own if None).
        """
        layer = self.visible if downwards else self.hidden
        inputs = self.visible_inputs(given) if downwards else self.hidden_inputs(given)
        if betas is not None:
            inputs *= betas[:, None]
            if base is not None:
                inputs += (1 - betas)[:, None] * (base - layer.bias)
        if mean is not None:
            mean[...] = layer.mean(inputs.copy())
        out[...] = layer.sample(inputs, stream)
        return out

    def average(self, v: Any, out: np.ndarray) -> None:
        """out <- mean of h given v."""
        out[...] = self.hidden_mean(v)

    def gibbs(self, v: Any, stream: np.ndarray, n_steps: int = 1) -> np.ndarray:
        """v after steps of block Gibbs sampling v -> h -> v."""
        for _ in range(n_steps):
            v = self.sample_visible(self.sample_hidden(v, stream), stream)
        return v

    def first_draw(self, n: int, stream: np.ndarray) -> np.ndarray:
        """n rows drawn from the visible biases alone."""
        return self.visible.sample(np.zeros((n, self.n_visible), self.dtype), stream)

    def energy(self, v: np.ndarray, h: np.ndarray) -> np.ndarray:
        """E(v, h) of matching rows, (n,), in double precision."""
        model = self.in_double()
        v, h = np.asarray(v, np.float64), np.asarray(h, np.float64)
        coupling = (model.hidden_inputs(v) * model.hidden.scaled(h)).sum(axis=1)
        return -(model.visible.log_weight(v) + model.hidden.log_weight(h) + coupling)

    def log_weight(self, v: Any) -> np.ndarray:
        """-F(v) = log sum_h exp(-E(v, h)), (n,), summed in double precision."""
        out = np.empty(v.shape[0])
        for part in chunks(len(out), CHUNK):
            rows = v[part]
            out[part] = self.visible.log_weight(rows)
            out[part] += self.hidden.log_sum(self.hidden_inputs(rows))
        return out

    def free_energy(self, v: Any) -> np.ndarray:
        """F(v), (n,): -log of the unnormalised probability of v."""
        return -self.log_weight(v)

    def summed_layer(self, max_bits: int) -> tuple[bool, BinaryUnits, BinaryUnits]:
        """Whether it is the hidden one, the layer of fewer states, the other layer.

        Raises
        ------
        ValueError
            More than 2^max_bits states in either layer.
        """
        is_hidden = self.hidden.n_bits < self.visible.n_bits
        layers = (self.hidden, self.visible) if is_hidden else (self.visible, self.hidden)
        if layers[0].n_bits > max_bits:
            n, m = self.weights.shape
            raise ValueError(
                f"exact log Z sums over 2^{layers[0].n_bits:.4g} states of the smaller layer ({n} "
                f"visible, {m} hidden units); at most {max_bits} units are allowed: use ais, "
                f"or annealed_log_partition"
            )
        return is_hidden, *layers

    @property
    def n_bits(self) -> float:
        """log2 of the number of states that log Z is a sum of, 0 where it has a closed form."""
        if type(self.visible) is type(self.hidden) is GaussianUnits:
            return 0
        return min(self.visible.n_bits, self.hidden.n_bits)

    def log_partition(self) -> float:
        """log Z in double precision: a sum over the states of a layer, or in closed form for two
        Gaussian ones.

        Raises
        ------
        ValueError
            Neither is possible; more than 2^25 states take a minute.
        """
        if self.n_bits == 0:
            return self._gaussian_log_partition()
        model, total = self.in_double(), -np.inf
        is_hidden, layer, other = model.summed_layer(MAX_UNITS)
        inputs = model.visible_inputs if is_hidden else model.hidden_inputs
        for states in layer.state_chunks():
            log_weight = layer.log_weight(states) + other.log_sum(inputs(states))
            total = np.logaddexp(total, np.logaddexp.reduce(log_weight))
        return float(total)

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

    def states(self) -> tuple[bool, np.ndarray, np.ndarray]:
        """Whether they are hidden, all states of the smaller layer, their probabilities.

        Raises
        ------
        ValueError
            More than 2^20 of them in either layer.
        """
        is_hidden, layer, other = self.summed_layer(MAX_BITS)
        states = layer.all_states()
        inputs = self.visible_inputs(states) if is_hidden else self.hidden_inputs(states)
        log_weight = layer.log_weight(states) + other.log_sum(inputs)
        return is_hidden, states, np.exp(log_weight - logsumexp(log_weight))

    def statistics(self, v: Any, weights: np.ndarray | None = None) -> Arrays:
        """Gradient of -E averaged over rows v of these weights, h averaged given each."""
        share = np.full(v.shape[0], 1 / v.shape[0], self.dtype)
        if weights is not None:
            share *= weights
        return self._given(False, v, share)

    def exact_statistics(self) -> Arrays:
        """Gradient of -E averaged over the model; refused as by `states`."""
        is_hidden, states, probability = self.states()
        return self._given(is_hidden, states, probability.astype(self.dtype))

    def _given(self, is_hidden: bool, x: Any, share: np.ndarray) -> Arrays:
        """The same averaged over rows x of one layer, the other one averaged given each."""
        layer, other = (self.hidden, self.visible) if is_hidden else (self.visible, self.hidden)
        there = self.visible_inputs if is_hidden else self.hidden_inputs
        back = self.hidden_inputs if is_hidden else self.visible_inputs
        inputs = there(x)
        mean = other.mean(inputs.copy())
        own = layer.statistics(x, lambda: back(mean), share)
        rest = other.mean_statistics(lambda: inputs, mean, share)
        if is_hidden:
            weights = ops.times(
                other.scaled(mean), layer.scaled(x) * share[:, None], transpose_a=True
            )
            return {"weights": weights} | _named(rest, own)
        weights = ops.times(layer.scaled(x), other.scaled(mean) * share[:, None], transpose_a=True)
        return {"weights": weights} | _named(own, rest)

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


def _named(visible: Arrays, hidden: Arrays) -> Arrays:
    parts = (("visible", visible), ("hidden", hidden))
    return {f"{side}_{name}": array for side, part in parts for name, array in part.items()}


def chunks(n: int, size: int) -> Iterator[slice]:
    """Slices that cover range(n)."""
    for start in range(0, n, size):
        yield slice(start, min(n, start + size))
