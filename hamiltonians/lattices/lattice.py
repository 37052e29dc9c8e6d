"""The Lattice value: numbered sites, and the bonds between neighbours of each shell.

A lattice with positions is a finite cluster of points, repeated by its ``translations`` when it
is periodic; its shells are ordered by distance to the nearest image. Where a cell names its bonds,
and in a graph, shells are counted in steps along edges.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hamiltonians.lattices.cells import UnitCell
from hamiltonians.lattices.colouring import colour_sites
from hamiltonians.lattices.neighbours import (
    colour_alternately,
    distance_shells,
    image_counts,
    steps_between,
)
from hamiltonians.symmetry.groups import SymmetryGroup, SymmetrySector
from hamiltonians.utils.brief import Rows, Tabled
from hamiltonians.utils.checks import integer

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hamiltonians.lattices.space_group import SpaceGroup


@dataclass(frozen=True)
class Lattice(Tabled):
    """A finite set of numbered sites with neighbour shells.

    Built by `chain`, `square`, `triangular`, ..., by `from_cell` or `from_edges`.

    Attributes
    ----------
    name : str
        For people, e.g. ``"chain of 20, periodic"``.
    kind : str
        ``"chain"``, ``"rectangle"``, ``"ladder"``, ``"graph"`` or the name of the unit cell.
    n_sites : int
    shape : tuple of int or None
        Unit cells along each direction; None for a graph and a cluster given by ``vectors``.
    periodic : tuple of bool or None
        Boundary condition along each direction; None for a graph.
    positions : ndarray, shape (n_sites, d), float64, or None
        In units of the lattice constant.
    translations : ndarray, shape (p, d), float64, or None
        The vectors by which the whole cluster repeats, one for each periodic direction.
    edges : tuple of (int, int) or None
        The nearest neighbours of a graph, or of a cell that names its bonds.
    cell : UnitCell or None
        None for a graph.
    vectors : tuple of tuple of int, or None
        The cluster in multiples of the lattice vectors, where it was given by them.
    """

    name: str
    kind: str
    n_sites: int
    shape: tuple[int, ...] | None = None
    periodic: tuple[bool, ...] | None = None
    positions: NDArray[np.float64] | None = field(default=None, compare=False, repr=False)
    translations: NDArray[np.float64] | None = field(default=None, compare=False, repr=False)
    edges: tuple[tuple[int, int], ...] | None = field(default=None, repr=False)
    cell: UnitCell | None = field(default=None, repr=False)
    vectors: tuple[tuple[int, ...], ...] | None = None

    def bonds(self, shell: int = 1) -> NDArray[np.int32]:
        """Pairs of sites in the given shell of neighbours, each pair once.

        On a small torus two images of a site may be equally near, as the second neighbours of a
        ring of four are. Such a pair is still one bond here, and `multiplicity` tells how many it
        stands for; nearest neighbours of a lattice are never joined twice.

        Parameters
        ----------
        shell : int
            1 for nearest neighbours, 2 for next-nearest, ...

        Returns
        -------
        ndarray, shape (n_bonds, 2), int32
            Rows (i, j) with i < j, sorted.

        Raises
        ------
        ValueError
            If the lattice has no such shell.
        """
        shell = integer("shell", shell, minimum=1)
        if shell > max(self.n_shells, 1):
            raise ValueError(
                f"shell must be between 1 and {self.n_shells} on the {self.name}, got {shell}"
            )
        return np.argwhere(np.triu(self._shell_of_pair == shell, 1)).astype(np.int32)

    def multiplicity(self, shell: int = 1) -> NDArray[np.int64]:
        """Number of nearest images that each pair of ``bonds(shell)`` stands for, mostly 1.

        Multiply a coupling by it to count every image, as in
        ``j1j2(lattice, J2=0.5 * lattice.multiplicity(2))``.

        Returns
        -------
        ndarray, shape (n_bonds,), int64
        """
        i, j = self.bonds(shell).T
        if self.edges is not None:
            return np.ones(len(i), np.int64)
        return image_counts(self.positions, self.translations)[i, j].astype(np.int64)

    @property
    def n_shells(self) -> int:
        """Number of neighbour shells."""
        return int(self._shell_of_pair.max(initial=0))

    @property
    def is_connected(self) -> bool:
        """Whether nearest-neighbour bonds join all sites."""
        return bool((self._components == 0).all())

    @property
    def is_bipartite(self) -> bool:
        """Whether nearest-neighbour bonds join only sites of opposite colour."""
        colours = self._colours
        return not any(colours[i] == colours[j] for i, j in self.bonds())

    def sublattices(self, number: int = 2) -> NDArray[np.int8]:
        """Colour of each site such that nearest neighbours differ; site 0 has colour 0.

        Parameters
        ----------
        number : int
            How many colours: 2 on bipartite lattices, 3 on the triangular and kagome lattices, ...

        Returns
        -------
        ndarray, shape (n_sites,), int8

        Raises
        ------
        ValueError
            If the nearest-neighbour graph cannot be coloured so, such as by two colours where it
            has a loop of odd length.
        """
        number = integer("number", number, minimum=1)
        if number != 2:
            hint = None if self.cell is None else np.arange(self.n_sites) % self.cell.n_basis
            return colour_sites(self.name, self.n_sites, self.bonds(), number, hint)
        if not self.is_bipartite:
            raise ValueError(
                f"the {self.name} has no two sublattices: its nearest-neighbour bonds form a loop "
                "of odd length; allowed are bipartite lattices, such as even or open chains"
            )
        return self._colours.copy()

    def translation_group(self) -> SymmetryGroup:
        """Translations by lattice vectors along the periodic directions.

        Raises
        ------
        ValueError
            If the lattice is a graph, which has no directions.
        """
        return self._space_group.translation_group

    def point_group(self) -> SymmetryGroup:
        """Rotations and reflections about the centre that has most of them.

        Raises
        ------
        ValueError
            If the lattice is a graph; see `space_group`.
        """
        return self._space_group.point_group()

    def space_group(self) -> SymmetryGroup:
        """All translations, rotations and reflections; of a graph, all automorphisms.

        Small clusters can have more automorphisms than isometries, see `automorphism_group`: the
        4x4 torus has 384, and 128 isometries.
        """
        return self.automorphism_group() if self.cell is None else self._space_group.group

    def automorphism_group(self, max_order: int = 20_000) -> SymmetryGroup:
        """All permutations of sites that map nearest neighbours to nearest neighbours.

        Found by a search along edges, without positions. Couplings of further shells need not be
        invariant: check with `SymmetryGroup.leaves_invariant`.

        Raises
        ------
        ValueError
            If there are more than ``max_order``, or the search takes too long.
        """
        from hamiltonians.symmetry.automorphisms import automorphism_group

        return automorphism_group(self.n_sites, self.bonds(), max_order)

    def momenta(self) -> NDArray[np.float64]:
        """All momenta, as phases k . a_j along the periodic lattice vectors, in (-pi, pi].

        On square and cubic lattices this is the wave vector in units of 1 / lattice constant.

        Returns
        -------
        ndarray, shape (n_momenta, p), float64
            k = 0 comes first; p is the number of periodic directions.
        """
        return self._space_group.momenta()

    def translation_sector(self, k: ArrayLike) -> SymmetrySector:
        """The states of momentum ``k``, with no more symmetries than translations.

        Parameters
        ----------
        k : float or array, shape (p,)
            Phases k . a_j along the periodic lattice vectors, as in `momenta`.

        Raises
        ------
        ValueError
            If the cluster does not allow this momentum.
        """
        from hamiltonians.lattices.irreps import translation_sector

        return translation_sector(self._space_group, k)

    def translation_sectors(self) -> list[SymmetrySector]:
        """One sector for each momentum; together they hold the whole spectrum."""
        return [self.translation_sector(k) for k in self.momenta()]

    def sector(
        self, k: ArrayLike, irrep: str | None = None, spin_inversion: int | None = None
    ) -> SymmetrySector:
        """A one-dimensional irrep of the little group of ``k`` by name, such as ``"B1"``.

        Parameters
        ----------
        k : float or array, shape (p,)
            As in `translation_sector`.
        irrep : str, optional
            As `sectors` spells them; left out, the sector has translations only.
        spin_inversion : int, optional
            Parity +1 or -1 under turning over all spins.

        Raises
        ------
        ValueError
            If the momentum is not allowed or has no such irrep; the message lists what it has.
        """
        from hamiltonians.lattices.irreps import named_sector

        return named_sector(self._space_group, k, irrep).with_spin_inversion(spin_inversion)

    def sectors(
        self, k: ArrayLike | None = None, spin_inversion: bool = False, complete: bool = False
    ) -> list[SymmetrySector]:
        """One-dimensional irreps of the little groups, to scan a low spectrum with.

        One momentum stands for all that rotations and reflections carry it to; ``copies`` of a
        sector says how many.

        Parameters
        ----------
        k : float or array, optional
            Only this momentum.
        spin_inversion : bool
            List each sector with both parities.
        complete : bool
            False takes the whole little group: smallest sectors, but levels of two- and more
            dimensional irreps are in none of them. True takes a subgroup of it all of whose irreps
            at that momentum are one-dimensional, so that each level of the full spectrum appears
            with its degeneracy, if a sector's levels are counted ``copies`` times.
        """
        from hamiltonians.lattices.irreps import all_sectors
        from hamiltonians.symmetry.groups import with_both_parities

        found = all_sectors(self._space_group, k, complete)
        return with_both_parities(found) if spin_inversion else found

    def draw(self, ax: "Axes | None" = None, shells: int | Sequence[int] = 1, **style: Any) -> Any:
        """Draw sites and bonds; see `hamiltonians.lattices.drawing.draw`."""
        from hamiltonians.lattices.drawing import draw

        return draw(self, ax, shells, **style)

    def summary(self) -> tuple[str, Rows]:
        """Sites, bonds and symmetries in words."""
        rows = [("sites", str(self.n_sites)), ("bonds", str(len(self.bonds())))]
        if self.shape is not None:
            rows.append(("cells", " x ".join(map(str, self.shape))))
        return self.name, [*rows, ("bipartite", "yes" if self.is_bipartite else "no")]

    def describe(self) -> dict[str, Any]:
        """Everything needed to build the lattice again, as plain JSON values."""
        cell, graph = self.cell, self.cell is None and self.edges is not None
        return {
            "kind": self.kind,
            "name": self.name,
            "n_sites": self.n_sites,
            "shape": None if self.shape is None else list(self.shape),
            "periodic": None if self.periodic is None else list(self.periodic),
            "edges": [list(edge) for edge in self.edges or ()] if graph else None,
            "vectors": None if self.vectors is None else [list(row) for row in self.vectors],
            "cell": None if cell is None else cell.describe(),
        }

    @cached_property
    def _space_group(self) -> "SpaceGroup":
        from hamiltonians.lattices.space_group_search import find_space_group

        return find_space_group(self)

    @cached_property
    def _shell_of_pair(self) -> NDArray[np.int32]:
        """Shell number of every pair of sites; 0 on the diagonal, -1 for sites never joined."""
        if self.edges is not None or self.positions is None:
            return steps_between(self.n_sites, self.edges or ())
        return distance_shells(self.positions, self.translations)

    @cached_property
    def _walk(self) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
        """Colour and component of each site, from one walk over the nearest neighbours."""
        return colour_alternately(self.n_sites, self.bonds().tolist())

    @property
    def _colours(self) -> NDArray[np.int8]:
        return self._walk[0]

    @property
    def _components(self) -> NDArray[np.int32]:
        return self._walk[1]
