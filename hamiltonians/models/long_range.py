"""Models whose couplings fall off with a power of the distance, those of all pairs of sites.

Distances are in units of that of nearest neighbours, to the nearest image on periodic lattices;
on a graph they are numbers of steps.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hamiltonians.lattices import Lattice
from hamiltonians.lattices.geometry import pair_distances
from hamiltonians.models.hamiltonian import SpinHamiltonian
from hamiltonians.models.named import MODELS, check_lattice, named_model
from hamiltonians.models.terms import letter_terms, site_terms
from hamiltonians.operators.pauli import PauliSum
from hamiltonians.utils.checks import flag, number, real_array

_SAME = 1 + 1e-9  # relative difference of distances that count as equal


@MODELS.register("long-range-ising")
def long_range_ising(
    lattice: Lattice,
    alpha: float = 3.0,
    h: ArrayLike = 1.0,
    J: float = 1.0,
    spin: Any = None,
) -> SpinHamiltonian:
    """H = sum_{i<j} J / r_ij^alpha Z_i Z_j - sum_i h X_i, over all pairs of sites.

    Parameters
    ----------
    lattice : Lattice
    alpha : float
        Power, at least 0; 0 couples all pairs alike.
    h : float or array, shape (n_sites,)
    J : float
        J > 0 is antiferromagnetic.
    spin : float or sequence of float, optional
        S_z and S_x of such spins in place of Z and X.

    Returns
    -------
    SpinHamiltonian

    Raises
    ------
    TypeError, ValueError
        If a parameter is not real and finite, or not all sites are joined.
    """
    check_lattice(lattice)
    terms = [_pairs(lattice, ("ZZ",), alpha, J, spin), -site_terms(lattice, "X", spin, h=h)]
    parameters = {"alpha": alpha, "h": h, "J": J}
    return named_model(
        "long-range-ising", "long-range Ising", lattice, terms, parameters, spin=spin
    )


@MODELS.register("long-range-xy")
def long_range_xy(
    lattice: Lattice,
    alpha: float = 3.0,
    J: float = 1.0,
    hz: ArrayLike = 0.0,
    total_sz: float | None = None,
    signs: Any = None,
    spin: Any = None,
) -> SpinHamiltonian:
    """H = sum_{i<j} J / r_ij^alpha (X_i X_j + Y_i Y_j) - sum_i hz Z_i, over all pairs of sites.

    ``total_sz`` and ``signs`` are those of `heisenberg`, the others those of `long_range_ising`.

    Parameters
    ----------
    lattice : Lattice
    alpha, J : float
        Power and coupling.
    hz : float or array, shape (n_sites,)
    total_sz, signs, spin
        As of `heisenberg`.

    Returns
    -------
    SpinHamiltonian
    """
    check_lattice(lattice)
    terms = [
        _pairs(lattice, ("XX", "YY"), alpha, J, spin), -site_terms(lattice, "Z", spin, hz=hz)
    ]  # fmt: skip
    parameters = {"alpha": alpha, "J": J, "hz": hz}
    return named_model(
        "long-range-xy", "long-range XY", lattice, terms, parameters, total_sz, signs=signs,
        spin=spin,
    )  # fmt: skip


@MODELS.register("rydberg")
def rydberg(
    lattice: Lattice,
    rabi: ArrayLike = 1.0,
    detuning: ArrayLike = 0.0,
    radius: float = 1.2,
    blockade: bool = False,
) -> SpinHamiltonian:
    """Atoms with a Rydberg state (spin up) that repel each other as 1/r^6.

    H = sum_i rabi/2 X_i - sum_i detuning n_i + sum_{i<j} V / r_ij^6 n_i n_j, n = (1 + Z) / 2, with
    V = rabi radius^6: at the blockade radius the repulsion equals the Rabi frequency.

    Parameters
    ----------
    lattice : Lattice
        Of the atoms.
    rabi, detuning : float or array, shape (n_sites,)
        Rabi frequency, whose mean makes V, and detuning of the laser.
    radius : float
        Blockade radius in units of the distance of nearest neighbours.
    blockade : bool
        Leave out configurations with two excited atoms nearer than or at the radius; the repulsion
        beyond it stays. Exact diagonalisation then works in the space that is left.

    Returns
    -------
    SpinHamiltonian

    Raises
    ------
    TypeError, ValueError
        If a parameter is not real and finite or its length is wrong.
    """
    check_lattice(lattice)
    radius = number("radius", radius, at_least=0)
    frequency = real_array("rabi", rabi, (lattice.n_sites,), "one for each site")
    distances = _distances(lattice)
    i, j = np.triu_indices(lattice.n_sites, 1)
    r, excluded = distances[i, j], np.zeros(len(i), bool)
    if flag("blockade", blockade):
        excluded = r <= radius * _SAME
    V = float(np.mean(frequency)) * (radius / r) ** 6
    V[excluded] = 0
    repulsion = PauliSum.from_terms(
        (v / 4, string)
        for v, a, b in zip(V.tolist(), i.tolist(), j.tolist(), strict=True)
        for string in ([], [(a, "Z")], [(b, "Z")], [(a, "Z"), (b, "Z")])
    )
    up = site_terms(lattice, "Z", detuning=detuning) / 2
    levels = real_array("detuning", detuning, (lattice.n_sites,), "one for each site").sum() / 2
    terms = [site_terms(lattice, "X", rabi=rabi) / 2, repulsion, -up, PauliSum({(): -levels})]
    parameters = {"rabi": rabi, "detuning": detuning, "radius": radius, "blockade": blockade}
    pairs = zip(i[excluded].tolist(), j[excluded].tolist(), strict=True)
    return named_model("rydberg", "Rydberg atoms", lattice, terms, parameters, blockade=pairs)


def _pairs(
    lattice: Lattice, letters: tuple[str, ...], alpha: float, J: float, spin: Any
) -> Any:  # fmt: skip
    alpha, J = number("alpha", alpha, at_least=0), number("J", J)
    i, j = np.triu_indices(lattice.n_sites, 1)
    strengths = (J / _distances(lattice)[i, j] ** alpha).tolist()
    return letter_terms(
        (
            (c, [(a, pair[0]), (b, pair[1])])
            for c, a, b in zip(strengths, i.tolist(), j.tolist(), strict=True)
            for pair in letters
        ),
        lattice.n_sites,
        spin,
    )


def _distances(lattice: Lattice) -> NDArray[np.float64]:
    """Of all pairs, in units of the smallest."""
    found = pair_distances(lattice)
    apart = found[np.triu_indices(lattice.n_sites, 1)]
    if (apart <= 0).any():
        raise ValueError(f"lattice must join all sites, got the {lattice.name}, which does not")
    return found / apart.min() if len(apart) else found
