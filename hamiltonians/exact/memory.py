"""How much memory exact diagonalisation takes, known before any of it is allocated."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hamiltonians.exact.exchange import PIECE
from hamiltonians.models.hamiltonian import SpinHamiltonian
from hamiltonians.operators.level_connections import LevelConnections
from hamiltonians.operators.local_space import MAX_BITS
from hamiltonians.operators.sectors import has_few_states
from hamiltonians.symmetry.groups import SymmetrySector
from hamiltonians.utils.checks import instance
from hamiltonians.utils.memory import (
    TooLargeError,
    power_text,
    require_memory,
    size_text,
)

DENSE_DIMENSION = 512  # sectors up to this size are diagonalised densely
_BLOCK_LOW_BITS = 8  # of a block at least: there are no more blocks than 2^(n_sites - 8)


@dataclass(frozen=True)
class MemoryPlan:
    """What `ground_state` will hold at its peak.

    Attributes
    ----------
    dimension : int
    parts : dict of str to int
        Bytes by what they hold.
    stored_elements : bool
        Whether the matrix elements of a symmetry sector are kept.
    n_ranks : int
        That divide the vectors; the bytes are those of one rank.
    """

    dimension: int
    parts: dict[str, int]
    stored_elements: bool = False
    n_ranks: int = 1

    @property
    def total(self) -> int:
        """Bytes in all."""
        return sum(self.parts.values())

    def __str__(self) -> str:
        listed = ", ".join(f"{name} {size_text(n)}" for name, n in self.parts.items() if n)
        each = "" if self.n_ranks == 1 else f" on each of {self.n_ranks} ranks"
        return f"dimension {self.dimension}: {size_text(self.total)}{each} ({listed})"


def memory_plan(
    H: SpinHamiltonian,
    k: int = 1,
    sector: SymmetrySector | None = None,
    vectors: bool = True,
    limit: int | None = None,
    n_ranks: int = 1,
) -> MemoryPlan:
    """Plan the memory of `ground_state`; matrix elements are kept if they fit into ``limit``.

    Ranks always keep them: to find them anew, each would need the representatives of all. So do
    spins of other S than 1/2.

    Parameters
    ----------
    H : SpinHamiltonian
    k : int
        Number of states.
    sector : SymmetrySector, optional
    vectors : bool
        Whether vectors are wanted too.
    limit : int, optional
        Bytes; by default what the host has available.
    n_ranks : int
        MPI ranks that divide the memory.

    Returns
    -------
    MemoryPlan
    """
    instance("H", H, SpinHamiltonian)
    dimension = sector_dimension(H, sector)
    few = sector is None and H.is_spin_half and has_few_states(H.n_sites, H.total_sz)
    if dimension <= DENSE_DIMENSION or few:
        n_ranks = 1
    item = 8 if H.is_real and (sector is None or sector.is_real) else 16
    own = -(-dimension // n_ranks)
    parts = {"vectors": _n_vectors(dimension, k, vectors) * item * own}
    if n_ranks > 1:
        parts["from other ranks"] = item * (2 * PIECE if sector is None else own)
    if dimension <= DENSE_DIMENSION:
        parts["dense matrix"] = 4 * item * dimension**2
    if few:
        parts["sparse matrix"] = 3 * H.n_sites * dimension + 12 * matrix_bytes(H, dimension)
        return MemoryPlan(dimension, parts)
    if sector is None and H.is_spin_half:
        parts["tables"] = 16 * 2 ** max(H.n_sites - _BLOCK_LOW_BITS, 0) + 2**18
        return MemoryPlan(dimension, parts, n_ranks=n_ranks)
    starts = 2 ** max(H.n_sites - 16, 0)
    if not H.is_spin_half:
        starts = H.local_space.n_configurations() // 2**16
    parts["starts of lists"] = starts
    parts["representatives, orbit sizes, index"] = 34 * own + 2**25
    elements = matrix_bytes(H, own)
    always = n_ranks > 1 or not H.is_spin_half
    fits = always or limit is None or elements + sum(parts.values()) <= limit
    if fits:
        parts["matrix elements"] = elements
    return MemoryPlan(dimension, parts, fits, n_ranks)


def memory_needed(H: SpinHamiltonian, k: int = 1) -> int:
    """Bytes that `ground_state` will hold at its peak, without symmetries.

    Parameters
    ----------
    H : SpinHamiltonian
    k : int
        Number of states.

    Returns
    -------
    int
    """
    return memory_plan(H, k).total


def sector_dimension(H: SpinHamiltonian, sector: SymmetrySector | None) -> int:
    """Number of basis states, or of orbits in a symmetry sector."""
    if sector is None:
        return H.dimension
    from hamiltonians.exact.orbits import count_orbits

    space = H.local_space
    kind = None if H.is_spin_half else space
    return count_orbits(H.n_sites, space.n_lowered(H.total_sz), sector, kind)


def matrix_bytes(H: SpinHamiltonian, dimension: int) -> int:
    """Bytes of packed matrix elements: 4 for each flip that stays in the S_z sector on average."""
    n, c = H.n_sites, H.connections
    if not H.is_spin_half:
        counts = [float(np.mean(rows)) for rows in _counts_of_groups(c)]
        return round(8.1 * sum(counts) * dimension)
    sizes = [int(end - start) for start, end in zip(c.flip_ptr, c.flip_ptr[1:], strict=False)]
    share = 1.0 * len(sizes)
    if H.total_sz is not None:
        n_down = round(n / 2 - H.total_sz)
        ways = [
            math.comb(size, size // 2) * math.comb(n - size, n_down - size // 2)
            if size % 2 == 0 and size // 2 <= n_down
            else 0
            for size in sizes
        ]
        share = sum(ways) / math.comb(n, n_down)
    return round(4.1 * share * dimension)


def _counts_of_groups(c: LevelConnections) -> Iterator[NDArray[np.int64]]:
    """Elements of each row, for each group of sites."""
    counts = np.diff(c.row_ptr)
    return (counts[row:end] for row, end in zip(c.first_row, c.row_ends, strict=True))


def n_krylov(dimension: int, k: int) -> int:
    """Vectors kept between restarts where several states are asked for."""
    return min(dimension, 2 * k + 20)


def check_plan(H: SpinHamiltonian, plan: MemoryPlan, limit: int | None) -> None:
    """Refuse what does not fit, and say what would make it smaller."""
    check_sites(H)
    dimension = power_text(plan.dimension)
    what = f"exact diagonalisation of {H.n_sites} sites, dimension {dimension},"
    require_memory(plan.total, what, _advice(H), limit)


def check_sites(H: SpinHamiltonian) -> None:
    """Refuse more sites than a basis state has bits, unless there are few states."""
    if not H.is_spin_half:
        H.local_space.check_bits()
        return
    if H.n_sites >= MAX_BITS and not has_few_states(H.n_sites, H.total_sz):
        raise TooLargeError(
            f"exact diagonalisation allows at most {MAX_BITS - 1} sites, got {H.n_sites} "
            f"(dimension {power_text(H.dimension)})"
        )


def _n_vectors(dimension: int, k: int, vectors: bool) -> int:
    if k == 1 or dimension <= DENSE_DIMENSION:
        return 3 if vectors else 2
    return 2 * n_krylov(dimension, k) + k + 4


def _advice(H: SpinHamiltonian) -> str:
    if H.total_sz is not None or not H.conserves_total_sz:
        return ""
    smallest = round(2 * sum(H.local_space.spins)) % 2 / 2
    return f"total S_z is conserved, so total_sz={smallest:g} would make the problem smaller"
