"""The log of a run: one JSON object a line, written as the run goes.

The first line describes the run, each further line is one iteration. Nothing in the log depends
on the clock or the number of threads: the same seed gives the same bytes. Wall-clock times are
kept beside it, in the result. Each line ends with the CRC-32 of the rest of it (of the line as it
would be without), which logs of version 0.1.0 lack; it takes 3 us, the smallest iteration 1 ms.
"""

from __future__ import annotations

import errno
import json
import math
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hamiltonians.utils.files import bounded_json, checksum, goes_on_without, write_atomically
from rbmqs.runs.old_names import with_new_names
from rbmqs.utils.json_files import DamagedError
from rbmqs.vmc.records import StepRecord

LOG = "log.jsonl"
FORMAT = "rbmqs-log"
_MOST_BYTES = 2**24  # of a line


def header(description: dict[str, Any]) -> dict[str, Any]:
    """First line of a log."""
    return {"format": FORMAT, "version": 1, **description}


class LogWriter:
    """Appends records to a log, each at once, and each line with its checksum.

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
        kept: list[bytes] = []
        if keep_before is not None and path.exists():
            with open(path, "rb") as file:
                kept = [x for x in list(file)[1:] if _iteration(x) < keep_before]
        start = b"".join(map(_signed, [json.dumps(header(description)).encode(), *kept]))
        write_atomically(path, lambda file: file.write(start))
        self._path, self._size, self._pending = path, len(start), b""
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115

    def write(self, record: StepRecord) -> None:
        """Append one record, and those that a full disk has kept out."""
        self._pending += _signed(json.dumps(record.to_dict()).encode())
        with goes_on_without(self._path):
            try:
                if self._file.write(self._pending) < len(self._pending):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError:
                self._file.truncate(self._size)  # no half line
                raise
            self._size += len(self._pending)
            self._pending = b""

    def close(self) -> None:
        """Close the file."""
        self._file.close()


_SIGNATURE = re.compile(rb', "crc32": "([0-9a-f]{8})"}')


def _signed(line: bytes) -> bytes:
    """A JSON object on a line that ends with the checksum of the rest; a signed one as it is."""
    line = line.rstrip(b"\n")
    if _SIGNATURE.fullmatch(line[-22:]):
        return line + b"\n"
    return b'%s, "crc32": "%s"}\n' % (line[:-1], checksum(line).encode())


def _content(line: bytes) -> tuple[dict[str, Any], bool]:
    """The table of a line without its checksum, and whether it had one."""
    found = _SIGNATURE.fullmatch(line.rstrip(b"\n")[-22:])
    if found:
        line = line.rstrip(b"\n")[:-22] + b"}"
        if checksum(line) != found[1].decode():
            raise ValueError("it does not match its checksum")
    value = bounded_json(line)
    if not isinstance(value, dict):
        raise ValueError("it is not a table")
    return value, found is not None


def _iteration(line: bytes) -> float:
    """Iteration of a line, infinite for one that is damaged or was cut short."""
    try:
        return float(_content(line)[0]["iteration"]) if line.endswith(b"\n") else math.inf
    except (ValueError, KeyError, TypeError):
        return math.inf


def read_log(path: str | Path) -> tuple[dict[str, Any], list[StepRecord]]:
    """First line and records of a log; a last line that was cut short is left out.

    Raises
    ------
    DamagedError
        Not a log of rbmqs, or a line of it was changed.
    """
    records: list[StepRecord] = []
    number = 1
    try:
        with open(path, "rb") as file:
            line = file.readline(_MOST_BYTES)
            if not line:
                raise ValueError("it is empty")
            first, has_sums = _content(line)
            if first.get("format") != FORMAT:
                raise ValueError(f"it does not say format {FORMAT!r}")
            while line := file.readline(_MOST_BYTES):
                number += 1
                if not line.endswith(b"\n") and not _SIGNATURE.search(line):
                    break
                values, has_sum = _content(line)
                if has_sum != has_sums:
                    raise ValueError("it lacks its checksum, or the first line does")
                records.append(StepRecord.from_dict(with_new_names(values)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedError(f"{path} is not a log of rbmqs: line {number}: {error}") from None
    return first, records


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
