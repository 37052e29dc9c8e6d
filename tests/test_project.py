"""The project keeps its own promises: versions, commands, import contracts, docstrings."""

import importlib
import inspect
import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

import rbmqs

ROOT = Path(__file__).parents[1]
MARKED = r"<!-- {mark} -->\n+```[a-z]*\n(.*?)```"


def marked_commands(mark: str) -> list[str]:
    """Lines of the fenced block of the README that follows the comment ``mark``."""
    blocks = re.findall(MARKED.format(mark=mark), (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(blocks) == 1, f"README.md must have one block marked {mark!r}"
    return blocks[0].strip().splitlines()


def public_names() -> list[tuple[str, str]]:
    packages = ("rbmqs", "hamiltonians")
    return [(p, name) for p in packages for name in importlib.import_module(p).__all__]


def test_version_is_the_same_everywhere() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    cited = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert rbmqs.__version__ == declared
    assert cited is not None
    assert cited[1] == declared


@pytest.mark.parametrize("mark", ["test command", "first command"])
def test_readme_has_one_line_for(mark: str) -> None:
    (command,) = marked_commands(mark)
    assert command.startswith("python -m venv .venv && .venv/bin/pip install ")


def test_ci_takes_its_commands_from_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    for mark in ("test command", "first command", "command line"):
        assert f'readme "{mark}"' in script
        assert marked_commands(mark)
    assert "-m pytest" not in script, "the test command stands in README.md only"


@pytest.mark.skipif(find_spec("importlinter") is None, reason="import-linter is not installed")
def test_import_contracts_are_kept() -> None:
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("package", "name"), public_names())
def test_public_name_is_documented(package: str, name: str) -> None:
    value = getattr(importlib.import_module(package), name)
    if callable(value):
        assert (inspect.getdoc(value) or "").strip(), f"{package}.{name} has no docstring"


@pytest.mark.parametrize("package", ["rbmqs", "hamiltonians"])
def test_import_is_light(package: str) -> None:
    heavy = ("matplotlib", "netket", "jax", "arviz_stats")
    code = f"import sys, {package}; print(*(m for m in {heavy} if m in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def test_every_example_has_cells_and_its_figure() -> None:
    scripts = sorted((ROOT / "examples").glob("[0-9]*.py"))
    assert scripts
    for number, script in enumerate(scripts, start=1):
        text = script.read_text()
        assert script.name.startswith(f"{number:02d}_")
        assert "# %%" in text
        assert f"{script.stem}.png" in text
