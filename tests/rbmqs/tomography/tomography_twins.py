"""Naive twins of what the room of tomography computes, and small data for its tests."""

import numpy as np

from rbmqs.tomography.shots import Shots


def kron(matrices):
    """The naive twin of a product of one-site matrices."""
    total = np.eye(1)
    for matrix in matrices:
        total = np.kron(total, matrix)
    return total


def random_vector(n_sites, seed=0):
    real, imaginary = np.random.default_rng(seed).normal(size=(2, 2**n_sites))
    return real + 1j * imaginary


def shots_of(bases, n=60, seed=0):
    rng = np.random.default_rng(seed)
    outcomes = rng.choice([-1, 1], (n, bases.n_sites))
    return Shots.of(bases, outcomes, rng.integers(len(bases), size=n))


def confusion_of(n_sites, seed=1):
    wrong = np.random.default_rng(seed).uniform(0.02, 0.2, (n_sites, 2))
    return np.stack([np.stack([1 - wrong[:, 0], wrong[:, 1]], 1),
                     np.stack([wrong[:, 0], 1 - wrong[:, 1]], 1)], 1)  # fmt: skip
