"""What pictures and the search for a space group ask of a lattice."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hamiltonians.lattices.cells import UnitCell
from hamiltonians.symmetry.groups import SymmetryGroup

Floats = NDArray[np.float64]


class ClusterOfPoints(Protocol):
    """A lattice as the modules below `hamiltonians.lattices.lattice` see it; see `Lattice`."""

    @property
    def name(self) -> str:
        """For people."""

    @property
    def n_sites(self) -> int:
        """Number of sites."""

    @property
    def shape(self) -> tuple[int, ...] | None:
        """Unit cells along each direction."""

    @property
    def periodic(self) -> tuple[bool, ...] | None:
        """Boundary condition along each direction."""

    @property
    def positions(self) -> Floats | None:
        """Of the sites, shape (n_sites, d)."""

    @property
    def translations(self) -> Floats | None:
        """Vectors by which the cluster repeats, shape (p, d)."""

    @property
    def edges(self) -> tuple[tuple[int, int], ...] | None:
        """Nearest neighbours where they are named."""

    @property
    def cell(self) -> UnitCell | None:
        """Its unit cell."""

    @property
    def vectors(self) -> tuple[tuple[int, ...], ...] | None:
        """The cluster in multiples of the lattice vectors."""

    @property
    def is_bipartite(self) -> bool:
        """Whether nearest neighbours are of two kinds."""

    def sublattices(self, number: int = 2) -> NDArray[np.int8]:
        """Kind of each site."""

    def bonds(self, shell: int = 1) -> NDArray[np.int32]:
        """Pairs of sites of a shell."""

    def automorphism_group(self, max_order: int = ...) -> SymmetryGroup:
        """Permutations of sites that keep the bonds."""
