"""The model's side of the gradient: four ways to average over p(v, h).

Each returns a `Phase`, activities whose mean products estimate <v h> under the model:

- contrastive divergence (Hinton 2002): chains of a few steps that start at the data;
- persistent contrastive divergence (Tieleman 2008): chains that go on from update to update;
- parallel tempering (Desjardins et al. 2010; Cho et al. 2010): persistent chains at several
  inverse temperatures that exchange states, see `rbmqs.boltzmann.tempering`;
- the exact sum over the states of the smaller layer, for small machines.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np

from rbmqs.boltzmann.core import enumeration, gibbs
from rbmqs.boltzmann.enumeration import all_states
from rbmqs.boltzmann.linalg import multiply
from rbmqs.boltzmann.parameters import Parameters
from rbmqs.boltzmann.randomness import next_call
from rbmqs.core.blas import address


class Phase(NamedTuple):
    """Activities: ``visible`` (n, N), CSR for sparse data, ``hidden`` (n, M), and their means."""

    visible: Any
    hidden: np.ndarray
    visible_mean: np.ndarray
    hidden_mean: np.ndarray


class NegativePhase(Protocol):
    """Draws from the model for one update, from `n_rows` rows."""

    n_rows: int
    needs_data_sample: bool  # whether `draw` starts at hidden units drawn given the mini-batch

    def draw(
        self, machine: Parameters, data_hidden_sample: np.ndarray, stream: np.ndarray
    ) -> Phase:
        """Activities under the RBM; ``data_hidden_sample`` is drawn given the mini-batch."""

    def memory(self) -> dict[str, np.ndarray]:
        """Arrays to keep between updates."""

    def allow(self, machine: Parameters, n_rows: int) -> None:
        """Make room for mini-batches of this size."""


class Chains:
    """Buffers and steps of block Gibbs sampling h -> v -> h for a fixed number of chains."""

    def __init__(self, machine: Parameters, n_chains: int) -> None:
        dtype = machine.dtype
        self.dtype = dtype
        self.one = np.ones(n_chains, dtype)
        self.visible = np.zeros((n_chains, machine.n_visible), dtype)
        self.hidden_mean = np.zeros((n_chains, machine.n_hidden), dtype)
        self.hidden = np.zeros((n_chains, machine.n_hidden), dtype)

    @property
    def gemm(self) -> int:
        """Address of the product, looked up anew in every process."""
        return address("gemm", self.dtype)

    def draw_visible(self, machine: Parameters, hidden: np.ndarray, stream: np.ndarray) -> None:
        """visible <- p(v | hidden)."""
        n = len(hidden)
        gibbs.sample_layer(
            self.gemm, hidden, machine.weights, True, machine.visible_bias,
            self.one[:n], machine.visible_bias, next_call(stream), self.visible[:n],
        )  # fmt: skip

    def draw_hidden(self, machine: Parameters, stream: np.ndarray, n: int) -> None:
        """hidden_mean <- p(h | visible), hidden <- draws from it."""
        gibbs.mean_and_sample_layer(
            self.gemm, self.visible[:n], machine.weights, False, machine.hidden_bias,
            self.one[:n], machine.hidden_bias, next_call(stream),
            self.hidden_mean[:n], self.hidden[:n],
        )  # fmt: skip

    def average_hidden(self, machine: Parameters, n: int) -> None:
        """hidden_mean <- p(h | visible)."""
        gibbs.mean_layer(
            self.gemm, self.visible[:n], machine.weights, False, machine.hidden_bias,
            self.one[:n], machine.hidden_bias, self.hidden_mean[:n],
        )  # fmt: skip

    def phase(self, n: int) -> Phase:
        """The present activities."""
        visible, hidden = self.visible[:n], self.hidden_mean[:n]
        return Phase(visible, hidden, visible.mean(axis=0), hidden.mean(axis=0))


class ContrastiveDivergence:
    """CD-k: k steps from the hidden units drawn given the data."""

    needs_data_sample = True

    def __init__(self, machine: Parameters, n_steps: int, n_rows: int) -> None:
        self.n_steps, self.n_rows = n_steps, n_rows
        self._chains = Chains(machine, n_rows)

    def draw(
        self, machine: Parameters, data_hidden_sample: np.ndarray, stream: np.ndarray
    ) -> Phase:
        """k steps v <- p(v | h), h <- p(h | v); the last h is its mean."""
        chains, n = self._chains, len(data_hidden_sample)
        hidden = data_hidden_sample
        for step in range(self.n_steps):
            chains.draw_visible(machine, hidden, stream)
            if step + 1 < self.n_steps:
                chains.draw_hidden(machine, stream, n)
                hidden = chains.hidden[:n]
        chains.average_hidden(machine, n)
        return chains.phase(n)

    def memory(self) -> dict[str, np.ndarray]:
        """Nothing: every update starts at its data."""
        return {}

    def allow(self, machine: Parameters, n_rows: int) -> None:
        """Make room for mini-batches of this size."""
        self._chains = Chains(machine, n_rows)


class PersistentChains:
    """PCD-k: the chains' hidden units are kept from one update to the next."""

    needs_data_sample = False

    def __init__(
        self,
        machine: Parameters,
        n_steps: int,
        n_chains: int,
        start: np.ndarray,
        stream: np.ndarray,
    ) -> None:
        self.n_steps, self.n_rows = n_steps, n_chains
        self._chains = Chains(machine, n_chains)
        self._chains.visible[...] = start
        self._chains.draw_hidden(machine, stream, n_chains)

    def draw(
        self, machine: Parameters, data_hidden_sample: np.ndarray, stream: np.ndarray
    ) -> Phase:
        """k steps v <- p(v | h), h <- p(h | v) of every chain."""
        for _ in range(self.n_steps):
            self._chains.draw_visible(machine, self._chains.hidden, stream)
            self._chains.draw_hidden(machine, stream, self.n_rows)
        return self._chains.phase(self.n_rows)

    def memory(self) -> dict[str, np.ndarray]:
        """The chains."""
        return {"chains_visible": self._chains.visible, "chains_hidden": self._chains.hidden}

    def allow(self, machine: Parameters, n_rows: int) -> None:
        """Nothing to do: the number of chains is fixed."""


class ExactSum:
    """The exact average, by summing over the states of the smaller layer."""

    needs_data_sample = False

    def __init__(self, machine: Parameters) -> None:
        self._over_visible = machine.n_visible <= machine.n_hidden
        n, other = sorted(machine.weights.shape)
        self._states = all_states(n)
        self.n_rows = n_states = len(self._states)
        dtype = machine.dtype
        self._as_reals = self._states.astype(dtype)
        self._weighted = np.empty((n_states, n), dtype)
        self._means = np.zeros((n_states, other), dtype)
        self._log_weight = np.empty(n_states)
        self._average = np.empty(other, dtype)

    @staticmethod
    def cost(n_visible: int, n_hidden: int) -> float:
        """Units to average for one update."""
        return 2.0 ** min(n_visible, n_hidden) * max(n_visible, n_hidden)

    def draw(
        self, machine: Parameters, data_hidden_sample: np.ndarray, stream: np.ndarray
    ) -> Phase:
        """All states of the smaller layer with their probabilities, the other layer's means."""
        weights, small, large = machine.weights, machine.visible_bias, machine.hidden_bias
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
        layer = (probability @ self._states).astype(machine.dtype)
        if self._over_visible:
            return Phase(self._weighted, self._means, layer, self._average)
        return Phase(self._means, self._weighted, self._average, layer)

    def memory(self) -> dict[str, np.ndarray]:
        """Nothing."""
        return {}

    def allow(self, machine: Parameters, n_rows: int) -> None:
        """Nothing to do: all states are summed over."""
