"""Small data sets whose best possible log-likelihood is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hamiltonians.utils.checks import positive_int
from rbmqs.boltzmann.enumeration import all_states

_MAX_ROWS = 2**22


@dataclass(frozen=True, eq=False)
class Dataset:
    """Rows of zeros and ones with the best log-likelihood any model can reach on them.

    Attributes
    ----------
    rows : uint8 array (n, N)
    optimum : float
        Mean log-likelihood, nats a row, of the distribution the rows were taken from; for a data
        set that lists its distribution, minus its entropy.
    name : str
    """

    rows: np.ndarray
    optimum: float
    name: str


def bars_and_stripes(size: int) -> Dataset:
    """All square images of full rows or of full columns, 2^(size + 1) rows.

    The two uniform images occur twice, once as bars and once as stripes, so that the optimum is
    -log(2^(size + 1)) + log(2) 4 / 2^(size + 1). D. MacKay, Information Theory, Inference, and
    Learning Algorithms (2003), section 43.3.

    Parameters
    ----------
    size : int
        Pixels along an edge.

    Returns
    -------
    Dataset

    Raises
    ------
    ValueError
        More than 2^22 numbers of pixels and rows together.
    """
    size = positive_int("size", size, minimum=2)
    if 2 ** (size + 1) * size**2 > _MAX_ROWS:
        raise ValueError(f"size must be at most 13 for 2^22 pixels in all, got {size}")
    lines = all_states(size)
    stripes = np.repeat(lines, size, axis=1)
    bars = np.tile(lines, (1, size))
    rows = np.concatenate([stripes, bars])
    return Dataset(rows, listed_optimum(rows), f"bars and stripes {size}x{size}")


def labelled_shifter(n_pixels: int = 4) -> Dataset:
    """A pattern, the pattern shifted by -1, 0 or 1 around the ring, and the shift as three units.

    All 3 * 2^n_pixels rows of 2 n_pixels + 3 units. D. Ackley, G. Hinton and T. Sejnowski,
    Cognitive Science 9, 147 (1985); G. Hinton and T. Sejnowski (1986).

    Parameters
    ----------
    n_pixels : int
        Of the pattern, 2 to 16.

    Returns
    -------
    Dataset

    Raises
    ------
    ValueError
        Fewer than 2 or more than 16 pixels.
    """
    n_pixels = positive_int("n_pixels", n_pixels, minimum=2)
    if n_pixels > 16:
        raise ValueError(f"n_pixels must be at most 16, got {n_pixels}")
    pattern = all_states(n_pixels)
    parts = [
        np.hstack([pattern, np.roll(pattern, shift, axis=1), np.tile(label, (len(pattern), 1))])
        for shift, label in zip((-1, 0, 1), np.eye(3, dtype=np.uint8), strict=True)
    ]
    rows = np.concatenate(parts)
    return Dataset(rows, listed_optimum(rows), f"labelled shifter {n_pixels}+{n_pixels}+3")


def listed_optimum(rows: np.ndarray) -> float:
    """Minus the entropy of the empirical distribution of rows, in nats."""
    _, counts = np.unique(rows, axis=0, return_counts=True)
    p = counts / counts.sum()
    return float(np.sum(p * np.log(p)))
