"""What commands do that may run on several MPI ranks: threads of each, failures of one."""

from __future__ import annotations

import argparse
from typing import Any

from hamiltonians.utils.failures import guard
from hamiltonians.utils.ranks import launched_ranks


def add_threads(parser: argparse.ArgumentParser) -> None:
    """The option --threads."""
    parser.add_argument(
        "--threads", type=int, metavar="T",
        help="threads of this process, under mpirun of each rank (default: its share of the cores)",
    )  # fmt: skip


def ranks_of(options: argparse.Namespace) -> Any:
    """The communicator of a command under mpirun, else None; threads are set for it."""
    from rbmqs.utils.threads import use_threads  # numba takes half of a second

    comm = launched_ranks()
    guard(comm)
    use_threads(options.threads, comm)
    return comm
