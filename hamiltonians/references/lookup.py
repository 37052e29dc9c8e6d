"""The best known ground-state energy of a Hamiltonian, and where it comes from."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from hamiltonians.exact.diagonalisation import TooLargeError, ground_state
from hamiltonians.exact.ground_sector import ground_sector
from hamiltonians.lattices import Lattice
from hamiltonians.models.hamiltonian import ModelSpec, SpinHamiltonian
from hamiltonians.references.closed_forms import heisenberg_chain_energy, ising_chain_energy
from hamiltonians.references.published import CLUSTERS, SQUARE_J1J2, Published
from hamiltonians.symmetry.groups import SymmetrySector
from hamiltonians.utils.checks import instance

__all__ = ["Reference", "best_reference", "heisenberg_chain_energy", "ising_chain_energy"]

Kind = Literal[
    "exact diagonalisation", "free fermions", "Bethe ansatz", "valence bonds", "published"
]


@dataclass(frozen=True)
class Reference:
    """A ground-state energy to compare with.

    Attributes
    ----------
    energy : float
        Total, in the units of the Hamiltonian.
    source : str
        Method or paper.
    kind : str
        "exact diagonalisation", "free fermions", "Bethe ansatz", "valence bonds" or "published".
    uncertainty : float
        One standard error, or the last digit that was printed; in the unit of ``energy``.
    """

    energy: float
    source: str
    kind: Kind
    uncertainty: float


def best_reference(
    H: SpinHamiltonian, max_dimension: int = 2**18, *, symmetry: SymmetrySector | None = None
) -> Reference | None:
    """The best reference energy for ``H`` in its sector, or None if there is none.

    Closed forms come first, then exact diagonalisation of sectors of up to ``max_dimension``
    states that fit into memory, then published clusters.

    Parameters
    ----------
    H : SpinHamiltonian
    max_dimension : int
    symmetry : SymmetrySector, optional
        The reference is then the lowest energy of this sector: diagonalised where ``H`` has no
        more than ``max_dimension`` states in all. Beyond, it is that of the ground state for the
        symmetric sector and for the one in which the ground state is known to lie.

    Returns
    -------
    Reference or None
    """
    instance("H", H, SpinHamiltonian)
    if symmetry is not None and H.dimension <= max_dimension:
        return _diagonalised(H, max_dimension, symmetry)
    if symmetry is not None and not _may_hold_ground_state(H, symmetry):
        return None
    return closed_form(H) or _diagonalised(H, max_dimension) or published(H)


def _may_hold_ground_state(H: SpinHamiltonian, symmetry: SymmetrySector) -> bool:
    """Whether a sector is symmetric, or has the characters of the known ground state."""
    asked = np.asarray(symmetry.characters)
    if symmetry.spin_inversion != -1 and np.allclose(asked, 1):
        return True
    known = ground_sector(H)
    if known is None or (known.spin_inversion or 1) != (symmetry.spin_inversion or 1):
        return False
    rows = zip(known.group.permutations.tolist(), known.characters, strict=True)
    characters = {tuple(row): character for row, character in rows}
    wanted = [characters.get(tuple(row)) for row in symmetry.group.permutations.tolist()]
    return None not in wanted and np.allclose(asked, np.array(wanted, complex))


def closed_form(H: SpinHamiltonian) -> Reference | None:
    """The energy of an exactly solvable chain, or None."""
    spec = H.spec
    if spec is None or spec.lattice.kind != "chain":
        return None
    if spec.model == "aklt":
        return _valence_bonds(H, spec)
    if "spin" in spec.parameters:  # couplings of spin operators
        return None
    if spec.model == "ising" and H.total_sz is None:
        return _free_fermions(spec)
    if spec.model == "heisenberg" and (H.total_sz or 0.0).is_integer():
        return _bethe_ansatz(spec, H.total_sz or 0.0)
    return None


def _valence_bonds(H: SpinHamiltonian, spec: ModelSpec) -> Reference | None:
    """AKLT chains: -2/3 of each bond; one singlet on a ring, spins 0 and 1 on an open chain."""
    J, largest_sz = spec.parameters["J"], 0 if spec.lattice.periodic == (True,) else 1
    if np.any(np.asarray(J) <= 0) or spec.lattice.n_sites < 3 or abs(H.total_sz or 0) > largest_sz:
        return None
    energy = -2 / 3 * float(np.sum(np.broadcast_to(J, len(spec.lattice.bonds()))))
    source = "valence bonds, Affleck, Kennedy, Lieb & Tasaki 1987"
    return Reference(energy, source, "valence bonds", 1e-12 * abs(energy))


def _free_fermions(spec: ModelSpec) -> Reference | None:
    lattice, values = spec.lattice, spec.parameters
    if np.any(values["hz"]) or lattice.n_sites < 2:
        return None
    closed = lattice.periodic == (True,)
    J = _along_chain(lattice, values["J"])
    energy = ising_chain_energy(lattice.n_sites, values["h"], J, periodic=closed)
    source = "free fermions, Lieb, Schultz & Mattis 1961 and Pfeuty 1970"
    return Reference(energy, source, "free fermions", 1e-12 * abs(energy))


def _bethe_ansatz(spec: ModelSpec, total_sz: float) -> Reference | None:
    lattice, J = spec.lattice, spec.parameters["J"]
    uniform = np.unique(J)
    if lattice.periodic != (True,) or lattice.n_sites % 2 or np.any(spec.parameters["field"]):
        return None
    if len(uniform) != 1 or uniform[0] <= 0:
        return None
    energy = float(uniform[0]) * heisenberg_chain_energy(lattice.n_sites, total_sz)
    return Reference(energy, "Bethe ansatz, Bethe 1931", "Bethe ansatz", 1e-12 * abs(energy))


def _diagonalised(
    H: SpinHamiltonian, max_dimension: int, symmetry: SymmetrySector | None = None
) -> Reference | None:
    if H.dimension > max_dimension:
        return None
    try:
        result = ground_state(H, symmetry=symmetry)
    except TooLargeError:
        return None
    sector = "" if symmetry is None else f" of the sector {symmetry.label}"
    source = f"exact diagonalisation{sector}, dimension {result.dimension}"
    error = max(float(result.residuals[0]), 1e-12 * H.size_of(result.energy))
    return Reference(result.energy, source, "exact diagonalisation", error)


def published(H: SpinHamiltonian) -> Reference | None:
    """The published energy of a cluster, or None."""
    spec = H.spec
    if spec is None or H.total_sz not in (None, 0.0) or spec.model not in ("heisenberg", "j1j2"):
        return None
    lattice, values = spec.lattice, spec.parameters
    if (
        lattice.shape is None
        or "spin" in values
        or not all(lattice.periodic or [False])
        or np.any(values["field"])
    ):
        return None
    J1, J2 = _uniform(values.get("J1", values.get("J"))), _uniform(values.get("J2", 0.0))
    if J1 is None or J2 is None or J1 <= 0:
        return None
    row = _published_row(round(J2 / J1, 12), lattice)
    if row is None:
        return None
    scale = 4 * lattice.n_sites * J1
    return Reference(scale * row.per_site, row.source, "published", scale * row.uncertainty)


def _published_row(ratio: float, lattice: Lattice) -> Published | None:
    shape = tuple(sorted(lattice.shape or ()))
    if lattice.kind == "rectangle" and shape[0] == shape[1]:
        return SQUARE_J1J2.get((ratio, shape[0]))
    return CLUSTERS.get((ratio, lattice.kind, shape))


def _along_chain(lattice: Lattice, J: Any) -> Any:
    """Couplings in the order of the chain: ``lattice.bonds()`` lists (0, N - 1) second."""
    if np.ndim(J) == 0:
        return J
    steps = dict(zip(map(tuple, lattice.bonds().tolist()), J, strict=True))
    last = lattice.n_sites - 1
    along = [steps[i, i + 1] for i in range(last)]
    return np.array([*along, steps[0, last]] if lattice.periodic == (True,) else along)


def _uniform(value: Any) -> float | None:
    """The one value of a coupling, or None if bonds differ."""
    values = np.unique(value)
    return float(values[0]) if len(values) == 1 else None
