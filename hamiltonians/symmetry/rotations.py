"""Rotations of single spins about the z axis, which change the signs or phases of amplitudes only.

U = prod_i exp(-i phi_i Z_i / 2) is diagonal, so it keeps |psi|^2, total S_z and the spectrum, and
turns spin i by phi_i about z:

    U X_i U^dagger = cos(phi_i) X_i + sin(phi_i) Y_i,
    U sigma^+_i U^dagger = exp(-i phi_i) sigma^+_i.

Angles are counted in sixths of a turn (60 degrees). A string is rotated through sigma^+-, whose
phases add up modulo six: for multiples of 30 degrees couplings between rotated sites come out
without rounding beyond that of sqrt(3)/2.
"""

import cmath
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from hamiltonians.operators.pauli import ROUNDING, PauliString, PauliSum, added
from hamiltonians.operators.spin import SpinOperator
from hamiltonians.utils.checks import number, short

HALF_TURN, FULL_TURN = 3, 6  # in sixths
_SIXTH = complex(0.5, 3**0.5 / 2)  # exp(i pi / 3)
_ROOTS_OF_UNITY = (1 + 0j, _SIXTH, _SIXTH - 1, -1 + 0j, -_SIXTH, 1 - _SIXTH)
_TITLES = {"marshall": "Marshall basis", "sublattice": "120-degree basis"}
_KNOWN = {
    "marshall": "Marshall signs",
    "sites": "known signs",
    "angles": "known phases",
}  # of automatic rotations


@dataclass(frozen=True)
class Rotation:
    """By how much each spin is turned about z.

    Attributes
    ----------
    rule : str
        How it was chosen: a name of `hamiltonians.models.sign_rules.SIGN_RULES`, "sites" or
        "angles".
    sixths : tuple of int or float, length n_sites
        Angle of each spin in sixths of a turn, from 0 to below 6; 3 is a rotation by pi.
    automatic : bool
        Whether a run chose it by itself; its results are in the basis without rotation.

    Raises
    ------
    TypeError, ValueError
        If an angle is not a number from 0 to below 6.
    """

    rule: str = field(compare=False)
    sixths: tuple[float, ...]
    automatic: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        checked = tuple(_plain(number("an angle in sixths", a, at_least=0)) for a in self.sixths)
        if max(checked, default=0) >= FULL_TURN:
            raise ValueError(f"angles must be 0 to below 6 sixths of a turn, got {max(checked)}")
        object.__setattr__(self, "sixths", checked)

    @property
    def title(self) -> str:
        """What the name of a rotated Hamiltonian says."""
        if self.automatic:
            return _KNOWN.get(self.rule, f"{self.rule} signs")
        if self.rule == "sites":
            return f"basis rotated on {np.count_nonzero(self.sixths)} sites"
        return _TITLES.get(self.rule, f"{self.rule} basis")

    @property
    def is_real(self) -> bool:
        """Whether all angles are 0 or pi, so that real matrix elements stay real."""
        return all(angle % HALF_TURN == 0 for angle in self.sixths)

    @property
    def inverse(self) -> "Rotation":
        """U^dagger."""
        back = tuple(-angle % FULL_TURN for angle in self.sixths)
        return Rotation(self.rule, back, self.automatic)

    @overload
    def apply(self, terms: PauliSum) -> PauliSum: ...

    @overload
    def apply(self, terms: SpinOperator) -> SpinOperator: ...

    def apply(self, terms: PauliSum | SpinOperator) -> PauliSum | SpinOperator:
        """U terms U^dagger, with S^z_i in place of Z_i / 2 for spins of any S.

        Raises
        ------
        ValueError
            If the terms act beyond the sites of the rotation.
        """
        if terms.n_sites_needed > len(self.sixths):
            last = len(self.sixths) - 1
            raise ValueError(f"observable must act on sites 0 to {last}, got {short(terms)}")
        if isinstance(terms, SpinOperator):
            return terms.rotated(self.sixths, _root)
        return PauliSum(
            added(
                (rotated, factor * value)
                for string, value in terms.terms.items()
                for rotated, factor in self._rotated(string).items()
                if abs(factor) > ROUNDING
            )
        )

    def site_phases(self, spins: NDArray[Any]) -> NDArray[Any]:
        """exp(-i phi_i sigma_i), shape of ``spins`` (..., n_sites); real where `is_real`.

        A row element of U sigma^x_i U^dagger is this number, that of U sigma^y_i U^dagger is
        -i sigma_i times it, sigma_i being the spin of the row.
        """
        up = np.array([_root(-angle) for angle in self.sixths])
        if self.is_real:
            return np.broadcast_to(up.real, np.shape(spins))
        return np.where(np.asarray(spins) > 0, up, up.conj())

    def describe(self) -> dict[str, Any]:
        """Rule and angles as plain JSON values."""
        described = {"rule": self.rule, "sixths": list(self.sixths)}
        return described | ({"automatic": True} if self.automatic else {})

    def _rotated(self, string: PauliString) -> dict[PauliString, float]:
        """U string U^dagger of one string."""
        turned = [k for k, (i, a) in enumerate(string) if a != "Z" and self.sixths[i] % HALF_TURN]
        flips = sum(a != "Z" and self.sixths[i] == HALF_TURN for i, a in string)
        sign = -1.0 if flips % 2 else 1.0
        angles = [self.sixths[string[k][0]] for k in turned]
        letters = [string[k][1] for k in turned]
        found = {}
        for new in itertools.product("XY", repeat=len(turned)):
            image = list(string)
            for k, letter in zip(turned, new, strict=True):
                image[k] = (string[k][0], letter)
            found[tuple(image)] = sign * _overlap(letters, new, angles)
        return found


def _overlap(old: list[str], new: tuple[str, ...], angles: list[float]) -> float:
    """Coefficient of the string ``new`` in the rotated string ``old``, by way of sigma^+-.

    X = sigma^+ + sigma^-, Y = -i sigma^+ + i sigma^-; sigma^+- = (X +- i Y) / 2.
    """
    total = 0j
    for ladder in itertools.product((1, -1), repeat=len(old)):
        phase = _root(-sum(s * a for s, a in zip(ladder, angles, strict=True)))
        for s, before, after in zip(ladder, old, new, strict=True):
            phase *= (1 if before == "X" else -1j * s) * (0.5 if after == "X" else 0.5j * s)
        total += phase
    return total.real


def _root(sixths: float) -> complex:
    """exp(i pi sixths / 3), without rounding of the angle for multiples of 30 degrees."""
    turned = sixths % FULL_TURN
    if turned == int(turned):
        return _ROOTS_OF_UNITY[int(turned)]
    if 2 * turned == int(2 * turned):
        return 1j * _ROOTS_OF_UNITY[int(turned - FULL_TURN / 4) % FULL_TURN]
    return cmath.exp(1j * math.pi * turned / HALF_TURN)


def _plain(angle: float) -> float:
    """An int where there is no fraction."""
    return int(angle) if angle == int(angle) else angle


def rotation_from_description(data: Mapping[str, Any]) -> Rotation | None:
    """The rotation in a description of a Hamiltonian; earlier files have a Marshall mask only."""
    described = data.get("rotation")
    if described is not None:
        automatic = bool(described.get("automatic", False))
        return Rotation(described["rule"], tuple(described["sixths"]), automatic)
    mask = data.get("marshall")
    return None if mask is None else Rotation("marshall", tuple(HALF_TURN * int(a) for a in mask))
