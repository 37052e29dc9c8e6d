"""Log and checkpoint of a run, as it goes."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hamiltonians.utils.files import goes_on_without
from rbmqs.runs.checkpoint import save_checkpoint
from rbmqs.runs.log import LOG, LogWriter, missing_iterations, read_log
from rbmqs.runs.resume import CHECKPOINT, SETTLED
from rbmqs.states.state import VariationalState
from rbmqs.vmc.extensions.growth import final_form
from rbmqs.vmc.records import StepRecord
from rbmqs.vmc.run_state import RunState
from rbmqs.vmc.settings import RunSettings

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.utils.ranks import Ranks

CHECKPOINT_SECONDS = 10.0


class RunWriter:
    """Log and checkpoint of a run, or nothing when there is no directory.

    On several MPI ranks all of them call its methods; the first one has the directory.

    Log, checkpoint and result carry the same `run_id`, which follows from what the run was asked
    for and started with: files of two runs that were mixed up are noticed.
    """

    def __init__(
        self,
        directory: Path | None,
        hamiltonian: SpinHamiltonian,
        psi: VariationalState,
        settings: RunSettings,
        state: RunState | None = None,
        changes: Sequence[Mapping[str, Any]] = (),
        run_id: str = "",
        ranks: Ranks | None = None,
    ) -> None:
        from rbmqs.runs.config import describe_run, describe_terms

        self.directory, self._ranks = directory, ranks
        self._saved_at = -np.inf  # the first iteration is saved at once
        self._header = describe_run(hamiltonian, final_form(psi, settings), settings)
        self.run_id = self._header["run_id"] = run_id or self._new_id(psi)
        if changes:
            self._header["changes"] = list(changes)
        self._terms = {"terms": describe_terms(hamiltonian)}
        self.history: list[StepRecord] = []
        self.missing: list[str] = []
        if directory is not None and state is not None:
            self._log = LogWriter(directory / LOG, self._log_header(), state.iteration)
            self.history = read_log(directory / LOG)[1]
            self.missing = missing_iterations(self.history, state.iteration)

    def begin(self, state: RunState) -> None:
        """Save the state before the first iteration, so that a kill at any time can be resumed."""
        self._write(CHECKPOINT, state)
        if self.directory is not None:
            self._log = LogWriter(self.directory / LOG, self._log_header())

    def _new_id(self, psi: VariationalState) -> str:
        asked = json.dumps(self._log_header(), sort_keys=True).encode()
        return hashlib.sha256(asked + psi.flat.tobytes()).hexdigest()[:16]

    def _log_header(self) -> dict[str, Any]:
        """The run without its length, which a resumed run may change."""
        length = ("n_iterations", "max_seconds")
        settings = {k: v for k, v in self._header["settings"].items() if k not in length}
        return {**self._header, "settings": settings}

    def write(self, record: StepRecord, state: RunState) -> None:
        if self.directory is not None:
            self._log.append(record)
        if self.is_due():
            self._save(state)

    def is_due(self) -> bool:
        """Whether it is time to save, by the clock of the first rank; all ask together."""
        due = time.monotonic() - self._saved_at > CHECKPOINT_SECONDS
        return due if self._ranks is None else self._ranks.agreed(due)

    def change(self, iteration: int, settings: RunSettings, changes: Mapping[str, Any]) -> None:
        """Go on with other settings from an iteration on; log and checkpoint say so."""
        self._header["settings"] = settings.describe()
        self._header.setdefault("changes", []).append({"iteration": iteration, **changes})
        if self.directory is not None:
            self._log.close()
            self._log = LogWriter(self.directory / LOG, self._log_header(), iteration)
            self._saved_at = -np.inf  # a run that is cut here goes on with the same settings

    def _write(self, name: str, state: RunState) -> None:
        path = None if self.directory is None else self.directory / name
        save_checkpoint(path, state, self._header | self._terms)

    def _save(self, state: RunState) -> None:
        """Save a checkpoint, which all ranks hand over their chains for."""
        with goes_on_without((self.directory or Path()) / CHECKPOINT):
            self._write(CHECKPOINT, state)
            if self.directory is not None:
                (self.directory / SETTLED).unlink(missing_ok=True)  # of an earlier iteration
        self._saved_at = time.monotonic()

    def keep_refined(self, state: RunState) -> None:
        """Save what the run ended with beside the checkpoint that it is resumed from."""
        with goes_on_without((self.directory or Path()) / SETTLED):
            self._write(SETTLED, state)

    def keep_restart(self, path: Path | None, state: RunState, history: list[StepRecord]) -> None:
        """Save a restart that a group of ranks is at, with its iterations; the first has a path."""
        records = [record.to_dict() for record in history]
        with goes_on_without(path or Path()):
            save_checkpoint(path, state, self._header | self._terms | {"records": records})
        self._saved_at = time.monotonic()

    def write_restarts(self, history: Sequence[StepRecord], state: RunState) -> None:
        """Log the iterations of restarts that are over, and save the state after them."""
        self.history.extend(history)
        if self.directory is not None:
            for record in history:
                self._log.append(record)
        self._save(state)

    def close(self, state: RunState | None) -> None:
        if state is not None:
            if self.directory is not None:
                self._log.close()
            self._save(state)
