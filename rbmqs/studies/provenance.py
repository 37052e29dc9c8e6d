"""Where a file comes from: convention, versions, command and host."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from functools import cache
from importlib import metadata

from rbmqs.runs.checkpoint import CONVENTION


@cache
def provenance() -> dict[str, str]:
    """What is written into every file of a study beside the seed and the settings."""
    from rbmqs import __version__

    versions = [f"{name} {metadata.version(name)}" for name in ("numpy", "scipy", "numba")]
    return {
        "convention": CONVENTION,
        "rbmqs": __version__,
        "versions": ", ".join([f"python {platform.python_version()}", *versions]),
        "command": shlex.join([os.path.basename(sys.argv[0] or "python"), *sys.argv[1:]]),
        "host": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
    }
