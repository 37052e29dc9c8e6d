"""Names of a package that are imported on first use, so that `import` itself is fast."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from threading import RLock
from typing import Any

_LOCK = RLock()  # two threads that import modules of one package may see half of one


def names_on_first_use(
    package: str, names: Mapping[str, str], modules: str = ""
) -> tuple[list[str], Callable[[str], Any], Callable[[], list[str]]]:
    """`__all__`, `__getattr__` and `__dir__` of a package.

    Parameters
    ----------
    package : str
        Its `__name__`.
    names : mapping of str to str
        By module, as a path within the package or from its root, the names it gives, between
        spaces.
    modules : str
        Modules of the package that are names themselves.
    """
    homes = {name: module for module, found in names.items() for name in found.split()}
    known, root = sorted([*homes, *modules.split()]), package.partition(".")[0] + "."

    def get(name: str) -> Any:
        if name not in known:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        path = homes.get(name, name)
        with _LOCK:
            module = import_module(path if path.startswith(root) else f"{package}.{path}")
        value = getattr(module, name) if name in homes else module
        setattr(sys.modules[package], name, value)  # found at once the next time
        return value

    return known, get, lambda: known
