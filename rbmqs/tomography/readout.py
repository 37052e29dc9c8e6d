"""Readout errors: one confusion matrix a site, C[site, read, true], given or learnt.

A site that is up is read as down with a probability of e_up, and the other way round with e_down;
row and column 0 are outcome +1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hamiltonians.utils.checks import as_real

FIRST_ERROR = 0.02  # of every site, where errors are learnt
LARGEST_ERROR = 0.45  # at one half outcomes say nothing


def confusion_matrices(readout: Any, n_sites: int) -> np.ndarray:
    """Confusion matrices (N, 2, 2) from what a user gives.

    Parameters
    ----------
    readout : float, array (N,), (2, 2) or (N, 2, 2)
        The error of all sites, of each site, a matrix of P(read | true), or one for each site.
    n_sites : int

    Raises
    ------
    ValueError
        Another shape, probabilities out of range, columns that do not add up to one, a matrix that
        cannot be undone.
    """
    array = as_real("readout", readout)
    if array.shape in ((), (n_sites,)):
        matrices = of_errors(np.broadcast_to(array.reshape(-1, 1), (n_sites, 2)))
    elif array.shape in ((2, 2), (n_sites, 2, 2)):
        matrices = np.broadcast_to(array, (n_sites, 2, 2)).copy()
    else:
        raise ValueError(
            f"readout must be one error, one a site ({n_sites},), or matrices ({n_sites}, 2, 2), "
            f"got shape {array.shape}"
        )
    if matrices.min() < 0 or matrices.max() > 1:
        worst = matrices.min() if matrices.min() < 0 else matrices.max()
        raise ValueError(f"readout must hold probabilities, got {worst:g}")
    sums = matrices.sum(axis=1)
    if not np.allclose(sums, 1, atol=1e-6):
        raise ValueError(f"readout must have columns P(read | true) of sum one, got {sums.min():g}")
    worst = errors_of(matrices).max()
    if worst > LARGEST_ERROR:
        raise ValueError(f"readout must hold errors of at most {LARGEST_ERROR}, got {worst:g}")
    return matrices


def of_errors(errors: np.ndarray) -> np.ndarray:
    """Matrices (N, 2, 2) of errors e_up and e_down (N, 2)."""
    up, down = errors[:, 0], errors[:, 1]
    return np.stack([np.stack([1 - up, down], axis=1), np.stack([up, 1 - down], axis=1)], axis=1)


def errors_of(confusion: np.ndarray) -> np.ndarray:
    """Errors e_up and e_down (N, 2) of matrices (N, 2, 2)."""
    return np.stack([confusion[:, 1, 0], confusion[:, 0, 1]], axis=1)


def stepped(confusion: np.ndarray, slope: np.ndarray, rate: float) -> np.ndarray:
    """Matrices after a step up the likelihood, in the logits of the errors.

    The Fisher information of a logit is at most e (1 - e), which scales the step.

    Parameters
    ----------
    confusion, slope : float64 (N, 2, 2)
        The matrices, and the derivatives of the mean log-likelihood by their elements.
    rate : float
    """
    errors = errors_of(confusion)
    by_error = np.stack([slope[:, 1, 0] - slope[:, 0, 0], slope[:, 0, 1] - slope[:, 1, 1]], axis=1)
    logits = np.log(errors / (1 - errors)) + rate * np.clip(by_error, -1, 1)
    return of_errors(np.clip(1 / (1 + np.exp(-logits)), 1e-6, LARGEST_ERROR))
