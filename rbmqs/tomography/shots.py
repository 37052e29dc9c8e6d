"""Measured shots, grouped: each distinct outcome of each basis once, with its count.

The cost of a likelihood is by distinct outcomes: 10,000 shots of a critical chain of ten sites are
771 of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hamiltonians.utils.brief import Brief
from hamiltonians.utils.checks import number, spin_array
from rbmqs.tomography.bases import Bases

MAX_INDEX_SITES = 62  # outcomes as integers


@dataclass(frozen=True, eq=False, repr=False)
class Shots(Brief):
    """Outcomes +1 and -1 of measurements in some bases, rows sorted by basis.

    Make them by `Shots.of` or by `rbmqs.tomography.read_shots`.

    Parameters
    ----------
    bases : Bases
    outcomes : int8 (n_distinct, N)
    basis : int64 (n_distinct,)
        Number of the basis of each row, ascending.
    counts : int64 (n_distinct,)
        How often the outcome came out.
    """

    bases: Bases
    outcomes: np.ndarray
    basis: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(
        cls,
        bases: Bases,
        outcomes: np.ndarray,
        basis: np.ndarray | None = None,
        counts: np.ndarray | None = None,
    ) -> Shots:
        """Group shots in any order; the same outcome may come in several rows.

        Parameters
        ----------
        bases : Bases
        outcomes : int array (n, N)
            Spins +1 and -1.
        basis : int array (n,), optional
            Of each row; when not given there is one basis.
        counts : int array (n,), optional
            Of each row; ones when not given.
        """
        spins = spin_array("shots", outcomes, bases.n_sites)
        of_row = np.zeros(len(spins), np.int64) if basis is None else np.asarray(basis, np.int64)
        many = np.ones(len(spins), np.int64) if counts is None else np.asarray(counts, np.int64)
        present = many > 0
        spins, of_row, many = spins[present], of_row[present], many[present]
        # bit 1 is a spin down, so that rows are in the order of basis states
        bits = np.packbits(spins < 0, axis=1)
        keys = np.concatenate([of_row.astype(">u8").view(np.uint8).reshape(-1, 8), bits], axis=1)
        words = np.ascontiguousarray(keys).view(f"V{keys.shape[1]}").ravel()
        _, first, kind = np.unique(words, return_index=True, return_inverse=True)
        sums = np.bincount(kind.ravel(), many, len(first)).round().astype(np.int64)
        return cls(bases, spins[first], of_row[first], sums)

    @classmethod
    def from_file(
        cls, bases: Bases, outcomes: np.ndarray, basis: np.ndarray, counts: np.ndarray
    ) -> Shots:
        """Shots that were saved: nothing that was not is handed to a kernel.

        Raises
        ------
        ValueError
            Outcomes that are no spins, numbers of bases out of range or order, counts below 1.
        """
        spins = spin_array("shots", outcomes, bases.n_sites)
        whole = (a.dtype == np.int64 and a.shape == spins.shape[:-1] for a in (basis, counts))
        if spins.ndim != 2 or not all(whole):
            raise ValueError("shots must have a basis and a count each")
        steps = np.diff(basis, prepend=0, append=len(bases) - 1)
        if (steps < 0).any() or (counts < 1).any():
            raise ValueError(f"shots must be of bases 0 to {len(bases) - 1} in order, and counted")
        return cls(bases, spins, basis, counts)

    @property
    def n_sites(self) -> int:
        """Number of sites N."""
        return self.bases.n_sites

    @property
    def n_shots(self) -> int:
        """Number of shots."""
        return int(self.counts.sum())

    @property
    def n_distinct(self) -> int:
        """Number of distinct outcomes, counted basis by basis."""
        return len(self.counts)

    @cached_property
    def starts(self) -> np.ndarray:
        """Row at which each basis begins, and the end, int64 (n_bases + 1,)."""
        return np.searchsorted(self.basis, np.arange(len(self.bases) + 1))

    @cached_property
    def shots_of_basis(self) -> np.ndarray:
        """Number of shots of each basis, int64 (n_bases,)."""
        return np.bincount(self.basis, self.counts, len(self.bases)).astype(np.int64)

    @cached_property
    def states(self) -> np.ndarray:
        """Outcomes as basis states, int64 (n_distinct,): site i is bit N - 1 - i, 1 is down."""
        if self.n_sites > MAX_INDEX_SITES:
            raise ValueError(f"outcomes of {self.n_sites} sites are no integers of 64 bits")
        powers = 1 << np.arange(self.n_sites - 1, -1, -1, dtype=np.int64)
        return (self.outcomes < 0) @ powers

    def rows(self, basis: int) -> slice:
        """Where the outcomes of a basis are."""
        return slice(int(self.starts[basis]), int(self.starts[basis + 1]))

    def resampled_counts(self, rng: np.random.Generator) -> np.ndarray:
        """Counts of as many shots of each basis, drawn with replacement from the measured ones."""
        drawn = np.zeros_like(self.counts)
        for basis, n in enumerate(self.shots_of_basis):
            if n:
                rows = self.rows(basis)
                drawn[rows] = rng.multinomial(n, self.counts[rows] / n)
        return drawn

    def held_out(self, fraction: float, rng: np.random.Generator) -> np.ndarray:
        """Counts of a random fraction of each basis, int64 (n_distinct,).

        Raises
        ------
        ValueError
            A fraction that is not between 0 and 1.
        """
        if not 0 < number("fraction", fraction) < 1:
            raise ValueError(f"fraction must be between 0 and 1, got {fraction}")
        order = np.concatenate([rng.permutation(n) for n in self.shots_of_basis])
        taken = order < np.repeat(np.round(fraction * self.shots_of_basis), self.shots_of_basis)
        of_shot = np.repeat(np.arange(self.n_distinct), self.counts)
        return np.bincount(of_shot[taken], minlength=self.n_distinct)
