"""The wavefunction that a run starts from: what is asked for in one record, and made from it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from rbmqs.states import jastrow  # noqa: F401  registers its classes
from rbmqs.states.projected_rbm import ProjectedRBM
from rbmqs.states.rbm import RBM
from rbmqs.states.registry import ansatz_class
from rbmqs.states.state import VariationalState
from rbmqs.states.symmetric_rbm import SymmetricRBM
from rbmqs.utils.checks import choice

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from hamiltonians.symmetry.groups import SymmetryGroup, SymmetrySector

DEFAULT_ALPHA = 2.0
GROUPS = ("translations", "space-group")
SYMMETRIC = "symmetric"
_DTYPES = {"complex": complex, "real": float}
_OF_RBM = ("rbm", "symmetric-rbm", "projected-rbm")


@dataclass(frozen=True)
class AnsatzSpec:
    """Which wavefunction a run starts from.

    Parameters
    ----------
    name : str, optional
        A registered ansatz such as "jastrow-rbm", or "package.module:Class", whose classmethod
        `random(hamiltonian, *, seed, dtype, **options)` makes it. By default an RBM.
    alpha, n_hidden : optional
        Hidden units by site, or their number; alpha = 2 when nothing is said, and for tied weights
        what comes nearest to it.
    n_features : int, optional
        Number of features of tied weights, instead of `alpha`.
    dtype : {complex, float, "complex", "real"}
    visible_bias, hidden_bias : bool, optional
        By default both are parameters; tied weights go without the visible bias, and wavefunctions
        projected onto an even sector without both: they are then even by themselves, which halves
        the sum.
    tied : {"translations", "space-group"} or SymmetryGroup, optional
        Tie the weights over this group of the lattice.
    project : str or SymmetrySector, optional
        "symmetric" for the sector that every symmetry leaves as it is, the label of a sector as
        `rbmqs exact --symmetry all` prints it, or the sector itself.
    options : mapping
        Further keywords of `random` of a named ansatz.
    """

    name: str | None = None
    alpha: float | None = None
    n_hidden: int | None = None
    n_features: int | None = None
    dtype: type | str = complex
    visible_bias: bool | None = None
    hidden_bias: bool | None = None
    tied: str | SymmetryGroup | None = None
    project: str | SymmetrySector | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def create(self, hamiltonian: SpinHamiltonian, seed: int) -> VariationalState:
        """The wavefunction with the random parameters of a seed.

        Raises
        ------
        ValueError
            A group or sector that the Hamiltonian does not have, shapes that do not fit, a name
            that is not known, a keyword that the ansatz does not take.
        """
        root = np.random.SeedSequence(seed, spawn_key=(0,))
        dtype = _DTYPES.get(self.dtype, self.dtype) if isinstance(self.dtype, str) else self.dtype
        if self.name is None or self.name in _OF_RBM:
            return self._rbm(hamiltonian, root, dtype)
        return self._named(self.name, hamiltonian, root, dtype)

    def _named(
        self, name: str, hamiltonian: SpinHamiltonian, root: np.random.SeedSequence, dtype: Any
    ) -> VariationalState:
        """Of a class, by its classmethod `random`."""
        kind = ansatz_class(name)
        make = getattr(kind, "random", None)
        if make is None:
            raise ValueError(
                f"ansatz {name!r} has no classmethod random(hamiltonian, *, seed, dtype, "
                f"**options): give it one, or hand over a wavefunction as psi"
            )
        shape = (
            "alpha",
            "n_hidden",
            "n_features",
            "visible_bias",
            "hidden_bias",
            "tied",
            "project",
        )
        given = {k: getattr(self, k) for k in shape if getattr(self, k) is not None}
        keywords = {"seed": root, "dtype": dtype, **given, **self.options}
        taken = inspect.signature(make).parameters
        is_open = any(p.kind is p.VAR_KEYWORD for p in taken.values())
        for keyword in keywords:
            if keyword in ("tied", "project") or not (is_open or keyword in taken):
                raise ValueError(f"ansatz {name!r} takes no {keyword}, got {keywords[keyword]!r}")
        psi = make(hamiltonian, **keywords)
        if not isinstance(psi, VariationalState) or psi.n_sites != hamiltonian.n_sites:
            raise ValueError(
                f"{name}.random must return a wavefunction on {hamiltonian.n_sites} sites, "
                f"got {psi!r}"
            )
        return psi

    def _rbm(
        self, hamiltonian: SpinHamiltonian, root: np.random.SeedSequence, dtype: Any
    ) -> RBM | SymmetricRBM | ProjectedRBM:
        """Plain, tied over a group, projected onto a sector."""
        if self.options:
            raise ValueError(f"an RBM takes no options, got {', '.join(self.options)}")
        if self.name == "symmetric-rbm" and self.tied is None:
            raise ValueError("ansatz 'symmetric-rbm' needs tied, the group of its weights")
        if self.name == "projected-rbm" and self.project is None:
            raise ValueError("ansatz 'projected-rbm' needs project, the sector")
        project, tied = self.project, self.tied
        sector = None if project is None else find_sector(hamiltonian, project)
        group = None if tied is None else find_group(hamiltonian, tied)
        even = sector is not None and sector.spin_inversion == 1
        visible, hidden = self.visible_bias, self.hidden_bias
        keywords: dict[str, Any] = {
            "dtype": dtype,
            "seed": root,
            "visible_bias": not even and group is None if visible is None else visible,
            "hidden_bias": not even if hidden is None else hidden,
        }
        alpha, n_hidden, n_features = self.alpha, self.n_hidden, self.n_features
        psi: RBM | SymmetricRBM
        if group is None:
            if n_features is not None:
                raise ValueError("n_features belongs to tied weights: say over which group: tied")
            alpha = DEFAULT_ALPHA if alpha is None and n_hidden is None else alpha
            psi = RBM.random(hamiltonian.n_sites, alpha, n_hidden=n_hidden, **keywords)
        else:
            if n_hidden is not None:
                raise ValueError("n_hidden does not suit tied weights: use alpha or n_features")
            if alpha is None and n_features is None:
                n_features = max(1, round(DEFAULT_ALPHA * group.n_sites / group.order))
            psi = SymmetricRBM.random(group, alpha, n_features=n_features, **keywords)
        return psi if sector is None else ProjectedRBM(psi, sector)


def initial_wavefunction(
    hamiltonian: SpinHamiltonian, seed: int, **keywords: Any
) -> VariationalState:
    """The random wavefunction of a seed; the keywords are those of `AnsatzSpec`."""
    return AnsatzSpec(**keywords).create(hamiltonian, seed)


def find_group(hamiltonian: SpinHamiltonian, asked: str | SymmetryGroup) -> SymmetryGroup:
    """A group of the lattice by name, or a group as it is; the Hamiltonian must be invariant."""
    if isinstance(asked, str):
        choice("tied", asked, GROUPS)
        lattice = hamiltonian.lattice
        if lattice is None or lattice.cell is None:
            raise ValueError(f"tied must be a SymmetryGroup without a lattice, got {asked!r}")
        group = lattice.translation_group() if asked == "translations" else lattice.space_group()
    else:
        group = asked
    group.leaves_invariant(hamiltonian)
    return group


def find_sector(hamiltonian: SpinHamiltonian, asked: str | SymmetrySector) -> SymmetrySector:
    """A sector by its label, the symmetric one, or a sector as it is."""
    from hamiltonians.exact.spectrum import sectors_of

    if not isinstance(asked, str):
        asked.check(hamiltonian)
        return asked
    if asked == SYMMETRIC:
        return symmetric_sector(hamiltonian)
    if hamiltonian.lattice is None or hamiltonian.lattice.cell is None:
        raise ValueError(f"project must be a SymmetrySector without a lattice, got {asked!r}")
    known = {s.label: s for c in (True, False) for s in sectors_of(hamiltonian, c) if s}
    if asked not in known:
        raise ValueError(f"project must be {SYMMETRIC} or one of {', '.join(known)}, got {asked!r}")
    return known[asked]


def symmetric_sector(hamiltonian: SpinHamiltonian) -> SymmetrySector:
    """Every character 1, over all of the space group that the Hamiltonian has.

    The ground state of a Hamiltonian whose off-diagonal elements are all negative lies here, even
    under spin inversion where that is a symmetry (Perron-Frobenius), and so do many others. Where
    that parity would exclude singlets, there is none.
    """
    from hamiltonians.symmetry.groups import SymmetrySector, check_spin_inversion

    if hamiltonian.lattice is None:
        raise ValueError("project must be a SymmetrySector for a Hamiltonian without a lattice")
    group = hamiltonian.lattice.space_group().restricted_to(hamiltonian)
    parity: int | None = None if _has_odd_singlets(hamiltonian) else 1
    try:
        check_spin_inversion(hamiltonian)
    except ValueError:
        parity = None
    label = SYMMETRIC if parity is None else f"{SYMMETRIC} +"
    return SymmetrySector(group, np.ones(group.order, complex), parity, label)


def _has_odd_singlets(hamiltonian: SpinHamiltonian) -> bool:
    """Whether exchange elements are positive, and singlets odd under spin inversion.

    N spins in a singlet have the parity (-1)^(N/2), times -1 for every site that is rotated by pi.
    Of the kagome cluster of 18 sites the even states begin at -31.05, the odd ones at -32.19. A
    wavefunction that is odd by construction does not get there: small random parameters give it a
    state near the ferromagnetic ones, and 232 iterations ended at -17, without parity 97 at -30.9.
    """
    from hamiltonians.symmetry.rotations import HALF_TURN

    raising = [
        value.real > 0
        for string, value in hamiltonian.terms.terms.items()
        if [letter for _, letter in string] == ["X", "X"]
    ]
    if hamiltonian.total_sz is None or not any(raising):
        return False
    rotation = hamiltonian.rotation
    n_rotated = 0 if rotation is None else sum(angle == HALF_TURN for angle in rotation.sixths)
    return (hamiltonian.n_sites // 2 + n_rotated) % 2 == 1
