"""Lanczos vectors on disk, so that a run of minutes can go on after an interruption."""

import glob
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hamiltonians.exact.lanczos import MAX_STEPS, Recurrence
from hamiltonians.utils.archive import CheckpointError, Kind, read_archive, write_archive
from hamiltonians.utils.files import goes_on_without
from hamiltonians.utils.ranks import decided_by_first, first_of, together

Arrays = dict[str, np.ndarray]

KIND = Kind("rbmqs-lanczos", 1, "Lanczos vectors, v_{m+1} / scale and v_m")
PART = Kind("rbmqs-lanczos-part", 1, "Lanczos vectors of a rank, v_{m+1} / scale and v_m")
VECTORS = ("current", "previous")
SAVE_EVERY = 60.0  # seconds; a save of 6x6 takes about one


class StoppedError(RuntimeError):
    """An exact diagonalisation ended when it was asked to; its vectors are saved."""


@dataclass
class Checkpoint:
    """One file that holds the recurrence after its last save.

    Ranks write their parts of the vectors beside it, and then the file, which says how many steps
    they have made and how long they are: parts of other steps are not its own. Any number of ranks
    reads what any other has written.

    Attributes
    ----------
    path : Path
    fingerprint : str
        Of Hamiltonian, sector and start vector: another run's file is refused.
    dimension : int
        Length of the vectors.
    dtype : numpy dtype
        Theirs.
    comm : mpi4py communicator, optional
    length : int, optional
        Of this rank's part of the vectors, if there is a communicator.
    every : float
        Seconds between saves.
    """

    path: Path
    fingerprint: str
    dimension: int
    dtype: np.dtype
    comm: Any = None
    length: int = -1
    every: float = SAVE_EVERY
    _last: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        if self.comm is None:
            self.length = self.dimension

    def load(self) -> Recurrence | None:
        """The saved recurrence, or None if there is no file.

        Raises
        ------
        ValueError
            If the file is damaged or belongs to another run.
        """
        if not decided_by_first(self.path.exists(), self.comm):
            return None
        first = first_of(self.length, self.comm)
        return together(
            lambda: read_archive(self.path, KIND, partial(self._assemble, first), self._check),
            self.comm,
        )

    def _check(self, meta: dict[str, Any]) -> None:
        """Refuse the file of another run before its vectors are read."""
        if meta["fingerprint"] != self.fingerprint:
            raise CheckpointError(
                f"checkpoint {self.path} must belong to this run ({self.fingerprint}), "
                f"got {meta['fingerprint']}"
            )
        declared = _declared(meta)
        if "lengths" not in meta:
            self._check_vectors(declared, self.dimension)
        elif sum(meta["lengths"]) != self.dimension or min(meta["lengths"]) < 0:
            raise ValueError(f"the parts of its vectors must be {self.dimension} long together")
        alpha, beta = declared["alpha"], declared["beta"]
        if alpha != beta or alpha[0] != np.float64 or len(alpha[1]) != 1:
            raise ValueError("alpha and beta must be float64, one number for each step")
        if alpha[1][0] > MAX_STEPS:
            raise ValueError(f"it has {alpha[1][0]} steps, at most {MAX_STEPS} are made")

    def _check_vectors(self, declared: dict[str, Any], length: int) -> None:
        if any(declared[v] != (self.dtype, (length,)) for v in VECTORS):
            raise ValueError(f"its vectors must be {self.dtype} of length {length}")

    def _assemble(self, first: int, meta: dict[str, Any], arrays: Arrays) -> Recurrence:
        """The recurrence with the part of the vectors that begins at ``first``."""
        here = slice(first, first + self.length)
        if "lengths" in meta:
            vectors = self._from_parts(here, meta["lengths"], len(arrays["alpha"]))
        else:
            whole = self.length == self.dimension
            vectors = [arrays[name] if whole else arrays[name][here].copy() for name in VECTORS]
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

    def _from_parts(self, here: slice, lengths: list[int], n_steps: int) -> list[np.ndarray]:
        """This rank's part of the vectors, of those that it has in common with the files."""
        pieces: list[list[np.ndarray]] = [[np.empty(0, self.dtype)] for _ in VECTORS]
        begin = 0
        for number, length in enumerate(lengths):
            some = slice(max(here.start - begin, 0), max(min(here.stop - begin, length), 0))
            begin += length
            if some.start < some.stop:
                arrays = read_archive(
                    self._part(n_steps, number), PART, lambda meta, arrays: arrays,
                    partial(self._check_part, length),
                )  # fmt: skip
                for piece, name in zip(pieces, VECTORS, strict=True):
                    piece.append(arrays[name][some])
        return [np.concatenate(piece) for piece in pieces]

    def _check_part(self, length: int, meta: dict[str, Any]) -> None:
        if meta["fingerprint"] != self.fingerprint:
            raise ValueError("it belongs to another run")
        self._check_vectors(_declared(meta), length)

    def _part(self, n_steps: int | str, rank: int | str) -> Path:
        return self.path.with_name(f"{self.path.name}.{n_steps}.{rank}.part")

    def save(self, run: Recurrence) -> None:
        """Write the file anew; the old one stays until the new one is complete."""
        vectors = {"current": run.current, "previous": run.previous}
        arrays = {"alpha": np.array(run.alpha), "beta": np.array(run.beta)}
        meta = {"fingerprint": self.fingerprint, "scales": [run.scale, run.previous_scale]}
        if self.comm is None:
            write_archive(self.path, KIND, vectors | arrays, meta)
        else:
            part = self._part(run.n_steps, self.comm.rank)
            together(
                lambda: write_archive(part, PART, vectors, {"fingerprint": self.fingerprint}),
                self.comm,
            )
            lengths = {"lengths": self.comm.allgather(self.length)}
            if self.comm.rank == 0:
                write_archive(self.path, KIND, arrays, meta | lengths)
        self._remove_parts(kept=None if self.comm is None else run.n_steps)

    def stop(self, run: Recurrence) -> None:
        """Save, and end the run.

        Raises
        ------
        StoppedError
            Always; OSError where the file cannot be written.
        """
        self.save(run)
        raise StoppedError(f"stopped after {run.n_steps} products, saved in {self.path}")

    def save_if_due(self, run: Recurrence) -> None:
        """Save if the last one is long ago."""
        if decided_by_first(time.monotonic() - self._last >= self.every, self.comm):
            self._last = time.monotonic()
            with goes_on_without(self.path):
                self.save(run)

    def remove(self) -> None:
        """A finished run leaves nothing."""
        if self.comm is None or self.comm.rank == 0:
            self.path.unlink(missing_ok=True)
            self._remove_parts()

    def _remove_parts(self, kept: int | None = None) -> None:
        """Remove the parts of all other steps, on the first rank."""
        if self.comm is None or self.comm.rank == 0:
            ours = None if kept is None else f"{self.path.name}.{kept}."
            for path in self.path.parent.glob(glob.escape(self.path.name) + ".*.*.part"):
                if ours is None or not path.name.startswith(ours):
                    path.unlink(missing_ok=True)


def _declared(meta: dict[str, Any]) -> dict[str, tuple[np.dtype, tuple[int, ...]]]:
    """Types and shapes of the arrays of a file."""
    return {name: (np.dtype(x[0]), tuple(x[1])) for name, x in meta["arrays"].items()}
