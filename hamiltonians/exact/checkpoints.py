"""Lanczos vectors on disk, so that a run of minutes can go on after an interruption."""

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hamiltonians.exact.lanczos import Recurrence

SAVE_EVERY = 60.0  # seconds; a save of 6x6 takes about one


@dataclass
class Checkpoint:
    """One file that holds the recurrence after its last save.

    Attributes
    ----------
    path : Path
    fingerprint : str
        Of Hamiltonian, sector and start vector: another run's file is refused.
    every : float
        Seconds between saves.
    """

    path: Path
    fingerprint: str
    every: float = SAVE_EVERY
    _last: float = field(default_factory=time.monotonic)

    def load(self) -> Recurrence | None:
        """The saved recurrence, or None if there is no file.

        Raises
        ------
        ValueError
            If the file is damaged or belongs to another run.
        """
        if not self.path.exists():
            return None
        try:
            with np.load(self.path, allow_pickle=False) as file:
                owner = str(file["fingerprint"])
                parts = {name: file[name] for name in file.files}
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise ValueError(f"checkpoint {self.path} cannot be read: {error}") from None
        if owner != self.fingerprint:
            raise ValueError(
                f"checkpoint {self.path} must belong to this run ({self.fingerprint}), got {owner}"
            )
        scales = parts["scales"].tolist()
        return Recurrence(
            parts["current"], parts["previous"], scales[0], scales[1],
            parts["alpha"].tolist(), parts["beta"].tolist(),
        )  # fmt: skip

    def save(self, run: Recurrence) -> None:
        """Write the file anew; the old one stays until the new one is complete."""
        waiting = self.path.with_name(self.path.name + ".part")
        with open(waiting, "wb") as file:
            np.savez(
                file, fingerprint=self.fingerprint, current=run.current, previous=run.previous,
                scales=[run.scale, run.previous_scale], alpha=run.alpha, beta=run.beta,
            )  # fmt: skip
            file.flush()
            os.fsync(file.fileno())
        os.replace(waiting, self.path)
        self._last = time.monotonic()

    def save_if_due(self, run: Recurrence) -> None:
        """Save if the last one is long ago."""
        if time.monotonic() - self._last >= self.every:
            self.save(run)

    def remove(self) -> None:
        """A finished run leaves nothing."""
        self.path.unlink(missing_ok=True)
