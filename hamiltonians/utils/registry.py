"""Names that the command line, configurations and files know, each registered by a decorator.

Code outside the packages needs no registration: "package.module:Object" names it by import path.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from hamiltonians.utils.checks import short

T = TypeVar("T")


class Registry(Mapping[str, T]):
    """Objects of one kind by name.

    Parameters
    ----------
    kind : str
        What messages call them, such as "solver".
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._known: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """A decorator that registers under a name.

        Raises
        ------
        ValueError
            The name is taken.
        """

        def decorate(found: T) -> T:
            if self._known.get(name, found) is not found:
                raise ValueError(f"{self.kind} {name!r} is registered already")
            self._known[name] = found
            return found

        return decorate

    def __getitem__(self, name: str) -> T:
        """The object of a name or import path.

        Raises
        ------
        ValueError
            Neither known nor importable, with the names that are known.
        """
        if name in self._known:
            return self._known[name]
        module, colon, attribute = name.partition(":")
        if not colon:
            raise ValueError(
                f"{self.kind} must be one of {', '.join(self._known)} or "
                f"'package.module:Object', got {short(name)}"
            )
        try:
            found: Any = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError, ValueError) as error:  # ":X" has an empty module name
            raise ValueError(f"{self.kind} {name!r} cannot be imported: {error}") from error
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._known

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def __repr__(self) -> str:
        return f"Registry({self.kind!r}: {', '.join(self._known)})"
