"""One writer at a time for a directory or a file.

A lock belongs to the process that holds it and ends with it, however it ends, so that none is left
by a kill. The lock file names the holder for the message that another process gets.

The lock is `flock` (on Windows, a locked byte). It holds between processes of a host on every
local file system, and between hosts on NFS (Linux 2.6.12 and later), GPFS, CephFS, and Lustre
mounted with "flock". Where a file system has no locks, or keeps them to one host (Lustre with
"localflock"), another process of the same host is still refused, while processes of two hosts do
not see each other.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any


class LockedError(BlockingIOError):
    """Another process writes there; the message names it."""


@contextmanager
def locked(target: str | Path, *, wait: bool = False) -> Iterator[None]:
    """Hold the lock of a directory or of a file that is about to be written.

    Parameters
    ----------
    target : path
        A directory, whose lock is `.lock` inside, or a file that need not exist, whose lock is
        `.NAME.lock` beside it.
    wait : bool
        Wait for the present holder to end.

    Raises
    ------
    LockedError
        Another process (or thread) holds it, and `wait` is false.
    OSError
        The place cannot be written.
    """
    target = Path(target)
    path = target / ".lock" if target.is_dir() else target.with_name(f".{target.name}.lock")
    with _opened(path, target, wait) as file:
        holder = {"host": socket.gethostname(), "pid": os.getpid(), "since": time.time()}
        file.seek(0)
        file.truncate()
        file.write(json.dumps(holder))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
            with suppress(OSError):  # Windows keeps open files
                path.unlink(missing_ok=True)


def _opened(path: Path, target: Path, wait: bool) -> IO[str]:
    """The lock file, open and locked until it is closed."""
    while True:
        file = open(path, "a+", encoding="utf-8")  # noqa: SIM115
        try:
            _lock(file, wait, target)
            with suppress(FileNotFoundError):  # removed by its last holder: take the new one
                if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                    return file
        except BaseException:
            file.close()
            raise
        file.close()


def _lock(file: IO[str], wait: bool, target: Path) -> None:
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(2**30)  # a byte that nobody reads
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except (BlockingIOError, PermissionError):
        raise LockedError(_refusal(target, _holder(file))) from None
    except OSError:  # a file system without locks: ask whether the holder lives
        holder = _holder(file)
        if _is_alive(holder):
            raise LockedError(_refusal(target, holder)) from None


def _holder(file: IO[str]) -> dict[str, Any]:
    with suppress(ValueError, OSError, TypeError, KeyError, OverflowError):
        file.seek(0)
        found = json.loads(file.read(1000))
        kinds = {"host": str, "pid": int, "since": float}
        return {name: kind(found[name]) for name, kind in kinds.items()}
    return {}


def _is_alive(holder: dict[str, Any]) -> bool:
    """Whether a process of this host is the one that wrote the lock file."""
    import psutil  # late: asked only where a file system has no locks

    if holder.get("host") != socket.gethostname():
        return False
    with suppress(psutil.Error):
        return psutil.Process(holder["pid"]).create_time() <= holder["since"]
    return False


def _refusal(target: Path, holder: dict[str, Any]) -> str:
    who = "another process"
    if holder:
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(holder["since"]))
        who = f"process {holder['pid']} on {holder['host']} (since {since})"
    return f"{target} is being written by {who}: wait for it to end, or choose another output"
