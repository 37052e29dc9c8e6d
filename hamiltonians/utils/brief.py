"""Representations that fit a terminal or a notebook: arrays by shape, long texts cut, tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from html import escape
from typing import Any

import numpy as np

MOST_LETTERS = 60  # of a value
MOST_LINES = 20

Rows = list[tuple[str, str]]


def brief_tuple(self: Any) -> str:
    """Representation of a named tuple on one line."""
    words = (f"{name}={brief(value)}" for name, value in self._asdict().items())
    return f"{type(self).__name__}({', '.join(words)})"


class Brief:
    """Gives a dataclass with `repr=False` a representation on one line."""

    def __repr__(self) -> str:
        words = [f"{f.name}={brief(getattr(self, f.name))}" for f in fields(self)]  # type: ignore[arg-type]
        return f"{type(self).__name__}({', '.join(words)})"


def brief(value: Any) -> str:
    """One value in a few words."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    if isinstance(value, tuple | list) and len(value) > 8:
        return f"{type(value).__name__} of {len(value)}"
    text = repr(value).split("\n", 1)[0]
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 3]}..."


class Tabled:
    """Gives a class that has `summary` a representation of a few lines, and a table in notebooks.

    A dataclass keeps its own representation unless it has ``repr=False``.
    """

    def summary(self) -> tuple[str, Rows]:
        """A headline, and what there is to say as labels and texts."""
        raise NotImplementedError

    def __repr__(self) -> str:
        head, rows = self.summary()
        return cut_lines([head, *(f"{label:<14} {text}" for label, text in rows)], "...")

    def _repr_html_(self) -> str:
        head, rows = self.summary()
        return html_table([head], rows)


def cut_lines(lines: list[str], ending: str) -> str:
    """At most 20 lines, the last of which says that there are more."""
    return "\n".join(lines if len(lines) <= MOST_LINES else [*lines[: MOST_LINES - 1], ending])


def html_table(headlines: Iterable[str], rows: Iterable[tuple[str, str]]) -> str:
    """Lines above a table of labels and texts, for a notebook."""
    body = "".join(
        f"<tr><th style='text-align:left'>{escape(label)}</th>"
        f"<td style='text-align:left'>{escape(text)}</td></tr>"
        for label, text in rows
    )
    return f"<p>{'<br>'.join(escape(line) for line in headlines)}</p><table>{body}</table>"
