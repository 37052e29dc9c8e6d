"""Some units known, the others drawn: clamped block Gibbs sampling."""

from __future__ import annotations

from typing import Any

import numpy as np

from hamiltonians.utils.checks import positive_int
from rbmqs.boltzmann.linalg import one_pool
from rbmqs.boltzmann.machine import Machine


def sample_clamped(
    machine: Machine, rows: np.ndarray, known: Any, stream: np.ndarray, n_steps: int
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
            visible = _clamped_step(machine, visible, rows, known, stream)
    return visible


def complete(
    machine: Machine, rows: np.ndarray, known: np.ndarray, stream: np.ndarray, n_steps: int
) -> np.ndarray:
    """Unknown units replaced by the mean of p(v_i | h) over the second half of the chain."""
    positive_int("n_steps", n_steps, minimum=2)
    rows = machine.rows(rows)
    visible, total = rows, np.zeros(rows.shape)
    settled = n_steps // 2
    with one_pool():
        for step in range(n_steps):
            hidden = machine.sample_hidden(visible, stream)
            if step >= settled:
                total += machine.visible_mean(hidden)
            drawn = machine.sample_visible(hidden, stream)
            visible = np.where(known, rows, drawn)
    return np.where(known, rows, total / (n_steps - settled))


def _clamped_step(
    machine: Machine, visible: np.ndarray, rows: np.ndarray, known: np.ndarray, stream: np.ndarray
) -> np.ndarray:
    return np.where(known, rows, machine.gibbs(visible, stream))


def _mask(known: Any, shape: tuple[int, ...]) -> np.ndarray:
    mask = np.asarray(known)
    if mask.dtype != bool or mask.shape not in (shape, shape[1:]):
        raise ValueError(
            f"known must be booleans of shape {shape[1:]} or {shape}, got {mask.dtype} {mask.shape}"
        )
    return np.broadcast_to(mask, shape)
