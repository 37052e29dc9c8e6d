"""Product states: one direction for each spin, as unit vectors and as vectors of amplitudes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hamiltonians.operators.local_space import LocalSpace
from hamiltonians.operators.sectors import Sector
from hamiltonians.operators.spin_sectors import AnySector, SpinSector
from hamiltonians.utils.checks import as_real, instance, short

_AXES = {
    f"{sign}{axis}": (1.0 if sign == "+" else -1.0) * np.eye(3)[k]
    for k, axis in enumerate("xyz")
    for sign in "+-"
}
_LEAKED = 1e-12  # of the norm that may lie outside a sector


def spin_directions(directions: Any, n_sites: int) -> NDArray[np.float64]:
    """Unit vectors of the spins, shape (n_sites, 3).

    Parameters
    ----------
    directions : str, sequence of str, or array (3,) or (n_sites, 3)
        "+x", "-x", "+y", "-y", "+z", "-z" or "neel" (+z on even sites, -z on odd ones), the same
        for all or one for each site; or vectors, whose length does not matter.

    Raises
    ------
    TypeError, ValueError
        Unknown names, another number of sites, vectors of length zero.
    """
    if isinstance(directions, str):
        if directions == "neel":
            directions = ["+z" if site % 2 == 0 else "-z" for site in range(n_sites)]
        else:
            directions = [directions] * n_sites
    if len(directions) and all(isinstance(name, str) for name in directions):
        for name in directions:
            if name not in _AXES:
                raise ValueError(
                    f"directions must be vectors or names from {', '.join(_AXES)} and neel, "
                    f"got {short(name)}"
                )
        directions = [_AXES[name] for name in directions]
    vectors = as_real("directions", directions)
    if vectors.shape == (3,):
        vectors = np.tile(vectors, (n_sites, 1))
    if vectors.shape != (n_sites, 3):
        raise ValueError(
            f"directions must be one for all or one for each of {n_sites} sites, "
            f"got shape {vectors.shape}"
        )
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if np.any(lengths == 0):
        raise ValueError("directions must not be zero vectors")
    return vectors / lengths


def amplitudes_of_spins(directions: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Amplitudes (up, down) of each spin, normalised, up real: complex (n_sites, 2)."""
    x, y, z = directions.T
    down = np.where(z < 0, np.sqrt((1 - z) / 2), np.hypot(x, y) / np.sqrt(2 * (1 + np.abs(z))))
    up = np.where(z < 0, np.hypot(x, y) / np.sqrt(2 * (1 + np.abs(z))), np.sqrt((1 + z) / 2))
    return np.stack([up, down * np.exp(1j * np.arctan2(y, x))], axis=1)


def product_state(directions: Any, sector: AnySector) -> NDArray[np.complex128]:
    """The normalised vector of a product state in a sector's basis, shape (dimension,).

    Parameters
    ----------
    directions : see `spin_directions`
    sector : Sector or SpinSector
        Spins of S >= 1 are fully polarised along their directions.

    Returns
    -------
    complex128 array (dimension,)

    Raises
    ------
    ValueError
        The state is not in the sector.
    """
    if not isinstance(sector, SpinSector):
        instance("sector", sector, Sector)
    space = sector.space if isinstance(sector, SpinSector) else LocalSpace(sector.n_sites)
    vectors = spin_directions(directions, sector.n_sites)
    amplitudes = amplitudes_of_spins(vectors)
    levels = space.levels(sector.states_to_spins(sector.basis_states()))
    psi = np.ones(len(levels), complex)
    for site, (up, down) in enumerate(amplitudes):
        top = int(space.local_dims[site]) - 1
        of_level = [math.comb(top, k) ** 0.5 * up ** (top - k) * down**k for k in range(top + 1)]
        psi *= np.array(of_level)[levels[:, site]]
    norm = float(np.linalg.norm(psi))
    if abs(norm - 1) > _LEAKED:
        raise ValueError(
            f"directions must give a state with total_sz = {sector.total_sz:g}, "
            f"got one with the weight {norm**2:.3g} there"
        )
    return psi
