"""Cold start: from typing the command to the end of the first iteration.

    python benchmarks/startup.py [--quick] [--json FILE]

Times the whole command with one iteration (final estimate and report included, so the figures are
upper bounds), with an empty cache of compiled kernels and with a warm one; and the processor's
seconds of both processes in excess of the warm start, which is what compilation takes of two cores.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

from host import host_line
from timing import write_record

COMMANDS = {
    "Ising chain 20": ["ising", "--length", "20"],
    "Heisenberg chain 20, S_z = 0": ["heisenberg", "--length", "20", "--total-sz", "0"],
}


def processor_seconds():
    """User seconds of all child processes that have ended."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime


def seconds(arguments, cache):
    """Wall-clock seconds of one run of one iteration, and those of the processor."""
    command = [sys.executable, "-m", "rbmqs", "ground-state", *arguments]
    before, started = processor_seconds(), time.perf_counter()
    done = subprocess.run(
        [*command, "--iterations", "1", "--final-samples", "64", "--quiet"],
        env={**os.environ, "NUMBA_CACHE_DIR": cache},
        stdout=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        raise SystemExit(f"the command failed with status {done.returncode}")
    return time.perf_counter() - started, processor_seconds() - before


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one warm run")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    print(host_line())
    print(f"{'command':<30} {'empty cache':>12} {'warm cache':>12} {'compilation':>12}   (seconds)")
    rows = {}
    for name, arguments in COMMANDS.items():
        with tempfile.TemporaryDirectory() as cache:
            cold, cold_processor = seconds(arguments, cache)
            repeats = 1 if options.quick else 5
            times = (seconds(arguments, cache) for _ in range(repeats))
            warm, warm_processor = (
                statistics.median(column) for column in zip(*times, strict=True)
            )
        compilation = cold_processor - warm_processor
        print(f"{name:<30} {cold:>12.1f} {warm:>12.2f} {compilation:>12.1f}", flush=True)
        rows[name] = {"empty": cold, "warm": warm, "compilation": compilation}
    write_record(options.json, {"seconds": rows})


if __name__ == "__main__":
    main()
