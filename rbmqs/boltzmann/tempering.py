"""Parallel tempering: persistent chains at several inverse temperatures that exchange states.

G. Desjardins et al., AISTATS 2010; K. Cho, T. Raiko and A. Ilin, IJCNN 2010. The path leads from
independent units with the data's frequencies (beta = 0, where every step is a fresh draw) to the
RBM (beta = 1).
"""

from __future__ import annotations

import numpy as np

from rbmqs.boltzmann.core import gibbs
from rbmqs.boltzmann.core.tempering import exchange
from rbmqs.boltzmann.core.units import mean_and_sample_tempered
from rbmqs.boltzmann.linalg import multiply
from rbmqs.boltzmann.negative import Phase
from rbmqs.boltzmann.parameters import Parameters
from rbmqs.boltzmann.randomness import next_call
from rbmqs.core.blas import address

_MEMORY = 0.01  # of the running swap rates


class TemperedChains:
    """Chains of a tempered ladder; the rung at beta = 1 gives the gradient.

    Parameters
    ----------
    machine : Parameters
    n_gibbs_steps : int
        Gibbs steps, each followed by exchanges, for each update.
    n_chains : int
        Chains of each rung.
    n_temperatures : int
        Rungs, at equal distances in beta from 1 to 0.
    base : array (N,)
        Biases at beta = 0.
    """

    needs_data_sample = False

    def __init__(
        self,
        machine: Parameters,
        n_steps: int,
        n_chains: int,
        n_temperatures: int,
        base: np.ndarray,
        stream: np.ndarray,
    ) -> None:
        dtype, n_rows = machine.dtype, n_chains * n_temperatures
        self.n_steps, self.n_chains, self.n_rows = n_steps, n_chains, n_rows
        self.betas = np.linspace(1, 0, n_temperatures).astype(dtype)
        self._scale = np.repeat(self.betas, n_chains)
        self._base = base.astype(dtype)
        self._visible = np.zeros((n_rows, machine.n_visible), dtype)
        self._inputs = np.zeros((n_rows, machine.n_hidden), dtype)
        self._hidden = np.zeros((n_rows, machine.n_hidden), dtype)
        self._accepted = np.full((n_temperatures - 1, n_chains), np.nan)
        self.swap_rates = np.full(n_temperatures - 1, np.nan)
        self._turn = np.zeros(1, np.int64)
        gibbs.sample_layer(  # without hidden units on, every rung starts at its visible biases
            address("gemm", dtype), self._hidden, machine.weights, True, machine.visible_bias,
            self._scale, self._base, next_call(stream), self._visible,
        )  # fmt: skip
        self._draw_hidden(machine, stream)

    def draw(
        self, machine: Parameters, data_hidden_sample: np.ndarray, stream: np.ndarray
    ) -> Phase:
        """Steps of all rungs; returns the activities at beta = 1."""
        for _ in range(self.n_steps):
            gibbs.sample_layer(
                address("gemm", machine.dtype), self._hidden, machine.weights, True,
                machine.visible_bias, self._scale, self._base, next_call(stream), self._visible,
            )  # fmt: skip
            self._draw_hidden(machine, stream)
        visible, hidden = self._visible[: self.n_chains], self._inputs[: self.n_chains]
        return Phase(visible, hidden, visible.mean(axis=0), hidden.mean(axis=0))

    def memory(self) -> dict[str, np.ndarray]:
        """Chains, running swap rates, and whose turn it is to exchange."""
        return {
            "chains_visible": self._visible,
            "chains_hidden": self._hidden,
            "swap_rates": self.swap_rates,
            "turn": self._turn,
        }

    def allow(self, machine: Parameters, n_rows: int) -> None:
        """Nothing to do: the number of chains is fixed."""

    def figures(self) -> dict[str, float]:
        """The smallest running swap rate: near 0, the ladder has a gap."""
        return {"swap rate": float(np.nanmin(self.swap_rates))}

    def _draw_hidden(self, machine: Parameters, stream: np.ndarray) -> None:
        """Exchange neighbours of the visible states, then draw hidden units given them."""
        multiply(self._visible, machine.weights, self._inputs)
        tilt = self._visible @ (machine.visible_bias - self._base)
        parity = int(self._turn[0] % 2)
        exchange(
            self._visible, self._inputs, tilt, machine.hidden_bias, self.betas, parity,
            next_call(stream), self._accepted,
        )  # fmt: skip
        self._turn += 1
        tried = slice(parity, None, 2)
        rates, new = self.swap_rates[tried], self._accepted[tried].mean(axis=1)
        self.swap_rates[tried] = np.where(np.isnan(rates), new, rates + _MEMORY * (new - rates))
        mean_and_sample_tempered(
            self._inputs, machine.hidden_bias, self._scale, next_call(stream), self._hidden
        )
