"""The model's side of the gradient: ways to average over p(v, h) for any types of units.

- contrastive divergence (Hinton 2002): chains of a few steps that start at the data;
- persistent contrastive divergence (Tieleman 2008): chains that go on from update to update;
- parallel tempering (Desjardins et al. 2010; Cho et al. 2010): persistent chains at several
  inverse temperatures that exchange states, see `rbmqs.boltzmann.tempering`;
- the exact sum over the states of the smaller layer.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rbmqs.boltzmann.core import enumeration
from rbmqs.boltzmann.enumeration import MAX_UNITS, all_states
from rbmqs.boltzmann.layers import Harmonium
from rbmqs.boltzmann.linalg import multiply
from rbmqs.boltzmann.ops import Arrays
from rbmqs.boltzmann.parameters import Parameters


class Phase(NamedTuple):
    """Activities: ``visible`` (n, N), CSR for sparse data, ``hidden`` (n, M), and their means."""

    visible: Any
    hidden: np.ndarray
    visible_mean: np.ndarray
    hidden_mean: np.ndarray


def phase_of(visible: np.ndarray, hidden: np.ndarray) -> Phase:
    """Activities and their means."""
    return Phase(visible, hidden, visible.mean(axis=0), hidden.mean(axis=0))


class NegativePhase:
    """Draws from the model for one update, from `n_rows` rows; this base keeps nothing."""

    n_rows: int
    needs_data_sample = False  # whether `draw` starts at hidden units drawn given the mini-batch

    def draw(
        self, model: Harmonium, data_hidden_sample: np.ndarray | None, stream: np.ndarray
    ) -> Phase:
        """Activities under the RBM, hidden ones averaged given the visible ones."""
        raise NotImplementedError

    def statistics(
        self, model: Harmonium, data_hidden_sample: np.ndarray | None, stream: np.ndarray
    ) -> Arrays:
        """Gradient of -E averaged over the model."""
        return model.statistics(self.draw(model, data_hidden_sample, stream).visible)

    def memory(self) -> Arrays:
        """Arrays to keep between updates."""
        return {}

    def restore(self, arrays: Arrays) -> None:
        """Put back what `memory` gave."""
        for name, array in self.memory().items():
            array[...] = arrays[name]

    def allow(self, model: Harmonium, n_rows: int) -> None:
        """Make room for mini-batches of this size, where chains start at them."""

    def figures(self) -> dict[str, float]:
        """What a check should show of the chains."""
        return {}


class Chains:
    """Buffers and steps of block Gibbs sampling h -> v -> h for a fixed number of chains."""

    def __init__(self, model: Harmonium, n_chains: int) -> None:
        self.visible = np.zeros((n_chains, model.n_visible), model.dtype)
        self.hidden_mean = np.zeros((n_chains, model.n_hidden), model.dtype)
        self.hidden = np.zeros((n_chains, model.n_hidden), model.dtype)

    def draw_hidden(self, model: Harmonium, stream: np.ndarray, n: int) -> None:
        """hidden_mean <- mean of h given visible, hidden <- drawn."""
        model.draw(self.visible[:n], self.hidden[:n], stream, mean=self.hidden_mean[:n])

    def phase(self, n: int) -> Phase:
        """The present activities."""
        return phase_of(self.visible[:n], self.hidden_mean[:n])


class ContrastiveDivergence(NegativePhase):
    """CD-k: k steps from the hidden units drawn given the data."""

    needs_data_sample = True

    def __init__(self, model: Harmonium, n_steps: int, n_rows: int) -> None:
        self.n_steps, self.n_rows = n_steps, n_rows
        self._chains = Chains(model, n_rows)

    def draw(
        self, model: Harmonium, data_hidden_sample: np.ndarray | None, stream: np.ndarray
    ) -> Phase:
        """k steps v <- p(v | h), h <- p(h | v); the last h is its mean."""
        chains, hidden = self._chains, data_hidden_sample
        assert hidden is not None
        n = len(hidden)
        for step in range(self.n_steps):
            model.draw(hidden, chains.visible[:n], stream, downwards=True)
            if step + 1 < self.n_steps:
                chains.draw_hidden(model, stream, n)
                hidden = chains.hidden[:n]
        model.average(chains.visible[:n], chains.hidden_mean[:n])
        return chains.phase(n)

    def allow(self, model: Harmonium, n_rows: int) -> None:
        """Make room for mini-batches of this size."""
        self._chains = Chains(model, n_rows)


class PersistentChains(NegativePhase):
    """PCD-k: the chains' hidden units are kept from one update to the next."""

    def __init__(self, model: Harmonium, n_steps: int, start: np.ndarray,
                 stream: np.ndarray) -> None:  # fmt: skip
        self.n_steps, self.n_rows = n_steps, len(start)
        self._chains = Chains(model, len(start))
        self._chains.visible[...] = start
        self._chains.draw_hidden(model, stream, len(start))

    def draw(
        self, model: Harmonium, data_hidden_sample: np.ndarray | None, stream: np.ndarray
    ) -> Phase:
        """k steps v <- p(v | h), h <- p(h | v) of every chain."""
        chains = self._chains
        for _ in range(self.n_steps):
            model.draw(chains.hidden, chains.visible, stream, downwards=True)
            chains.draw_hidden(model, stream, self.n_rows)
        return chains.phase(self.n_rows)

    def memory(self) -> Arrays:
        """The chains."""
        return {"chains_visible": self._chains.visible, "chains_hidden": self._chains.hidden}


class ExactSum(NegativePhase):
    """The exact average, by summing over the states of the smaller layer."""

    def __init__(self, model: Harmonium) -> None:
        is_hidden, layer, _ = model.summed_layer(MAX_UNITS)
        self.n_rows = round(2**layer.n_bits)
        if not isinstance(model, Parameters):
            return
        self._over_visible = not is_hidden
        n, other = sorted(model.weights.shape)
        self._states = all_states(n)
        self._as_reals = self._states.astype(model.dtype)
        self._weighted = np.empty((self.n_rows, n), model.dtype)
        self._means = np.zeros((self.n_rows, other), model.dtype)
        self._log_weight = np.empty(self.n_rows)
        self._average = np.empty(other, model.dtype)

    def statistics(
        self, model: Harmonium, data_hidden_sample: np.ndarray | None, stream: np.ndarray
    ) -> Arrays:
        """Sum over the states, for any types of units."""
        return model.exact_statistics()

    def draw(
        self, model: Harmonium, data_hidden_sample: np.ndarray | None, stream: np.ndarray
    ) -> Phase:
        """All states of the smaller layer with their probabilities, the other layer's means.

        For zeros and ones, whose statistics are products of these.
        """
        weights, small, large = model.weights, model.visible_bias, model.hidden_bias
        if not self._over_visible:
            small, large = large, small
        multiply(self._as_reals, weights, self._means, transpose_b=not self._over_visible)
        dots = self._states @ small.astype(np.float64)
        enumeration.weigh_states(self._means, dots, large, self._log_weight)
        probability = np.exp(self._log_weight - self._log_weight.max())
        probability /= probability.sum()
        # products divide by the number of rows, all alike: fold the probabilities into one factor
        factors = probability * len(probability)
        enumeration.scale_rows(self._states, factors, self._weighted)
        enumeration.weighted_mean(self._means, probability, self._average)
        layer = (probability @ self._states).astype(model.dtype)
        if self._over_visible:
            return Phase(self._weighted, self._means, layer, self._average)
        return Phase(self._means, self._weighted, self._average, layer)
