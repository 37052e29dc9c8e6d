"""Documents keep up with the code: words, paths, links, commands, the picture of the rooms."""

import argparse
import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from rbmqs.cli.main import build_parser

ROOT = Path(__file__).parents[1]
MANUALS = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")],
)
PRIVATE_WORDS = re.compile(
    r"\b((?<!boltzmann )machines?|scouts?|astray|lost chains?|brought home|at home|near home"
    r"|trials?|settling|unit pairs|stands? against)\b",
    re.IGNORECASE,
)
FOLDERS = r"(?:rbmqs|hamiltonians|benchmarks|examples|tests|docs|\.ci)"
COMMAND = re.compile(r"^(?:mpirun -n \w+ )?rbmqs( .+)$")


def code_in(document: Path) -> Iterator[str]:
    """Lines of code blocks and what stands between backticks."""
    text = document.read_text()
    fenced = re.compile(r"```.*?```", re.DOTALL)
    for block in fenced.findall(text):
        yield from block.splitlines()[1:-1]
    for line in fenced.sub("", text).splitlines():
        if line.startswith("    "):
            yield line.strip()
        else:
            yield from re.findall(r"`([^`]+)`", line)


def name_of(document: Path) -> str:
    return str(document.relative_to(ROOT))


# A classical Boltzmann machine is called a machine.
QUANTUM = [document for document in MANUALS if document.name != "boltzmann.md"]


@pytest.mark.parametrize("document", QUANTUM, ids=name_of)
def test_words_are_those_of_the_field(document: Path) -> None:
    prose = re.sub(r"`[^`]*`", "", document.read_text())
    found = [match[0] for match in PRIVATE_WORDS.finditer(" ".join(prose.split()))]
    assert found == []


@pytest.mark.parametrize("document", MANUALS, ids=name_of)
def test_paths_and_links_exist(document: Path) -> None:
    paths = {
        ROOT / path.rstrip(".")
        for code in code_in(document)
        for path in re.findall(rf"(?<![\w/.]){FOLDERS}/[\w/.]+\.(?:py|toml|png|md)\b", code)
    }
    links = re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", document.read_text())
    paths |= {(document.parent / link).resolve() for link in links}
    assert [str(path) for path in sorted(paths) if not path.exists()] == []


def options_of(parser: argparse.ArgumentParser, words: list[str]) -> tuple[set[str], list[str]]:
    """Option names of the command that words begin with, and the words after its name."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            assert words[0] in action.choices, f"there is no command {words[0]!r}"
            return options_of(action.choices[words[0]], words[1:])
    return set(parser._option_string_actions), words


@pytest.mark.parametrize("document", MANUALS, ids=name_of)
def test_commands_have_the_options_that_documents_use(document: Path) -> None:
    parser = build_parser()
    for code in code_in(document):
        match = COMMAND.match(code.split("#")[0].strip())
        if match is None:
            continue
        words = match[1].split()
        if words[0].startswith("-"):
            continue
        known, rest = options_of(parser, words)
        used = {word.split("=")[0] for word in rest if re.match(r"--?[a-zA-Z]", word)}
        assert used <= known, code


def rooms() -> ModuleType:
    spec = importlib.util.spec_from_file_location("rooms", ROOT / "docs" / "rooms.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("package", ["rbmqs", "hamiltonians"])
def test_no_room_imports_a_room_above_it(package: str) -> None:
    script = rooms()
    assert script.upward(script.read_imports(package), script.read_layers(package)) == {}


def test_an_import_that_points_upward_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for room, line in {"low": "def f():\n    from house.high import x\n", "high": ""}.items():
        (tmp_path / "house" / room).mkdir(parents=True)
        (tmp_path / "house" / room / "__init__.py").write_text(line)
    (tmp_path / "pyproject.toml").write_text(
        "[tool.importlinter]\n[[tool.importlinter.contracts]]\n"
        'type = "layers"\ncontainers = ["house"]\nlayers = ["high", "low"]\n'
    )
    script = rooms()
    monkeypatch.setattr(script, "ROOT", tmp_path)
    monkeypatch.setattr(script, "PACKAGES", ("house",))
    monkeypatch.setattr(sys, "argv", ["rooms.py", "--check"])
    assert script.main() == 1
    assert "house.low -> house.high in house/low/__init__.py:2" in capsys.readouterr().out


def test_the_picture_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["rooms.py", "--output", str(tmp_path / "rooms.png")])
    rooms().main()
    assert "rbmqs.cli: " in capsys.readouterr().out
    assert (tmp_path / "rooms.png").stat().st_size < 150_000


def test_the_readme_is_short_and_its_table_is_that_of_the_records() -> None:
    readme = (ROOT / "README.md").read_text()
    assert len(readme.split()) <= 900
    script = ROOT / "benchmarks" / "measured.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
