"""Names of one-dimensional irreps of point groups.

In the plane those of Mulliken: A and B are even and odd under the rotation C_n of highest order, 1
and 2 are even and odd under the mirror whose line is nearest to the x axis, and ' and '' where
there is a mirror alone. A complex irrep is named by its angular momentum l,
chi(C_n) = exp(2 pi i l / n). On a chain an irrep is even or odd. In space the cubic groups have
A1, A2 (even and odd under C4 or S4), with g and u under inversion; others list characters, with
a star behind operations that leave no common point where it is: glides and screws.
"""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hamiltonians.lattices.isometries import fold, is_proper, mirror_angle, rotation_angle

if TYPE_CHECKING:
    from hamiltonians.lattices.space_group import Operation

Characters = NDArray[np.complex128]
_TOLERANCE = 1e-6


def irrep_names(operations: Sequence["Operation"], characters: Characters) -> list[str]:
    """One name for each row of ``characters``, shape (n_irreps, n_operations), all different."""
    kept = [i for i, operation in enumerate(operations) if operation.fixes_centre]
    names = _names([operations[i] for i in kept], characters[:, kept])
    if len(set(names)) < len(names):  # glides and screws tell them apart
        names = _listed(operations, characters)
    return _numbered(names)


def _names(operations: Sequence["Operation"], characters: Characters) -> list[str]:
    dimension = len(operations[0].matrix)
    if len(operations) == 1:
        return [""] * len(characters)
    if dimension == 1:
        return ["even" if _is_one(chi[1]) else "odd" for chi in characters]
    if dimension == 2:
        return [_name_in_plane(operations, chi) for chi in characters]
    threefold = [is_proper(g.matrix) and fold(g.matrix) == 3 for g in operations]
    if sum(threefold) == 8 and np.allclose(characters[:, threefold], 1):
        return [_name_cubic(operations, chi) for chi in characters]
    return _listed(operations, characters)


def _name_in_plane(operations: Sequence["Operation"], chi: Characters) -> str:
    matrices = [operation.matrix for operation in operations]
    mirrors = sorted((mirror_angle(R), i) for i, R in enumerate(matrices) if not is_proper(R))
    n = max(fold(R) for R in matrices if is_proper(R))
    if n == 1:
        return "A'" if _is_one(chi[mirrors[0][1]]) else "A''"
    turn = next(
        i for i, R in enumerate(matrices)
        if is_proper(R) and abs(rotation_angle(R) % (2 * np.pi) - 2 * np.pi / n) < _TOLERANCE
    )  # fmt: skip
    momentum = round(float(np.angle(chi[turn])) * n / (2 * np.pi)) % n
    if momentum not in (0, n / 2):
        return f"l={momentum if 2 * momentum < n else momentum - n:+d}"
    side = "" if not mirrors else "1" if _is_one(chi[mirrors[0][1]]) else "2"
    return ("A" if momentum == 0 else "B") + side


def _name_cubic(operations: Sequence["Operation"], chi: Characters) -> str:
    signs = {operation.name[:2]: _is_one(x) for operation, x in zip(operations, chi, strict=True)}
    quarter = signs.get("C4", signs.get("S4"))
    side = {True: "1", False: "2", None: ""}[quarter]
    return f"A{side}" + {True: "g", False: "u", None: ""}[signs.get("i")]


def _listed(operations: Sequence["Operation"], characters: Characters) -> list[str]:
    """Characters of the first operations that tell the irreps apart."""
    shown: list[int] = []
    n_classes = 1
    for i in range(1, len(operations)):
        rows = characters[:, [*shown, i]].round(6) + 0.0
        if len(np.unique(rows, axis=0)) > n_classes:
            shown.append(i)
            n_classes = len(np.unique(rows, axis=0))
    return [" ".join(f"{operations[i].name}={_spell(chi[i])}" for i in shown) for chi in characters]


def _spell(value: complex) -> str:
    turns = Fraction(float(np.angle(value) / (2 * np.pi))).limit_denominator(1000)
    plain = {Fraction(0): "+1", Fraction(1, 2): "-1", Fraction(1, 4): "+i", Fraction(-1, 4): "-i"}
    return plain.get(turns, f"exp({turns}*2pi*i)")


def _is_one(value: complex) -> bool:
    return abs(value - 1) < _TOLERANCE


def _numbered(names: list[str]) -> list[str]:
    """The names, with a number behind those that occur more than once."""
    totals, seen = Counter(names), Counter[str]()
    result = []
    for name in names:
        seen[name] += 1
        result.append(name if totals[name] == 1 else f"{name} #{seen[name]}".strip())
    return result
