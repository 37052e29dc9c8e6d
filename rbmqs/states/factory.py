"""The wavefunction that a run starts from: what is asked for in one record, and made from it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from hamiltonians.models.symmetries import find_group, find_sector
from hamiltonians.symmetry.groups import SymmetryGroup, SymmetrySector
from hamiltonians.utils.checks import choice, plain_fields, positive_int, short
from rbmqs.states import amplitude_phase, jastrow, pair_product  # noqa: F401  register classes
from rbmqs.states.projected_rbm import ProjectedRBM
from rbmqs.states.rbm import RBM
from rbmqs.states.registry import ansatz_class
from rbmqs.states.spin_rbm import SpinRBM
from rbmqs.states.starts import projected_stddev
from rbmqs.states.state import VariationalState
from rbmqs.states.symmetric_rbm import SymmetricRBM

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian

DEFAULT_ALPHA = 2.0
# Of tied weights projected onto the symmetric sector, whose iterations are cheap: in equal seconds
# the error of 26 sites was a tenth of that of alpha = 2 (docs/notes/projected.md).
_TIED_AND_PROJECTED = 8.0
_DTYPES = {"complex": complex, "real": float}
_OPTIONS = {"name": "ansatz", "keywords": "ansatz_options"}  # of `rbmqs.ground_state`
_OF_RBM = ("rbm", "symmetric-rbm", "projected-rbm", "spin-rbm")


@dataclass(frozen=True)
class AnsatzSpec:
    """Which wavefunction a run starts from.

    Parameters
    ----------
    alpha, n_hidden : optional
        Hidden units by site, or their number; when nothing is said alpha = 2, for tied weights what
        comes nearest to it, and to 8 where they are projected onto the symmetric sector too.
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
    name : str, optional
        A registered ansatz such as "jastrow-rbm", or "package.module:Class", whose classmethod
        `random(hamiltonian, *, seed, dtype, **keywords)` makes it. By default an RBM.
    keywords : mapping
        Further keywords of `random` of a named ansatz.
    """

    alpha: float | None = None
    n_hidden: int | None = None
    n_features: int | None = None
    dtype: type | str = complex
    visible_bias: bool | None = None
    hidden_bias: bool | None = None
    tied: str | SymmetryGroup | None = None
    project: str | SymmetrySector | None = None
    name: str | None = None
    keywords: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        plain_fields(self)
        if isinstance(self.dtype, str):
            object.__setattr__(self, "dtype", _DTYPES[choice("dtype", self.dtype, tuple(_DTYPES))])
        for name in ("n_hidden", "n_features"):
            if getattr(self, name) is not None:
                positive_int(name, getattr(self, name))

    def options(self) -> dict[str, Any]:
        """The same as keyword arguments of `rbmqs.ground_state`."""
        return {_OPTIONS.get(name, name): value for name, value in vars(self).items()}

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> AnsatzSpec:
        """What such keyword arguments ask for; those that are None are open."""
        names = {option: name for name, option in _OPTIONS.items()}
        given = {name: value for name, value in options.items() if value is not None}
        return cls(**{names.get(name, name): value for name, value in given.items()})

    def create(self, hamiltonian: SpinHamiltonian, seed: int) -> VariationalState:
        """The wavefunction with the random parameters of a seed.

        Raises
        ------
        ValueError
            A group or sector that the Hamiltonian does not have, shapes that do not fit, a name
            that is not known, a keyword that the ansatz does not take.
        """
        root = np.random.SeedSequence(seed, spawn_key=(0,))
        if self.name is None or self.name in _OF_RBM:
            return self._rbm(hamiltonian, root, self.dtype)
        return self._named(self.name, hamiltonian, root, self.dtype)

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
        keywords = {"seed": root, "dtype": dtype, **given, **self.keywords}
        taken = inspect.signature(make).parameters
        is_open = any(p.kind is p.VAR_KEYWORD for p in taken.values())
        for keyword in keywords:
            if not (keyword in taken or (is_open and keyword not in ("tied", "project"))):
                raise ValueError(f"ansatz {name!r} takes no {keyword}, got {keywords[keyword]!r}")
        psi = make(hamiltonian, **keywords)
        if not isinstance(psi, VariationalState) or psi.n_sites != hamiltonian.n_sites:
            raise ValueError(
                f"{name}.random must return a wavefunction on {hamiltonian.n_sites} sites, "
                f"got {short(psi)}"
            )
        return psi

    def _rbm(
        self, hamiltonian: SpinHamiltonian, root: np.random.SeedSequence, dtype: Any
    ) -> RBM | SymmetricRBM | SpinRBM | ProjectedRBM:
        """Plain, tied over a group, projected onto a sector; `SpinRBM` for spins S > 1/2."""
        spin_half = hamiltonian.is_spin_half and self.name != "spin-rbm"
        if not spin_half and self.name not in (None, "spin-rbm"):
            raise ValueError(f"ansatz {self.name!r} is for spins 1/2: use 'spin-rbm'")
        if spin_half and self.keywords:
            raise ValueError(f"an RBM takes no options, got {', '.join(self.keywords)}")
        if self.name == "symmetric-rbm" and self.tied is None:
            raise ValueError("ansatz 'symmetric-rbm' needs tied, the group of its weights")
        if self.name == "projected-rbm" and self.project is None:
            raise ValueError("ansatz 'projected-rbm' needs project, the sector")
        project, tied = self.project, self.tied
        sector = None if project is None else find_sector(hamiltonian, project)
        group = None if tied is None else find_group(hamiltonian, tied)
        even = spin_half and sector is not None and sector.spin_inversion == 1
        visible, hidden = self.visible_bias, self.hidden_bias
        keywords: dict[str, Any] = {
            "dtype": dtype,
            "seed": root,
            "visible_bias": not (even or (spin_half and group)) if visible is None else visible,
            "hidden_bias": not even if hidden is None else hidden,
            "stddev": projected_stddev(sector),
        }
        alpha, n_hidden, n_features = self.alpha, self.n_hidden, self.n_features
        if group is None:
            if n_features is not None:
                raise ValueError("n_features belongs to tied weights: say over which group: tied")
            alpha = DEFAULT_ALPHA if alpha is None and n_hidden is None else alpha
        else:
            if n_hidden is not None:
                raise ValueError("n_hidden does not suit tied weights: use alpha or n_features")
            if alpha is None and n_features is None:
                symmetric = spin_half and sector is not None and sector.is_symmetric
                density = _TIED_AND_PROJECTED if symmetric else DEFAULT_ALPHA
                n_features = max(1, round(density * group.n_sites / group.order))
        psi: RBM | SymmetricRBM | SpinRBM
        if not spin_half:
            keywords |= {"n_hidden": n_hidden, "n_features": n_features, "group": group}
            psi = SpinRBM.random(hamiltonian, alpha, **{**keywords, **self.keywords})
        elif group is None:
            psi = RBM.random(hamiltonian.n_sites, alpha, n_hidden=n_hidden, **keywords)
        else:
            psi = SymmetricRBM.random(group, alpha, n_features=n_features, **keywords)
        return psi if sector is None else ProjectedRBM(psi, sector)


def initial_wavefunction(
    hamiltonian: SpinHamiltonian, seed: int, **keywords: Any
) -> VariationalState:
    """The random wavefunction of a seed; the keywords are those of `AnsatzSpec`."""
    return AnsatzSpec(**keywords).create(hamiltonian, seed)
