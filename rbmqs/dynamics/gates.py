"""Gates that an RBM takes exactly: turns about z, two-body ZZ, and flips of spins.

A turn about z is a visible bias, a flip exchanges the signs of a site's bias and weights, and
exp(c Z_i Z_j) is one more hidden unit (Jonsson, Bauer & Carleo, arXiv:1808.05232):

    exp(c s_i s_j) = A 2 cosh(w (s_i + s_j)),    cosh(2 w) = exp(2 c).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from hamiltonians import PauliSum
from hamiltonians.utils.checks import as_real
from rbmqs.states.rbm import RBM


def turned_about_z(psi: RBM, angles: Any) -> RBM:
    """prod_i exp(-i angle_i Z_i / 2) |psi>, exactly.

    Parameters
    ----------
    psi : RBM
        With complex parameters; it has a visible bias afterwards.
    angles : float or float64 (N,)
        In radians.
    """
    found = np.broadcast_to(as_real("angles", angles), (_checked(psi).n_sites,))
    return replace(psi, visible_bias=psi.visible_bias - 0.5j * found, has_visible_bias=True)


def flipped(psi: RBM, sites: Iterable[int]) -> RBM:
    """prod_i X_i |psi> over some sites, exactly."""
    signs = np.ones(_checked(psi, may_be_real=True).n_sites)
    sites = list(sites)
    if any(not 0 <= site < psi.n_sites for site in sites):
        raise ValueError(f"sites must be 0 to {psi.n_sites - 1}, got {sites}")
    signs[sites] = -1
    return replace(psi, visible_bias=signs * psi.visible_bias, weights=signs[:, None] * psi.weights)


def with_zz(psi: RBM, couplings: Mapping[tuple[int, int], complex]) -> RBM:
    """exp(sum_ij c_ij Z_i Z_j) |psi>, exactly but for the norm: a hidden unit for each pair.

    Parameters
    ----------
    couplings : mapping of (int, int) to complex
        c by pairs of sites; -i J t for the evolution under J Z_i Z_j over a time t.
    """
    n = _checked(psi).n_sites
    weights = np.zeros((n, len(couplings)), dtype=complex)
    for unit, ((i, j), coupling) in enumerate(couplings.items()):
        if i == j or not (0 <= i < n and 0 <= j < n):
            raise ValueError(f"couplings must join two different sites of 0 to {n - 1}: {i}, {j}")
        weights[[i, j], unit] = np.arccosh(np.exp(2 * complex(coupling))) / 2
    if not np.isfinite(weights).all():
        raise ValueError("couplings must be finite, and of real parts below 300")
    return replace(
        psi,
        hidden_bias=np.append(psi.hidden_bias, np.zeros(len(couplings))),
        weights=np.hstack([psi.weights, weights]),
    )


def diagonal_evolution(psi: RBM, operator: PauliSum, time: float) -> RBM:
    """exp(-i operator time) |psi> for fields along z and couplings Z_i Z_j, exactly.

    Raises
    ------
    ValueError
        Other terms than Z_i, Z_i Z_j and constants.
    """
    fields, couplings = np.zeros(_checked(psi).n_sites), {}
    for string, value in operator.terms.items():
        sites = tuple(site for site, _ in string)
        if len(sites) > 2 or any(letter != "Z" for _, letter in string):
            raise ValueError(f"operator must hold Z_i and Z_i Z_j only, got {string}")
        if len(sites) == 2:
            couplings[sites] = -1j * complex(value).real * time
        elif sites:
            fields[sites[0]] += complex(value).real
    turned = turned_about_z(psi, 2 * time * fields) if np.any(fields) else psi
    return with_zz(turned, couplings) if couplings else turned


def _checked(psi: RBM, may_be_real: bool = False) -> RBM:
    if not isinstance(psi, RBM):
        raise TypeError(f"psi must be an RBM for exact gates, got {type(psi).__name__}")
    if not (psi.is_complex or may_be_real):
        raise ValueError("psi must have complex parameters: as_complex(psi) has them")
    return psi
