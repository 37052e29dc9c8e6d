"""Symmetry sectors of projected wavefunctions: checks, files, and the terms of the sum."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hamiltonians.symmetry.groups import SymmetryGroup, SymmetrySector
from hamiltonians.utils.checks import instance
from rbmqs.states.state import FusedState

SAME = 1e-8  # relative difference of amplitudes that is rounding
_PROBES = 48  # configurations that show under which symmetries psi is invariant


def check_sector(name: str, n_sites: int, is_complex: bool, sector: SymmetrySector) -> None:
    """Refuse what the wavefunction `name` cannot be projected onto."""
    instance("sector", sector, SymmetrySector)
    if sector.group.n_sites != n_sites:
        raise ValueError(
            f"{name} has {n_sites} sites, the sector's group acts on {sector.group.n_sites}"
        )
    if not (is_complex or sector.is_real):
        raise ValueError(
            "sector has complex characters, which need complex parameters: "
            "make the wavefunction with dtype=complex"
        )


def sector_structure(sector: SymmetrySector) -> dict[str, Any]:
    """What files hold of a sector."""
    return {
        "permutations": sector.group.permutations,
        "characters": sector.characters,
        "parity": sector.spin_inversion,
        "label": sector.label,
    }


def sector_from(structure: Mapping[str, Any]) -> SymmetrySector:
    """The sector of a `sector_structure`."""
    names = ("characters", "parity", "label")
    group = SymmetryGroup(structure["permutations"])
    return SymmetrySector(group, *(structure[name] for name in names))


def coset_representatives(n: int, coset: Callable[[int], np.ndarray]) -> np.ndarray:
    """The first of 0 ... n - 1 of each coset, int64; `coset` lists that of an element."""
    left, chosen = np.ones(n, dtype=bool), []
    for g in range(n):
        if left[g]:
            chosen.append(g)
            left[coset(g)] = False
    return np.array(chosen)


def factors_of(psi: FusedState, rows: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """psi(g sigma) / psi(sigma) where it is the same for all sigma with S_z = 0, else 0.

    Found with random parameters at random configurations. Some configurations are symmetric by
    themselves: of four on 4x4 all were, under a reflection that psi does not have.

    Parameters
    ----------
    psi : FusedState
    rows, signs : int array (n, N), array (n,)
        Permutations, and -1 where all spins are inverted.
    """
    rng, n = np.random.default_rng(0), psi.n_sites
    probe = psi.with_flat(0.2 * rng.normal(size=psi.n_parameters))
    ups = np.array([rng.permutation(n) < n // 2 for _ in range(_PROBES)])
    sigma = ups * np.int8(2) - np.int8(1)
    found = sigma[:, rows] * signs.astype(np.int8)[:, None]
    log_psi = probe.log_amplitudes(found.reshape(-1, n)).reshape(len(sigma), -1)
    with np.errstate(over="ignore"):
        ratios = np.exp(log_psi - probe.log_amplitudes(sigma)[:, None])
    same = (abs(ratios - ratios[0]) < SAME).all(axis=0) & (abs(abs(ratios[0]) - 1) < SAME)
    return np.where(same, ratios[0], 0)


def parity_of(row: np.ndarray) -> int:
    """+1 or -1, the sign of a permutation."""
    left, sign = list(row), 1
    for i in range(len(left)):
        while left[i] != i:
            j = left[i]
            left[i], left[j] = left[j], left[i]
            sign = -sign
    return sign


def rows_of_images(permutations: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """The row of `FlipTables` that a flip of site i means for each image, int64 (2 N, n_images).

    Row 2 i is that of a flip from up, 2 i + 1 of one from down.
    """
    places = np.argsort(permutations, axis=1).T  # site i of sigma is this site of the image
    turned = (signs < 0).astype(np.int64)
    rows = np.stack([2 * places + turned, 2 * places + 1 - turned], axis=1)
    return np.ascontiguousarray(rows.reshape(2 * len(places), -1))
