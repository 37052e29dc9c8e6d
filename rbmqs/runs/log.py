"""The log of a run: one JSON object a line, written as the run goes.

The first line describes the run, each further line is one iteration. Nothing in the log depends
on the clock or the number of threads: the same seed gives the same bytes. Wall-clock times are
kept beside it, in the result.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from hamiltonians.utils.files import write_atomically
from rbmqs.runs.old_names import with_new_names
from rbmqs.vmc.records import StepRecord

LOG = "log.jsonl"
FORMAT = "rbmqs-log"


def header(description: dict[str, Any]) -> dict[str, Any]:
    """First line of a log."""
    return {"format": FORMAT, "version": 1, **description}


class LogWriter:
    """Appends records to a log, flushing each line.

    Parameters
    ----------
    path : Path
    description : dict
        For the first line.
    keep_before : int or None
        None starts a new log; a number continues one, dropping lines of that iteration and later
        (written after the checkpoint that the run resumes from) and any half-written line.
    """

    def __init__(
        self, path: Path, description: dict[str, Any], keep_before: int | None = None
    ) -> None:
        kept: list[str] = []
        if keep_before is not None and path.exists():
            text = path.read_text(encoding="utf-8", errors="replace")
            lines = text.splitlines(keepends=True)
            kept = [line for line in lines[1:] if _iteration(line) < keep_before]
        start = json.dumps(header(description)) + "\n" + "".join(kept)
        write_atomically(path, lambda file: file.write(start.encode()))
        self._file: IO[str] = open(path, "a", encoding="utf-8")  # noqa: SIM115

    def write(self, record: StepRecord) -> None:
        """Append one record."""
        self._file.write(json.dumps(record.to_dict()) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _iteration(line: str) -> float:
    """Iteration of a line, infinite for a line that was cut short."""
    if not line.endswith("\n"):
        return float("inf")
    try:
        return float(json.loads(line)["iteration"])
    except (ValueError, KeyError, TypeError):
        return float("inf")


def read_log(path: Path) -> tuple[dict[str, Any], list[StepRecord]]:
    """First line and records of a log; a last line that was cut short is left out.

    Raises
    ------
    ValueError
        Not a log of rbmqs.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines(keepends=True)
        if not lines:
            raise ValueError("it is empty")
        first = json.loads(lines[0])
        if not isinstance(first, dict) or first.get("format") != FORMAT:
            raise ValueError(f"its first line does not say format {FORMAT!r}")
        complete = [line for line in lines[1:] if line.endswith("\n")]
        records = [StepRecord.from_dict(with_new_names(json.loads(line))) for line in complete]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is not a log of rbmqs: {error}") from None
    return first, records


def netket_log(history: Iterable[StepRecord]) -> dict[str, Any]:
    """The history in the form that NetKet's JsonLog writes (`x.log`).

    Real and imaginary parts of the mean are apart, NaN becomes null, and tau is NetKet's, which
    is 0 for independent draws where ours is 1.
    """
    records = list(history)
    energies = [record.energy.to_dict() for record in records]
    iters = [record.iteration for record in records]
    means = [e["mean"] if isinstance(e["mean"], dict) else {"real": e["mean"], "imag": 0.0}
             for e in energies]  # fmt: skip
    return {
        "Energy": {
            "iters": iters,
            "Mean": {part: [mean[part] for mean in means] for part in ("real", "imag")},
            "Sigma": [e["error_of_mean"] for e in energies],
            "Variance": [e["variance"] for e in energies],
            "R_hat": [e["r_hat"] for e in energies],
            "TauCorr": [None if e["tau"] is None else (e["tau"] - 1) / 2 for e in energies],
        },
        "acceptance": {"iters": iters, "value": [record.acceptance for record in records]},
    }
