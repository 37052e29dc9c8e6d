"""Bases of measurements: one unitary a site, from Pauli strings, matrices, or Haar-random ones.

A measurement rotates site i by U_i and reads it along z:

    P(s) = |<s| U_0 (x) ... (x) U_{N-1} |psi>|^2,

outcome +1 being row 0 of U_i. Rows are the bras of what is measured, so that +1 is the +1
eigenvector of the Pauli matrix that a letter names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from hamiltonians.utils.brief import Brief
from hamiltonians.utils.checks import positive_int, short

LETTERS = "XYZ"
UNITARIES = np.array(
    [
        [[1, 1], [1, -1]] / np.sqrt(2),
        [[1, -1j], [1, 1j]] / np.sqrt(2),
        [[1, 0], [0, 1]],
    ]
)
PAULI = UNITARIES.conj().swapaxes(1, 2) @ np.diag([1.0, -1.0]) @ UNITARIES
_TOLERANCE = 1e-6  # of U U^dagger = 1: files keep seven digits


@dataclass(frozen=True, eq=False, repr=False)
class Bases(Brief):
    """Different bases of N sites.

    Parameters
    ----------
    unitaries : complex128 (n_bases, N, 2, 2)
        Of each site; rows are outcomes +1 and -1, columns spins up and down.
    labels : tuple of str
        A Pauli string such as "XZY", or "" for a basis of other unitaries.
    """

    unitaries: np.ndarray
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.unitaries)

    def __getitem__(self, chosen: Any) -> Bases:
        """Some of the bases, by a slice or by an array of indices."""
        numbers = np.arange(len(self))[chosen]
        return Bases(self.unitaries[numbers], tuple(self.labels[b] for b in numbers))

    @property
    def n_sites(self) -> int:
        """Number of sites N."""
        return self.unitaries.shape[1]

    @property
    def are_pauli(self) -> bool:
        """Whether every basis is a Pauli string."""
        return all(self.labels)

    @cached_property
    def rotated(self) -> np.ndarray:
        """Whether a site is not measured along z, bool (n_bases, N)."""
        mixed = np.abs(self.unitaries[:, :, 0, 1]) > _TOLERANCE
        return mixed | (np.abs(self.unitaries[:, :, 1, 0]) > _TOLERANCE)

    @cached_property
    def letters(self) -> np.ndarray:
        """X, Y or Z as 0, 1 or 2 of each site of Pauli bases, int (n_bases, N)."""
        return np.array([[LETTERS.index(letter) for letter in label] for label in self.labels])

    def name(self, basis: int) -> str:
        """A basis in words: its label, or its number."""
        return self.labels[basis] or f"number {basis}"

    @classmethod
    def of_strings(cls, labels: Iterable[str]) -> Bases:
        """Bases of Pauli strings, site 0 the first letter.

        Raises
        ------
        TypeError, ValueError
            What is no string, other letters than X, Y and Z, unequal lengths.
        """
        checked = tuple(pauli_string(f"bases[{k}]", label) for k, label in enumerate(labels))
        lengths = {len(label) for label in checked}
        if len(lengths) != 1:
            raise ValueError(
                f"bases must all name equally many sites, got lengths {sorted(lengths)}"
            )
        letters = np.array([[LETTERS.index(letter) for letter in label] for label in checked])
        return cls(UNITARIES[letters], checked)

    @classmethod
    def of_unitaries(cls, unitaries: Any) -> Bases:
        """Bases of unitaries (n_bases, N, 2, 2), with labels where they are Pauli bases.

        Raises
        ------
        ValueError
            Another shape, or matrices that are not unitary.
        """
        array = np.asarray(unitaries, dtype=complex)
        if array.ndim != 4 or array.shape[2:] != (2, 2) or 0 in array.shape:
            raise ValueError(
                f"bases must have shape (n_bases, n_sites, 2, 2) as unitaries, got {array.shape}"
            )
        error = np.abs(array @ array.conj().swapaxes(2, 3) - np.eye(2)).max(axis=(2, 3))
        if not error.max() <= _TOLERANCE:
            basis, site = np.argwhere(~(error <= _TOLERANCE))[0]
            raise ValueError(
                f"bases must hold unitary matrices, got {short(array[basis, site].tolist())} "
                f"at basis {basis}, site {site}"
            )
        return cls(array, tuple(_label(one) for one in array))


def pauli_string(name: str, label: object) -> str:
    """A string of X, Y and Z, in capitals; spaces and commas between letters are left out.

    Parameters
    ----------
    name : str
        Of the argument, for messages.
    label : str

    Returns
    -------
    str

    Raises
    ------
    TypeError, ValueError
        Not a string, empty, or other letters.
    """
    if not isinstance(label, str):
        raise TypeError(f'{name} must be a string such as "XZY", got {short(label)}')
    text = label.replace(" ", "").replace(",", "").upper()
    unknown = sorted(set(text) - set(LETTERS))
    if unknown or not text:
        got = f"the letters {', '.join(unknown)}" if unknown else "an empty string"
        raise ValueError(f"{name} must hold the letters X, Y and Z only, got {got} in {label!r}")
    return text


def all_pauli_bases(n_sites: int) -> Bases:
    """The 3^N Pauli bases, which determine every state, in the order of the alphabet.

    Parameters
    ----------
    n_sites : int

    Returns
    -------
    Bases
    """
    n_sites = positive_int("n_sites", n_sites)
    return Bases.of_strings(map("".join, product(LETTERS, repeat=n_sites)))


def random_pauli_bases(n_sites: int, n_bases: int, seed: int = 0) -> Bases:
    """Pauli bases with every letter equally likely, one for each number of a seed.

    Parameters
    ----------
    n_sites : int
    n_bases : int
    seed : int

    Returns
    -------
    Bases
    """
    n_sites, n_bases = positive_int("n_sites", n_sites), positive_int("n_bases", n_bases)
    letters = np.random.default_rng(seed).integers(3, size=(n_bases, n_sites))
    return Bases.of_strings("".join(LETTERS[k] for k in row) for row in letters)


def haar_random_bases(n_sites: int, n_bases: int, seed: int = 0) -> Bases:
    """Bases of single-site unitaries drawn from the Haar measure (Mezzadri, math-ph/0609050).

    Parameters
    ----------
    n_sites : int
    n_bases : int
    seed : int

    Returns
    -------
    Bases
    """
    n_sites, n_bases = positive_int("n_sites", n_sites), positive_int("n_bases", n_bases)
    parts = np.random.default_rng(seed).normal(size=(2, n_bases, n_sites, 2, 2))
    q, r = np.linalg.qr(parts[0] + 1j * parts[1])
    diagonal = np.diagonal(r, axis1=2, axis2=3)
    return Bases(q * (diagonal / np.abs(diagonal))[:, :, None, :], ("",) * n_bases)


def different_bases(bases: Sequence[str] | np.ndarray) -> tuple[Bases, np.ndarray]:
    """The different ones of a basis for each shot, in order of first use, and which a shot has.

    Parameters
    ----------
    bases : strings, or complex array (n_shots, N, 2, 2)

    Returns
    -------
    (Bases, int array (n_shots,))
    """
    if isinstance(bases, np.ndarray) and bases.ndim == 4:
        rows = np.ascontiguousarray(bases, dtype=complex).reshape(len(bases), -1)
        keys: list[Any] = [row.tobytes() for row in rows]
    else:
        keys = list(bases)
    numbers: dict[Any, int] = {}
    of_shot = np.array([numbers.setdefault(key, len(numbers)) for key in keys])
    if isinstance(bases, np.ndarray) and bases.ndim == 4:
        first = np.unique(of_shot, return_index=True)[1]
        return Bases.of_unitaries(bases[first]), of_shot
    return Bases.of_strings(numbers), of_shot


def _label(unitaries: np.ndarray) -> str:
    """The Pauli string of unitaries (N, 2, 2), whose rows may have other phases; else empty."""
    overlaps = np.abs(np.einsum("kab,nab->nka", UNITARIES.conj(), unitaries))
    is_letter = (overlaps > 1 - _TOLERANCE).all(axis=2)
    if not is_letter.any(axis=1).all():
        return ""
    return "".join(LETTERS[k] for k in is_letter.argmax(axis=1))
