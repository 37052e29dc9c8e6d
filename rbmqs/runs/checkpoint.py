"""Checkpoints: a run's state in one .npz file, written atomically and read with suspicion.

The file holds the arrays of the state and one JSON text with the Hamiltonian's description and
the settings; `hamiltonians.utils.archive` says how it is written and read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hamiltonians.utils.archive import Kind, read_archive, write_archive
from hamiltonians.utils.checks import finite, positive_int
from rbmqs.sampling.chains import ChainState
from rbmqs.states.serialization import Rebuild, parameter_arrays, structure_arrays, structure_table
from rbmqs.vmc.extensions.multistart import MultiStart, target_of
from rbmqs.vmc.loop import GoodPoint, RunState
from rbmqs.vmc.records import stats_from_dict
from rbmqs.vmc.step import OptimiserState

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


def save_checkpoint(path: Path, state: RunState, header: dict[str, Any]) -> None:
    """Write the state atomically: to a neighbouring file first, then moved over the old one."""
    arrays = {
        **parameter_arrays("psi", state.psi),
        **structure_arrays(target_of(state)),
        "spins": state.chains.spins,
        "rng": state.chains.rng,
        "direction": state.optimiser.direction,
    }
    good = state.last_good
    if good is not None:
        arrays |= {**parameter_arrays("good", good.psi), "good_spins": good.spins}
    restarts = state.restarts
    if restarts.best is not None and restarts.chains is not None:
        arrays |= parameter_arrays("best", restarts.best)
        arrays |= {"best_spins": restarts.chains.spins, "best_rng": restarts.chains.rng}
    if state.probes is not None:
        arrays |= {"probe_spins": state.probes.spins, "probe_rng": state.probes.rng}
    meta = {
        **header,
        "iteration": state.iteration,
        "n_rollbacks": state.n_rollbacks,
        "damping": state.optimiser.damping,
        **structure_table(target_of(state)),
        "good_energy": None if good is None else good.energy.to_dict(),
        "restarts": _restarts_table(state.restarts),
    }
    write_archive(path, KIND, arrays, meta)


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
    rebuild = Rebuild(arrays, meta)
    target = None
    if meta.get("restarts", {}).get("unprojected", False):
        target = rebuild(arrays, "psi")
        rebuild = rebuild.unprojected()
    psi = rebuild(arrays, "psi")
    spins = _spins(arrays, "spins", len(arrays["spins"]), psi.n_sites)
    rng = _shaped(arrays, "rng", np.dtype(np.uint64), (len(spins), 4))
    direction = _shaped(arrays, "direction", psi.flat.dtype, (psi.n_parameters,))
    finite("direction", direction)
    damping = float(meta["damping"])
    if not 0 < damping <= 1:
        raise ValueError(f"damping must lie in (0, 1], got {damping}")
    good = None
    if meta["good_energy"] is not None:
        good = GoodPoint(
            rebuild(arrays, "good"),
            _spins(arrays, "good_spins", len(spins), psi.n_sites),
            stats_from_dict(meta["good_energy"]),
        )
        if good.psi.describe() != psi.describe():
            raise ValueError("the last good parameters are of another wavefunction than psi")
    state = RunState(
        positive_int("iteration", meta["iteration"], minimum=0),
        psi,
        ChainState(spins, rng),
        OptimiserState(direction, damping),
        good,
        positive_int("n_rollbacks", meta["n_rollbacks"], minimum=0),
        _chains(arrays, "probe", psi.n_sites),
        replace(_restarts(meta.get("restarts"), arrays, rebuild, psi.n_sites), target=target),
    )
    for name in ("hamiltonian", "settings"):
        if not isinstance(meta[name], dict):
            raise ValueError(f"{name} must be a table, got {meta[name]!r}")
    return Checkpoint(state, meta["hamiltonian"], meta["settings"], meta)


def _chains(arrays: dict[str, np.ndarray], name: str, n_sites: int) -> ChainState | None:
    """Chains besides those of the run: of probe chains, or of the best restart."""
    if f"{name}_spins" not in arrays:
        return None
    spins = _spins(arrays, f"{name}_spins", len(arrays[f"{name}_spins"]), n_sites)
    rng = _shaped(arrays, f"{name}_rng", np.dtype(np.uint64), (len(spins), 4))
    return ChainState(spins, rng)


def _restarts_table(restarts: MultiStart) -> dict[str, Any]:
    energies = [energy if np.isfinite(energy) else None for energy in restarts.energies]
    return {
        "energies": energies,
        "total": restarts.total,
        "n_judged": restarts.n_judged,
        "unprojected": restarts.target is not None,
    }


def _restarts(
    table: dict[str, Any] | None, arrays: dict[str, np.ndarray], rebuild: Rebuild, n_sites: int
) -> MultiStart:
    """Of a file from before there were restarts, those of a run with one."""
    if table is None:
        return MultiStart()
    energies = tuple(np.inf if e is None else float(e) for e in table["energies"])
    best = rebuild(arrays, "best") if energies else None
    n_judged = positive_int("n_judged", table["n_judged"], minimum=0)
    chains = _chains(arrays, "best", n_sites)
    if energies and chains is None:
        raise ValueError("the chains of the best restart are missing")
    return MultiStart(energies, best, chains, float(table["total"]), n_judged)


def _shaped(
    arrays: dict[str, np.ndarray], name: str, dtype: np.dtype, shape: tuple[int, ...]
) -> np.ndarray:
    """An array that must have exactly this type and shape: none is converted in silence."""
    array = arrays[name]
    if array.dtype != dtype or array.shape != shape:
        raise ValueError(f"{name} must be {dtype} {shape}, got {array.dtype} {array.shape}")
    return array


def _spins(arrays: dict[str, np.ndarray], name: str, n_chains: int, n_sites: int) -> np.ndarray:
    spins = _shaped(arrays, name, np.dtype(np.int8), (n_chains, n_sites))
    if not np.all(np.abs(spins) == 1):
        raise ValueError(f"{name} holds values other than +1 and -1")
    return spins
