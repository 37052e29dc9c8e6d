"""What each MPI rank does of a point of a study; `rbmqs.studies.rank_job` starts it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from hamiltonians.utils.failures import guard
from hamiltonians.utils.ranks import launched_ranks
from rbmqs.studies.storage import StudyDirectory
from rbmqs.studies.study import Point
from rbmqs.studies.work import begun_or_continued
from rbmqs.utils.interrupts import signals_reported
from rbmqs.utils.threads import use_threads


def main(root: str, described: str) -> None:
    """Optimise the point that a file describes, together with the other ranks."""
    comm = launched_ranks()
    guard(comm)
    table: dict[str, Any] = json.loads(Path(described).read_text(encoding="utf-8"))
    threads = table["threads"]
    use_threads(None if threads is None else max(1, threads // (comm.size if comm else 1)), comm)
    with signals_reported():
        begun_or_continued(StudyDirectory(root), Point(**table["point"]), comm)
    if comm is not None:
        comm.Barrier()  # until the first rank has saved


if __name__ == "__main__":
    main(*sys.argv[1:])
