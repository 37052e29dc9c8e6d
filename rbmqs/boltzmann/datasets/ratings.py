"""Ratings of users with tastes, made here: what a collaborative filter has to find."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse

from hamiltonians.utils.checks import number, positive_int
from rbmqs.boltzmann.randomness import seed_sequence


class RatingSet(NamedTuple):
    """Ratings of items by users, integers 1 to 5.

    Attributes
    ----------
    known, held_out : scipy.sparse.csr_matrix (users, items)
        Ratings to learn from, and others to predict.
    """

    known: sparse.csr_matrix
    held_out: sparse.csr_matrix


def taste_ratings(
    n_users: int = 1000,
    n_items: int = 200,
    n_tastes: int = 4,
    *,
    share: float = 0.2,
    held_out: float = 0.05,
    random_state: object = 0,
) -> RatingSet:
    """Ratings rounded from 3 + user + item + user's tastes . item's tastes + noise, within 1 to 5.

    Biases of users and items are normal with standard deviations 0.4 and 0.5, the product of
    `n_tastes` tastes has standard deviation 1, the noise 0.4. A pair is rated with probability
    `share`, and held out with probability `held_out`; which pairs tells nothing of the rating.

    Parameters
    ----------
    n_users, n_items, n_tastes : int
    share, held_out : float
        Probabilities.
    random_state : int, Generator or None

    Returns
    -------
    RatingSet
    """
    sizes = (positive_int("n_users", n_users), positive_int("n_items", n_items))
    positive_int("n_tastes", n_tastes)
    number("share", share, above=0)
    if number("held_out", held_out, at_least=0) + share > 1:
        raise ValueError(f"share + held_out must be at most 1, got {share + held_out:g}")
    rng = np.random.default_rng(seed_sequence(random_state))
    biases = 0.4 * rng.normal(size=(n_users, 1)) + 0.5 * rng.normal(size=n_items)
    tastes = rng.normal(size=(n_users, n_tastes)) @ rng.normal(size=(n_tastes, n_items))
    noise = 0.4 * rng.normal(size=sizes)
    ratings = np.clip(np.rint(3 + biases + tastes / np.sqrt(n_tastes) + noise), 1, 5)
    chosen = rng.random(sizes)
    other = (chosen >= share) & (chosen < share + held_out)
    return RatingSet(*(sparse.csr_matrix(ratings * part) for part in (chosen < share, other)))
