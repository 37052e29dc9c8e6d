"""Sums of Pauli strings and their algebra.

A string is a product of Pauli matrices on different sites, written as the sorted tuple
``((site, "X"), (site, "Z"), ...)``; the empty tuple is the identity. A sum maps strings to complex
coefficients. Products use sigma_a sigma_b = delta_ab + i epsilon_abc sigma_c, so phases are exact.
"""

import cmath
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Complex
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from hamiltonians.operators.decomposition import ROUNDING, PauliString, pauli_strings
from hamiltonians.utils.checks import instance, integer, short

Scalar = complex | float | int

MAX_MATRIX_SITES = 8  # 4^8 strings
CANCELLED = 16 * 2.0**-52  # of what was added up: a part below is the rounding of up to 250 terms

_PRODUCT: dict[tuple[str, str], tuple[complex, str]] = {
    ("X", "Y"): (1j, "Z"), ("Y", "Z"): (1j, "X"), ("Z", "X"): (1j, "Y"),
    ("Y", "X"): (-1j, "Z"), ("Z", "Y"): (-1j, "X"), ("X", "Z"): (-1j, "Y"),
}  # fmt: skip


@dataclass(frozen=True)
class PauliSum:
    """Sum of Pauli strings with complex coefficients; exact zeros are dropped.

    Build one from `X`, `Y`, `Z` and `identity` by ``+``, ``-`` and ``*`` (``@`` means the same),
    or from many terms at once by `from_strings`, `from_terms` and `sum`.
    """

    _coefficients: dict[PauliString, complex] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for string, value in self._coefficients.items():
            if not cmath.isfinite(value):
                raise ValueError(f"coefficient must be finite, got {value} for {spell(string)}")
        kept = {string: complex(c) for string, c in self._coefficients.items() if c != 0}
        object.__setattr__(self, "_coefficients", kept)

    @classmethod
    def from_strings(cls, strings: Mapping[str, Scalar]) -> "PauliSum":
        """Sum of strings that spell one letter for each site, as in ``{"XXI": 0.5, "IZZ": 1}``.

        Raises
        ------
        ValueError
            If a letter is not one of I, X, Y, Z, or strings differ in length.
        """
        instance("strings", strings, Mapping)
        lengths = sorted({len(text) for text in strings})
        if len(lengths) > 1:
            raise ValueError(f"strings must all have the same length, got lengths {lengths}")
        return cls.from_terms((value, _parse(text)) for text, value in strings.items())

    @classmethod
    def from_terms(cls, terms: Iterable[tuple[Scalar, Iterable[tuple[int, str]]]]) -> "PauliSum":
        """Sum of ``(coefficient, ((site, letter), ...))``, in time linear in the number of terms.

        Raises
        ------
        TypeError, ValueError
            If a site is not an integer >= 0 or named twice, a letter is not X, Y or Z, or a
            coefficient is not a finite number.
        """
        return cls(added((_checked(factors), _number(value)) for value, factors in terms))

    @classmethod
    def from_matrix(cls, matrix: Any, sites: Sequence[int]) -> "PauliSum":
        """The operator that a matrix is on the given sites, Hermitian or not.

        Parameters
        ----------
        matrix : array or sparse array, shape (2^k, 2^k)
            Spin up comes first; the first of the sites is the leftmost Kronecker factor.
        sites : sequence of int
            k different sites, at most 8.

        Raises
        ------
        TypeError, ValueError
            If the shape does not fit the sites, a site is named twice, or an element is not a
            finite number.
        """
        instance("sites", sites, Iterable)
        places = [integer("a site", site, minimum=0) for site in sites]
        if len(set(places)) < len(places):
            raise ValueError(f"sites must name each site once, got {places}")
        array = matrix if hasattr(matrix, "tocoo") else np.asarray(matrix)
        if not 1 <= len(places) <= MAX_MATRIX_SITES:
            raise ValueError(f"sites must be 1 to {MAX_MATRIX_SITES} sites, got {len(places)}")
        if array.shape != (2 ** len(places),) * 2:
            raise ValueError(
                f"matrix must have shape {(2 ** len(places),) * 2} on {len(places)} sites, "
                f"got {array.shape}"
            )
        if array.dtype.kind not in "iufc":
            raise TypeError(f"matrix must hold numbers, got dtype {array.dtype}")
        strings = pauli_strings(array, len(places)).items()
        return cls.from_terms((c, [(places[at], a) for at, a in s]) for s, c in strings)

    @classmethod
    def sum(cls, sums: Iterable["PauliSum"]) -> "PauliSum":
        """Sum of many Pauli sums, in time linear in the number of terms."""
        return cls(added(pair for part in sums for pair in part._coefficients.items()))

    @property
    def terms(self) -> Mapping[PauliString, complex]:
        """Read-only map from string to coefficient."""
        return MappingProxyType(self._coefficients)

    @property
    def n_sites_needed(self) -> int:
        """One more than the largest site acted on; 0 for a multiple of the identity."""
        return max((string[-1][0] + 1 for string in self._coefficients if string), default=0)

    @property
    def is_hermitian(self) -> bool:
        """Whether all coefficients are real, each up to its own rounding."""
        return all(abs(c.imag) <= ROUNDING * abs(c) for c in self._coefficients.values())

    def hermitian_conjugate(self) -> "PauliSum":
        """The adjoint: Pauli strings are Hermitian, so coefficients are conjugated."""
        return PauliSum({string: c.conjugate() for string, c in self._coefficients.items()})

    def __add__(self, other: Any) -> "PauliSum":
        if isinstance(other, PauliSum):
            return PauliSum.sum((self, other))
        return self + other * identity() if isinstance(other, Complex) else NotImplemented

    __radd__ = __add__

    def __neg__(self) -> "PauliSum":
        return -1 * self

    def __sub__(self, other: Any) -> "PauliSum":
        return self + (-other) if isinstance(other, PauliSum | Complex) else NotImplemented

    def __rsub__(self, other: Any) -> "PauliSum":
        return (-self) + other

    def __mul__(self, other: Any) -> "PauliSum":
        if isinstance(other, PauliSum):
            return _product(self, other)
        if not isinstance(other, Complex):
            return NotImplemented
        factor = _number(other)
        return PauliSum({string: factor * c for string, c in self._coefficients.items()})

    def __rmul__(self, other: Any) -> "PauliSum":
        return self * other

    def __matmul__(self, other: Any) -> "PauliSum":
        return _product(self, other) if isinstance(other, PauliSum) else NotImplemented

    def __truediv__(self, other: Any) -> "PauliSum":
        return self * (1 / _number(other)) if isinstance(other, Complex) else NotImplemented

    def __len__(self) -> int:
        return len(self._coefficients)

    def __hash__(self) -> int:
        return hash(frozenset(self._coefficients.items()))

    def __repr__(self) -> str:
        shown = [f"{_plain(c)} {spell(s)}" for s, c in list(self._coefficients.items())[:6]]
        rest = len(self) - len(shown)
        return "PauliSum(" + " + ".join(shown) + (f" + {rest} more" if rest else "") + ")"


def X(site: int) -> PauliSum:
    """Pauli matrix [[0, 1], [1, 0]] on ``site``.

    Parameters
    ----------
    site : int

    Returns
    -------
    PauliSum
    """
    return PauliSum.from_terms([(1, [(site, "X")])])


def Y(site: int) -> PauliSum:
    """Pauli matrix [[0, -i], [i, 0]] on ``site``.

    Parameters
    ----------
    site : int

    Returns
    -------
    PauliSum
    """
    return PauliSum.from_terms([(1, [(site, "Y")])])


def Z(site: int) -> PauliSum:
    """Pauli matrix [[1, 0], [0, -1]] on ``site``.

    Parameters
    ----------
    site : int

    Returns
    -------
    PauliSum
    """
    return PauliSum.from_terms([(1, [(site, "Z")])])


def identity() -> PauliSum:
    """The identity operator."""
    return PauliSum({(): 1.0})


def spell(string: PauliString) -> str:
    """A Pauli string for people: ``X(0) Z(3)``."""
    return " ".join(f"{letter}({site})" for site, letter in string) or "identity"


def multiply(left: PauliString, right: PauliString) -> tuple[complex, PauliString]:
    """Phase and string of the product of two strings."""
    letters = dict(left)
    phase: complex = 1
    for site, letter in right:
        before = letters.pop(site, None)
        if before is None:
            letters[site] = letter
        elif before != letter:
            turn, letters[site] = _PRODUCT[before, letter]
            phase *= turn
    return phase, tuple(sorted(letters.items()))


def added(pairs: Iterable[tuple[PauliString, complex]]) -> dict[PauliString, complex]:
    """Sums by string; a real or imaginary part that is rounding of what cancelled in it is 0."""
    total: dict[PauliString, complex] = {}
    sizes: dict[PauliString, float] = {}
    for string, value in pairs:
        total[string] = total.get(string, 0) + value
        sizes[string] = sizes.get(string, 0.0) + abs(value)
    for string, value in total.items():
        floor = CANCELLED * sizes[string]
        small = [abs(part) <= floor < math.inf for part in (value.real, value.imag)]
        if any(small):
            real, imag = (
                0.0 if s else p for s, p in zip(small, (value.real, value.imag), strict=True)
            )
            total[string] = complex(real, imag)
    return total


def _product(left: PauliSum, right: PauliSum) -> PauliSum:
    made = (
        (*multiply(first, second), a * b)
        for first, a in left.terms.items()
        for second, b in right.terms.items()
    )
    return PauliSum(added((string, phase * value) for phase, string, value in made))


def _checked(factors: Iterable[tuple[int, str]]) -> PauliString:
    string = sorted((integer("site", site, minimum=0), letter) for site, letter in factors)
    for _, letter in string:
        if letter not in ("X", "Y", "Z"):
            raise ValueError(f"a Pauli letter must be X, Y or Z, got {short(letter)}")
    if len({site for site, _ in string}) < len(string):
        raise ValueError(f"a Pauli string must name each site once, got {spell(tuple(string))}")
    return tuple(string)


def _parse(text: str) -> list[tuple[int, str]]:
    for letter in text:
        if letter not in "IXYZ":
            raise ValueError(f"a Pauli string must be spelt with I, X, Y, Z, got {short(text)}")
    return [(site, letter) for site, letter in enumerate(text) if letter != "I"]


def _number(value: Any) -> complex:
    if isinstance(value, bool) or not isinstance(value, Complex):
        raise TypeError(f"coefficient must be a number, got {short(value)}")
    return complex(value)


def _plain(value: complex) -> str:
    return f"{value.real:g}" if value.imag == 0 else f"({value:g})"


class TermsOnSites(Protocol):
    """What symmetries ask of a Hamiltonian: its terms, its sites and its sector."""

    @property
    def terms(self) -> Any:
        """The Pauli sum or `SpinOperator`."""

    @property
    def n_sites(self) -> int:
        """Number of sites."""

    @property
    def total_sz(self) -> float | None:
        """Sector of total S_z in units of hbar; None where it is free."""
