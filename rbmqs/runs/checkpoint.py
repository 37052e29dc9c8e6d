"""Checkpoints: a run's state in one .npz file, written atomically and read with suspicion.

The file holds the arrays of the state and one JSON text with the Hamiltonian's description and
the settings; `hamiltonians.utils.archive` says how it is written and read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hamiltonians.operators.local_space import LocalSpace
from hamiltonians.utils.archive import Kind, read_archive
from hamiltonians.utils.checks import finite, positive_int
from rbmqs.sampling.chains import ChainState, check_values
from rbmqs.sampling.files import rows_for_file, write_together
from rbmqs.states.serialization import Rebuild, parameter_arrays, structure_arrays, structure_table
from rbmqs.states.state import VariationalState
from rbmqs.vmc.records import stats_from_dict
from rbmqs.vmc.run_state import GoodPoint, OptimiserState, RunState, target_of

FORMAT = "rbmqs-checkpoint"
VERSION = 1
CONVENTION = (
    "Pauli matrices; +1 is up and first; site 0 leftmost; psi = exp(a.s) prod 2cosh(b + W^T s)"
)
KIND = Kind(FORMAT, VERSION, CONVENTION)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Contents of a checkpoint file.

    Parameters
    ----------
    state : RunState
    hamiltonian : dict
        `SpinHamiltonian.describe()` of the run.
    settings : dict
        `RunSettings.describe()`.
    """

    state: RunState
    hamiltonian: dict[str, Any]
    settings: dict[str, Any]
    meta: dict[str, Any]


def save_checkpoint(path: Path | None, state: RunState, header: Mapping[str, Any]) -> None:
    """Write the state atomically: to a neighbouring file first, then moved over the old one.

    Ranks that divide its chains call this together. The first one has the path, and the rows of one
    other rank at a time.
    """
    division = state.chains.division
    arrays: dict[str, Any] = {
        **parameter_arrays("psi", state.psi),
        **structure_arrays(target_of(state)),
        "spins": rows_for_file(state.chains.spins, division),
        "rng": rows_for_file(state.chains.rng, division),
        "direction": state.optimiser.direction,
    }
    good = state.last_good
    if good is not None:
        arrays |= {
            **parameter_arrays("good", good.psi),
            "good_spins": rows_for_file(good.spins, division),
        }
    if state.optimiser.squares is not None:
        arrays["squares"] = state.optimiser.squares
    tables: dict[str, dict[str, Any]] = {}
    for name, values in state.extensions.items():
        more, tables[name] = _extension_arrays(name, values)
        arrays |= more
    meta = {
        **header,
        "iteration": state.iteration,
        "n_rollbacks": state.n_rollbacks,
        "damping": state.optimiser.damping,
        **structure_table(target_of(state)),
        "good_energy": None if good is None else good.energy.to_dict(),
        "n_updates": state.optimiser.n_updates,
        "has_target": state.target is not None,
        "extensions": tables,
        "units": "couplings",
    }
    write_together(path, KIND, arrays, meta)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises
    ------
    FileNotFoundError
        No such file.
    CheckpointError
        Truncated, foreign, of another convention or a newer version, or inconsistent.
    """
    return read_archive(path, KIND, _assemble)


def _assemble(meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> Checkpoint:
    if "extensions" not in meta:
        meta, arrays = _named_by_extension(meta, arrays)
    rebuild = Rebuild(arrays, meta)
    target = None
    if meta["has_target"]:
        target = rebuild(arrays, "psi")
        rebuild = rebuild.unprojected()
    psi = rebuild(arrays, "psi")
    chains = ChainState.from_file(arrays["spins"], arrays["rng"], psi.hilbert)
    direction = _shaped(arrays, "direction", psi.flat.dtype, (psi.n_parameters,))
    finite("direction", direction)
    damping = float(meta["damping"])
    if not 0 < damping <= 1:
        raise ValueError(f"damping must lie in (0, 1], got {damping}")
    good = None
    if meta["good_energy"] is not None:
        good = GoodPoint(
            rebuild(arrays, "good"),
            _spins(arrays, "good_spins", len(chains.spins), psi.hilbert),
            stats_from_dict(meta["good_energy"]),
        )
        if good.psi.describe() != psi.describe():
            raise ValueError("the last good parameters are of another wavefunction than psi")
    state = RunState(
        positive_int("iteration", meta["iteration"], minimum=0),
        psi,
        chains,
        OptimiserState(
            direction,
            damping,
            _squares(arrays, psi.n_parameters),
            positive_int("n_updates", meta.get("n_updates", 0), minimum=0),
        ),
        good,
        positive_int("n_rollbacks", meta["n_rollbacks"], minimum=0),
        target,
        {
            name: _extension_state(name, table, arrays, rebuild, psi.hilbert)
            for name, table in meta["extensions"].items()
        },
    )
    for name in ("hamiltonian", "settings"):
        if not isinstance(meta[name], dict):
            raise ValueError(f"{name} must be a table, got {meta[name]!r}")
    return Checkpoint(state, meta["hamiltonian"], meta["settings"], meta)


def _squares(arrays: dict[str, np.ndarray], n_parameters: int) -> np.ndarray | None:
    if "squares" not in arrays:
        return None
    squares = _shaped(arrays, "squares", np.dtype(float), (n_parameters,))
    finite("squares", squares)
    return squares


def _extension_arrays(
    name: str, values: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arrays of an extension's state, and a table of its plain values and of what is in arrays."""
    arrays: dict[str, Any] = {}
    plain: dict[str, Any] = {}
    kinds: dict[str, str] = {}
    for key, value in values.items():
        prefix = f"{name}.{key}"
        if isinstance(value, ChainState):
            for part, rows in (("spins", value.spins), ("rng", value.rng)):
                arrays[f"{prefix}_{part}"] = rows_for_file(rows, value.division)
            kinds[key] = "chains"
        elif isinstance(value, VariationalState):
            arrays |= parameter_arrays(prefix, value)
            kinds[key] = "psi"
        elif isinstance(value, np.ndarray):
            arrays[prefix] = value
            kinds[key] = "array"
        else:
            plain[key] = value
    return arrays, {"plain": plain, "kinds": kinds}


def _extension_state(
    name: str,
    table: Mapping[str, Any],
    arrays: dict[str, np.ndarray],
    rebuild: Rebuild,
    space: LocalSpace,
) -> dict[str, Any]:
    """What `_extension_arrays` took apart."""
    values = dict(table["plain"])
    for key, kind in table["kinds"].items():
        prefix = f"{name}.{key}"
        if kind == "psi":
            values[key] = rebuild(arrays, prefix)
        elif kind == "chains":
            spins, rng = arrays[f"{prefix}_spins"], arrays[f"{prefix}_rng"]
            values[key] = ChainState.from_file(spins, rng, space)
        else:
            values[key] = arrays[prefix]
    return values


def _named_by_extension(
    meta: dict[str, Any], arrays: dict[str, np.ndarray]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """A file from before extensions kept their state by name, in the present layout."""
    found = dict(arrays)
    tables: dict[str, dict[str, Any]] = {}
    known = ("spins", "good_spins")  # those of the run; others are of probe chains, or of the best
    for old in [
        x.removesuffix("_spins") for x in arrays if x.endswith("_spins") and x not in known
    ]:
        name = "multistart" if old == "best" else "probe_chains"
        for part in ("spins", "rng"):
            found[f"{name}.chains_{part}"] = found.pop(f"{old}_{part}")
        tables[name] = {"plain": {}, "kinds": {"chains": "chains"}}
    trials = meta.get("trials", {})
    if trials.get("energies") or trials.get("n_judged"):
        table = tables.setdefault("multistart", {"plain": {}, "kinds": {}})
        energies = [np.inf if e is None else float(e) for e in trials["energies"]]
        table["plain"] = {
            "energies": energies, "total": trials["total"], "n_judged": trials["n_judged"],
        }  # fmt: skip
        if energies:
            table["kinds"]["best"] = "psi"
            for key in [key for key in found if key.startswith("best_")]:
                found["multistart." + key] = found.pop(key)
    has_target = bool(trials.get("unprojected", False))
    return {**meta, "extensions": tables, "has_target": has_target}, found


def _shaped(
    arrays: dict[str, np.ndarray], name: str, dtype: np.dtype, shape: tuple[int, ...]
) -> np.ndarray:
    """An array that must have exactly this type and shape: none is converted in silence."""
    array = arrays[name]
    if array.dtype != dtype or array.shape != shape:
        raise ValueError(f"{name} must be {dtype} {shape}, got {array.dtype} {array.shape}")
    return array


def _spins(
    arrays: dict[str, np.ndarray], name: str, n_chains: int, space: LocalSpace
) -> np.ndarray:
    spins = _shaped(arrays, name, np.dtype(np.int8), (n_chains, space.n_sites))
    check_values(name, spins, space)
    return spins
