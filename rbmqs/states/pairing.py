"""Pairing amplitudes to start from: which pairs share one, with which signs, and their values.

Values are those of a mean-field state of the Hamiltonian's exchange couplings, hopping chi and
singlet pairing Delta of electrons decoupled self-consistently (Affleck, Zou, Hsu & Anderson, Phys.
Rev. B 38, 745 (1988)); f = u^-1 v of its quasiparticles. On bipartite lattices its projection onto
one electron a site has the signs of Marshall's rule.

Pairs tied over translations share an amplitude up to signs: the electrons may change sign round
the lattice, which the projection onto one electron a site does not see.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from hamiltonians.lattices.lattice import Lattice
    from hamiltonians.symmetry.groups import SymmetryGroup

_STARTS, _ITERATIONS = 4, 60  # of the mean field, from random numbers
_ANGLES = np.linspace(0, np.pi, 8, endpoint=False)


class TiedPairs(NamedTuple):
    """Which amplitude a pair of sites has.

    Attributes
    ----------
    numbers : ndarray, shape (N, N), int64
        Number of the amplitude, negative where there is none.
    signs : ndarray, shape (N, N), float64
        f_ij = signs_ij * amplitude[numbers_ij].
    """

    numbers: np.ndarray
    signs: np.ndarray

    def matrix(self, amplitudes: np.ndarray) -> np.ndarray:
        """f, (N, N)."""
        return np.where(self.numbers < 0, 0, self.signs * amplitudes[self.numbers])

    def amplitudes(self, matrix: np.ndarray) -> np.ndarray:
        """Means of f_ij over the pairs of each amplitude."""
        kept = self.numbers >= 0
        where, values = self.numbers[kept], (self.signs * matrix)[kept]
        return np.bincount(where, values) / np.bincount(where)


def starting_pairs(
    hamiltonian: SpinHamiltonian, tied: SymmetryGroup | None, rng: np.random.Generator
) -> tuple[TiedPairs, np.ndarray]:
    """Pairs tied over the translations of a group, and their mean-field amplitudes."""
    couplings, lattice = exchange_couplings(hamiltonian), hamiltonian.lattice
    n_sites, of_lattice = hamiltonian.n_sites, None
    if lattice is not None and lattice.cell is not None and lattice.translations is not None:
        of_lattice = lattice.translation_group()
    rows = np.arange(n_sites)[None] if of_lattice is None else of_lattice.permutations
    found = []
    for boundary in _boundaries(lattice if of_lattice is not None else None):
        pairs = tie_pairs(*translations_of(rows, lattice, boundary))
        found += [(*mean_field(couplings, pairs, rng), boundary) for _ in range(_STARTS)]
    _, f, boundary = min(found, key=lambda entry: entry[0])
    rows = np.arange(n_sites)[None] if tied is None else tied.permutations
    pairs = tie_pairs(*translations_of(rows, lattice, boundary))
    return pairs, pairs.amplitudes(f)


def exchange_couplings(hamiltonian: SpinHamiltonian) -> np.ndarray:
    """J_ij >= 0 of antiferromagnetic S_i.S_j, (N, N), by the terms Z Z, or X X without them."""
    found = {}
    for letter in "ZX":
        found[letter] = np.zeros((hamiltonian.n_sites,) * 2)
        for string, value in hamiltonian.terms.terms.items():
            if [of_site for _, of_site in string] == [letter] * 2:
                (i, _), (j, _) = string
                found[letter][i, j] = found[letter][j, i] = value.real
    couplings = found["Z"] if found["Z"].any() else abs(found["X"])
    return np.maximum(couplings, 0)


def _boundaries(lattice: Lattice | None) -> list[tuple[int, ...]]:
    """Signs of the electrons' amplitudes round the lattice, +1 or -1 for each direction."""
    if lattice is None or lattice.translations is None:
        return [()]
    return list(itertools.product((1, -1), repeat=len(lattice.translations)))


def translations_of(
    rows: np.ndarray, lattice: Lattice | None, boundary: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Those of permutations (n, N) that are translations, and the signs of sites they move.

    A site that comes back into the cluster by m of its vectors takes the sign prod boundary^m.
    """
    if not boundary or lattice is None:
        kept = (rows == np.arange(rows.shape[1])).all(axis=1)
        return rows[kept], np.ones(rows[kept].shape)
    moved = lattice.positions[rows] - lattice.positions
    turns = (moved - moved[:, :1]) @ np.linalg.pinv(lattice.translations)
    whole = np.rint(turns).astype(int)
    rest = moved - moved[:, :1] - whole @ lattice.translations
    kept = (abs(rest) < 1e-6).all(axis=(1, 2))
    return rows[kept], np.prod(np.array(boundary) ** (whole[kept] % 2), axis=2).astype(float)


def tie_pairs(rows: np.ndarray, signs: np.ndarray) -> TiedPairs:
    """Pairs that permutations (n, N) carry into each other with signs (n, N) have one amplitude.

    f_ij = f_ji, for singlets. Pairs that are carried into themselves with the sign -1 have none.
    """
    n_sites = rows.shape[1]
    numbers, of_pair = np.full((n_sites,) * 2, -2), np.zeros((n_sites,) * 2)
    np.fill_diagonal(numbers, -1)
    count = 0
    for i, j in itertools.combinations(range(n_sites), 2):
        if numbers[i, j] != -2:
            continue
        first, second = rows[:, i], rows[:, j]
        sign = signs[:, i] * signs[:, j]
        of_pair[first, second] = of_pair[second, first] = sign
        contradicts = (of_pair[first, second] != sign).any()
        numbers[first, second] = numbers[second, first] = -1 if contradicts else count
        count += not contradicts
    return TiedPairs(numbers, of_pair)


def mean_field(
    couplings: np.ndarray, pairs: TiedPairs, rng: np.random.Generator
) -> tuple[float, np.ndarray]:
    """Energy -sum J (chi^2 + Delta^2) of a self-consistent state, and its f (N, N)."""
    n_sites, n_amplitudes = len(couplings), pairs.numbers.max() + 1
    hopping, gap = (couplings * pairs.matrix(rng.normal(size=n_amplitudes)) for _ in range(2))
    for _ in range(_ITERATIONS):
        vectors = np.linalg.eigh(np.block([[hopping, gap], [gap, -hopping]]))[1][:, :n_sites]
        filled = vectors[:n_sites] @ vectors.T
        chi, delta = (
            pairs.matrix(pairs.amplitudes(x)) for x in (filled[:, :n_sites], filled[:, n_sites:])
        )
        hopping, gap = -couplings * chi, -couplings * delta
    energy = -float((couplings * (chi**2 + delta**2)).sum())
    # Hopping and gap turned into each other are the same state of spins; u is far from singular
    # for some angle.
    found = []
    for angle in _ANGLES:
        c, s = np.cos(angle), np.sin(angle)
        h, d = c * hopping - s * gap, s * hopping + c * gap
        vectors = np.linalg.eigh(np.block([[h, d], [d, -h]]))[1][:, n_sites:]
        u, v = vectors[:n_sites], vectors[n_sites:]
        found.append((np.linalg.cond(u), u, v))
    _, u, v = min(found, key=lambda entry: entry[0])
    f = -np.linalg.lstsq(u.T, v.T, rcond=1e-8)[0]
    off_diagonal = f[~np.eye(n_sites, dtype=bool)]
    return energy, f / abs(off_diagonal).max()
