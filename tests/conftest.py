"""Slices of the slow tests, and sessions under CI that fail where a test is skipped needlessly.

``python -m pytest -m slow --slice 3/8`` keeps every eighth test, and those that each submission
runs. Those are marked ``submission``, which makes them slow too: the README's command leaves them
to ``.ci/run``. With the environment variable ``CI`` a skip needs one of the reasons below, in force
on this machine; all that the other skipped tests need is installed by ``.ci/run``.
"""

import os
import pathlib
import re
import shutil
import signal

import pytest


def _processor():
    described = pathlib.Path("/proc/cpuinfo")
    return described.read_text() if described.exists() else ""


ALLOWED_SKIPS = {
    "needs two threads": lambda: (os.cpu_count() or 1) < 2,
    "nothing is compiled": lambda: os.environ.get("NUMBA_DISABLE_JIT", "0") != "0",
    "names of instructions of x86 with FMA": lambda: " fma " not in _processor(),
    "there is no cache": lambda: os.environ.get("RBMQS_CACHE") == "0",
    "no Chromium on this machine": lambda: os.getuid() != 0 or shutil.which("apt-get") is None,
}
needless: list[str] = []


def pytest_addoption(parser):
    parser.addoption("--slice", metavar="K/N", help="every Nth test from the Kth, K = 0 .. N-1")


def pytest_configure():
    # A session in the background inherits a Ctrl-C that is ignored, and so would its programs.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)  # before -m "not slow" is applied
def pytest_collection_modifyitems(config, items):
    for item in items:
        if item.get_closest_marker("submission"):
            item.add_marker("slow")
    text = config.getoption("slice")
    if text is None:
        return
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if found is None or int(found[1]) >= int(found[2]):
        raise pytest.UsageError(f"--slice must be K/N with K = 0 .. N-1, got {text}")
    slow = [item for item in items if item.get_closest_marker("slow")]
    kept = set(slow[int(found[1]) :: int(found[2])])
    kept |= {item for item in items if item.get_closest_marker("submission")}
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = [item for item in items if item in kept]


def note_skip(report):
    if "CI" in os.environ and report.skipped and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr[2]).removeprefix("Skipped: ")
        if not ALLOWED_SKIPS.get(reason, lambda: False)():
            needless.append(f"{report.nodeid}: {reason}")


pytest_runtest_logreport = pytest_collectreport = note_skip


def pytest_sessionfinish(session):
    if needless and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    if needless:
        terminalreporter.section("skipped under CI although nothing forces it", red=True)
        for line in needless:
            terminalreporter.line(line)
