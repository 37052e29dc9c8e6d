"""Which room imports which: a picture, and a check that no arrow points upward.

    python docs/rooms.py            # writes docs/rooms.png and prints the arrows
    python docs/rooms.py --check    # exits with 1 and names the imports that point upward

A room is a folder of `rbmqs` or `hamiltonians`. The layers are those of the contracts in
pyproject.toml that import-linter checks; here imports inside functions and imports for typing
count as well. The picture leaves out an arrow that a path of other arrows implies.
"""

from __future__ import annotations

import argparse
import ast
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROOT = Path(__file__).parents[1]
PACKAGES = ("rbmqs", "hamiltonians")
WIDTH, HEIGHT = 0.92, 0.66  # of a box, where a place is 1 by 1
Imports = dict[tuple[str, str], list[str]]  # (importing room, imported room) -> file:line


class Layer(NamedTuple):
    """Rooms side by side."""

    rooms: list[str]
    independent: bool  # whether they may not import one another: "a | b", not "a : b"


def read_layers(package: str) -> list[Layer]:
    """Layers of a package from the lowest to the highest, as pyproject.toml has them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    for contract in contracts["contracts"]:
        if contract["type"] == "layers" and contract["containers"] == [package]:
            layers = []
            for text in contract["layers"]:
                names = [name.strip(" ()") for name in text.replace(":", "|").split("|")]
                rooms = [name for name in names if (ROOT / package / name).is_dir()]
                layers += [Layer(rooms, ":" not in text)] if rooms else []
            return layers[::-1]
    raise SystemExit(f"pyproject.toml has no layers contract for {package}")


def read_imports(package: str) -> Imports:
    """Every import from a room into another room of the same package."""
    found: Imports = {}
    for path in sorted((ROOT / package).glob("*/**/*.py")):
        module = path.relative_to(ROOT).with_suffix("").parts
        for line, target in _targets(path, module):
            if target[0] == package and len(target) > 1 and target[1] != module[1]:
                if not (ROOT / package / target[1]).is_dir():
                    continue  # a name of the package itself
                place = f"{path.relative_to(ROOT)}:{line}"
                found.setdefault((module[1], target[1]), []).append(place)
    return found


def _targets(path: Path, module: tuple[str, ...]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Line and dotted path of everything that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, tuple(alias.name.split("."))) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = module[: -node.level] if node.level else ()
            base += tuple((node.module or "").split(".")) if node.module else ()
            yield from ((node.lineno, (*base, alias.name)) for alias in node.names)


def upward(imports: Imports, layers: list[Layer]) -> Imports:
    """Imports from a room into one of a higher layer, or of its own layer."""
    height = {room: k for k, layer in enumerate(layers) for room in layer.rooms}
    missing = {room for pair in imports for room in pair} - set(height)
    if missing:
        raise SystemExit(f"the layers contract does not name {', '.join(sorted(missing))}")
    return {
        (room, other): places
        for (room, other), places in imports.items()
        if height[room] < height[other] + layers[height[room]].independent
    }


def without_implied(imports: Imports) -> set[tuple[str, str]]:
    """Arrows that no path of other arrows implies."""
    below: dict[str, set[str]] = {}
    for room, other in imports:
        below.setdefault(room, set()).add(other)

    def reaches(room: str, target: str, seen: set[str]) -> bool:
        new = below.get(room, set()) - seen
        return target in new or any(reaches(r, target, seen | new) for r in new)

    return {
        (room, other)
        for room, other in imports
        if not any(reaches(between, other, {room}) for between in below[room] - {other})
    }


def purpose(package: str, room: str) -> str:
    """First line of the docstring of a room."""
    path = ROOT / package / room / "__init__.py"
    text = (ast.get_docstring(ast.parse(path.read_text())) or "") if path.exists() else ""
    return text.partition("\n")[0].rstrip(".").replace("`", "")


def draw(path: Path) -> None:
    """Boxes for rooms, one row a layer, and arrows from the importing room to the imported one."""
    import matplotlib.pyplot as plt  # --check does without

    layers = {package: read_layers(package) for package in PACKAGES}
    rows = max(len(x) for x in layers.values())
    widths = [max(len(layer.rooms) for layer in layers[package]) for package in PACKAGES]
    figure, axes = plt.subplots(
        1, 2, figsize=(2.7 * sum(widths), 1.15 * rows), width_ratios=widths, layout="constrained"
    )
    for package, ax in zip(PACKAGES, axes, strict=True):
        imports = read_imports(package)
        _draw_package(ax, package, layers[package], imports)
        ax.set_ylim(-0.6, rows - 0.4)
    figure.savefig(path, dpi=76)


def _draw_package(ax: Axes, package: str, layers: list[Layer], imports: Imports) -> None:
    from matplotlib.patches import Rectangle  # --check does without

    width = max(len(layer.rooms) for layer in layers)
    place = {  # a room alone in its layer is left or right of the middle, so that arrows show
        room: (_column(k, len(layer.rooms), height) * width, float(height))
        for height, layer in enumerate(layers)
        for k, room in enumerate(layer.rooms)
    }
    wrong = set(upward(imports, layers))
    right = {pair: places for pair, places in imports.items() if pair not in wrong}
    for pair in without_implied(right) | wrong:
        (x, y), (x_other, y_other) = (place[room] for room in pair)
        half = HEIGHT / 2 * ((y > y_other) - (y < y_other))
        start, end = y - half, y_other + half
        ax.annotate(
            "", (x_other, end), (x, start), zorder=1,
            arrowprops={"arrowstyle": "->", "color": "C3" if pair in wrong else "0.35"},
        )  # fmt: skip
    for room, (x, y) in place.items():
        corner = x - WIDTH / 2, y - HEIGHT / 2
        ax.add_patch(Rectangle(corner, WIDTH, HEIGHT, facecolor="#eef3fa", edgecolor="C0"))
        ax.text(x, y + 0.2, room, ha="center", va="center", weight="bold")
        lines = textwrap.fill(purpose(package, room), 32, max_lines=3, placeholder=" ...")
        ax.text(x, y + 0.09, lines, ha="center", va="top", fontsize=8, linespacing=1.1)
    ax.set_xlim(0, width)
    ax.set_title(package)
    ax.axis("off")


def _column(k: int, n: int, height: int) -> float:
    """Where the k-th of n rooms of a layer is, between 0 and 1."""
    return 0.38 + 0.24 * (height % 2) if n == 1 else (k + 0.5) / n


def main() -> int:
    """Write the picture, or check the arrows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="check the arrows, write nothing")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "rooms.png")
    args = parser.parse_args()
    wrong = False
    for package in PACKAGES:
        imports = read_imports(package)
        for (room, other), places in upward(imports, read_layers(package)).items():
            print(f"upward: {package}.{room} -> {package}.{other} in {', '.join(places)}")
            wrong = True
        if not args.check:
            for room in sorted({room for room, _ in imports}):
                print(f"{package}.{room}: {', '.join(sorted(o for r, o in imports if r == room))}")
    if not args.check:
        draw(args.output)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
