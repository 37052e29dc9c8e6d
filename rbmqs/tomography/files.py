"""A reconstruction on disk: checkpoint, log and result; enough to go on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from hamiltonians.utils.archive import CheckpointError, Kind, read_archive, write_archive
from hamiltonians.utils.files import goes_on_without
from hamiltonians.utils.locks import locked
from rbmqs.states.serialization import Rebuild, parameter_arrays, structure_arrays, structure_table
from rbmqs.states.state import VariationalState
from rbmqs.tomography.bases import Bases
from rbmqs.tomography.fit import FitRecord, FitState
from rbmqs.tomography.readout import confusion_matrices
from rbmqs.tomography.result import Reconstruction
from rbmqs.tomography.schedule import DONE, FitSettings, Progressed
from rbmqs.tomography.shots import Shots
from rbmqs.utils.json_files import plain, write_json
from rbmqs.utils.json_lines import LineWriter

CHECKPOINT, LOG, RESULT = "checkpoint.npz", "log.jsonl", "result.json"
LOG_FORMAT, RESULT_FORMAT = "rbmqs-reconstruction-log", "rbmqs-reconstruction"
KIND = Kind(
    "rbmqs-reconstruction",
    1,
    "outcome +1 is the +1 eigenvector; rows of unitaries are outcomes; site 0 leftmost",
)
SAVE_SECONDS = 10.0
_STATES = ("fit", "smaller")
_NUMBERS = ("shift", "iteration", "slow", "since_best", "refused", "overfits")


class ReconstructionFiles:
    """Files of a reconstruction, or nothing where there is no directory."""

    def __init__(self, directory: Path | None, shots: Shots, header: dict[str, Any]) -> None:
        self.directory, self.saved = directory, None
        self._shots, self._header, self._saved_at = shots, header, -np.inf
        self._n_logged = 0

    saved: Progressed | None
    _log: LineWriter

    @classmethod
    @contextmanager
    def opened(
        cls,
        output: str | Path | None,
        resume: bool,
        shots: Shots,
        settings: FitSettings,
        psi: VariationalState | None,
    ) -> Iterator[ReconstructionFiles]:
        """Files of a new reconstruction, or of one to go on with; their directory is locked.

        Raises
        ------
        ValueError
            Nothing to resume, something in the way, or other shots or settings than before.
        LockedError
            Another process writes there.
        """
        asked = {k: v for k, v in asdict(settings).items() if k not in ("n_iter", "max_seconds")}
        asked["start"] = None if psi is None else psi.describe()
        header = json.loads(json.dumps(plain({"settings": asked})))
        files = cls(None if output is None else Path(output), shots, header)
        if files.directory is None:
            if resume:
                raise ValueError("output must be a directory to resume from, got None")
            yield files
            return
        checkpoint = files.directory / CHECKPOINT
        if resume and not checkpoint.exists():
            raise ValueError(f"output must hold a reconstruction to resume, {output} does not")
        if not resume and checkpoint.exists():
            raise ValueError(
                f"output must not hold a run, which {output} does: resume=True goes on"
            )
        files.directory.mkdir(parents=True, exist_ok=True)
        with locked(files.directory):
            if resume:
                files._read(checkpoint)
            history = () if files.saved is None else files.saved.history
            lines = [{"format": LOG_FORMAT, **header}, *map(asdict, history)]
            files._log = LineWriter(files.directory / LOG, map(plain, lines))
            files._n_logged = len(history)
            try:
                yield files
            finally:
                files._log.close()

    def save(self, found: Progressed) -> None:
        """A line of the log for each new step, and now and then a checkpoint."""
        if self.directory is None:
            return
        for record in found.history[self._n_logged :]:
            self._log.write(plain(asdict(record)))
        self._n_logged = len(found.history)
        if time.monotonic() - self._saved_at > SAVE_SECONDS:
            self._write(found)

    def finish(self, found: Progressed, result: Reconstruction) -> None:
        """The last checkpoint, and what came out as a table."""
        if self.directory is None:
            return
        self.save(found)
        self._write(found)
        head, rows = result.summary()
        table: dict[str, Any] = {"format": RESULT_FORMAT, "what": head, **dict(rows)}
        table |= {"is_done": found.stage == DONE, "settings": self._header["settings"]}
        table["goodness"] = [g._asdict() for g in result.goodness] if result.is_summed else None
        with goes_on_without(self.directory / RESULT):
            write_json(self.directory / RESULT, plain(table))

    def _write(self, found: Progressed) -> None:
        assert self.directory is not None
        arrays: dict[str, np.ndarray] = {
            "shots_unitaries": self._shots.bases.unitaries,
            "shots_outcomes": self._shots.outcomes,
            "shots_basis": self._shots.basis,
            "shots_counts": self._shots.counts,
        }
        header: dict[str, Any] = {
            **self._header,
            "stage": found.stage,
            "limit": found.limit,
            "status": found.status,
            "history": [asdict(record) for record in found.history],
            "labels": list(self._shots.bases.labels),
        }
        for name in _STATES:
            state = getattr(found, name)
            if state is not None:
                header[name] = _put_state(name, state, arrays)
        with goes_on_without(self.directory / CHECKPOINT):
            write_archive(self.directory / CHECKPOINT, KIND, arrays, plain(header))
        self._saved_at = time.monotonic()

    def _read(self, path: Path) -> None:
        found, shots, header = read_archive(path, KIND, _assemble)
        if header["settings"] != self._header["settings"]:
            raise ValueError(f"{path} belongs to another reconstruction: other settings")
        same = all(
            np.array_equal(getattr(shots, name), getattr(self._shots, name))
            for name in ("outcomes", "basis", "counts")
        )
        if not same:
            raise ValueError(f"{path} belongs to another reconstruction: its shots are others")
        self.saved = found


def load_reconstruction(directory: str | Path) -> Reconstruction:
    """The state of a reconstruction in a directory, with its shots and its course.

    Raises
    ------
    FileNotFoundError, CheckpointError
        No such file, or a damaged one.
    """
    path = Path(directory) / CHECKPOINT
    found, shots, _ = read_archive(path, KIND, _assemble)
    fit = found.fit
    return Reconstruction(fit.psi, shots, fit.confusion, found.history, found.status)


def _put_state(name: str, state: FitState, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """Arrays of a fit by names that begin with its own; the rest as a table."""
    psi = state.psi
    arrays |= parameter_arrays(f"{name}_psi", psi)
    arrays |= {f"{name}_{key}": array for key, array in structure_arrays(psi).items()}
    optional = {"confusion": state.confusion}
    if state.best is not None:
        best, optional["best_confusion"], optional["best_values"] = state.best
        arrays |= parameter_arrays(f"{name}_best", best)
    if state.moments is not None:
        optional["mean"], optional["squares"] = state.moments
    arrays |= {f"{name}_{key}": one for key, one in optional.items() if one is not None}
    return {**structure_table(psi), **{key: getattr(state, key) for key in _NUMBERS}}


def _get_state(name: str, table: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> FitState:
    own = {k.removeprefix(f"{name}_"): v for k, v in arrays.items() if k.startswith(f"{name}_")}
    rebuild = Rebuild(own, table)
    best = None
    if "best_values" in own:
        best = (rebuild(own, "best"), own.get("best_confusion"), own["best_values"])
    moments = (own["mean"], own["squares"]) if "mean" in own else None
    psi, confusion = rebuild(own, "psi"), own.get("confusion")
    if confusion is not None:
        confusion_matrices(confusion, arrays["shots_outcomes"].shape[-1])
    state = FitState(psi, confusion, best=best, moments=moments)
    return replace(state, **{key: table[key] for key in _NUMBERS})


def _assemble(
    header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> tuple[Progressed, Shots, Mapping[str, Any]]:
    bases = Bases.of_unitaries(arrays["shots_unitaries"])
    if len(bases) != len(header["labels"]):
        raise CheckpointError("it has other numbers of bases and of their names")
    of = (arrays[f"shots_{name}"] for name in ("outcomes", "basis", "counts"))
    shots = Shots.from_file(bases, *of)
    states = {n: _get_state(n, header[n], arrays) if n in header else None for n in _STATES}
    if states["fit"] is None:
        raise CheckpointError("the archive holds no fit")
    history = tuple(FitRecord(**record) for record in header["history"])
    found = Progressed(
        header["stage"], states["fit"], states["smaller"], header["limit"], history,
        header["status"],
    )  # fmt: skip
    return found, shots, header
