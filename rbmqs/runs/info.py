"""What `rbmqs info` prints."""

from __future__ import annotations

import platform
from importlib import metadata


def info() -> str:
    """Versions, threads, memory and conventions, one line each."""
    import numba
    import psutil

    from rbmqs import __version__
    from rbmqs.runs.checkpoint import CONVENTION

    memory = psutil.virtual_memory()
    lines = [
        f"rbmqs       {__version__}",
        f"python      {platform.python_version()} on {platform.system()} {platform.machine()}",
        *(f"{name:<11} {_version(name)}" for name in ("numpy", "scipy", "numba", "netket")),
        f"threads     {numba.get_num_threads()} (set NUMBA_NUM_THREADS to change)",
        f"memory      {memory.available / 2**30:.1f} of {memory.total / 2**30:.1f} GiB available",
        f"convention  {CONVENTION}",
    ]
    return "\n".join(lines)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
