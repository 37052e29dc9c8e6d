"""Rotations and reflections that map a lattice of vectors onto itself, and their names."""

import itertools

import numpy as np
from numpy.typing import NDArray

from hamiltonians.lattices.neighbours import reduced_vectors

Floats = NDArray[np.float64]
_TOLERANCE = 1e-6


def point_operations(vectors: Floats) -> list[Floats]:
    """Orthogonal matrices, shape (d, d), that map the lattice of the rows onto itself.

    Reduced vectors have images among the shortest vectors only, whose coefficients are -1, 0, 1.
    """
    basis = reduced_vectors(vectors)
    steps = np.array(list(itertools.product((-1, 0, 1), repeat=len(basis))))
    short = steps @ basis
    lengths = np.linalg.norm(short, axis=1)
    choices = [
        short[np.abs(lengths - np.linalg.norm(row)) < _TOLERANCE * np.linalg.norm(row)]
        for row in basis
    ]
    gram, inverse = basis @ basis.T, np.linalg.inv(basis)
    found = []
    for images in itertools.product(*choices):
        rows = np.array(images)
        if np.allclose(rows @ rows.T, gram, rtol=0, atol=_TOLERANCE * np.abs(gram).max()):
            matrix = (inverse @ rows).T
            found.append(np.where(np.abs(matrix) < 1e-12, 0.0, matrix))
    return found


def is_proper(R: Floats) -> bool:
    """Whether R is a rotation."""
    return np.linalg.det(R) > 0


def rotation_angle(R: Floats) -> float:
    """Angle of a rotation, or of -R: in (-pi, pi] in two dimensions, in [0, pi] in three."""
    if len(R) == 2:
        return float(np.arctan2(R[1, 0], R[0, 0]))
    cosine = (np.trace(R if is_proper(R) else -R) - 1) / 2
    return float(np.arccos(np.clip(cosine, -1, 1)))


def fold(R: Floats) -> int:
    """The n of a rotation by 2 pi / n times an integer without common factor with n."""
    power, n = np.array(R), 1
    while not np.allclose(power, np.eye(len(R)), atol=_TOLERANCE):
        power, n = power @ R, n + 1
    return n


def mirror_angle(R: Floats) -> float:
    """Angle of the line that a reflection of the plane leaves as it is, in [0, pi)."""
    angle = float(np.arctan2(R[1, 0], R[0, 0])) / 2 % np.pi
    return 0.0 if np.pi - angle < _TOLERANCE else angle


def name_of(R: Floats) -> str:
    """Schoenflies-like name: 1, C4, C4^3, m(45) with the angle of its line, i, S4, ..."""
    if np.allclose(R, np.eye(len(R))):
        return "1"
    if len(R) == 1:
        return "m"
    if len(R) == 2:
        return _name_in_plane(R)
    if is_proper(R):
        return f"C{fold(R)}{_axis(R)}"
    n = fold(-R)
    if n == 1:
        return "i"
    return ("m" if n == 2 else f"S{ {3: 6, 4: 4, 6: 3}[n] }") + _axis(-R)


def _name_in_plane(R: Floats) -> str:
    if not is_proper(R):
        return f"m({round(np.degrees(mirror_angle(R)))})"
    n = fold(R)
    power = round(rotation_angle(R) % (2 * np.pi) * n / (2 * np.pi))
    return f"C{n}" if power == 1 else f"C{n}^{power}"


def _axis(R: Floats) -> str:
    """Axis of a rotation in space: ``z``, ``-x`` or along ``[1,-1,0]``."""
    _, _, rows = np.linalg.svd(R - np.eye(3))
    axis = rows[-1] / np.abs(rows[-1]).max()
    antisymmetric = np.array([R[2, 1] - R[1, 2], R[0, 2] - R[2, 0], R[1, 0] - R[0, 1]])
    turning = antisymmetric @ axis
    leading = axis[np.flatnonzero(np.abs(axis) > _TOLERANCE)[0]]
    axis = axis * (np.sign(turning) if abs(turning) > _TOLERANCE else np.sign(leading))
    along = np.flatnonzero(np.abs(axis) > _TOLERANCE)
    if len(along) == 1:
        return ("" if axis[along[0]] > 0 else "-") + "xyz"[along[0]]
    return "[" + ",".join(f"{x:.3g}" for x in axis.round(3) + 0.0) + "]"


def order_of_listing(R: Floats) -> tuple[bool, int, float]:
    """Sorts operations: rotations of high order first, then reflections by their angle."""
    if len(R) == 1:
        return not is_proper(R), 0, 0.0
    if len(R) == 2:
        angle = rotation_angle(R) % (2 * np.pi) if is_proper(R) else mirror_angle(R)
        return not is_proper(R), -fold(R), round(angle, 6)
    positive_first = name_of(R).count("-")
    return not is_proper(R), -fold(R if is_proper(R) else -R), positive_first
