"""Pages of the API list every public name; every public name says what its parameters are."""

import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

API = Path(__file__).parents[1] / "docs" / "api"
ENTRY = re.compile(r"^   ((?:rbmqs|hamiltonians)\.[\w.]+)$", re.MULTILINE)
LISTED = [name for page in sorted(API.glob("*.rst")) for name in ENTRY.findall(page.read_text())]
PACKAGES = (
    "hamiltonians",
    "hamiltonians.convert",
    "hamiltonians.lattices",
    "rbmqs",
    "rbmqs.boltzmann",
    "rbmqs.boltzmann.datasets",
    "rbmqs.boltzmann.likelihood",
    "rbmqs.dynamics",
    "rbmqs.estimators.lanczos",
    "rbmqs.estimators.observables",
    "rbmqs.sr",
    "rbmqs.studies",
    "rbmqs.studies.figures",
)


def named(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    return getattr(import_module(module), attribute)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_has_a_page(package: str) -> None:
    listed = [named(name) for name in LISTED]
    missing = []
    for name in import_module(package).__all__:
        value = getattr(import_module(package), name)
        if not inspect.ismodule(value) and name != "__version__":
            missing += [] if any(value is known for known in listed) else [name]
    assert missing == []


def test_no_name_is_listed_twice() -> None:
    assert len(LISTED) == len(set(LISTED))


def parameters(value: Any) -> list[str]:
    """Names of the parameters; of a class, of what makes one."""
    try:
        found = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return []
    kinds = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
    return [p.name for p in found if p.kind not in kinds and not p.name.startswith("_")]


@pytest.mark.parametrize("name", LISTED)
def test_every_parameter_is_documented(name: str) -> None:
    """By its name in the docstring, or as one of the keywords that another page documents."""
    value = named(name)
    if not callable(value):
        return
    text = inspect.getdoc(value)
    assert text
    if "**keywords" in text or "**options" in text:
        return
    assert [p for p in parameters(value) if not re.search(rf"\b{p}\b", text)] == []
