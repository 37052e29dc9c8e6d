"""The path from independent units to an RBM, along which annealing and tempering go.

    log f_beta(v) = log f(v) with the inputs and biases of each layer beta (input + bias)
                    + (1 - beta) base

At beta = 1 it is the RBM, at beta = 0 visible units have biases `base` and hidden ones none.
R. Salakhutdinov and I. Murray, ICML 2008, Eqs. 15-18, for any types of units.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rbmqs.boltzmann.core import annealing
from rbmqs.boltzmann.core.tempering import exchange
from rbmqs.boltzmann.core.units import mean_and_sample_tempered, uniform_units
from rbmqs.boltzmann.layers import Harmonium
from rbmqs.boltzmann.parameters import Parameters
from rbmqs.boltzmann.randomness import next_call
from rbmqs.core.blas import address
from rbmqs.core.products import n_blocks


def path_to(model: Harmonium, base: np.ndarray | None = None) -> Path:
    """The path to this RBM; its own visible biases are the base if there is none.

    Raises
    ------
    ValueError
        A base of another shape.
    """
    return (BinaryPath if isinstance(model, Parameters) else Path)(model, base)


class Path:
    """Moves and weights along the path, `betas` (n,) being one inverse temperature a row."""

    def __init__(self, model: Harmonium, base: np.ndarray | None) -> None:
        bias = model.visible_bias if base is None else np.asarray(base)
        if bias.shape != (model.n_visible,):
            raise ValueError(f"base must have shape ({model.n_visible},), got {bias.shape}")
        self.model, self.dtype = model, model.dtype
        self.base = np.ascontiguousarray(bias, self.dtype)
        self.hidden_base = np.zeros(model.n_hidden, self.dtype)

    @property
    def log_z_base(self) -> float:
        """log Z at beta = 0."""
        model = self.model.in_double()
        fields = (self.base - model.visible_bias, -model.hidden_bias)
        layers = (model.visible, model.hidden)
        return sum(float(x.log_sum(f[None])[0]) for x, f in zip(layers, fields, strict=True))

    def draw_base(self, n: int, stream: np.ndarray) -> np.ndarray:
        """Rows drawn at beta = 0."""
        field = self.base - self.model.visible_bias
        return self.model.visible.sample(np.tile(field, (n, 1)), stream)

    def draw_visible(
        self, hidden: np.ndarray, betas: np.ndarray, stream: np.ndarray, out: np.ndarray
    ) -> None:
        """out <- v drawn given h."""
        self.model.draw(hidden, out, stream, downwards=True, betas=betas, base=self.base)

    def tilt(self, visible: np.ndarray) -> np.ndarray:
        """Change of the visible units' part of log f along the whole path, (n,)."""
        return self.model.visible.scaled(visible) @ (self.model.visible_bias - self.base)

    def reweigh(
        self, visible: np.ndarray, start: float, stop: float, stream: np.ndarray, hidden: np.ndarray
    ) -> np.ndarray:
        """Change (n,) of the hidden units' part of log f from start to stop; hidden <- h there."""
        inputs = self.model.hidden_inputs(visible)
        change = self._hidden_part(inputs, stop) - self._hidden_part(inputs, start)
        hidden[...] = self.model.hidden.sample(self._field(inputs, stop), stream)
        return change

    def _field(self, inputs: np.ndarray, betas: Any) -> np.ndarray:
        """What enters a hidden layer of the RBM's biases at these betas."""
        betas = np.asarray(betas, self.dtype).reshape(-1, 1)
        return betas * inputs - (1 - betas) * self.model.hidden_bias

    def _hidden_part(self, inputs: np.ndarray, betas: Any) -> np.ndarray:
        return self.model.hidden.log_sum(self._field(inputs, betas))

    def exchange(
        self, visible: np.ndarray, inputs: np.ndarray, betas: np.ndarray, parity: int,
        stream: np.ndarray, accepted: np.ndarray,
    ) -> None:  # fmt: skip
        """Exchange rows of neighbouring betas, see `core.tempering.exchange`."""
        n = len(visible) // len(betas)
        uniform = np.empty((n, len(betas)))
        uniform_units(uniform, next_call(stream))
        for rung in range(parity, len(betas) - 1, 2):
            a, b = slice(rung * n, (rung + 1) * n), slice((rung + 1) * n, (rung + 2) * n)
            high, low = betas[rung], betas[rung + 1]
            part = [self._hidden_part(inputs[s], high) - self._hidden_part(inputs[s], low)
                    + (high - low) * self.tilt(visible[s]) for s in (a, b)]  # fmt: skip
            swap = np.log(np.maximum(uniform[:, rung], 1e-300)) < part[1] - part[0]
            accepted[rung] = swap
            for rows in (visible, inputs):
                kept = rows[a][swap].copy()
                rows[a][swap], rows[b][swap] = rows[b][swap], kept

    def draw_hidden(
        self, inputs: np.ndarray, betas: np.ndarray, stream: np.ndarray, out: np.ndarray
    ) -> None:
        """inputs <- means of h, out <- h drawn."""
        field = self._field(inputs, betas)
        inputs[...] = self.model.hidden.mean(field.copy())
        out[...] = self.model.hidden.sample(field, stream)


class BinaryPath(Path):
    """The same in fused kernels, of an RBM of zeros and ones."""

    def reweigh(
        self, visible: np.ndarray, start: float, stop: float, stream: np.ndarray, hidden: np.ndarray
    ) -> np.ndarray:
        """One pass of `core.annealing`."""
        model, real = self.model, self.dtype.type
        parts = np.zeros((len(visible), n_blocks(model.n_hidden)))
        annealing.reweight_and_sample(
            address("gemm", self.dtype), visible, model.weights, model.hidden_bias, real(start),
            real(stop), next_call(stream), hidden, parts,
        )  # fmt: skip
        return parts.sum(axis=1)

    def exchange(
        self, visible: np.ndarray, inputs: np.ndarray, betas: np.ndarray, parity: int,
        stream: np.ndarray, accepted: np.ndarray,
    ) -> None:  # fmt: skip
        """One pass of `core.tempering`."""
        exchange(
            visible, inputs, self.tilt(visible), self.model.hidden_bias, betas, parity,
            next_call(stream), accepted,
        )  # fmt: skip

    def draw_hidden(
        self, inputs: np.ndarray, betas: np.ndarray, stream: np.ndarray, out: np.ndarray
    ) -> None:
        """One pass over the inputs."""
        mean_and_sample_tempered(inputs, self.model.hidden_bias, betas, next_call(stream), out)
