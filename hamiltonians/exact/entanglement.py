"""Entanglement of exact states, in a fixed total S_z without all configurations."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hamiltonians.exact.diagonalisation import ExactResult
from hamiltonians.operators.sectors import Sector
from hamiltonians.operators.spin_sectors import AnySector, SpinSector
from hamiltonians.utils.checks import instance, integer, number

_SMALLEST = 1e-30  # eigenvalue of a density matrix; below is the rounding of amplitudes


def entanglement_entropy(
    state: ArrayLike | ExactResult,
    sites: Iterable[int],
    order: float = 1,
    sector: AnySector | None = None,
) -> float:
    """Entropy of the reduced density matrix rho of some sites, in nats.

    Parameters
    ----------
    state : array, shape (sector.dimension,), or ExactResult
        Amplitudes, normalised or not, or a result, of which the lowest state is taken; of another
        one give ``result.expanded(number)`` with its sector.
    sites : iterable of int
        The region, each site once.
    order : float
        1 for von Neumann's -tr rho log rho, else Renyi's log(tr rho^order) / (1 - order).
    sector : Sector or SpinSector, optional
        Basis of the amplitudes; left out for all 2^N configurations.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        If the amplitudes do not fit the sector or are all zero, a site is not there or named
        twice, or the order is not positive.

    Examples
    --------
    >>> entanglement_entropy(ground_state(heisenberg(chain(12), total_sz=0)), range(6))
    """
    order = number("order", order, above=0)
    vector, sector = _amplitudes(state, sector)
    region = _region(sites, sector)
    p = np.concatenate([weights for _, weights in _schmidt(vector, region, sector)])
    p = p[p > 0]
    if len(p) == 1:
        return 0.0  # a product, without the rounding of a logarithm
    if order == 1:
        return max(0.0, float(-np.sum(p * np.log(p))))
    largest = p.max()  # taken out of the sum, so that no power underflows
    log_trace = order * np.log(largest) + np.log(np.sum((p / largest) ** order))
    return max(0.0, float(log_trace / (1 - order)))


def entanglement_spectrum(
    state: ArrayLike | ExactResult, sites: Iterable[int], sector: AnySector | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """-log of the eigenvalues of the reduced density matrix of some sites.

    Parameters
    ----------
    state, sites, sector
        As of `entanglement_entropy`.

    Returns
    -------
    levels : float64 array
        Ascending; eigenvalues below 1e-30 are left out.
    sz : float64 array
        Total S_z of the region in each; NaN where that of the whole is free.

    Examples
    --------
    >>> levels, sz = entanglement_spectrum(ground_state(aklt(chain(8), total_sz=0)), range(4))
    """
    vector, sector = _amplitudes(state, sector)
    region = _region(sites, sector)
    found = list(_schmidt(vector, region, sector))
    weights = np.concatenate([p for _, p in found])
    sz = np.concatenate([np.full(len(p), value) for value, p in found])
    kept = weights > _SMALLEST
    levels = -np.log(weights[kept])
    order = np.argsort(levels, kind="stable")
    return levels[order], sz[kept][order]


def _region(sites: Any, sector: AnySector) -> list[int]:
    instance("sites", sites, Iterable)
    region = [integer("a site", site, minimum=0) for site in sites]
    if len(set(region)) < len(region) or max(region, default=0) >= sector.n_sites:
        raise ValueError(f"sites must name sites 0 to {sector.n_sites - 1} once each, got {region}")
    return region


def _amplitudes(state: Any, sector: AnySector | None) -> tuple[NDArray[Any], AnySector]:
    if isinstance(state, ExactResult):
        if sector is not None:
            raise ValueError("sector must be left out with a result, which knows its own")
        return state.expanded(), state.sector
    vector = np.asarray(state)
    if vector.ndim != 1 or vector.dtype.kind not in "iufc":
        raise TypeError(f"state must be one vector of amplitudes or a result, got {vector.shape}")
    if sector is None:
        n_sites = len(vector).bit_length() - 1
        if n_sites < 1 or len(vector) != 2**n_sites:
            raise ValueError(f"sector must be given for a vector of {len(vector)} amplitudes")
        sector = Sector(n_sites)
    if not isinstance(sector, SpinSector):
        instance("sector", sector, Sector)
    if len(vector) != sector.dimension:
        raise ValueError(f"state must have shape ({sector.dimension},), got {vector.shape}")
    norm = np.linalg.norm(vector)
    if not 0 < norm < np.inf:
        raise ValueError(f"state must have a finite positive norm, got {norm}")
    return vector / norm, sector


def _schmidt(
    vector: NDArray[Any], region: list[int], sector: AnySector
) -> Iterator[tuple[float, NDArray[np.float64]]]:
    """S_z of the region and its squared Schmidt coefficients, for each S_z that it can have.

    Given S_z inside, any configuration inside goes with any outside unless a blockade forbids it,
    so that the matrices (inside, outside) hold hardly more numbers than the vector.
    """
    states = sector.basis_states()
    bits = sector.space.bits_per_site if isinstance(sector, SpinSector) else 1
    width, field = np.uint64(bits), np.uint64(2**bits - 1)
    inside, outside = np.zeros_like(states), np.zeros_like(states)
    lowered = np.zeros(len(states), np.int16)
    for site in range(sector.n_sites):
        level = (states >> np.uint64(bits * (sector.n_sites - 1 - site))) & field
        part = inside if site in region else outside
        part <<= width
        part |= level
        if site in region and sector.n_down is not None:
            lowered += level.astype(np.int16)
    spins = sector.space.spins if isinstance(sector, SpinSector) else (0.5,) * sector.n_sites
    top = sum(spins[site] for site in region) if sector.n_down is not None else np.nan
    order = np.argsort(lowered, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(lowered[order])) + 1):
        row, column = (np.unique(p[rows], return_inverse=True) for p in (inside, outside))
        block = np.zeros((len(row[0]), len(column[0])), vector.dtype)
        block[row[1], column[1]] = vector[rows]
        values = np.linalg.svd(block, compute_uv=False)
        yield top - lowered[rows[0]], values**2
