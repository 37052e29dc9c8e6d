"""Entanglement entropies of exact states, in a fixed total S_z without all 2^N configurations."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hamiltonians.exact.diagonalisation import ExactResult
from hamiltonians.operators.sectors import Sector
from hamiltonians.utils.checks import instance, integer, number


def entanglement_entropy(
    state: ArrayLike | ExactResult,
    sites: Iterable[int],
    order: float = 1,
    sector: Sector | None = None,
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
    sector : Sector, optional
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
    instance("sites", sites, Iterable)
    region = [integer("a site", site, minimum=0) for site in sites]
    if len(set(region)) < len(region) or max(region, default=0) >= sector.n_sites:
        raise ValueError(f"sites must name sites 0 to {sector.n_sites - 1} once each, got {region}")
    blocks = _blocks(vector, region, sector)
    schmidt = np.concatenate([np.linalg.svd(block, compute_uv=False) for block in blocks])
    p = schmidt**2 / np.sum(schmidt**2)
    p = p[p > 0]
    if order == 1:
        return max(0.0, float(-np.sum(p * np.log(p))))
    largest = p.max()  # taken out of the sum, so that no power underflows
    log_trace = order * np.log(largest) + np.log(np.sum((p / largest) ** order))
    return max(0.0, float(log_trace / (1 - order)))


def _amplitudes(state: Any, sector: Sector | None) -> tuple[NDArray[Any], Sector]:
    if isinstance(state, ExactResult):
        if sector is not None:
            raise ValueError("sector must be left out with a result, which knows its own")
        return state.expanded(), Sector(state.n_sites, state.total_sz)
    vector = np.asarray(state)
    if vector.ndim != 1 or vector.dtype.kind not in "iufc":
        raise TypeError(f"state must be one vector of amplitudes or a result, got {vector.shape}")
    if sector is None:
        n_sites = len(vector).bit_length() - 1
        if n_sites < 1 or len(vector) != 2**n_sites:
            raise ValueError(f"sector must be given for a vector of {len(vector)} amplitudes")
        sector = Sector(n_sites)
    instance("sector", sector, Sector)
    if len(vector) != sector.dimension:
        raise ValueError(f"state must have shape ({sector.dimension},), got {vector.shape}")
    norm = np.linalg.norm(vector)
    if not 0 < norm < np.inf:
        raise ValueError(f"state must have a finite positive norm, got {norm}")
    return vector / norm, sector


def _blocks(vector: NDArray[Any], region: list[int], sector: Sector) -> Iterator[NDArray[Any]]:
    """Amplitudes as matrices (inside, outside), one for each S_z that the region can have.

    Given the spins down inside, any configuration inside goes with any outside, so that a block
    is a full rectangle and all of them hold as many numbers as the vector.
    """
    states = sector.basis_states()
    inside, outside = np.zeros_like(states), np.zeros_like(states)
    n_down = np.zeros(len(states), np.int8)
    for site in range(sector.n_sites):
        bit = (states >> np.uint64(sector.n_sites - 1 - site)) & np.uint64(1)
        part = inside if site in region else outside
        part <<= np.uint64(1)
        part |= bit
        if site in region and sector.n_down is not None:
            n_down += bit.astype(np.int8)
    order = np.lexsort((outside, inside, n_down))
    for rows in np.split(order, np.flatnonzero(np.diff(n_down[order])) + 1):
        yield vector[rows].reshape(len(np.unique(inside[rows])), -1)
