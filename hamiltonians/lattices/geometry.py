"""Wave vectors, plane waves, distances and alternating signs of a lattice, for observables."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hamiltonians.lattices.neighbours import squared_distances, steps_between

if TYPE_CHECKING:
    from hamiltonians.lattices.cells import UnitCell
    from hamiltonians.lattices.lattice import Lattice


def all_wave_vectors(lattice: "Lattice") -> NDArray[np.float64]:
    """All wave vectors of a cluster in units of 1 / lattice constant, shape (n_cells, d).

    The phases k.a_j are multiples of 2 pi / L_j in (-pi, pi], in the order of `numpy.fft`, along
    open directions too; those of a cluster given by vectors are its `momenta`. With several sites
    in a cell the structure factor is not periodic in k: add reciprocal lattice vectors for more
    zones.

    Parameters
    ----------
    lattice : Lattice
        With positions.

    Returns
    -------
    float64 array (n_cells, d)

    Raises
    ------
    ValueError
        A graph, which has no positions.
    """
    vectors = np.asarray(_cell_of(lattice).vectors)
    if lattice.shape is None:
        phases = lattice.momenta()
    else:
        sizes = np.array(lattice.shape)
        numbers = np.indices(lattice.shape).reshape(len(sizes), -1).T
        phases = 2 * np.pi * np.where(2 * numbers > sizes, numbers - sizes, numbers) / sizes
    return np.linalg.solve(vectors, phases.T).T


def plane_waves(lattice: "Lattice", wave_vectors: NDArray[np.float64]) -> NDArray[np.complex128]:
    """exp(i k.r_j) / sqrt(N), shape (n_k, N)."""
    _cell_of(lattice)
    positions = np.asarray(lattice.positions)
    if wave_vectors.ndim != 2 or wave_vectors.shape[1] != positions.shape[1]:
        raise ValueError(
            f"wave_vectors must have shape (n, {positions.shape[1]}) on the {lattice.name}, "
            f"got {wave_vectors.shape}"
        )
    return np.exp(1j * wave_vectors @ positions.T) / np.sqrt(lattice.n_sites)


def staggered_signs(lattice: "Lattice") -> NDArray[np.float64]:
    """+1 on one sublattice, -1 on the other, shape (N,); a ValueError if there are not two."""
    return np.where(lattice.sublattices() == 0, 1.0, -1.0)


def pair_distances(lattice: "Lattice") -> NDArray[np.float64]:
    """Distance of every pair of sites to the nearest image, or steps on a graph; shape (N, N).

    Equal distances are equal numbers; sites of a graph that no path joins are at -1.
    """
    if lattice.edges is not None or lattice.positions is None:
        return steps_between(lattice.n_sites, lattice.edges or ()).astype(np.float64)
    return np.sqrt(squared_distances(lattice.positions, lattice.translations))


def _cell_of(lattice: "Lattice") -> "UnitCell":
    if lattice.cell is None:
        raise ValueError(f"wave vectors need a lattice with a unit cell, got the {lattice.name}")
    return lattice.cell
