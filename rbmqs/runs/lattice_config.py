"""Table [lattice] of a configuration: which lattice, and its size."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hamiltonians.lattices.registry import LATTICES, SIZES, sizes_of

if TYPE_CHECKING:
    from hamiltonians import Lattice


_BUILT: dict[str, Lattice] = {}  # neighbours are half of the time that checking a point takes
_MOST_BUILT = 64


@dataclass(frozen=True)
class LatticeConfig:
    """Table [lattice]: a `kind` of `LATTICES`, or "package.module:function", and its size.

    "chain" and "square" take `length`, "rectangle" `shape`, "graph" `edges`, "ladder" `length` or
    `shape` (rungs and legs), "tilted" the two numbers of `hamiltonians.tilted_square` as `shape`;
    the others `length`, `shape` or the integer `vectors` of a cluster.
    """

    kind: str = "chain"
    length: int | None = None
    shape: list[int] | None = None
    periodic: bool | list[bool] = True
    edges: list[list[int]] | None = None
    vectors: list[list[int]] | None = None

    def build(self) -> Lattice:
        """The lattice; the same object again for the points of a study that share it."""
        if repr(self) not in _BUILT:
            if len(_BUILT) >= _MOST_BUILT:
                _BUILT.clear()
            _BUILT[repr(self)] = self._build()
        return _BUILT[repr(self)]

    def _build(self) -> Lattice:
        build = LATTICES[self.kind]
        name = self._given_size(sizes_of(build))
        parameters = inspect.signature(build).parameters
        options: dict[str, Any] = {}
        if "periodic" in parameters:
            options["periodic"] = self._boundaries(parameters["periodic"].annotation)
        elif name != "edges" and self.periodic is not True:
            raise ValueError(
                f"lattice kind {self.kind!r} is periodic, got periodic = {self.periodic}".lower()
            )
        size = getattr(self, name)
        return build(**{name: size}, **options) if name == "vectors" else build(size, **options)

    def _given_size(self, allowed: tuple[str, ...]) -> str:
        """Which size is given, one of those that the lattice takes."""
        words = " or ".join(filter(None, [", ".join(allowed[:-1]), allowed[-1]]))
        given = [name for name in SIZES if getattr(self, name) is not None]
        for name in given:
            if name not in allowed:
                raise ValueError(f"lattice kind {self.kind!r} takes {words}, not {name}")
        if not given:
            raise ValueError(f"lattice kind {self.kind!r} needs {words}")
        if len(given) > 1:
            raise ValueError(f"lattice kind {self.kind!r} takes one of {words}, got all of {given}")
        return given[0]

    def _boundaries(self, allowed: Any) -> Any:
        if isinstance(self.periodic, bool):
            return self.periodic
        if allowed is bool:
            raise ValueError(f"periodic must be true or false for a {self.kind}")
        return tuple(self.periodic)
