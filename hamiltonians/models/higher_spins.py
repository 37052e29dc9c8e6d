"""Models of spins of S = 1 and more; S are spin operators, S^z = S, S - 1, ..., -S."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hamiltonians.lattices import Lattice
from hamiltonians.models.hamiltonian import SpinHamiltonian
from hamiltonians.models.named import MODELS, check_lattice, named_model
from hamiltonians.models.terms import anisotropy_terms, bond_matrices, bond_terms, site_terms
from hamiltonians.utils.checks import number


@MODELS.register("bilinear-biquadratic")
def bilinear_biquadratic(
    lattice: Lattice,
    angle: float = 0.0,
    J: ArrayLike = 1.0,
    total_sz: float | None = None,
    signs: Any = None,
    spin: Any = 1,
) -> SpinHamiltonian:
    """H = sum_<ij> J [cos(angle) S_i . S_j + sin(angle) (S_i . S_j)^2].

    For chains of S = 1: angle 0 is Heisenberg's, arctan(1/3) AKLT's point, pi/4 that of Uimin, Lai
    and Sutherland (SU(3)), -pi/4 that of Takhtajan and Babujian.

    Parameters
    ----------
    lattice : Lattice
    angle : float
        In radians.
    J : float or array, shape (n_bonds,)
    total_sz : float, optional
        Sector in units of hbar.
    signs : str or array of int, optional
        As in `heisenberg`.
    spin : float or sequence of float
        S of all sites or of each.

    Returns
    -------
    SpinHamiltonian

    Raises
    ------
    TypeError, ValueError
        If a parameter is not real and finite, or its length is wrong.
    """
    check_lattice(lattice)
    angle = number("angle", angle)
    c, s = np.cos(angle), np.sin(angle)
    terms = bond_matrices(lattice, lambda dot: c * dot + s * dot @ dot, spin, J=J)
    return named_model(
        "bilinear-biquadratic", "bilinear-biquadratic", lattice, [terms], {"angle": angle, "J": J},
        total_sz, signs=signs, spin=spin,
    )  # fmt: skip


@MODELS.register("aklt")
def aklt(
    lattice: Lattice, J: ArrayLike = 1.0, total_sz: float | None = None, signs: Any = None
) -> SpinHamiltonian:
    """Spins of S = 1 with H = sum_<ij> J [S_i . S_j + (S_i . S_j)^2 / 3].

    On chains the ground states are those of Affleck, Kennedy, Lieb and Tasaki (Phys. Rev. Lett. 59,
    799, 1987), -2/3 J for each bond: one on a ring, four on an open chain. Parameters are those of
    `bilinear_biquadratic`.

    Parameters
    ----------
    lattice : Lattice
    J : float or array, shape (n_bonds,)
    total_sz, signs
        As of `heisenberg`.

    Returns
    -------
    SpinHamiltonian
    """
    check_lattice(lattice)
    terms = bond_matrices(lattice, lambda dot: dot + dot @ dot / 3, 1, J=J)
    return named_model(
        "aklt", "AKLT", lattice, [terms], {"J": J}, total_sz, signs=signs, fixed_spin=1.0
    )


@MODELS.register("blume-capel")
def blume_capel(
    lattice: Lattice,
    J: ArrayLike = 1.0,
    D: ArrayLike = 0.0,
    h: ArrayLike = 0.0,
    spin: Any = 1,
) -> SpinHamiltonian:
    """Blume-Capel model in a transverse field.

    H = - sum_<ij> J S^z_i S^z_j + sum_i D (S^z_i)^2 - sum_i h S^x_i, ferromagnetic for J > 0.

    Parameters
    ----------
    lattice : Lattice
    J : float or array, shape (n_bonds,)
    D, h : float or array, shape (n_sites,)
        Crystal field and transverse field.
    spin : float or sequence of float
        S of all sites or of each.

    Returns
    -------
    SpinHamiltonian

    Raises
    ------
    TypeError, ValueError
        If a parameter is not real and finite, or its length is wrong.
    """
    check_lattice(lattice)
    terms = [
        -bond_terms(lattice, "ZZ", spin=spin, J=J),
        anisotropy_terms(lattice, D, spin),
        -site_terms(lattice, "X", spin, h=h),
    ]
    return named_model(
        "blume-capel", "Blume-Capel", lattice, terms, {"J": J, "D": D, "h": h}, spin=spin
    )
