"""Wavefunctions as plain arrays and tables, and back: what a checkpoint holds of a machine."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any

import numpy as np

from rbmqs.states.projected_rbm import ProjectedRBM
from rbmqs.states.rbm import RBM
from rbmqs.states.state import VariationalState
from rbmqs.states.symmetric_rbm import SymmetricRBM

PARAMETERS = ("visible_bias", "hidden_bias", "weights")


def innermost(psi: VariationalState) -> RBM | SymmetricRBM:
    """The wavefunction that holds the parameters: that which is projected, or `psi` itself."""
    found = psi.base if isinstance(psi, ProjectedRBM) else psi
    if not isinstance(found, RBM | SymmetricRBM):
        raise TypeError(f"psi must be one of the wavefunctions of rbmqs, got {type(psi).__name__}")
    return found


def parameter_arrays(prefix: str, psi: VariationalState) -> dict[str, np.ndarray]:
    """Biases and weights by name."""
    return {f"{prefix}_{name}": getattr(innermost(psi), name) for name in PARAMETERS}


def structure_arrays(psi: VariationalState) -> dict[str, np.ndarray]:
    """Groups and characters; nothing for a plain RBM."""
    arrays: dict[str, np.ndarray] = {}
    rbm = innermost(psi)
    if isinstance(rbm, SymmetricRBM):
        arrays["tied_permutations"] = rbm.group.permutations
    if isinstance(psi, ProjectedRBM):
        arrays["sector_permutations"] = psi.sector.group.permutations
        arrays["sector_characters"] = psi.sector.characters
    return arrays


def structure_table(psi: VariationalState) -> dict[str, Any]:
    """The rest of what makes a wavefunction, as plain JSON values."""
    rbm = innermost(psi)
    table: dict[str, Any] = {
        "has_visible_bias": rbm.has_visible_bias,
        "has_hidden_bias": rbm.has_hidden_bias,
    }
    if isinstance(rbm, SymmetricRBM):
        table["tied_spin_inversion"] = rbm.spin_inversion
    if isinstance(psi, ProjectedRBM):
        table["sector"] = {"parity": psi.sector.spin_inversion, "label": psi.sector.label}
    return table


class Rebuild:
    """Makes wavefunctions of one structure from arrays of parameters.

    Parameters
    ----------
    arrays : mapping of str to array
        With those of `structure_arrays`.
    table : mapping
        With the entries of `structure_table`.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], table: Mapping[str, Any]) -> None:
        from hamiltonians.symmetry.groups import SymmetryGroup, SymmetrySector

        self._flags = (bool(table["has_visible_bias"]), bool(table["has_hidden_bias"]))
        self._tied = self._sector = None
        if "tied_permutations" in arrays:
            group = SymmetryGroup(arrays["tied_permutations"])
            self._tied = (group, bool(table["tied_spin_inversion"]))
        if "sector_permutations" in arrays:
            group = SymmetryGroup(arrays["sector_permutations"])
            found = table["sector"]
            self._sector = SymmetrySector(
                group, arrays["sector_characters"], found["parity"], str(found["label"])
            )

    def unprojected(self) -> Rebuild:
        """For the wavefunctions that are projected, without the projection."""
        found = copy(self)
        found._sector = None
        return found

    def __call__(self, arrays: Mapping[str, np.ndarray], prefix: str) -> VariationalState:
        """The wavefunction whose parameters carry this prefix."""
        a, b, w = (arrays[f"{prefix}_{name}"] for name in PARAMETERS)
        if any(array.dtype not in (np.float64, np.complex128) for array in (a, b, w)):
            raise ValueError(f"parameters must be float64 or complex128, got {w.dtype}")
        rbm: RBM | SymmetricRBM
        if self._tied is None:
            rbm = RBM(a, b, w, *self._flags)
        else:
            rbm = SymmetricRBM(a, b, w, *self._tied, *self._flags)
        return rbm if self._sector is None else ProjectedRBM(rbm, self._sector)
