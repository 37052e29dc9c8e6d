"""Python code of the pages runs, and prints what stands below it.

Blocks fenced as python run in order, in one namespace and one empty directory a page. A block
fenced as text right after one is what it prints, with ``...`` for anything (as in doctest). Below
``<!-- numbers of one run -->`` words are compared, numbers of five digits or more to one per mille,
and others only have to be there: seconds and sampled numbers differ between machines.
``<!-- not run: reason -->`` above a block leaves it out; ``<!-- slow -->`` marks the whole page.
"""

import contextlib
import doctest
import io
import math
import re
from pathlib import Path
from runpy import run_path
from typing import NamedTuple

import matplotlib.pyplot as plt
import pytest

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(
    r"^(?P<skip><!-- not run: .+ -->\n+)?```python\n(?P<code>.*?)^```\n"
    r"(?:\n*(?P<varies><!-- numbers of one run -->\n+)?```text\n(?P<printed>.*?)^```)?",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """Code with its line in the page, and what it prints if the page says so."""

    line: int
    code: str
    printed: str | None
    varies: bool = False


NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def agrees(expected: str, printed: str) -> bool:
    """The same words, and long numbers that agree to one per mille; a first run compiles."""
    expected, printed = (re.sub("; compiling kernels .*", "", t) for t in (expected, printed))
    words = [" ".join(NUMBER.sub("#", text).split()) for text in (expected, printed)]
    if words[0] != words[1]:
        return False
    pairs = zip(NUMBER.findall(expected), NUMBER.findall(printed), strict=True)
    return all(
        math.isclose(float(a), float(b), rel_tol=1e-3)
        for a, b in pairs
        if "e" not in a and sum(map(str.isdigit, a.lstrip("+-0."))) > 4
    )


def blocks_of(text: str) -> list[Block]:
    return [
        Block(
            text.count("\n", 0, found.start("code")),
            found["code"],
            found["printed"],
            bool(found["varies"]),
        )
        for found in BLOCK.finditer(text)
        if not found["skip"]
    ]


def pages() -> list:
    found = []
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        text = path.read_text()
        if blocks_of(text):
            marks = [pytest.mark.slow] if "<!-- slow -->" in text else []
            name = str(path.relative_to(ROOT))
            found.append(pytest.param(text, name, marks=marks, id=name))
    return found


def run(text: str, name: str) -> None:
    """Runs the blocks of a page; AssertionError where one prints something else."""
    namespace: dict = {"__name__": "__main__"}
    for block in blocks_of(text):
        printed = io.StringIO()
        code = compile("\n" * block.line + block.code, name, "exec")
        with contextlib.redirect_stdout(printed):
            exec(code, namespace)
        if block.printed is not None:
            flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
            check = doctest.OutputChecker().check_output
            same = (
                agrees(block.printed, printed.getvalue())
                if block.varies
                else check(block.printed, printed.getvalue(), flags)
            )
            assert same, f"{name}, line {block.line}, printed\n{printed.getvalue()}"


@pytest.mark.parametrize(("text", "name"), pages())
def test_code_of_the_page_runs(
    text: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        run(text, name)
    finally:
        plt.close("all")


@pytest.mark.parametrize(
    ("printed", "passes"), [("3.14\n", True), ("3.1...\n", True), ("3.15\n", False)]
)
def test_what_is_printed_is_compared(printed: str, passes: bool) -> None:
    page = f"# P\n\n```python\nx = 3.14\nprint(x)\n```\n\n```text\n{printed}```\n"
    with contextlib.nullcontext() if passes else pytest.raises(AssertionError, match="line 3"):
        run(page, "page")


@pytest.mark.parametrize(
    ("printed", "passes"),
    [("E = -15.3226, 2.1 s\n", True), ("E = -15.4, 2 s\n", True), ("E = -15.4226, 2 s\n", False),
     ("H = -15.3226, 2 s\n", False)],
)  # fmt: skip
def test_numbers_of_one_run_are_compared_loosely(printed: str, passes: bool) -> None:
    page = "# P\n\n```python\nprint('E = -15.3231, 3.14 s')\n```\n\n<!-- numbers of one run -->\n"
    with contextlib.nullcontext() if passes else pytest.raises(AssertionError, match="line 3"):
        run(f"{page}```text\n{printed}```\n", "page")


def test_blocks_with_a_reason_are_left_out() -> None:
    page = "<!-- not run: needs a cluster -->\n```python\n1 / 0\n```\n"
    assert blocks_of(page) == []


LECTURES = sorted((ROOT / "examples" / "lectures").glob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("lecture", LECTURES, ids=lambda path: path.stem)
def test_lectures_end_with_what_they_assert(
    lecture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_path(str(lecture), run_name="__main__")
    plt.close("all")
    assert list((tmp_path / "output").glob("*.png"))
