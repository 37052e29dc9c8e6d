"""Which tests a session runs: slices of the slow ones, no needless skip under CI."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOME_TESTS = """
import pytest

@pytest.mark.parametrize("n", range(8))
@pytest.mark.slow
def test_slow(n):
    pass

@pytest.mark.slow
@pytest.mark.submission
def test_each_time():
    pass
"""
SKIPPED = "import pytest\n\ndef test_one(): pass\n\ndef test_two(): pytest.skip({!r})\n"


def session(folder: Path, text: str, *options: str, **variables: str) -> tuple[int, str]:
    """Exit status and output of pytest on one file, under the hooks of this project."""
    shutil.copy(Path(__file__).with_name("conftest.py"), folder)
    (folder / "test_some.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "-W", "ignore"]
    done = subprocess.run(
        [*command, *options, "test_some.py"],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if k != "CI"}
        | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # plugins of jax take seconds to import
        | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_slices_hold_every_slow_test_once_and_some_always(tmp_path):
    seen = []
    for k in range(2):
        status, text = session(tmp_path, SOME_TESTS, "--slice", f"{k}/2")
        assert status == 0
        passed = [line.split()[0] for line in text.splitlines() if " PASSED" in line]
        assert "test_some.py::test_each_time" in passed
        seen += [name for name in passed if "test_slow" in name]
    assert sorted(seen) == [f"test_some.py::test_slow[{n}]" for n in range(8)]


@pytest.mark.parametrize("text", ["3/3", "1", "a/b", "-1/2"])
def test_a_slice_that_is_none_is_refused(tmp_path, text):
    status, said = session(tmp_path, SOME_TESTS, f"--slice={text}")
    assert status == 4
    assert f"--slice must be K/N with K = 0 .. N-1, got {text}" in said


def test_a_needless_skip_fails_under_ci_only(tmp_path):
    text = SKIPPED.format("mpi4py is not installed")
    assert session(tmp_path, text)[0] == 0
    status, said = session(tmp_path, text, CI="true")
    assert status == 1
    assert "test_two: mpi4py is not installed" in said


def test_a_module_that_is_not_found_fails_under_ci(tmp_path):
    text = "import pytest\n\npytest.importorskip('no_such_module')\n"
    assert session(tmp_path, text, CI="true")[0] in (1, 5)


def test_an_allowed_reason_passes_where_it_holds(tmp_path):
    text = SKIPPED.format("nothing is compiled")
    assert session(tmp_path, text, CI="true", NUMBA_DISABLE_JIT="1")[0] == 0
    assert session(tmp_path, text, CI="true")[0] == 1
