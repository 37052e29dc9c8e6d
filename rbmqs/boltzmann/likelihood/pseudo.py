"""Pseudo-log-likelihood: every unit given all the others, without Z."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from rbmqs.boltzmann.core.pseudo import log_pseudo_likelihood
from rbmqs.boltzmann.machine import Machine, chunks

MAX_WEIGHT = 40.0  # 16 factors exp(|W|) stay within the range of doubles


def pseudo_log_likelihood(machine: Machine, X: Any) -> np.ndarray:
    """sum_i log p(v_i | v without i) for each row, (n,), in nats.

    Cost: N M multiplications a row.

    Raises
    ------
    ValueError
        Weights beyond 40 in size.
    """
    if np.abs(machine.weights).max() > MAX_WEIGHT:
        raise ValueError(f"pseudo-likelihood needs weights within {MAX_WEIGHT:g} in size")
    weights = machine.weights.astype(np.float64)
    up, down = np.exp(weights), np.exp(-weights)
    b, c = machine.visible_bias.astype(np.float64), machine.hidden_bias.astype(np.float64)
    out = np.empty(X.shape[0])
    for part in chunks(len(out)):
        rows = X[part].toarray() if sparse.issparse(X) else X[part]
        inputs = machine.hidden_inputs(X[part]).astype(np.float64)
        out[part] = log_pseudo_likelihood(
            np.ascontiguousarray(rows, dtype=np.uint8), inputs, b, c, up, down
        )
    return out
