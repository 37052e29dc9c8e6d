"""The log of a run: one JSON object a line, written as the run goes.

The first line describes the run, each further line is one iteration. Nothing in the log depends
on the clock or the number of threads: the same seed gives the same bytes. Wall-clock times are
kept beside it, in the result.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rbmqs.runs.old_names import with_new_names
from rbmqs.utils.json_lines import LineWriter, read_lines, readable_lines
from rbmqs.vmc.records import StepRecord

LOG = "log.jsonl"
FORMAT = "rbmqs-log"


def header(description: dict[str, Any]) -> dict[str, Any]:
    """First line of a log."""
    return {"format": FORMAT, "version": 1, **description}


class LogWriter(LineWriter):
    """Appends records to a log.

    Parameters
    ----------
    path : Path
    description : dict
        For the first line.
    keep_before : int or None
        None starts a new log; a number continues one, dropping lines of that iteration and later
        (written after the checkpoint that the run resumes from), damaged lines and any half-written
        one.
    """

    def __init__(
        self, path: Path, description: dict[str, Any], keep_before: int | None = None
    ) -> None:
        old = [] if keep_before is None or not path.exists() else readable_lines(path)
        kept = [line for line in old if _iteration(line) < (keep_before or 0)]
        super().__init__(path, [header(description), *kept])

    def append(self, record: StepRecord) -> None:
        """Append one record."""
        self.write(record.to_dict())


def _iteration(values: dict[str, Any]) -> float:
    """Iteration of a line, infinite for one without."""
    found = values.get("iteration")
    return found if isinstance(found, int) else math.inf


def read_log(path: str | Path) -> tuple[dict[str, Any], list[StepRecord]]:
    """First line and records of a log; a last line that was cut short is left out.

    Parameters
    ----------
    path : path
        `log.jsonl` of a run.

    Returns
    -------
    (dict, list of StepRecord)

    Raises
    ------
    DamagedError
        Not a log of rbmqs, or a line of it was changed.
    """
    return read_lines(path, FORMAT, _record, "a log of rbmqs")


def _record(values: dict[str, Any]) -> StepRecord:
    return StepRecord.from_dict(with_new_names(values))


def missing_iterations(records: Iterable[StepRecord], n_done: int) -> list[str]:
    """A sentence on the iterations of `n_done` that the log lacks, none if it has them all."""
    missing = sorted(set(range(n_done)) - {record.iteration for record in records})
    if not missing:
        return []
    return [
        f"the log lacks {len(missing)} of {n_done} iterations, from {missing[0]} to {missing[-1]}"
    ]


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
