"""How much of a force is noise (Schmitt & Heyl, PRL 125, 100503 (2020), arXiv:1912.08828).

In a basis V of parameters, as the eigenbasis of S, the force has components

    rho_k = <q_k^* e>,      q_k = sum_l (O_l - <O_l>) V_lk,      e = E_loc - <E_loc>

each a mean over n samples with the signal-to-noise ratio snr_k = |rho_k| (n / var(q_k^* e))^(1/2).
"""

from __future__ import annotations

import numpy as np

from rbmqs.sr.solvers import row_blocks
from rbmqs.states.jacobian import Jacobian
from rbmqs.states.weights import times_weights


def signal_to_noise(
    jacobian: Jacobian, deviations: np.ndarray, basis: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Components of the force in a basis (n_parameters, k), and the signal-to-noise of each.

    The ratio is infinite where all samples agree, and 0 where the component is 0.
    """
    n = jacobian.n_samples
    total = np.zeros(basis.shape[1], np.result_type(basis, deviations))
    squares = np.zeros(basis.shape[1])
    mean = _mean_row(jacobian)
    for part, rows, weights in row_blocks(jacobian):
        products = ((rows - mean) @ basis).conj()
        products *= deviations[part, None]
        total += times_weights(products, weights).sum(axis=0)
        squares += times_weights(abs(products) ** 2, weights).sum(axis=0)
    total, squares = jacobian.ranks.sum(total), jacobian.ranks.sum(squares)
    force = total / n
    noise = np.sqrt(np.maximum(squares / n - abs(force) ** 2, 0.0) / n)
    ratio = np.full(len(force), np.inf)
    np.divide(abs(force), noise, out=ratio, where=noise > 0)
    return force, np.where(abs(force) > 0, ratio, 0.0)


def _mean_row(jacobian: Jacobian) -> np.ndarray:
    """<O>, shape (n_parameters,)."""
    sums = (
        (np.ones(len(rows)) if weights is None else weights) @ rows
        for _, rows, weights in row_blocks(jacobian)
    )
    return jacobian.ranks.sum(np.asarray(sum(sums))) / jacobian.n_samples
