"""Lanczos vectors on disk, so that a run of minutes can go on after an interruption."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hamiltonians.exact.lanczos import MAX_STEPS, Recurrence
from hamiltonians.utils.archive import CheckpointError, Kind, read_archive, write_archive
from hamiltonians.utils.files import goes_on_without

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
        return read_archive(self.path, KIND, self._assemble, self._check)

    def _check(self, meta: dict[str, Any]) -> None:
        """Refuse the file of another run before its vectors are read."""
        if meta["fingerprint"] != self.fingerprint:
            raise CheckpointError(
                f"checkpoint {self.path} must belong to this run ({self.fingerprint}), "
                f"got {meta['fingerprint']}"
            )
        declared = {name: (np.dtype(x[0]), tuple(x[1])) for name, x in meta["arrays"].items()}
        if any(declared[v] != (self.dtype, (self.dimension,)) for v in ("current", "previous")):
            raise ValueError(f"its vectors must be {self.dtype} of length {self.dimension}")
        alpha, beta = declared["alpha"], declared["beta"]
        if alpha != beta or alpha[0] != np.float64 or len(alpha[1]) != 1:
            raise ValueError("alpha and beta must be float64, one number for each step")
        if alpha[1][0] > MAX_STEPS:
            raise ValueError(f"it has {alpha[1][0]} steps, at most {MAX_STEPS} are made")

    def _assemble(self, meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> Recurrence:
        vectors = [arrays[name] for name in ("current", "previous")]
        steps = [arrays[name] for name in ("alpha", "beta")]
        scales = meta["scales"]
        if not all(np.isfinite(x).all() for x in (*vectors, *steps, np.array(scales, float))):
            raise ValueError("it has values that are not finite")
        return Recurrence(
            vectors[0],
            vectors[1],
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

    def save_if_due(self, run: Recurrence) -> None:
        """Save if the last one is long ago."""
        if time.monotonic() - self._last >= self.every:
            self._last = time.monotonic()
            with goes_on_without(self.path):
                self.save(run)

    def remove(self) -> None:
        """A finished run leaves nothing."""
        self.path.unlink(missing_ok=True)
