"""Lanczos vectors on disk, so that a run of minutes can go on after an interruption."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hamiltonians.exact.lanczos import Recurrence
from hamiltonians.utils.archive import CheckpointError, Kind, read_archive, write_archive

KIND = Kind("rbmqs-lanczos", 1, "Lanczos vectors, v_{m+1} / scale and v_m")
SAVE_EVERY = 60.0  # seconds; a save of 6x6 takes about one


@dataclass
class Checkpoint:
    """One file that holds the recurrence after its last save.

    Attributes
    ----------
    path : Path
    fingerprint : str
        Of Hamiltonian, sector and start vector: another run's file is refused.
    dimension : int
        Length of the vectors.
    dtype : numpy dtype
        Theirs.
    every : float
        Seconds between saves.
    """

    path: Path
    fingerprint: str
    dimension: int
    dtype: np.dtype
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
        return read_archive(self.path, KIND, self._assemble)

    def _assemble(self, meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> Recurrence:
        if meta["fingerprint"] != self.fingerprint:
            raise CheckpointError(
                f"checkpoint {self.path} must belong to this run ({self.fingerprint}), "
                f"got {meta['fingerprint']}"
            )
        vectors = [arrays[name] for name in ("current", "previous")]
        steps = [arrays[name] for name in ("alpha", "beta")]
        if any(v.shape != (self.dimension,) or v.dtype != self.dtype for v in vectors):
            raise ValueError(f"its vectors must be {self.dtype} of length {self.dimension}")
        if any(x.ndim != 1 or x.dtype != np.float64 or len(x) != len(steps[0]) for x in steps):
            raise ValueError("alpha and beta must be float64, one number for each step")
        if not all(np.isfinite(x).all() for x in (*vectors, *steps)):
            raise ValueError("it has values that are not finite")
        scales = meta["scales"]
        return Recurrence(
            vectors[0].copy(),
            vectors[1].copy(),
            float(scales[0]),
            float(scales[1]),
            steps[0].tolist(),
            steps[1].tolist(),
        )

    def save(self, run: Recurrence) -> None:
        """Write the file anew; the old one stays until the new one is complete."""
        arrays = {
            "current": run.current,
            "previous": run.previous,
            "alpha": np.array(run.alpha, np.float64),
            "beta": np.array(run.beta, np.float64),
        }
        meta = {"fingerprint": self.fingerprint, "scales": [run.scale, run.previous_scale]}
        write_archive(self.path, KIND, arrays, meta)
        self._last = time.monotonic()

    def save_if_due(self, run: Recurrence) -> None:
        """Save if the last one is long ago."""
        if time.monotonic() - self._last >= self.every:
            self.save(run)

    def remove(self) -> None:
        """A finished run leaves nothing."""
        self.path.unlink(missing_ok=True)
