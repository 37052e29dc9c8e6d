"""A spin Hamiltonian: a Hermitian sum of terms on numbered sites, in a chosen S_z sector."""

import dataclasses
import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hamiltonians.lattices.lattice import Lattice
from hamiltonians.models.sign_rules import sign_rotation
from hamiltonians.operators.connections import compile_connections
from hamiltonians.operators.level_connections import check_sites_of, level_connections
from hamiltonians.operators.local_space import (
    LocalSpace,
    check_total_sz,
    checked_pairs,
    checked_spin,
)
from hamiltonians.operators.pauli import PauliSum, spell
from hamiltonians.operators.properties import (
    checked_terms,
    coupling_scale,
    spectral_bound,
    sz_breaking_term,
    trace_per_state,
)
from hamiltonians.operators.spin import SpinOperator, as_spin_operator, spins_of
from hamiltonians.symmetry.rotations import Rotation
from hamiltonians.utils.brief import Brief, Rows, Tabled
from hamiltonians.utils.checks import instance, integer, short
from hamiltonians.utils.memory import power_text, require_memory

if TYPE_CHECKING:
    from scipy.sparse import csr_array

# |E - trace| is 0.2 to 1 of the bound from the terms for ground states of lattices, 0.1 to 0.3 for
# frustrated random graphs. Below this share a level lies in the middle of the spectrum.
MIDDLE = 0.05


@dataclass(frozen=True, repr=False)
class ModelSpec(Brief):
    """Which named model a Hamiltonian is, so that closed forms can be recognised.

    Attributes
    ----------
    model : str
        Name in `hamiltonians.models.named.MODELS`.
    lattice : Lattice
    parameters : mapping of str to float or ndarray
        As given by the user: one number, or one for each bond or site.
    """

    model: str
    lattice: Lattice
    parameters: Mapping[str, Any]

    @property
    def plain_parameters(self) -> dict[str, Any]:
        """Them as plain JSON values."""
        return {key: np.asarray(value).tolist() for key, value in self.parameters.items()}


@dataclass(frozen=True)
class SpinHamiltonian(Tabled):
    """A Hermitian sum of terms on ``n_sites`` spins; build it by a model function.

    Attributes
    ----------
    name : str
    n_sites : int
    terms : PauliSum or SpinOperator
        In the basis in which the Hamiltonian is solved: already rotated by ``rotation``. Pauli
        strings for spins 1/2, matrices on sites for others or where there is a blockade.
    lattice : Lattice or None
    total_sz : float or None
        Sector, the sum of S_z in units of hbar; None leaves it free.
    rotation : Rotation or None
        Of the spins about z that was applied, by the Marshall rule or another one.
    spec : ModelSpec or None
    spin : float or tuple of float
        S of all sites, or of each.
    blockade : tuple of pairs of int
        Pairs of sites that are not both in their highest state; the Hamiltonian is projected on
        the configurations that this leaves.

    Raises
    ------
    TypeError, ValueError
        If the terms are not Hermitian, act beyond ``n_sites`` or on another spin, or leave the
        sector ``total_sz``.
    """

    name: str
    n_sites: int
    terms: Any
    lattice: Lattice | None = None
    total_sz: float | None = None
    rotation: Rotation | None = None
    spec: ModelSpec | None = field(default=None, compare=False, repr=False)
    spin: Any = 0.5
    blockade: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        what = f"a table of pairs of {self.n_sites} sites (n_sites, or the last site of a term)"
        require_memory(self.n_sites**2, what)
        space = self.local_space
        object.__setattr__(self, "spin", checked_spin(self.spin, self.n_sites))
        object.__setattr__(self, "blockade", space.blockade)
        object.__setattr__(self, "terms", checked_terms(self.terms, space))
        if self.lattice is not None and self.lattice.n_sites != self.n_sites:
            raise ValueError(
                f"lattice must have n_sites={self.n_sites} sites, got {self.lattice.n_sites}"
            )
        if self.total_sz is not None:
            object.__setattr__(self, "total_sz", check_total_sz(self.total_sz, space))
            if self._sector_breaker is not None:
                raise ValueError(
                    "total_sz must be None for a Hamiltonian that does not conserve it, got "
                    f"{self.total_sz:g}; the term {self._sector_breaker} changes it"
                )

    @cached_property
    def local_space(self) -> LocalSpace:
        """The configurations there are, whatever their total S_z."""
        return LocalSpace.of_spin(self.n_sites, self.spin, self.blockade)

    @property
    def is_spin_half(self) -> bool:
        """Whether ``terms`` is a Pauli sum: spins 1/2 without a blockade."""
        return self.local_space.is_spin_half

    @property
    def is_real(self) -> bool:
        """Whether all matrix elements are real: every Pauli string has an even number of Y."""
        if not self.is_spin_half:
            return bool(self.terms.is_real)
        return all(sum(p == "Y" for _, p in string) % 2 == 0 for string in self.terms.terms)

    @property
    def conserves_total_sz(self) -> bool:
        """Whether H commutes with total S_z, decided on its terms."""
        return self._sector_breaker is None

    @cached_property
    def _sector_breaker(self) -> str | None:
        return sz_breaking_term(self.terms)

    @cached_property
    def dimension(self) -> int:
        """Number of basis states in the sector."""
        if not self.is_spin_half:
            return self.local_space.n_configurations(self.total_sz)
        if self.total_sz is None:
            return 2**self.n_sites
        return math.comb(self.n_sites, round(self.n_sites / 2 - self.total_sz))

    @property
    def trace(self) -> float:
        """Tr H over the number of states: the energy at infinite temperature."""
        return trace_per_state(self.terms)

    @cached_property
    def energy_scale(self) -> float:
        """Bound of |E - trace| over the spectrum: the sum of the norms of terms."""
        return spectral_bound(self.terms)

    @cached_property
    def coupling_scale(self) -> float:
        """J of a typical site, the inverse of the unit of learning rates; 1 where there is none."""
        return coupling_scale(self.terms) or 1.0

    def size_of(self, energy: float) -> float:
        """What a difference from an energy is relative to: |energy - trace|.

        For levels in the middle of the spectrum 0.05 `energy_scale`; 0 where H is constant.
        """
        return max(abs(float(energy) - self.trace), MIDDLE * self.energy_scale)

    def relative(self, difference: float, energy: float) -> float:
        """A difference from an energy over `size_of` it; 0 where all energies are one."""
        return difference / (self.size_of(energy) or 1.0)

    def in_units_of(self, unit: float) -> "SpinHamiltonian":
        """(H - trace) / unit, H itself where that changes nothing."""
        if unit == 1 and self.trace == 0:
            return self
        if self.is_spin_half:
            terms = PauliSum({s: c / unit for s, c in self.terms.terms.items() if s})
        else:
            terms = (self.terms - self.trace) / unit
        return dataclasses.replace(self, terms=terms)

    @cached_property
    def connections(self) -> Any:
        """The terms as flat arrays for kernels: `Connections`, or `LevelConnections`."""
        if not self.is_spin_half:
            fixed = self.total_sz is not None
            return level_connections(self.terms, self.local_space, fixed)
        return compile_connections(self.terms, self.n_sites)

    @cached_property
    def fingerprint(self) -> str:
        """Hexadecimal digest of terms and sector, the same in every session."""
        digest = hashlib.sha256(f"{self.n_sites} {self.total_sz}".encode())
        if not self.is_spin_half:
            digest.update(f"{self.spin} {self.blockade}".encode())
            for sites, matrix in self.terms.parts.items():
                digest.update(f"\n{sites}".encode() + np.asarray(matrix, complex).tobytes())
            return digest.hexdigest()[:16]
        for string, value in sorted(self.terms.terms.items()):
            digest.update(f"\n{value.real.hex()} {spell(string)}".encode())
        return digest.hexdigest()[:16]

    def summary(self) -> tuple[str, Rows]:
        """Sites, sector and terms in words."""
        kind = "Pauli strings" if self.is_spin_half else "matrices on sites"
        spins = "" if self.spin == 0.5 else f" of spin {short(self.spin)}"
        blocked = f", {len(self.blockade)} pairs under a blockade" if self.blockade else ""
        return self.name, [
            ("sites", f"{self.n_sites}{spins}{blocked}"),
            ("total S_z", "free" if self.total_sz is None else f"{self.total_sz:g}"),
            ("states", str(self.dimension)),
            ("terms", f"{len(self.terms)} {kind}, {'real' if self.is_real else 'complex'}"),
            ("rotation", "none" if self.rotation is None else self.rotation.title),
        ]

    def describe(self) -> dict[str, Any]:
        """What a result file records about the Hamiltonian, as plain JSON values."""
        other: dict[str, Any] = {} if self.spin == 0.5 else {"spin": self.spin}
        if self.blockade:
            other["blockade"] = self.blockade
        return other | {
            "name": self.name,
            "n_sites": self.n_sites,
            "n_terms": len(self.terms),
            "total_sz": self.total_sz,
            "lattice": None if self.lattice is None else self.lattice.describe(),
            "rotation": None if self.rotation is None else self.rotation.describe(),
            "parameters": None if self.spec is None else self.spec.plain_parameters,
            "model": None if self.spec is None else self.spec.model,
            "fingerprint": self.fingerprint,
        }

    def with_total_sz(self, value: float | None) -> "SpinHamiltonian":
        """The same Hamiltonian in another sector; None leaves total S_z free."""
        return dataclasses.replace(self, total_sz=value)

    def with_signs(self, signs: Any) -> "SpinHamiltonian":
        """Rotate spins about z by a sign rule, so that ground-state amplitudes become positive.

        Parameters
        ----------
        signs : str, array of int, or None
            "marshall", "stripe-x", "stripe-y" or "sublattice", see
            `hamiltonians.models.sign_rules`; or the sites to rotate by pi, on which X and Y
            change sign; None rotates nothing.

        Raises
        ------
        TypeError, ValueError
            If the rule does not exist on this lattice, or a rotation has been applied already.
        """
        if signs is None:
            return self
        return self.rotated(sign_rotation(signs, self.n_sites, self.lattice))

    def in_marshall_basis(self) -> "SpinHamiltonian":
        """``with_signs("marshall")``: X and Y change sign on one of two sublattices."""
        return self.with_signs("marshall")

    def rotated(self, rotation: Rotation) -> "SpinHamiltonian":
        """U H U^dagger with U of the rotation, whose title goes into the name."""
        if self.rotation is not None:
            raise ValueError(f"a rotation must be applied once, got another one for {self.name}")
        name, terms = f"{self.name}, {rotation.title}", rotation.apply(self.terms)
        return dataclasses.replace(self, name=name, terms=terms, rotation=rotation)

    def unrotated(self) -> "SpinHamiltonian":
        """In the basis before the rotation; the name still tells of it."""
        if self.rotation is None:
            return self
        terms = self.rotation.inverse.apply(self.terms)
        return dataclasses.replace(self, terms=terms, rotation=None)

    def rotate_observable(self, observable: Any) -> Any:
        """Take an observable of the physical basis into the basis of ``terms``."""
        if self.is_spin_half:
            instance("observable", observable, PauliSum)
        else:
            observable = as_spin_operator(observable)
            check_sites_of(observable, self.local_space)
        return observable if self.rotation is None else self.rotation.apply(observable)

    def to_dense(self) -> NDArray[Any]:
        """Matrix in the sector basis, shape (dimension, dimension); real if `is_real`.

        Basis states ascend as integers; in the free sector this is the order of ``np.kron``.
        """
        what = f"a dense matrix of {power_text(self.dimension)} rows"
        require_memory((8 if self.is_real else 16) * self.dimension**2, what)
        return self.to_sparse().toarray()

    def to_sparse(self) -> "csr_array":
        """Matrix in the sector basis in compressed rows; real if `is_real`."""
        from hamiltonians.operators.matrices import sparse_matrix  # late: loads Numba

        if not self.is_spin_half:
            from hamiltonians.operators.spin_sectors import SpinSector  # late: loads Numba

            return SpinSector(self.local_space, self.total_sz).sparse_matrix(self.terms)
        return sparse_matrix(self.terms, self.n_sites, self.total_sz)

    def __add__(self, other: Any) -> "SpinHamiltonian":
        """Add terms of the physical basis, or another Hamiltonian in the same basis.

        The sector is kept if the sum still conserves it, and freed if not.
        """
        extra = self._terms_of(other)
        if extra is None:
            return NotImplemented
        terms, name = self.terms + extra, f"{self.name} + {getattr(other, 'name', 'terms')}"
        kept = self.total_sz if sz_breaking_term(terms) is None else None
        return dataclasses.replace(self, name=name, terms=terms, total_sz=kept, spec=None)

    def _terms_of(self, other: Any) -> Any:
        if isinstance(other, PauliSum | SpinOperator):
            return self.rotate_observable(other)
        if not isinstance(other, SpinHamiltonian):
            return None
        mine, theirs = ((H.n_sites, H.rotation, H.spin, H.blockade) for H in (self, other))
        if mine != theirs or self.total_sz != other.total_sz:
            raise ValueError(
                "only Hamiltonians with the same sites, sector and rotation can be added, "
                f"got {self.name} and {other.name}"
            )
        return other.terms


def spin_hamiltonian(
    terms: PauliSum | SpinOperator,
    n_sites: int | None = None,
    name: str = "custom Hamiltonian",
    lattice: Lattice | None = None,
    total_sz: float | None = None,
    spin: Any = None,
    blockade: Iterable[tuple[int, int]] = (),
) -> SpinHamiltonian:
    """Make a Hamiltonian of your own from a Hermitian Pauli sum or an operator on other spins.

    Parameters
    ----------
    terms : PauliSum or SpinOperator
    n_sites : int, optional
        Defaults to the sites of the lattice, else to one more than the largest site in ``terms``.
    name : str
    lattice : Lattice, optional
    total_sz : float, optional
        Sector in units of hbar; needs terms that conserve it.
    spin : float or sequence of float, optional
        S of all sites, or of each. Left out: 1/2 for a Pauli sum, and what a `SpinOperator` says
        where it acts on all sites or its spins are all equal.
    blockade : iterable of pairs of int
        Sites that are not both in their highest state, see `SpinHamiltonian`.

    Returns
    -------
    SpinHamiltonian

    Raises
    ------
    TypeError, ValueError
        If the terms are not a Hermitian operator on these spins, or leave the sector.

    Examples
    --------
    >>> H = spin_hamiltonian(X(0) * X(1) + 0.5 * Z(0))
    >>> H = spin_hamiltonian(spin_dot(0, 1, spin=1) + Sz(0, spin=1) ** 2)
    """
    if not isinstance(terms, PauliSum | SpinOperator):
        raise TypeError(f"terms must be a PauliSum or a SpinOperator, got {type(terms).__name__}")
    if n_sites is None:
        n_sites = max(terms.n_sites_needed, 1) if lattice is None else lattice.n_sites
    n_sites = integer("n_sites", n_sites, minimum=1)
    if spin is None:
        spin = 0.5 if isinstance(terms, PauliSum) else spins_of(terms, n_sites)
    return SpinHamiltonian(
        name,
        n_sites,
        terms,
        lattice,
        total_sz,
        spin=spin,
        blockade=checked_pairs(blockade, n_sites),
    )
