"""Parallel tempering: persistent chains at several inverse temperatures that exchange states.

G. Desjardins et al., AISTATS 2010; K. Cho, T. Raiko and A. Ilin, IJCNN 2010. The path leads from
independent units with the data's frequencies (beta = 0, where every step is a fresh draw) to the
RBM (beta = 1).
"""

from __future__ import annotations

import numpy as np

from rbmqs.boltzmann.layers import Harmonium
from rbmqs.boltzmann.negative import NegativePhase, Phase, phase_of
from rbmqs.boltzmann.ops import Arrays
from rbmqs.boltzmann.path import path_to

_MEMORY = 0.01  # of the running swap rates


class TemperedChains(NegativePhase):
    """Chains of a tempered ladder; the rung at beta = 1 gives the gradient.

    Parameters
    ----------
    model : Harmonium
    n_steps : int
        Gibbs steps, each followed by exchanges, for each update.
    n_chains : int
        Chains of each rung.
    n_temperatures : int
        Rungs, at equal distances in beta from 1 to 0.
    """

    def __init__(
        self, model: Harmonium, n_steps: int, n_chains: int, n_temperatures: int,
        stream: np.ndarray,
    ) -> None:  # fmt: skip
        dtype, n_rows = model.dtype, n_chains * n_temperatures
        self.n_steps, self.n_chains, self.n_rows = n_steps, n_chains, n_rows
        self.betas = np.linspace(1, 0, n_temperatures).astype(dtype)
        self._scale = np.repeat(self.betas, n_chains)
        self._base = model.visible_bias.copy()
        self._visible = np.zeros((n_rows, model.n_visible), dtype)
        self._means = np.zeros((n_rows, model.n_hidden), dtype)
        self._hidden = np.zeros((n_rows, model.n_hidden), dtype)
        self._accepted = np.full((n_temperatures - 1, n_chains), np.nan)
        self.swap_rates = np.full(n_temperatures - 1, np.nan)
        self._turn = np.zeros(1, np.int64)
        self._step(model, stream)  # without hidden units on every rung starts at its biases

    def draw(
        self, model: Harmonium, data_hidden_sample: np.ndarray | None, stream: np.ndarray
    ) -> Phase:
        """Steps of all rungs; returns the activities at beta = 1."""
        for _ in range(self.n_steps):
            self._step(model, stream)
        return phase_of(self._visible[: self.n_chains], self._means[: self.n_chains])

    def memory(self) -> Arrays:
        """Chains, running swap rates, and whose turn it is to exchange."""
        return {
            "chains_visible": self._visible,
            "chains_hidden": self._hidden,
            "swap_rates": self.swap_rates,
            "turn": self._turn,
        }

    def figures(self) -> dict[str, float]:
        """The smallest running swap rate: near 0, the ladder has a gap."""
        return {"swap rate": float(np.nanmin(self.swap_rates))}

    def _step(self, model: Harmonium, stream: np.ndarray) -> None:
        """Visible units given hidden ones, exchanges of neighbours, hidden units given them."""
        path = path_to(model, self._base)
        path.draw_visible(self._hidden, self._scale, stream, self._visible)
        self._means[...] = model.hidden_inputs(self._visible)
        parity = int(self._turn[0] % 2)
        path.exchange(self._visible, self._means, self.betas, parity, stream, self._accepted)
        self._turn += 1
        tried = slice(parity, None, 2)
        rates, new = self.swap_rates[tried], self._accepted[tried].mean(axis=1)
        self.swap_rates[tried] = np.where(np.isnan(rates), new, rates + _MEMORY * (new - rates))
        path.draw_hidden(self._means, self._scale, stream, self._hidden)
