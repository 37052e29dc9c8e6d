"""Parallel trajectory tempering: the rungs are RBMs from earlier in the same training.

N. Bereux, A. Decelle, C. Furtlehner, L. Rosset and B. Seoane, "Fast training and sampling of
restricted Boltzmann machines", arXiv:2405.15376. Neighbouring RBMs on the way from independent
units to the present one overlap well, where temperatures of one RBM may be separated by a
first-order transition. Sums over the ladder give log Z as training goes on.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from rbmqs.boltzmann.core.units import uniform_units
from rbmqs.boltzmann.negative import Phase
from rbmqs.boltzmann.parameters import Parameters
from rbmqs.boltzmann.randomness import next_call

NEW_RUNG_BELOW = 0.3  # running swap rate with the present RBM
MAX_RUNGS = 64
_MEMORY = 0.02  # of the running swap rate
_BRIDGE_STEPS = 50


class TrajectoryChains:
    """A ladder of RBMs that grows while the last of them learns.

    Parameters
    ----------
    machine : Parameters
        In training: its arrays change between calls.
    n_gibbs_steps : int
        Gibbs steps of every rung, each followed by exchanges, for each update.
    n_chains : int
        Chains of each rung.
    base : array (N,)
        Visible biases of the first rung, whose units are independent.
    """

    needs_data_sample = False

    def __init__(
        self, machine: Parameters, n_steps: int, n_chains: int, base: np.ndarray, stream: np.ndarray
    ) -> None:
        self.n_steps, self.n_chains, self.n_rows = n_steps, n_chains, n_chains
        independent = Parameters(
            np.zeros_like(machine.weights), base.astype(machine.dtype),
            np.zeros_like(machine.hidden_bias),
        )  # fmt: skip
        self.rungs = [independent]
        self.visible = [self._draw_first(stream), self._draw_first(stream)]
        self._rate = np.ones(1)

    @property
    def swap_rate(self) -> float:
        """Running acceptance between the last saved RBM and the present one."""
        return float(self._rate[0])

    def draw(
        self, machine: Parameters, data_hidden_sample: np.ndarray, stream: np.ndarray
    ) -> Phase:
        """Steps and exchanges of all rungs; a new rung where the last has fallen behind."""
        for _ in range(self.n_steps):
            accepted = self._sweep([*self.rungs, machine], stream)
            self._rate += _MEMORY * (accepted - self._rate)
        if self._rate[0] < NEW_RUNG_BELOW and len(self.rungs) < MAX_RUNGS:
            self.rungs.append(_copy(machine))
            self.visible.append(self.visible[-1].copy())
            self._rate[0] = 1.0
        visible = self.visible[-1]
        hidden = machine.hidden_mean(visible)
        return Phase(visible, hidden, visible.mean(axis=0), hidden.mean(axis=0))

    def memory(self) -> dict[str, np.ndarray]:
        """RBMs of the ladder, chains of all rungs, running swap rate."""
        return {
            "ladder_weights": np.stack([rung.weights for rung in self.rungs]),
            "ladder_visible_bias": np.stack([rung.visible_bias for rung in self.rungs]),
            "ladder_hidden_bias": np.stack([rung.hidden_bias for rung in self.rungs]),
            "chains_visible": np.stack(self.visible),
            "ladder_swap_rate": self._rate.copy(),
        }

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Inverse of `memory`."""
        names = ("ladder_weights", "ladder_visible_bias", "ladder_hidden_bias")
        stacks = [arrays[name] for name in names]
        self.rungs = [Parameters(*(stack[k] for stack in stacks)) for k in range(len(stacks[0]))]
        self.visible = [rows.copy() for rows in arrays["chains_visible"]]
        self._rate[...] = arrays["ladder_swap_rate"]

    def allow(self, machine: Parameters, n_rows: int) -> None:
        """Nothing to do: the number of chains is fixed."""

    def figures(self) -> dict[str, float]:
        """Swap rate and number of machines."""
        return {"swap rate": self.swap_rate, "rungs": float(len(self.rungs))}

    def log_z(
        self, machine: Parameters, stream: np.ndarray, n_sweeps: int = _BRIDGE_STEPS
    ) -> float:
        """log Z of the present RBM by bridging from rung to rung; moves copies of the chains.

        Between neighbours Bennett's acceptance ratio is solved from the draws of both
        (C. H. Bennett, J. Comput. Phys. 22, 245 (1976)).
        """
        ladder = [*self.rungs, machine]
        kept = [rows.copy() for rows in self.visible]
        forward: list[list[np.ndarray]] = [[] for _ in self.rungs]
        backward: list[list[np.ndarray]] = [[] for _ in self.rungs]
        for _ in range(n_sweeps):
            self._sweep(ladder, stream)
            for k, (low, high) in enumerate(pairwise(ladder)):
                forward[k].append(high.log_weight(self.visible[k])
                                  - low.log_weight(self.visible[k]))  # fmt: skip
                backward[k].append(high.log_weight(self.visible[k + 1])
                                   - low.log_weight(self.visible[k + 1]))  # fmt: skip
        self.visible = kept
        first = self.rungs[0]
        total = np.logaddexp(0, first.visible_bias.astype(float)).sum()
        total += first.n_hidden * np.log(2)
        for up, down in zip(forward, backward, strict=True):
            total += bennett(np.concatenate(up), np.concatenate(down))
        return float(total)

    def _sweep(self, ladder: list[Parameters], stream: np.ndarray) -> float:
        """One step of every rung and exchanges of all neighbours; the last pair's acceptance."""
        self.visible[0] = self._draw_first(stream)
        for k in range(1, len(ladder)):
            self.visible[k] = ladder[k].gibbs(self.visible[k], stream)
        accepted = 1.0
        uniform = np.empty((len(self.rungs), self.n_chains))
        uniform_units(uniform, next_call(stream))
        for k in range(len(self.rungs)):
            accepted = self._exchange(k, ladder[k], ladder[k + 1], uniform[k])
        return accepted

    def _exchange(self, k: int, low: Parameters, high: Parameters, uniform: np.ndarray) -> float:
        a, b = self.visible[k], self.visible[k + 1]
        gain = low.log_weight(b) - low.log_weight(a) + high.log_weight(a) - high.log_weight(b)
        swap = np.log(np.maximum(uniform, 1e-300)) < gain
        self.visible[k] = np.where(swap[:, None], b, a)
        self.visible[k + 1] = np.where(swap[:, None], a, b)
        return float(np.exp(np.minimum(gain, 0.0)).mean())

    def _draw_first(self, stream: np.ndarray) -> np.ndarray:
        """Independent rows of the first rung."""
        first = self.rungs[0]
        hidden = np.zeros((self.n_chains, first.n_hidden), first.dtype)
        return first.sample_visible(hidden, stream)


def bennett(forward: np.ndarray, backward: np.ndarray) -> float:
    """log Z1/Z0 from log f1/f0 of as many draws from 0 (forward) as from 1 (backward)."""
    low, high = min(forward.min(), backward.min()), max(forward.max(), backward.max())
    for _ in range(200):
        middle = 0.5 * (low + high)
        excess = _fermi(middle - forward).sum() - _fermi(backward - middle).sum()
        low, high = (middle, high) if excess > 0 else (low, middle)
    return 0.5 * (low + high)


def _fermi(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1.0 - np.tanh(0.5 * x))


def _copy(machine: Parameters) -> Parameters:
    return Parameters(
        machine.weights.copy(), machine.visible_bias.copy(), machine.hidden_bias.copy()
    )
