"""Checkpoints: a run's state in one .npz file, written atomically and read with suspicion.

The file holds plain arrays and one JSON text with the format version, the conventions, the
Hamiltonian's description and the settings. Nothing is pickled, and no array is read before its
size and type have been compared with what the text says.
"""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from rbmqs.checks import finite, positive_int
from rbmqs.optimiser import OptimiserState
from rbmqs.records import stats_from_dict
from rbmqs.sampler import ChainState
from rbmqs.vmc import GoodPoint, RunState
from rbmqs.wavefunction import RBM

FORMAT = "rbmqs-checkpoint"
VERSION = 1
CONVENTION = (
    "Pauli matrices; +1 is up and first; site 0 leftmost; psi = exp(a.s) prod 2cosh(b + W^T s)"
)
_MAX_META_BYTES = 16 * 2**20


class CheckpointError(ValueError):
    """A file that is not a usable checkpoint, with the reason in one line."""


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
        **_machine_arrays("psi", state.psi),
        "spins": state.chains.spins,
        "rng": state.chains.rng,
        "direction": state.optimiser.direction,
    }
    good = state.last_good
    if good is not None:
        arrays |= {**_machine_arrays("good", good.psi), "good_spins": good.spins}
    meta = {
        **header,
        "format": FORMAT,
        "version": VERSION,
        "convention": CONVENTION,
        "iteration": state.iteration,
        "n_rollbacks": state.n_rollbacks,
        "damping": state.optimiser.damping,
        "has_visible_bias": state.psi.has_visible_bias,
        "has_hidden_bias": state.psi.has_hidden_bias,
        "good_energy": None if good is None else good.energy.to_dict(),
        "arrays": {name: [a.dtype.str, list(a.shape)] for name, a in arrays.items()},
    }
    text = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
    members: dict[str, Any] = {"meta": text, **arrays}
    write_atomically(path, lambda file: np.savez(file, **members))


def write_atomically(path: Path, write: Any) -> None:
    """Call `write(file)` on a neighbouring file, flush it to disk, and move it into place."""
    partial = path.with_name(path.name + ".partial")
    try:
        with open(partial, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises
    ------
    FileNotFoundError
        No such file.
    CheckpointError
        Truncated, foreign, of another convention or a newer version, or inconsistent.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_stored(path, archive)
            meta = _read_meta(path, archive)
            _check_meta(path, meta)
            arrays = {name: _read_array(path, archive, name, meta) for name in meta["arrays"]}
        return _assemble(meta, arrays)
    except (FileNotFoundError, CheckpointError):
        raise
    except Exception as error:  # a damaged file fails in more ways than can be listed
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if isinstance(error, KeyError):
            reason = f"it lacks {reason}"
        raise CheckpointError(f"{path} is not a readable checkpoint: {reason}") from error


def _machine_arrays(prefix: str, psi: RBM) -> dict[str, np.ndarray]:
    return {
        f"{prefix}_{name}": getattr(psi, name)
        for name in ("visible_bias", "hidden_bias", "weights")
    }


def _check_stored(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse compressed members: what is stored plainly cannot be larger than the file."""
    size = path.stat().st_size
    for info in archive.infolist():
        if info.compress_type != zipfile.ZIP_STORED or not info.file_size <= size:
            raise CheckpointError(
                f"{path} is not an rbmqs checkpoint: {info.filename} is compressed, or declares "
                f"more bytes than the file has"
            )


def _read_meta(path: Path, archive: zipfile.ZipFile) -> dict[str, Any]:
    if "meta.npy" not in archive.namelist():
        raise CheckpointError(f"{path} is not an rbmqs checkpoint: it has no description")
    if archive.getinfo("meta.npy").file_size > _MAX_META_BYTES:
        raise CheckpointError(f"{path} has a description of more than {_MAX_META_BYTES} bytes")
    with archive.open("meta.npy") as member:
        _, _, dtype = _read_header(member)
        if dtype != np.uint8:
            raise CheckpointError(f"{path} is not an rbmqs checkpoint: its description is no text")
        meta = json.loads(member.read())
    if not isinstance(meta, dict):
        raise CheckpointError(f"{path} is not an rbmqs checkpoint: its description is not a table")
    return meta


def _check_meta(path: Path, meta: dict[str, Any]) -> None:
    if meta.get("format") != FORMAT:
        raise CheckpointError(f"{path} is not an rbmqs checkpoint: format {meta.get('format')!r}")
    if meta.get("version") != VERSION:
        raise CheckpointError(
            f"{path} has checkpoint version {meta.get('version')!r}, this rbmqs reads {VERSION}"
        )
    if meta.get("convention") != CONVENTION:
        raise CheckpointError(
            f"{path} uses another convention: {meta.get('convention')!r}, "
            f"this rbmqs uses {CONVENTION!r}"
        )


def _read_array(
    path: Path, archive: zipfile.ZipFile, name: str, meta: dict[str, Any]
) -> np.ndarray:
    dtype, shape = np.dtype(meta["arrays"][name][0]), tuple(meta["arrays"][name][1])
    if dtype.hasobject:
        raise CheckpointError(f"{path}: array {name} holds Python objects, which are never read")
    expected = int(np.prod(shape, dtype=object)) * dtype.itemsize
    info = archive.getinfo(f"{name}.npy")
    if not expected <= info.file_size <= expected + 4096:
        raise CheckpointError(
            f"{path}: array {name} should take {expected} bytes and takes {info.file_size}"
        )
    with archive.open(info) as member:
        header = _read_header(member)
        if header[0] != shape or header[2] != dtype:
            raise CheckpointError(
                f"{path}: array {name} should be {dtype} {shape}, is {header[2]} {header[0]}"
            )
        data = member.read()
    array = np.frombuffer(data, dtype=dtype).reshape(shape, order="F" if header[1] else "C")
    return np.ascontiguousarray(array)


def _read_header(member: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, Fortran order and dtype of a .npy member, which is left at its data."""
    if np.lib.format.read_magic(member) == (1, 0):
        return np.lib.format.read_array_header_1_0(member)
    return np.lib.format.read_array_header_2_0(member)


def _assemble(meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> Checkpoint:
    flags = (bool(meta["has_visible_bias"]), bool(meta["has_hidden_bias"]))
    psi = _machine(arrays, "psi", flags)
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
            _machine(arrays, "good", flags),
            _spins(arrays, "good_spins", len(spins), psi.n_sites),
            stats_from_dict(meta["good_energy"]),
        )
        if good.psi.describe() != psi.describe():
            raise ValueError("the last good parameters are of another machine than psi")
    state = RunState(
        positive_int("iteration", meta["iteration"], minimum=0),
        psi,
        ChainState(spins, rng),
        OptimiserState(direction, damping),
        good,
        positive_int("n_rollbacks", meta["n_rollbacks"], minimum=0),
    )
    for name in ("hamiltonian", "settings"):
        if not isinstance(meta[name], dict):
            raise ValueError(f"{name} must be a table, got {meta[name]!r}")
    return Checkpoint(state, meta["hamiltonian"], meta["settings"], meta)


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


def _machine(arrays: dict[str, np.ndarray], prefix: str, flags: tuple[bool, bool]) -> RBM:
    a, b, w = (arrays[f"{prefix}_{name}"] for name in ("visible_bias", "hidden_bias", "weights"))
    if any(array.dtype not in (np.float64, np.complex128) for array in (a, b, w)):
        raise ValueError(f"parameters must be float64 or complex128, got {w.dtype}")
    return RBM(a, b, w, *flags)
