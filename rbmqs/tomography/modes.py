"""Whether a trained RBM has lost a part of its data: a mode that chains or updates never reached.

Rows are split in two along the principal axes of the data; the RBM's weight of either part is
compared with the part's share of the rows.
"""

from __future__ import annotations

import numpy as np

from rbmqs.boltzmann.enumeration import state_chunks
from rbmqs.boltzmann.likelihood.annealing import annealed_rows
from rbmqs.boltzmann.parameters import Parameters

AXES = 3  # principal axes that are looked along
EXACT_SITES = 16
FACTOR, SIGMAS = 2.0, 5.0  # a part is lost beyond both: wrong by this factor, and no accident
BETAS, RUNS = 1000, 200


def lost_mode(rbm: Parameters, rows: np.ndarray, seed: int) -> str:
    """One sentence on a part of the data that the RBM gives too little weight; empty if none.

    Parameters
    ----------
    rbm : Parameters
    rows : array (n, N)
        Zeros and ones, the data.
    seed : int
        Of the annealing that stands for the sum over all states beyond 16 units.
    """
    centred = rows - rows.mean(axis=0)
    _, size, axes = np.linalg.svd(centred.T @ centred)
    if rbm.n_visible <= EXACT_SITES:
        states = np.concatenate(list(state_chunks(rbm.n_visible)))
        log_weight = rbm.log_weight(states)
    else:
        states, log_weight = annealed_rows(rbm, BETAS, RUNS, random_state=seed)
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    n_effective = np.inf if rbm.n_visible <= EXACT_SITES else 1 / (weight**2).sum()
    for axis in axes[:AXES][size[:AXES] > 0]:
        above = [(x - rows.mean(axis=0)) @ axis > 0 for x in (rows, states)]
        data, model = above[0].mean(), float(weight[above[1]].sum())
        pairs = ((data, model), (1 - data, 1 - model))
        share, own = max(pairs, key=lambda pair: pair[0] / max(pair[1], 1e-300))
        error = np.sqrt(share * (1 - share) * (1 / len(rows) + 1 / n_effective))
        if share > FACTOR * own and share - own > SIGMAS * error:
            return (
                f"the wavefunction gives a weight of {own:.2g} to configurations that are "
                f"{share:.2g} of the measurements: raise n_iter, or try method='ptt'"
            )
    return ""
