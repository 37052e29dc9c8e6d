"""Pairing amplitudes to start from: which pairs share one, with which signs, and their values.

Values are those of the ground state of electrons with hopping and singlet pairing along the
Hamiltonian's exchange couplings (Affleck, Zou, Hsu & Anderson, Phys. Rev. B 38, 745 (1988)), of
random signs, the best of some: the d-wave state of the square lattice is among them.

Pairs tied over translations share an amplitude up to signs: the electrons may change sign round
the lattice, which the projection onto one electron a site does not see.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hamiltonians.models.terms import pair_couplings
from rbmqs.core.proposals import PAIR_EXCHANGE
from rbmqs.states.generic import SweepTask
from rbmqs.states.state import VariationalState

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from hamiltonians.lattices.lattice import Lattice
    from hamiltonians.symmetry.groups import SymmetryGroup

_STARTS, _ITERATIONS = 6, 15  # random signs for each boundary, steps to self-consistency
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

    def times(self, signs: np.ndarray) -> TiedPairs:
        """With a sign (N,) for the site of each spin down."""
        return TiedPairs(self.numbers, self.signs * signs)

    def amplitudes(self, matrix: np.ndarray) -> np.ndarray:
        """Means of f_ij over the pairs of each amplitude."""
        kept = self.numbers >= 0
        where, values = self.numbers[kept], (self.signs * matrix)[kept]
        return np.bincount(where, values) / np.bincount(where)


def check_pairable(hamiltonian: SpinHamiltonian) -> None:
    """Refuse Hamiltonians whose ground states are no pair products."""
    if not hamiltonian.is_spin_half or hamiltonian.total_sz != 0:
        raise ValueError(
            f"hamiltonian must have spins 1/2 and total_sz = 0 for a pair product, "
            f"got total_sz = {hamiltonian.total_sz}"
        )
    if hamiltonian.rotation is not None and not hamiltonian.rotation.is_real:
        raise ValueError("hamiltonian must be turned by pi only for a pair product")


def powers_in(group: SymmetryGroup, period: int) -> SymmetryGroup:
    """The elements that are others to this power."""
    powers = np.zeros(group.order, dtype=np.int64)
    for _ in range(period):
        powers = group.product(powers, np.arange(group.order))
    return group.subgroup(powers)


def starting_pairs(
    hamiltonian: SpinHamiltonian,
    tied: SymmetryGroup | None,
    rng: np.random.Generator,
    product: Callable[[TiedPairs, np.ndarray], VariationalState],
) -> tuple[TiedPairs, np.ndarray]:
    """Pairs tied over the translations of a group, and their amplitudes.

    Parameters
    ----------
    hamiltonian : SpinHamiltonian
    tied : SymmetryGroup, optional
        None for an amplitude for each pair.
    rng : numpy.random.Generator
    product : callable
        The state of the spins from pairs and amplitudes, whose lowest is taken: the energy of the
        mean field prefers single bonds and chains (-0.51 a site instead of -0.66 on 4x4
        Heisenberg).
    """
    rotation, turned = hamiltonian.rotation, np.ones(hamiltonian.n_sites)
    if rotation is not None:
        turned[np.array(rotation.sixths) != 0] = -1
    couplings, lattice = singlet_couplings(hamiltonian), hamiltonian.lattice
    if not couplings.any():
        raise ValueError(
            "hamiltonian must have exchange terms X X or positive Z Z for a pair product"
        )
    if lattice is not None and (lattice.cell is None or lattice.translations is None):
        lattice = None
    everywhere = np.arange(hamiltonian.n_sites)[None]
    rows = everywhere if lattice is None else lattice.translation_group().permutations
    found = []
    for boundary in _boundaries(lattice):
        pairs = tie_pairs(*translations_of(rows, lattice, boundary))
        for f in starts(couplings, pairs, rng):
            psi = product(pairs.times(turned), pairs.amplitudes(f))
            found.append((_energy(psi, hamiltonian, rng), f, boundary))
    _, f, boundary = min(found, key=lambda entry: entry[0])
    rows = everywhere if tied is None else tied.permutations
    pairs = tie_pairs(*translations_of(rows, lattice, boundary))
    return pairs.times(turned), pairs.amplitudes(f)


def _energy(psi: VariationalState, hamiltonian: SpinHamiltonian, rng: np.random.Generator) -> float:
    """Upper quartile of a few local energies, to choose between starts.

    Not the mean: near zeros of psi some are huge, of either sign. Infinite where quartiles are
    further apart than their size: chains do not leave the zeros then.
    """
    n, n_chains = psi.n_sites, 32
    spins = np.array([rng.permutation(n) % 2 for _ in range(n_chains)], np.int8) * 2 - 1
    drawn = np.empty((n_chains, 2, n), np.int8)
    streams = rng.integers(1, 2**63, size=(n_chains, 4), dtype=np.uint64)
    no_bonds = np.empty((0, 2), np.int64)
    psi.sweep(SweepTask(spins, streams, np.ones(n_chains), PAIR_EXCHANGE, no_bonds, 8, n, drawn))
    energies = psi.local_values(drawn.reshape(-1, n), hamiltonian.connections, True).real
    lower, upper = np.quantile(energies, [0.25, 0.75])
    return float(upper) if upper - lower < abs(upper) else np.inf


def singlet_couplings(hamiltonian: SpinHamiltonian) -> np.ndarray:
    """J_ij >= 0 of antiferromagnetic S_i.S_j, (N, N), by the terms Z Z, or X X without them."""
    terms, n_sites = hamiltonian.terms, hamiltonian.n_sites
    couplings = pair_couplings(terms, "ZZ", n_sites)
    if not couplings.any():
        couplings = abs(pair_couplings(terms, "XX", n_sites))
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
    if not boundary or lattice is None or lattice.positions is None or lattice.translations is None:
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


def starts(
    couplings: np.ndarray, pairs: TiedPairs, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """f (N, N) of mean fields with random signs, before and after they are self-consistent."""
    n_amplitudes = pairs.numbers.max() + 1
    for _ in range(_STARTS):
        hopping, gap = (
            couplings**2 * pairs.matrix(rng.choice([-1.0, 1.0], size=n_amplitudes))
            for _ in range(2)
        )
        yield pairing_of(hopping, gap)
        for _ in range(_ITERATIONS):
            hopping, gap = (-couplings * x for x in _filled(hopping, gap))
        yield pairing_of(hopping, gap)


def _quasiparticles(hopping: np.ndarray, gap: np.ndarray) -> np.ndarray:
    """Modes (2 N, 2 N) of electrons up and holes down, by energy."""
    return np.linalg.eigh(np.block([[hopping, gap], [gap, -hopping]]))[1]


def _filled(hopping: np.ndarray, gap: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """chi and Delta of the ground state, (N, N)."""
    n_sites = len(hopping)
    modes = _quasiparticles(hopping, gap)[:, :n_sites]
    return modes[:n_sites] @ modes[:n_sites].T, modes[:n_sites] @ modes[n_sites:].T


def pairing_of(hopping: np.ndarray, gap: np.ndarray) -> np.ndarray:
    """f = -(v u^-1)^T of the ground state, (N, N) with zeros on the diagonal, at most 1.

    Hopping and gap turned into each other are the same state of spins; of some angles that one
    is taken where u is farthest from singular.
    """
    n_sites, found = len(hopping), []
    for angle in _ANGLES:
        c, s = np.cos(angle), np.sin(angle)
        modes = _quasiparticles(c * hopping - s * gap, s * hopping + c * gap)[:, n_sites:]
        found.append((np.linalg.cond(modes[:n_sites]), modes))
    modes = min(found, key=lambda entry: entry[0])[1]
    f = -np.linalg.lstsq(modes[:n_sites].T, modes[n_sites:].T, rcond=1e-8)[0]
    np.fill_diagonal(f, 0)
    return f / abs(f).max()
