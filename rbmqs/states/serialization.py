"""Wavefunctions as arrays and plain tables, and back: what a checkpoint holds of them.

Parameters are saved by name. The table says which class it was, by its registered name or import
path, and holds its `structure()`, whose arrays are saved beside the parameters. Reading a file
imports the module that it names.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any

import numpy as np

from rbmqs.states import amplitude_phase, jastrow, pair_product  # noqa: F401  register classes
from rbmqs.states.projected_rbm import ProjectedRBM
from rbmqs.states.rbm import RBM
from rbmqs.states.registry import ansatz_class, name_of
from rbmqs.states.spin_rbm import SpinRBM
from rbmqs.states.state import VariationalState
from rbmqs.states.symmetric_rbm import SymmetricRBM

_CHAINS = ("spins", "rng")  # what arrays of chains are called behind the same prefixes
_OF_RBM = ("visible_bias", "hidden_bias", "weights")


def innermost(psi: VariationalState) -> RBM | SymmetricRBM | SpinRBM:
    """The RBM, plain or tied, that is projected, or `psi` itself.

    Raises
    ------
    TypeError
        Neither of them.
    """
    found = psi.base if isinstance(psi, ProjectedRBM) else psi
    if not isinstance(found, RBM | SymmetricRBM | SpinRBM):
        raise TypeError(f"psi must be an RBM, plain, tied or projected, got {type(psi).__name__}")
    return found


def parameter_arrays(prefix: str, psi: VariationalState) -> dict[str, np.ndarray]:
    """Parameters by name.

    Raises
    ------
    ValueError
        A name that chains have.
    """
    for name in _CHAINS:
        if name in psi.parameters:
            raise ValueError(f"no parameter may be called {name!r}: chains are saved by that name")
    return {f"{prefix}_{name}": np.asarray(array) for name, array in psi.parameters.items()}


def structure_arrays(psi: VariationalState) -> dict[str, np.ndarray]:
    """The arrays of the structure, such as groups and characters."""
    arrays: dict[str, np.ndarray] = {}
    _detached(psi.structure(), "structure", arrays)
    return arrays


def structure_table(psi: VariationalState) -> dict[str, Any]:
    """The rest of what makes a wavefunction, as plain JSON values."""
    return {
        "wavefunction": {
            "class": name_of(type(psi)),
            "parameters": {name: list(np.shape(a)) for name, a in psi.parameters.items()},
            "structure": _detached(psi.structure(), "structure", {}),
        }
    }


def _detached(value: Any, path: str, arrays: dict[str, np.ndarray]) -> Any:
    """A structure as plain JSON values; its arrays go to `arrays`, and their names stay."""
    if isinstance(value, np.ndarray):
        arrays[path] = value
        return {"array": path}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {key: _detached(entry, f"{path}.{key}", arrays) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_detached(entry, f"{path}.{k}", arrays) for k, entry in enumerate(value)]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(
        f"{path} must hold plain JSON values and arrays only, got {type(value).__name__}: "
        f"give the class a structure() and from_structure() of its own"
    )


def _attached(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """The structure that `_detached` was made of."""
    if isinstance(value, Mapping):
        if list(value) == ["array"]:
            return arrays[value["array"]]
        return {key: _attached(entry, arrays) for key, entry in value.items()}
    return [_attached(entry, arrays) for entry in value] if isinstance(value, list) else value


class Rebuild:
    """Makes wavefunctions of one structure from arrays of parameters.

    Parameters
    ----------
    arrays : mapping of str to array
        With those of `structure_arrays`.
    table : mapping
        With the entries of `structure_table`.

    Raises
    ------
    ValueError
        The class cannot be imported.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], table: Mapping[str, Any]) -> None:
        found = table.get("wavefunction") or _older_table(arrays, table)
        self._shapes = dict(found["parameters"])
        self._class = ansatz_class(str(found["class"]))
        self._structure = _attached(found["structure"], arrays)
        self._unprojected = False

    def unprojected(self) -> Rebuild:
        """For the wavefunctions that are projected, without the projection."""
        found = copy(self)
        found._unprojected = True
        return found

    def __call__(self, arrays: Mapping[str, np.ndarray], prefix: str) -> VariationalState:
        """The wavefunction whose parameters carry this prefix."""
        parameters = {name: arrays[f"{prefix}_{name}"] for name in self._shapes}
        for name, array in parameters.items():
            if array.dtype not in (np.float64, np.complex128):
                raise ValueError(f"{name} must be float64 or complex128, got {array.dtype}")
            shape = self._shapes[name]
            if shape is not None and array.shape != tuple(shape):
                raise ValueError(f"{name} must have shape {tuple(shape)}, got {array.shape}")
        psi = self._class.from_structure(self._structure, parameters)
        return innermost(psi) if self._unprojected else psi


def _older_table(arrays: Mapping[str, np.ndarray], table: Mapping[str, Any]) -> dict[str, Any]:
    """The table of a file from when there were RBMs only, which listed fixed biases too."""
    structure: dict[str, Any] = {
        name: bool(table[name]) for name in ("has_visible_bias", "has_hidden_bias")
    }
    kind, base = "rbm", "plain"
    if "tied_permutations" in arrays:
        kind, base = "symmetric-rbm", "tied"
        structure["spin_inversion"] = bool(table["tied_spin_inversion"])
        structure["permutations"] = {"array": "tied_permutations"}
    if "sector_permutations" in arrays:
        kind = "projected-rbm"
        structure = {
            base: structure,
            "permutations": {"array": "sector_permutations"},
            "characters": {"array": "sector_characters"},
            "parity": table["sector"]["parity"],
            "label": str(table["sector"]["label"]),
        }
    return {"class": kind, "parameters": dict.fromkeys(_OF_RBM), "structure": structure}
