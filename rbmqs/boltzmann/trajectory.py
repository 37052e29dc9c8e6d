"""Parallel trajectory tempering: the rungs are RBMs from earlier in the same training.

N. Bereux, A. Decelle, C. Furtlehner, L. Rosset and B. Seoane, "Fast training and sampling of
restricted Boltzmann machines", arXiv:2405.15376. Neighbouring RBMs on the way from independent
units to the present one overlap well, where temperatures of one RBM may be separated by a
first-order transition.
"""

from __future__ import annotations

import numpy as np

from rbmqs.boltzmann.core.units import uniform_units
from rbmqs.boltzmann.layers import Harmonium
from rbmqs.boltzmann.negative import NegativePhase, Phase, phase_of
from rbmqs.boltzmann.ops import Arrays
from rbmqs.boltzmann.randomness import next_call

NEW_RUNG_BELOW = 0.3  # running swap rate with the present RBM
MAX_RUNGS = 64
_MEMORY = 0.02  # of the running swap rate


class TrajectoryChains(NegativePhase):
    """A ladder of RBMs that grows while the last of them learns.

    Parameters
    ----------
    model : Harmonium
        In training: its arrays change between calls.
    n_steps : int
        Gibbs steps of every rung, each followed by exchanges, for each update.
    n_chains : int
        Chains of each rung.
    """

    def __init__(self, model: Harmonium, n_steps: int, n_chains: int, stream: np.ndarray) -> None:
        self.n_steps, self.n_chains, self.n_rows = n_steps, n_chains, n_chains
        arrays = _copies(model)  # the first rung: units independent, of the visible biases
        for name in ("weights", "hidden_bias"):
            arrays[name][...] = 0
        self.rungs = [model.with_arrays(arrays)]
        self.visible = [self._draw_first(stream), self._draw_first(stream)]
        self._rate = np.ones(1)

    @property
    def swap_rate(self) -> float:
        """Running acceptance between the last saved RBM and the present one."""
        return float(self._rate[0])

    def draw(
        self, model: Harmonium, data_hidden_sample: np.ndarray | None, stream: np.ndarray
    ) -> Phase:
        """Steps and exchanges of all rungs; a new rung where the last has fallen behind."""
        for _ in range(self.n_steps):
            accepted = self._sweep([*self.rungs, model], stream)
            self._rate += _MEMORY * (accepted - self._rate)
        if self._rate[0] < NEW_RUNG_BELOW and len(self.rungs) < MAX_RUNGS:
            self.rungs.append(model.with_arrays(_copies(model)))
            self.visible.append(self.visible[-1].copy())
            self._rate[0] = 1.0
        visible = self.visible[-1]
        return phase_of(visible, model.hidden_mean(visible))

    def memory(self) -> Arrays:
        """RBMs of the ladder, chains of all rungs, running swap rate."""
        ladder = {
            f"ladder_{name}": np.stack([rung.arrays[name] for rung in self.rungs])
            for name in self.rungs[0].arrays
        }
        rest = {"chains_visible": np.stack(self.visible), "ladder_swap_rate": self._rate.copy()}
        return ladder | rest

    def restore(self, arrays: Arrays) -> None:
        """Put back what `memory` gave, of any number of rungs."""
        first = self.rungs[0]
        self.rungs = [
            first.with_arrays({name: arrays[f"ladder_{name}"][k].copy() for name in first.arrays})
            for k in range(len(arrays["ladder_weights"]))
        ]
        self.visible = [rows.copy() for rows in arrays["chains_visible"]]
        self._rate[...] = arrays["ladder_swap_rate"]

    def figures(self) -> dict[str, float]:
        """Swap rate and number of rungs."""
        return {"swap rate": self.swap_rate, "rungs": float(len(self.rungs))}

    def _sweep(self, ladder: list[Harmonium], stream: np.ndarray) -> float:
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

    def _exchange(self, k: int, low: Harmonium, high: Harmonium, uniform: np.ndarray) -> float:
        a, b = self.visible[k], self.visible[k + 1]
        gain = low.log_weight(b) - low.log_weight(a) + high.log_weight(a) - high.log_weight(b)
        swap = np.log(np.maximum(uniform, 1e-300)) < gain
        self.visible[k] = np.where(swap[:, None], b, a)
        self.visible[k + 1] = np.where(swap[:, None], a, b)
        return float(np.exp(np.minimum(gain, 0.0)).mean())

    def _draw_first(self, stream: np.ndarray) -> np.ndarray:
        """Independent rows of the first rung."""
        first = self.rungs[0]
        return first.sample_visible(np.zeros((self.n_chains, first.n_hidden), first.dtype), stream)


def _copies(model: Harmonium) -> Arrays:
    return {name: array.copy() for name, array in model.arrays.items()}
