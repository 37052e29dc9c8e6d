"""The project keeps its own promises: versions, commands, import contracts, docstrings."""

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import hamiltonians
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
    """Built from `rbmqs.__version__`, cited, and the newest release of the changelog."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert table["project"]["dynamic"] == ["version"]
    assert table["tool"]["hatch"]["version"]["path"] == "rbmqs/__init__.py"
    cited = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    released = re.search(r"^## \[(\d.+)\] - \d", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert cited is not None
    assert released is not None
    assert cited[1] == released[1] == rbmqs.__version__


@pytest.mark.parametrize("mark", ["test command", "first command"])
def test_readme_has_one_line_for(mark: str) -> None:
    (command,) = marked_commands(mark)
    assert command.startswith("python -m venv .venv && .venv/bin/pip install ")


def test_ci_takes_its_commands_from_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    for mark in ("test command", "first command", "command line"):
        assert f'readme "{mark}"' in script
        assert marked_commands(mark)
    own = [line for line in script.splitlines() if "-m pytest" in line]
    assert all("-m slow --slice" in line for line in own), "the test command is the README's"
    assert len(own) == 1


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


def import_graph(package: str) -> dict[str, set[str]]:
    """Which modules a module imports, function-local imports and those for typing included."""
    files = {module_of(path): path for path in sorted((ROOT / package).rglob("*.py"))}
    graph: dict[str, set[str]] = {}
    for module, path in files.items():
        tree = ast.parse(path.read_text())
        names: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{module} imports relatively"
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
                names.add(str(node.module))
        deepest = {name for name in names if name in files}
        parents = {name.rpartition(".")[0] for name in deepest & set(names)}
        # `from a.b import c` with a module c names the module, not the package around it.
        whole = {
            node.module
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            and all(f"{node.module}.{alias.name}" in files for alias in node.names)
        }
        graph[module] = deepest - (parents & whole) - {module}
    return graph


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def on_a_cycle(graph: dict[str, set[str]]) -> set[str]:
    """Modules that import themselves in the end: what is left when leaves and roots are taken off.

    A module between two cycles would be left too; there is none where nothing is left.
    """
    left = {module: set(names) for module, names in graph.items()}
    while leaves := {m for m, names in left.items() if not names & set(left)}:
        left = {m: names for m, names in left.items() if m not in leaves}
    return set(left)


@pytest.mark.parametrize("package", ["rbmqs", "hamiltonians"])
def test_no_import_cycle_of_any_kind(package: str) -> None:
    assert on_a_cycle(import_graph(package)) == set()


def test_cycles_are_found() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}
    assert on_a_cycle(graph) == {"a", "b", "c"}
    assert on_a_cycle({"a": {"b"}, "b": set()}) == set()


@pytest.mark.parametrize(("package", "most"), [("rbmqs", 16), ("hamiltonians", 10)])
def test_rooms_are_few(package: str, most: int) -> None:
    ignored = "__pycache__", "py.typed"
    entries = [path.name for path in (ROOT / package).iterdir() if path.name not in ignored]
    assert len(entries) <= most, entries


ROOMS = sorted(path.parent.name for path in (ROOT / "rbmqs").glob("*/__init__.py"))


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_says_what_it_holds(room: str) -> None:
    text = ast.get_docstring(ast.parse((ROOT / "rbmqs" / room / "__init__.py").read_text())) or ""
    assert len(text) > 60, f"rbmqs/{room}/__init__.py needs a docstring of some lines"


def test_every_folder_is_a_package() -> None:
    for package in ("rbmqs", "hamiltonians"):
        folders = {path.parent for path in (ROOT / package).rglob("*.py")}
        assert [f for f in folders if not (f / "__init__.py").exists()] == []


@pytest.mark.parametrize("package", ["rbmqs", "hamiltonians"])
def test_no_name_is_both_a_function_and_a_module(package: str) -> None:
    modules = {m.name for m in pkgutil.iter_modules([str(ROOT / package)])}
    assert modules & set(importlib.import_module(package).__all__) == set()
    code = f"import {package}; first = [getattr({package}, n) for n in {package}.__all__]; "
    code += f"print(all(a is getattr({package}, n) for a, n in zip(first, {package}.__all__)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "True"


def test_first_use_from_many_threads() -> None:
    code = (
        "import rbmqs, threading; found = []; n = rbmqs.__all__ * 4\n"
        "t = [threading.Thread(target=lambda n=n: found.append(getattr(rbmqs, n))) for n in n]\n"
        "[x.start() for x in t]; [x.join() for x in t]; print(len(found) == len(n))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "True"
    assert done.stderr == ""


def public_objects() -> list[Any]:
    """One of each kind of object that a user meets, as large as may be."""
    hamiltonian = hamiltonians.heisenberg(hamiltonians.square(4), total_sz=0, marshall=True)
    result = rbmqs.ground_state(
        hamiltonian, 4, n_iterations=30, n_samples=64, n_final_samples=256, progress=False
    )
    exact = hamiltonians.ground_state(hamiltonian)
    lattice = hamiltonian.lattice
    tied = rbmqs.SymmetricRBM.random(lattice.space_group(), n_features=4)
    return [
        result, result.estimate, result.energy, result.psi, result.settings, result.history,
        result.history[-1], result.correlations(), result.estimate.samples, result.reference,
        result.renyi([0, 1]), result.structure_factor(), hamiltonian, lattice, hamiltonian.terms,
        exact, lattice.space_group(), lattice.space_group().sectors()[0], hamiltonian.connections,
        tied, rbmqs.ProjectedRBM(result.psi, lattice.space_group().sectors()[0]),
        rbmqs.MetropolisSampler.for_hamiltonian(hamiltonian), rbmqs.lanczos_step(
            result.psi, hamiltonian, result.estimate.samples
        ),
    ]  # fmt: skip


def test_public_objects_fit_a_terminal() -> None:
    for value in public_objects():
        name = type(value).__name__
        for text in (repr(value), str(value)) if not isinstance(value, tuple) else ():
            lines = sum(1 + len(line) // 200 for line in text.splitlines())
            assert lines <= 20, f"{name} shows {lines} lines"


# A table row of CONTRIBUTING.md: what is added, how, and the decorators and files that it names.
ROWS = [
    line.split("|")[1:4]
    for line in (ROOT / "CONTRIBUTING.md").read_text().splitlines()
    if line.startswith("| ") and not line.startswith("| you add")
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip())
def test_what_contributing_names_exists(row: list[str]) -> None:
    code = "\n".join(
        p.read_text() for n in ("rbmqs", "hamiltonians") for p in (ROOT / n).rglob("*.py")
    )
    for path in re.findall(r"`((?:rbmqs|hamiltonians)/[\w/.]+)`", "".join(row)):
        assert (ROOT / path).exists(), path
    for registry in re.findall(r"`@?([A-Z_]+)\.register\(", row[2]):
        assert re.search(rf"^{registry}\b.*= Registry\(", code, re.MULTILINE), registry
    for decorator in re.findall(r"`@([a-z_]+)\(", row[2]):
        assert re.search(rf"^def {decorator}\(", code, re.MULTILINE), decorator


ADDITIONS = """
import numpy as np

from hamiltonians import chain, ising
from hamiltonians.lattices.registry import LATTICES, takes
from hamiltonians.models.named import MODELS
from hamiltonians.models.sign_rules import SIGN_RULES
from rbmqs.core import proposals
from rbmqs.sampling.moves import MOVES, Move
from rbmqs.sr import solvers
from rbmqs.sr.choice import register_solver
from rbmqs.states.jastrow import Jastrow
from rbmqs.vmc.extension import Extension
from rbmqs.vmc.optimisers import SGD

MOVES.register("own-flip")(Move(proposals.FLIP, conserves_sz=False))
used = []


@register_solver("own-solver", cost=lambda sizes: 1e300)
def own_solver(jacobian, right, shift):
    used.append("solver")
    return solvers.dense(jacobian, right, shift)


class OwnAnsatz(Jastrow):
    pass


class OwnOptimiser(SGD):
    name = "own"


class OwnExtension(Extension):
    name = "own"

    def before(self, state):
        used.append("extension")
        return state


@MODELS.register("own-model")
def own_model(lattice, h=0.5, signs=None):
    return ising(lattice, h=h).with_signs(signs)


@LATTICES.register("own-lattice")
@takes("length")
def own_lattice(length):
    return chain(length, periodic=False)


@SIGN_RULES.register("own-rule")
def own_rule(lattice):
    used.append("sign rule")
    return np.zeros(lattice.n_sites, dtype=int)
"""


def test_one_of_each_is_added_in_a_module_and_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hamiltonians.lattices.registry import LATTICES
    from hamiltonians.models.named import MODELS
    from hamiltonians.models.sign_rules import SIGN_RULES
    from rbmqs.cli.main import main
    from rbmqs.runs.config import config_from_table
    from rbmqs.sampling.moves import MOVES
    from rbmqs.sr import choice

    for registry in (MOVES, MODELS, LATTICES, SIGN_RULES, choice.SOLVERS):
        monkeypatch.setattr(registry, "_known", dict(registry._known))
    monkeypatch.setattr(choice, "_COSTS", dict(choice._COSTS))
    (tmp_path / "own_additions.py").write_text(ADDITIONS)
    monkeypatch.syspath_prepend(tmp_path)
    own = importlib.import_module("own_additions")
    table: dict[str, Any] = {
        "model": {"name": "own-model", "parameters": {"h": 0.7}, "signs": "own-rule"},
        "lattice": {"kind": "own-lattice", "length": 6},
        "ansatz": {"name": "own_additions:OwnAnsatz"},
        "run": {"n_iterations": 3, "extensions": ["own_additions:OwnExtension"]},
        "sampling": {
            "n_samples": 64, "n_final_samples": 64, "move": "own-flip", "summation": False
        },
        "optimiser": {"solver": "own-solver"},
    }  # fmt: skip
    config = config_from_table(table)
    options = config.ansatz.options()
    result = rbmqs.ground_state(
        config.hamiltonian(), settings=config.settings(), progress=False, **options
    )
    assert type(result.psi) is own.OwnAnsatz
    assert set(own.used) == {"solver", "extension", "sign rule"}
    words = ["ground-state", "own-model", "--length", "6", "--iterations", "3", "--samples", "64"]
    words += ["--final-samples", "64", "--quiet", "--move", "own-flip"]
    words += ["--ansatz", "own_additions:OwnAnsatz", "--optimiser", "own_additions:OwnOptimiser"]
    assert main(words) == 0
    file = tmp_path / "run.toml"
    file.write_text('[model]\nname = "ising"\n[ansatz]\nname = "own_additions:OwnAnsatz"\n')
    assert main(["ground-state", "--config", str(file), *words[2:-4]]) == 0
