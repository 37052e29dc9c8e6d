"""Pseudo-log-likelihood: every unit given all the others, without Z."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from rbmqs.boltzmann.core.pseudo import log_pseudo_likelihood
from rbmqs.boltzmann.core.units import sum_softplus
from rbmqs.boltzmann.layers import CHUNK, Harmonium, chunks

GREY_UNITS = 2**20  # hidden units worked out at a time: 8 MB
MAX_WEIGHT = 40.0  # 16 factors exp(|W|) stay within the range of doubles


def pseudo_log_likelihood(rbm: Harmonium, X: Any) -> np.ndarray:
    """sum_i log p(v_i | v without i) for each row, (n,), in nats.

    Cost: N M multiplications a row. A number between 0 and 1 is compared with one less it, as
    scikit-learn does.

    Parameters
    ----------
    rbm : Harmonium
        With binary visible units.
    X : array (n, N)
        Rows of numbers from 0 to 1.

    Returns
    -------
    array (n,)

    Raises
    ------
    ValueError
        Weights beyond 40 in size.
    """
    if np.abs(rbm.weights).max() > MAX_WEIGHT:
        raise ValueError(f"pseudo-likelihood needs weights within {MAX_WEIGHT:g} in size")
    weights = rbm.weights.astype(np.float64)
    up, down = np.exp(weights), np.exp(-weights)
    b, c = rbm.visible_bias.astype(np.float64), rbm.hidden_bias.astype(np.float64)
    out = np.empty(X.shape[0])
    for part in chunks(len(out), CHUNK):
        rows = X[part].toarray() if sparse.issparse(X) else np.asarray(X[part])
        if rows.dtype.kind == "f" and ((rows != 0) & (rows != 1)).any():
            out[part] = _of_grey(rbm.in_double(), rows.astype(np.float64))
            continue
        inputs = rbm.hidden_inputs(X[part]).astype(np.float64)
        out[part] = log_pseudo_likelihood(
            np.ascontiguousarray(rows, dtype=np.uint8), inputs, b, c, up, down
        )
    return out


def _of_grey(rbm: Harmonium, rows: np.ndarray) -> np.ndarray:
    """The same for any numbers in [0, 1], with logarithms for every unit turned over."""
    bias, n = rbm.hidden_bias, len(rows)
    total = np.empty(n)
    for part in chunks(n, max(1, GREY_UNITS // rbm.weights.size)):
        inputs, turned = rbm.hidden_inputs(rows[part]), 1 - 2 * rows[part]
        there = inputs[:, None, :] + turned[:, :, None] * rbm.weights
        change = sum_softplus(there.reshape(-1, rbm.n_hidden), bias, 1.0).reshape(turned.shape)
        change += turned * rbm.visible_bias - sum_softplus(inputs, bias, 1.0)[:, None]
        total[part] = -np.logaddexp(0.0, change).sum(axis=1)
    return total
