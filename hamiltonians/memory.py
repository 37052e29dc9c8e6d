"""How much memory exact diagonalisation takes, known before any of it is allocated."""

import math

from hamiltonians.connections import MAX_BITS
from hamiltonians.hamiltonian import SpinHamiltonian

DENSE_DIMENSION = 512  # sectors up to this size are diagonalised densely


class TooLargeError(ValueError):
    """The sector does not fit into memory; raised before anything is allocated."""


def memory_needed(H: SpinHamiltonian, k: int = 1) -> int:
    """Bytes that `ground_state` will hold at its peak: Krylov vectors, basis and tables."""
    tables = 16 * 2 ** ((H.n_sites + 1) // 2)
    if H.dimension <= DENSE_DIMENSION:
        return 4 * item_size(H) * H.dimension**2 + tables
    vectors = n_krylov(H.dimension, k) + 2 * k + 6
    return H.dimension * (16 + vectors * item_size(H)) + tables


def n_krylov(dimension: int, k: int) -> int:
    """Krylov vectors kept between restarts of Lanczos; few, since the product is cheap."""
    return min(dimension, 2 * k + 10)


def item_size(H: SpinHamiltonian) -> int:
    """Bytes of one matrix element."""
    return 8 if H.is_real else 16


def check_memory(H: SpinHamiltonian, needed: int, limit: int | None) -> None:
    """Refuse what does not fit, and say what would make it smaller."""
    if H.n_sites > MAX_BITS:
        raise TooLargeError(
            f"exact diagonalisation allows at most {MAX_BITS} sites, got {H.n_sites} "
            f"(dimension {_power(H.dimension)})"
        )
    available = _available_memory() if limit is None else limit
    if needed > available:
        raise TooLargeError(
            f"exact diagonalisation of {H.n_sites} sites, dimension {_power(H.dimension)}, needs "
            f"{_size(needed)} of memory; allowed are {_size(available)}{_advice(H)}"
        )


def _advice(H: SpinHamiltonian) -> str:
    if H.total_sz is not None or not H.conserves_total_sz:
        return ""
    smallest = H.n_sites % 2 / 2
    return f"; total S_z is conserved, so total_sz={smallest:g} would make the problem smaller"


def _available_memory() -> int:
    import psutil

    return int(psutil.virtual_memory().available)


def _power(number: int) -> str:
    """An integer of any size in a few characters."""
    if number < 10**7:
        return str(number)
    return f"about 10^{math.log10(number):.0f}"


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:.3g} GB" if n_bytes < 10**15 else f"{_power(n_bytes)} bytes"
