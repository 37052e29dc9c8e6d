"""Some units known, the others drawn: clamped block Gibbs sampling."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from hamiltonians.utils.checks import positive_int
from rbmqs.boltzmann.linalg import one_pool


class TwoLayers(Protocol):
    """What is asked of a model: both conditional distributions."""

    def sample_hidden(self, visible: np.ndarray, stream: np.ndarray, /) -> np.ndarray:
        """h drawn given v."""

    def sample_visible(self, hidden: np.ndarray, stream: np.ndarray, /) -> np.ndarray:
        """v drawn given h."""

    def visible_mean(self, hidden: np.ndarray, /) -> np.ndarray:
        """Mean of v given h."""


def sample_clamped(
    rbm: TwoLayers, rows: np.ndarray, known: Any, stream: np.ndarray, n_steps: int
) -> np.ndarray:
    """Rows (n, N) after n_steps of Gibbs sampling of the units that are not known.

    Raises
    ------
    ValueError
        A mask of another shape or type.
    """
    known = _mask(known, rows.shape)
    positive_int("n_steps", n_steps)
    visible = rows
    with one_pool():
        for _ in range(n_steps):
            drawn = rbm.sample_visible(rbm.sample_hidden(visible, stream), stream)
            visible = np.where(known, rows, drawn)
    return visible


def complete(
    rbm: TwoLayers, rows: np.ndarray, known: np.ndarray, stream: np.ndarray, n_steps: int
) -> np.ndarray:
    """Unknown units replaced by the mean of p(v_i | h) over the second half of the chain."""
    positive_int("n_steps", n_steps, minimum=2)
    visible, total = rows, np.zeros(rows.shape)
    settled = n_steps // 2
    with one_pool():
        for step in range(n_steps):
            hidden = rbm.sample_hidden(visible, stream)
            if step >= settled:
                total += rbm.visible_mean(hidden)
            drawn = rbm.sample_visible(hidden, stream)
            visible = np.where(known, rows, drawn)
    return np.where(known, rows, total / (n_steps - settled))


def _mask(known: Any, shape: tuple[int, ...]) -> np.ndarray:
    mask = np.asarray(known)
    if mask.dtype != bool or mask.shape not in (shape, shape[1:]):
        raise ValueError(
            f"known must be booleans of shape {shape[1:]} or {shape}, got {mask.dtype} {mask.shape}"
        )
    return np.broadcast_to(mask, shape)
