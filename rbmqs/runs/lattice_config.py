"""Table [lattice] of a configuration: which lattice, and its size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hamiltonians.utils.checks import choice

if TYPE_CHECKING:
    from hamiltonians import Lattice

_CLUSTER_SIZES = ("length", "shape", "vectors")
_SIZES = {
    "chain": ("length",),
    "square": ("length",),
    "rectangle": ("shape",),
    "graph": ("edges",),
    "ladder": ("length", "shape"),
    "tilted": ("shape",),
    "triangular": _CLUSTER_SIZES,
    "honeycomb": _CLUSTER_SIZES,
    "kagome": _CLUSTER_SIZES,
    "shuriken": _CLUSTER_SIZES,
    "checkerboard": _CLUSTER_SIZES,
    "cubic": _CLUSTER_SIZES,
    "pyrochlore": _CLUSTER_SIZES,
}
LATTICES = tuple(_SIZES)
LATTICES_BY_LENGTH = tuple(kind for kind in LATTICES if kind != "graph")


@dataclass(frozen=True)
class LatticeConfig:
    """Table [lattice]: a `kind` and its size.

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
        """The lattice."""
        import hamiltonians as hm

        choice("lattice kind", self.kind, LATTICES)
        self._check_sizes()
        if self.kind == "graph":
            return hm.from_edges(self.edges or [])
        if self.kind == "rectangle":
            width_x, width_y = self._two_lengths()
            return hm.rectangle(width_x, width_y, self._boundaries())
        if _SIZES[self.kind] == _CLUSTER_SIZES:
            return self._cluster()
        if not isinstance(self.periodic, bool):
            raise ValueError(f"periodic must be true or false for a {self.kind}")
        if self.kind == "tilted":
            if not self.periodic:
                raise ValueError("lattice kind 'tilted' is periodic, got periodic = false")
            return hm.tilted_square(*self._two_lengths())
        if self.kind == "ladder":
            length, n_legs = (self.length, 2) if self.shape is None else self._two_lengths()
            return hm.ladder(length, n_legs, self.periodic)  # type: ignore[arg-type]
        return getattr(hm, self.kind)(self.length, self.periodic)

    def _cluster(self) -> Lattice:
        from hamiltonians.lattices import CLUSTERS

        shape: Any = self.length if self.shape is None else tuple(self.shape)
        return CLUSTERS[self.kind](shape, self._boundaries(), self.vectors)

    def _check_sizes(self) -> None:
        allowed = _SIZES[self.kind]
        words = " or ".join(filter(None, [", ".join(allowed[:-1]), allowed[-1]]))
        given = [name for name in ("length", "shape", "edges", "vectors") if getattr(self, name)
                 is not None]  # fmt: skip
        for name in given:
            if name not in allowed:
                raise ValueError(f"lattice kind {self.kind!r} takes {words}, not {name}")
        if not given:
            raise ValueError(f"lattice kind {self.kind!r} needs {words}")
        if len(given) > 1:
            raise ValueError(f"lattice kind {self.kind!r} takes one of {words}, got all of {given}")

    def _two_lengths(self) -> list[int]:
        shape = self.shape or []
        if len(shape) != 2:
            what = "lengths" if self.kind == "rectangle" else "numbers"
            raise ValueError(f"shape of a {self.kind} must be two {what}, got {shape}")
        return shape

    def _boundaries(self) -> Any:
        return self.periodic if isinstance(self.periodic, bool) else tuple(self.periodic)
