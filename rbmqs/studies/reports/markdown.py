"""A report as Markdown, its figures in files beside it.

Names and sentences come from files, so nothing in them is taken for Markdown or HTML.
"""

from __future__ import annotations

import re

from rbmqs.studies.reports.content import Report

FIGURES = "figures"
_SPECIAL = re.compile(r"([\\`*_\[\]<>|!#~&$])")


def to_markdown(report: Report) -> str:
    """The text; figures are expected in the folder `figures`."""
    facts = "\n".join(f"- {escaped(k)}: {code(v)}" for k, v in report.facts.items())
    pictures = "\n\n".join(
        f"![{escaped(caption)}]({FIGURES}/{name}.png)"
        for name, (caption, _) in report.figures.items()
    )
    sections = [
        f"# {escaped(report.title)}",
        escaped(report.summary),
        _section("Can it be trusted?", _verdicts(report.verdicts)),
        _section("Warnings", _items(report.warnings)),
        _section("Failed points", _items(report.failures)),
        _section("Results", _table(report.heads, report.rows)),
        _section("Remarks", _items(report.remarks)),
        _section("Figures", pictures),
        _section("Settings", block(report.settings)),
        _section("How to reproduce it", facts),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def escaped(text: str) -> str:
    """Text on one line that shows as it is."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """Text on one line as code, between more backticks than it has in a row."""
    fence = _fence(text, 1)
    space = " " if "`" in text else ""
    return f"{fence}{space}{' '.join(text.split())}{space}{fence}"


def block(text: str) -> str:
    """Lines as code, fenced by more backticks than they have in a row."""
    fence = _fence(text, 3)
    return f"{fence}\n{text.strip()}\n{fence}"


def _fence(text: str, least: int) -> str:
    longest = max(map(len, re.findall("`+", text)), default=0)
    return "`" * max(least, longest + 1)


def _section(title: str, content: str) -> str:
    return f"## {title}\n\n{content}" if content else ""


def _verdicts(verdicts: list[tuple[str, str, str]]) -> str:
    return "\n".join(f"- {escaped(a)}: **{escaped(b)}**, {escaped(c)}" for a, b, c in verdicts)


def _items(items: list[tuple[str, str]]) -> str:
    return "\n".join(f"- {code(point)} {escaped(text)}" for point, text in items)


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [tuple(map(escaped, heads)), ("---:",) * len(heads)]
    lines += [tuple(map(escaped, row)) for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
