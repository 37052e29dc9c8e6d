"""The wavefunction that a run starts from: plain, tied over a group, projected onto a sector."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rbmqs.states.projected_rbm import ProjectedRBM
from rbmqs.states.rbm import RBM
from rbmqs.states.state import VariationalState
from rbmqs.states.symmetric_rbm import SymmetricRBM
from rbmqs.utils.checks import choice
from rbmqs.vmc.extensions.local_shift import DistanceShift

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from hamiltonians.symmetry.groups import SymmetryGroup, SymmetrySector
    from rbmqs.vmc.settings import RunSettings

DEFAULT_ALPHA = 2.0
GROUPS = ("translations", "space-group")
SYMMETRIC = "symmetric"


def initial_wavefunction(
    hamiltonian: SpinHamiltonian,
    seed: int,
    *,
    alpha: float | None = None,
    n_hidden: int | None = None,
    n_features: int | None = None,
    dtype: type = complex,
    visible_bias: bool | None = None,
    hidden_bias: bool | None = None,
    tied: str | SymmetryGroup | None = None,
    project: str | SymmetrySector | None = None,
    settings: RunSettings | None = None,
) -> VariationalState:
    """The random RBM that a run of this seed starts from.

    Parameters
    ----------
    alpha, n_hidden : optional
        Shape of the wavefunction; alpha = 2 when nothing is said, and for tied weights what comes
        nearest to it.
    n_features : int, optional
        Number of features of tied weights, instead of `alpha`.
    dtype : {complex, float}
    visible_bias, hidden_bias : bool, optional
        By default both are parameters; tied weights go without the visible bias, and wavefunctions
        projected onto an even sector without both: they are then even by themselves, which halves
        the sum.
    tied : {"translations", "space-group"} or SymmetryGroup, optional
        Tie the weights over this group of the lattice.
    project : str or SymmetrySector, optional
        "symmetric" for the sector that every symmetry leaves as it is, the label of a sector as
        `rbmqs exact --symmetry all` prints it, or the sector itself.
    settings : RunSettings, optional
        Of the run: where they make the shift depend on distances (`rbmqs.vmc.extensions.local_shift`), weights to
        far-off sites start smaller.

    Raises
    ------
    ValueError
        A group or sector that the Hamiltonian does not have, shapes that do not fit.
    """
    sector = None if project is None else find_sector(hamiltonian, project)
    even = sector is not None and sector.spin_inversion == 1
    group = None if tied is None else find_group(hamiltonian, tied)
    if visible_bias is None:
        visible_bias = not even and group is None
    if hidden_bias is None:
        hidden_bias = not even
    root = np.random.SeedSequence(seed, spawn_key=(0,))
    psi: RBM | SymmetricRBM
    if group is None:
        if n_features is not None:
            raise ValueError("n_features belongs to tied weights: say over which group with tied")
        alpha = DEFAULT_ALPHA if alpha is None and n_hidden is None else alpha
        psi = RBM.random(
            hamiltonian.n_sites, alpha, n_hidden=n_hidden, dtype=dtype, seed=root,
            visible_bias=visible_bias, hidden_bias=hidden_bias,
        )  # fmt: skip
    else:
        if n_hidden is not None:
            raise ValueError("n_hidden does not suit tied weights: use alpha or n_features")
        if alpha is None and n_features is None:
            n_features = max(1, round(DEFAULT_ALPHA * group.n_sites / group.order))
        psi = SymmetricRBM.random(
            group, alpha, n_features=n_features, dtype=dtype, seed=root,
            visible_bias=visible_bias, hidden_bias=hidden_bias,
        )  # fmt: skip
    rbm = psi if sector is None else ProjectedRBM(psi, sector)
    if settings is None:
        return rbm
    n_samples = settings.sampling.n_samples_of(rbm)
    return DistanceShift.of(hamiltonian, settings).falling_with_distance(rbm, n_samples)


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
