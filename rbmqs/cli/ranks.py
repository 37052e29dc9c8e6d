"""Commands under mpirun: those that divide their work between ranks, and the refusal of others."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from hamiltonians.utils.failures import guard
from hamiltonians.utils.ranks import launched, launched_ranks


def divides_work(parser: argparse.ArgumentParser) -> None:
    """Let a command run on several ranks, with the option --threads."""
    parser.set_defaults(divides_work=True)
    parser.add_argument(
        "--threads", type=int, metavar="T",
        help="threads of this process, under mpirun of each rank (default: its share of the cores)",
    )  # fmt: skip


def refuse_copies(options: argparse.Namespace) -> None:
    """Refuse a command that every rank would repeat, before it begins.

    Raises
    ------
    ValueError
        Several ranks, and the command does not divide its work between them.
    """
    n_started = launched()[0]
    if n_started == 1 or getattr(options, "divides_work", False):
        return
    name, instead = options.command, "start it without the launcher, on threads"
    if name == "study":
        name = f"study {options.action}"
        if options.action == "run":
            # `python -m mpi4py.futures` runs the command on the first rank alone.
            core = sys.modules.get("mpi4py.futures._core")
            if options.executor == "mpi" and getattr(core, "SharedPool", None) is not None:
                return
            instead = (
                "start it without the launcher, with ranks = K in [study], or "
                "mpirun -n K python -m mpi4py.futures -m rbmqs study run FILE --executor mpi"
            )
    raise ValueError(
        f"{name} runs in one process, got {n_started} of the launcher, "
        f"each of which would do all of it: {instead}"
    )


def ranks_of(options: argparse.Namespace) -> Any:
    """The communicator of a command under mpirun, else None; threads are set for it."""
    from rbmqs.utils.threads import use_threads  # numba takes half of a second

    comm = launched_ranks()
    guard(comm)
    use_threads(options.threads, comm)
    return comm
