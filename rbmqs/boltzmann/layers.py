"""Kinds of visible units beside binary hidden ones, and the machine they make together.

    E(v, h) = -c.h + sum_i e_i(v_i) - s(v).(W h)

A kind says what one unit's energy e is and how v enters the products (s): binary units (s = v,
e = -b v), groups of softmax units, or Gaussian units. M. Welling, M. Rosen-Zvi and G. Hinton,
"Exponential family harmoniums", NIPS 17 (2004).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy.special import logsumexp

from hamiltonians.utils.checks import finite
from rbmqs.boltzmann.core.softmax import normal_units, sample_groups, softmax_groups, sum_group_logs
from rbmqs.boltzmann.core.units import sum_softplus
from rbmqs.boltzmann.enumeration import all_states
from rbmqs.boltzmann.gradient_model import Arrays, times, to_means, to_samples
from rbmqs.boltzmann.randomness import next_call

VARIANCE_FLOOR = 1e-4  # of a column's variance at the start: a unit on one point has none
MAX_HIDDEN = 20  # units summed over exactly: a million states


class VisibleLayer(Protocol):
    """One kind of visible units. `inputs` are h W^T without biases, (n, N)."""

    arrays: Arrays  # its parameters

    def scaled(self, v: Any) -> Any:
        """s(v), which multiplies the weights."""

    def mean(self, inputs: np.ndarray) -> np.ndarray:
        """Mean of v given h, in place."""

    def sample(self, inputs: np.ndarray, stream: np.ndarray) -> np.ndarray:
        """v drawn given h, in place."""

    def log_weight(self, v: Any) -> np.ndarray:
        """-sum_i e_i(v_i), (n,)."""

    def log_sum(self, inputs: np.ndarray) -> np.ndarray:
        """log of the sum (or integral) over v of exp(-E), hidden biases left out, (n,)."""

    def precondition(self, gradient: Arrays) -> None:
        """Bring a gradient to the units' own scale, in place."""

    def confine(self) -> None:
        """Bring parameters back into their range after a step."""

    def statistics(self, v: Any, back: Any, share: np.ndarray, drawn: bool) -> Arrays:
        """Gradient of -E with respect to its parameters, averaged with the rows' `share`.

        `back()` gives h W^T; `drawn` is False where v is the mean given h, not a sample of it.
        """


class BinaryUnits:
    """Units of 0 and 1, e = -b v; numbers between are read as probabilities."""

    def __init__(self, bias: np.ndarray) -> None:
        self.arrays = {"visible_bias": bias}

    def scaled(self, v: Any) -> Any:
        """v itself."""
        return v

    def mean(self, inputs: np.ndarray) -> np.ndarray:
        """logistic(b + input)."""
        return to_means(inputs, self.arrays["visible_bias"])

    def sample(self, inputs: np.ndarray, stream: np.ndarray) -> np.ndarray:
        """0 and 1."""
        return to_samples(inputs, self.arrays["visible_bias"], stream)

    def log_weight(self, v: Any) -> np.ndarray:
        """b.v."""
        return np.asarray(v @ self.arrays["visible_bias"].astype(np.float64))

    def log_sum(self, inputs: np.ndarray) -> np.ndarray:
        """sum_i softplus(b_i + input_i)."""
        return sum_softplus(inputs, self.arrays["visible_bias"], inputs.dtype.type(1))

    def precondition(self, gradient: Arrays) -> None:
        """Nothing: 0 and 1 have no scale."""

    def confine(self) -> None:
        """Nothing: all biases are allowed."""

    def statistics(self, v: Any, back: Any, share: np.ndarray, drawn: bool) -> Arrays:
        """<v>."""
        return {"visible_bias": np.asarray(v.T @ share).ravel()}


class SoftmaxUnits(BinaryUnits):
    """Groups of units of which exactly one is on.

    Parameters
    ----------
    bias : array (N,)
    edges : int array (groups + 1,)
        Group g holds the units edges[g] to edges[g + 1].
    """

    def __init__(self, bias: np.ndarray, edges: np.ndarray) -> None:
        super().__init__(bias)
        self.edges = edges

    def mean(self, inputs: np.ndarray) -> np.ndarray:
        """exp(b + input) over its sum in the group."""
        softmax_groups(inputs, self.arrays["visible_bias"], self.edges)
        return inputs

    def sample(self, inputs: np.ndarray, stream: np.ndarray) -> np.ndarray:
        """One unit on in each group."""
        bias = self.arrays["visible_bias"]
        sample_groups(inputs, bias, self.edges, next_call(stream))
        return inputs

    def log_sum(self, inputs: np.ndarray) -> np.ndarray:
        """sum_g log sum_{i in g} exp(b_i + input_i)."""
        return sum_group_logs(inputs, self.arrays["visible_bias"], self.edges)


class GaussianUnits:
    """Real units, e = (v - b)^2 / (2 sigma^2) and s(v) = v / sigma^2: v given h is
    normal with mean b + W h and standard deviation sigma.

    sigma^2 = exp(log_variance) is learned or kept. K. Cho, A. Ilin and T. Raiko, "Improved
    learning of Gaussian-Bernoulli restricted Boltzmann machines", ICANN 2011, Eqs. 4-9.
    """

    def __init__(self, bias: np.ndarray, log_variance: np.ndarray, learn_variance: bool) -> None:
        self.arrays = {"visible_bias": bias, "log_variance": log_variance}
        self._learn = learn_variance
        self._floor = log_variance + np.log(VARIANCE_FLOOR).astype(log_variance.dtype)

    @property
    def _precision(self) -> np.ndarray:
        return np.exp(-self.arrays["log_variance"])

    def scaled(self, v: Any) -> Any:
        """v / sigma^2."""
        return v * self._precision

    def mean(self, inputs: np.ndarray) -> np.ndarray:
        """b + W h."""
        inputs += self.arrays["visible_bias"]
        return inputs

    def sample(self, inputs: np.ndarray, stream: np.ndarray) -> np.ndarray:
        """Normal numbers about the mean."""
        noise = np.empty_like(inputs)
        normal_units(noise, next_call(stream))
        noise *= np.exp(0.5 * self.arrays["log_variance"])
        inputs += noise
        return self.mean(inputs)

    def log_weight(self, v: Any) -> np.ndarray:
        """-sum_i (v_i - b_i)^2 / (2 sigma_i^2)."""
        distance = np.asarray(v, np.float64) - self.arrays["visible_bias"]
        return -0.5 * (distance**2) @ self._precision.astype(np.float64)

    def log_sum(self, inputs: np.ndarray) -> np.ndarray:
        """sum_i [log(2 pi sigma^2) / 2 + (m^2 - b^2) / (2 sigma^2)], m the mean."""
        bias = self.arrays["visible_bias"].astype(np.float64)
        mean = inputs + bias
        width = 0.5 * (np.log(2 * np.pi) + self.arrays["log_variance"]).sum(dtype=np.float64)
        return width + 0.5 * (mean**2 - bias**2) @ self._precision.astype(np.float64)

    def precondition(self, gradient: Arrays) -> None:
        """Times sigma^2 where means are concerned, so that steps scale with the columns."""
        variance = 1 / self._precision
        gradient["visible_bias"] *= variance
        gradient["weights"] *= variance[:, None]

    def confine(self) -> None:
        """No variance below a ten-thousandth of the first."""
        np.maximum(self.arrays["log_variance"], self._floor, out=self.arrays["log_variance"])

    def statistics(self, v: Any, back: Any, share: np.ndarray, drawn: bool) -> Arrays:
        """<(v - b)> / sigma^2, and <(v - b)^2 / 2 - v (W h)> / sigma^2 for log sigma^2."""
        precision, bias = self._precision, self.arrays["visible_bias"]
        out = {"visible_bias": (v - bias).T @ share * precision}
        if self._learn:
            square = 0.5 * (v - bias) ** 2 - v * back()
            out["log_variance"] = square.T @ share * precision
            if not drawn:
                out["log_variance"] += 0.5 * share.sum()
        return out


@dataclass(eq=False)
class Harmonium:
    """A machine of one kind of visible and of binary hidden units.

    Parameters
    ----------
    layer : VisibleLayer
    weights : array (N, M)
    hidden_bias : array (M,)
    """

    layer: VisibleLayer
    weights: np.ndarray
    hidden_bias: np.ndarray

    def __post_init__(self) -> None:
        for name, array in self.arrays.items():
            finite(name, array)

    @property
    def arrays(self) -> Arrays:
        """All parameters by name."""
        own = {"weights": self.weights, "hidden_bias": self.hidden_bias}
        return own | self.layer.arrays

    @property
    def n_hidden(self) -> int:
        """Hidden units M."""
        return len(self.hidden_bias)

    def hidden_inputs(self, v: Any) -> np.ndarray:
        """s(v) W, (n, M)."""
        return times(self.layer.scaled(v), self.weights)

    def visible_inputs(self, h: np.ndarray) -> np.ndarray:
        """h W^T, (n, N)."""
        return times(h, self.weights, transpose_b=True)

    def hidden_mean(self, v: Any) -> np.ndarray:
        """p(h_j = 1 | v)."""
        return to_means(self.hidden_inputs(v), self.hidden_bias)

    def sample_hidden(self, v: Any, stream: np.ndarray) -> np.ndarray:
        """h drawn given v."""
        return to_samples(self.hidden_inputs(v), self.hidden_bias, stream)

    def visible_mean(self, h: np.ndarray) -> np.ndarray:
        """Mean of v given h."""
        return self.layer.mean(self.visible_inputs(h))

    def sample_visible(self, h: np.ndarray, stream: np.ndarray) -> np.ndarray:
        """v drawn given h."""
        return self.layer.sample(self.visible_inputs(h), stream)

    def log_weight(self, v: Any) -> np.ndarray:
        """-F(v) = log sum_h exp(-E(v, h)), (n,)."""
        one = self.weights.dtype.type(1)
        return self.layer.log_weight(v) + sum_softplus(self.hidden_inputs(v), self.hidden_bias, one)

    def hidden_states(self) -> tuple[np.ndarray, np.ndarray, float]:
        """All hidden states, their probabilities, and log Z.

        Raises
        ------
        ValueError
            More than 20 hidden units.
        """
        if self.n_hidden > MAX_HIDDEN:
            raise ValueError(
                f"exact sums go over the hidden states: at most {MAX_HIDDEN} hidden units, "
                f"got {self.n_hidden}"
            )
        states = all_states(self.n_hidden).astype(self.weights.dtype)
        log_weight = states @ self.hidden_bias.astype(np.float64)
        log_weight += self.layer.log_sum(self.visible_inputs(states))
        log_z = float(logsumexp(log_weight))
        return states, np.exp(log_weight - log_z), log_z

    def statistics(
        self, v: Any, h: np.ndarray, share: np.ndarray | None = None, drawn: bool = True
    ) -> Arrays:
        """Gradient of -E averaged over rows (v, h), with weights `share` (equal if None)."""
        n = h.shape[0]
        weights = np.full(n, 1 / n, h.dtype) if share is None else share.astype(h.dtype)
        weighted = h * weights[:, None]
        return {
            "weights": times(self.layer.scaled(v), weighted, transpose_a=True),
            "hidden_bias": weighted.sum(axis=0),
            **self.layer.statistics(v, lambda: self.visible_inputs(h), weights, drawn),
        }
