"""Log and checkpoint of a run, as it goes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rbmqs.runs.checkpoint import save_checkpoint
from rbmqs.runs.log import LOG, LogWriter, read_log
from rbmqs.runs.resume import CHECKPOINT, SETTLED
from rbmqs.states.state import VariationalState
from rbmqs.vmc.extensions.growth import final_form
from rbmqs.vmc.records import StepRecord
from rbmqs.vmc.run_state import RunState
from rbmqs.vmc.settings import RunSettings

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian

CHECKPOINT_SECONDS = 10.0


class RunWriter:
    """Log and checkpoint of a run, or nothing when there is no directory."""

    def __init__(
        self,
        directory: Path | None,
        hamiltonian: SpinHamiltonian,
        psi: VariationalState,
        settings: RunSettings,
        state: RunState | None,
        changes: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        from rbmqs.runs.config import describe_run, describe_terms

        self._directory = directory
        self._saved_at = -np.inf  # the first iteration is saved at once
        self._header = describe_run(hamiltonian, final_form(psi, settings), settings)
        if changes:
            self._header["changes"] = list(changes)
        self._terms = {"terms": describe_terms(hamiltonian)}
        self.history: list[StepRecord] = []
        if directory is None:
            return
        (directory / SETTLED).unlink(missing_ok=True)
        keep = None if state is None else state.iteration
        self._log = LogWriter(directory / LOG, self._log_header(), keep)
        if keep is not None:
            self.history = read_log(directory / LOG)[1]

    def _log_header(self) -> dict[str, Any]:
        """The run without its length, which a resumed run may change."""
        length = ("n_iterations", "max_seconds")
        settings = {k: v for k, v in self._header["settings"].items() if k not in length}
        return {**self._header, "settings": settings}

    def write(self, record: StepRecord, state: RunState) -> None:
        if self._directory is None:
            return
        self._log.write(record)
        if time.monotonic() - self._saved_at > CHECKPOINT_SECONDS:
            self._save(state)

    def change(self, iteration: int, settings: RunSettings, changes: Mapping[str, Any]) -> None:
        """Go on with other settings from an iteration on; log and checkpoint say so."""
        self._header["settings"] = settings.describe()
        self._header.setdefault("changes", []).append({"iteration": iteration, **changes})
        if self._directory is not None:
            self._log.close()
            self._log = LogWriter(self._directory / LOG, self._log_header(), iteration)
            self._saved_at = -np.inf  # a run that is cut here goes on with the same settings

    def _save(self, state: RunState) -> None:
        if self._directory is not None:
            save_checkpoint(self._directory / CHECKPOINT, state, self._header | self._terms)
            self._saved_at = time.monotonic()

    def keep_refined(self, state: RunState) -> None:
        """Save what the run ended with beside the checkpoint that it is resumed from."""
        if self._directory is not None:
            save_checkpoint(self._directory / SETTLED, state, self._header | self._terms)

    def close(self, state: RunState | None) -> None:
        if self._directory is None:
            return
        self._log.close()
        if state is not None:
            self._save(state)
