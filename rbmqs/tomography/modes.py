"""Whether a trained RBM has lost a part of its data: a mode that chains or updates never reached.

Rows are split in two along the principal axes of the data; the RBM's weight of either part is
compared with the part's share of the rows.
"""

from __future__ import annotations

import numpy as np

from rbmqs.boltzmann.enumeration import MAX_BITS
from rbmqs.boltzmann.likelihood.annealing import annealed_rows
from rbmqs.boltzmann.parameters import Parameters
from rbmqs.boltzmann.randomness import new_stream

AXES = 3  # principal axes that are looked along
DRAWS = 4000
FACTOR, SIGMAS = 2.0, 5.0  # a part is lost beyond both: wrong by this factor, and no accident
BETAS, RUNS, SEEN = 1000, 200, 0.05  # of annealing; the share of runs that must end in a part


def lost_mode(rbm: Parameters, rows: np.ndarray, seed: int) -> str:
    """One sentence on a part of the data that the RBM gives too little weight; empty if none.

    Parameters
    ----------
    rbm : Parameters
    rows : array (n, N)
        Zeros and ones, the data.
    seed : int
        Of the rows that are drawn from the RBM: exactly where a layer has up to 20 units, else by
        annealing, which judges no part that it does not reach.
    """
    mean = rows.mean(axis=0)
    _, size, axes = np.linalg.svd((rows - mean).T @ (rows - mean))
    exact = rbm.n_bits <= MAX_BITS
    if exact:
        drawn, weight = _exact_draws(rbm, seed), np.full(DRAWS, 1 / DRAWS)
    else:
        drawn, log_weight = annealed_rows(rbm, BETAS, RUNS, random_state=seed)
        weight = np.exp(log_weight - np.logaddexp.reduce(log_weight))
    variance = 1 / len(rows) + (weight**2).sum()
    for axis in axes[:AXES][size[:AXES] > 0]:
        data, model = ((x - mean) @ axis > 0 for x in (rows, drawn))
        for side in (True, False):
            share, own = (data == side).mean(), weight[model == side].sum()
            error = np.sqrt(share * (1 - share) * variance)
            reached = exact or (model == side).mean() > SEEN
            if reached and share > FACTOR * own and share - own > SIGMAS * error:
                return (
                    f"the wavefunction gives a weight of {own:.2g} to configurations that are "
                    f"{share:.2g} of the measurements: raise n_iter, or try another method"
                )
    return ""


def _exact_draws(rbm: Parameters, seed: int) -> np.ndarray:
    """Independent rows: states of the smaller layer by their probabilities, then the others."""
    is_hidden, states, probability = rbm.in_double().states()
    rng = np.random.default_rng(seed)
    chosen = states[rng.choice(len(states), DRAWS, p=probability / probability.sum())]
    stream = new_stream(np.random.SeedSequence(seed))
    return rbm.sample_visible(chosen, stream) if is_hidden else chosen
