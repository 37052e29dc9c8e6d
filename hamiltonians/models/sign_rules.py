"""Sign rules by name: rotations about z after which a ground state is nearly positive.

A rule takes a classical order in the x-y plane and turns every spin into one direction. Amplitudes
then have the sign or phase structure of a ferromagnet, which is none, as far as the order holds:

- "marshall": two sublattices, exact for antiferromagnets without frustration (Marshall, Proc. R.
  Soc. A 232, 48, 1955);
- "stripe-x" and "stripe-y": ferromagnetic stripes along the first or second direction, so that
  every second row (column) is rotated; the collinear order of the J1-J2 model at large J2
  (Chandra & Doucot, Phys. Rev. B 38, 9335, 1988);
- "sublattice": three sublattices turned by 0, 120 and 240 degrees, the order of triangular
  antiferromagnets (Huse & Elser, Phys. Rev. Lett. 60, 2531, 1988); matrix elements become complex.

A new rule is one function under ``@SIGN_RULES.register("name")``: it returns the angle of each site
in units of 60 degrees.
"""

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hamiltonians.lattices import Lattice
from hamiltonians.symmetry.rotations import HALF_TURN, Rotation
from hamiltonians.utils.checks import instance, integer, short
from hamiltonians.utils.registry import Registry

SIGN_RULES: Registry[Callable[[Lattice], tuple[int, ...]]] = Registry("sign rule")


def sign_rotation(signs: Any, n_sites: int, lattice: Lattice | None) -> Rotation:
    """The rotation of a sign rule.

    Parameters
    ----------
    signs : str or array of int
        A name of `SIGN_RULES`, or the sites to rotate by pi.
    n_sites : int
    lattice : Lattice or None
        Rules by name need one.

    Raises
    ------
    TypeError, ValueError
        If there is no such rule or site, or the lattice does not have what the rule needs.
    """
    if not isinstance(signs, str):
        return Rotation("sites", _half_turns(_chosen_sites(signs, n_sites)))
    if signs not in SIGN_RULES and ":" not in signs:
        auto = " ('auto' is for ground-state runs, see rbmqs.choose_signs)"
        raise ValueError(
            f"signs must be one of {', '.join(SIGN_RULES)} or a list of sites, got {short(signs)}"
            + (auto if signs == "auto" else "")
        )
    if lattice is None:
        raise ValueError(f"signs {signs!r} need a Hamiltonian with a lattice, got one without")
    return Rotation(signs, SIGN_RULES[signs](lattice))


def rules_of(lattice: Lattice | None) -> dict[str, Rotation]:
    """All sign rules that exist on a lattice, by name.

    Parameters
    ----------
    lattice : Lattice or None

    Returns
    -------
    dict of str to Rotation
    """
    found: dict[str, Rotation] = {}
    if lattice is None:
        return found
    instance("lattice", lattice, Lattice)
    for name, rule in SIGN_RULES.items():
        with contextlib.suppress(ValueError):
            found[name] = Rotation(name, rule(lattice))
    return found


def average_sign(amplitudes: NDArray[Any]) -> float:
    """|sum_sigma |psi| psi| / sum_sigma |psi|^2: 1 where all amplitudes have one sign or phase.

    For real amplitudes (1 + average sign) / 2 is the weight of those with the prevalent sign. In a
    degenerate level it depends on the state chosen.

    Parameters
    ----------
    amplitudes : array (dimension,)
        Normalised or not.

    Returns
    -------
    float
        From 0 to 1.
    """
    weights = np.abs(amplitudes)
    return float(np.abs(np.sum(weights * amplitudes)) / np.sum(weights**2))


@SIGN_RULES.register("marshall")
def _marshall(lattice: Lattice) -> tuple[int, ...]:
    return _half_turns(lattice.sublattices() == 0)


@SIGN_RULES.register("stripe-x")
def _stripe_x(lattice: Lattice) -> tuple[int, ...]:
    return _stripes(lattice, 1)


@SIGN_RULES.register("stripe-y")
def _stripe_y(lattice: Lattice) -> tuple[int, ...]:
    return _stripes(lattice, 0)


def _stripes(lattice: Lattice, direction: int) -> tuple[int, ...]:
    """Rotate every second line of cells, counted along the given direction."""
    name = ("stripe-y", "stripe-x")[direction]
    if lattice.cell is None or lattice.positions is None or lattice.cell.dimension != 2:
        raise ValueError(
            f"signs {name!r} need a lattice of rows and columns, got the {lattice.name}"
        )
    to_cells = np.linalg.inv(np.array(lattice.cell.vectors))
    first_sites = lattice.positions[:: lattice.cell.n_basis] - np.array(lattice.cell.basis[0])
    lines = np.rint(first_sites @ to_cells)[:, direction].astype(int)
    turns = np.rint(np.array(lattice.translations).reshape(-1, 2) @ to_cells).astype(int)
    if (turns[:, direction] % 2).any():
        kind = ("columns", "rows")[direction]
        raise ValueError(f"signs {name!r} need an even number of {kind}, got the {lattice.name}")
    return _half_turns(np.repeat(lines % 2 == 1, lattice.cell.n_basis))


@SIGN_RULES.register("sublattice")
def _three_sublattices(lattice: Lattice) -> tuple[int, ...]:
    """Angles of 120-degree order; only triangles fix the three sublattices."""
    neighbours = np.zeros((lattice.n_sites, lattice.n_sites), np.int64)
    i, j = lattice.bonds().T
    neighbours[i, j] = neighbours[j, i] = 1
    if len(i) == 0 or ((neighbours @ neighbours)[i, j] == 0).any():
        raise ValueError(f"signs 'sublattice' need a lattice of triangles, got the {lattice.name}")
    return tuple(2 * int(colour) for colour in lattice.sublattices(3))


def _chosen_sites(signs: Any, n_sites: int) -> NDArray[np.bool_]:
    """Mask of the sites in a list."""
    try:
        sites = [integer("a site in signs", site, minimum=0) for site in signs]
    except TypeError:
        names = ", ".join(SIGN_RULES)
        raise TypeError(
            f"signs must be one of {names} or a list of sites, got {short(signs)}"
        ) from None
    if len(set(sites)) < len(sites) or max(sites, default=0) >= n_sites:
        raise ValueError(f"signs must name sites 0 to {n_sites - 1} once each, got {sites}")
    mask = np.zeros(n_sites, bool)
    mask[sites] = True
    return mask


def _half_turns(mask: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(HALF_TURN * int(rotated) for rotated in mask)
