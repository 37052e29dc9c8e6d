"""Unit cells of a periodic cluster in integer coordinates."""

import itertools
import math

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
_MAX_BOX = 2_000_000  # cells of the box round oblique vectors


def cells_within(matrix: Integers) -> Integers:
    """Integer points of the parallelepiped spanned by the rows, ascending, shape (|det|, d)."""
    if np.count_nonzero(matrix) == np.count_nonzero(np.diag(matrix)) and (matrix >= 0).all():
        points = np.indices(tuple(np.diag(matrix).tolist()), dtype=np.int64)
        return points.reshape(len(matrix), -1).T
    lowest, highest = np.minimum(matrix, 0).sum(axis=0), np.maximum(matrix, 0).sum(axis=0)
    ranges = [range(low, high + 1) for low, high in zip(lowest, highest, strict=True)]
    if math.prod(map(len, ranges)) > _MAX_BOX:
        raise ValueError(f"vectors of a cluster must be less oblique, got {matrix.tolist()}")
    points = np.array(list(itertools.product(*ranges)), np.int64)
    return points[(_turns(points, matrix) == 0).all(axis=1)]


def wrap_cells(points: Integers, matrix: Integers, periodic: tuple[bool, ...]) -> Integers:
    """Cells moved back into the cluster along its periodic directions, shape (..., d)."""
    return points - (_turns(points, matrix) * np.array(periodic)) @ matrix


def _turns(points: Integers, matrix: Integers) -> Integers:
    """How often each row of the matrix fits into integer points; exact, by the adjugate."""
    determinant = round(np.linalg.det(matrix))
    adjugate = np.rint(np.linalg.inv(matrix) * determinant).astype(np.int64)
    return (points @ adjugate) // determinant
