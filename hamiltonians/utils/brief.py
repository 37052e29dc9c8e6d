"""Representations that fit a terminal or a notebook: arrays by shape, long texts cut, tables."""

from __future__ import annotations

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
    """Builds the report of a class that has `summary`: text, 20 lines of it, a table in notebooks.

    A dataclass keeps its own representation unless it has ``repr=False``.
    """

    def summary(self) -> tuple[str, Rows]:
        """A headline, or several lines, and what there is to say as labels and texts.

        A row without a label goes on with the one before it; a headline that ends with a line
        break has an empty line below it.
        """
        raise NotImplementedError

    def _lines(self) -> list[str]:
        head, rows = self.summary()
        return [*head.split("\n"), *(f"{label:<14} {text}" for label, text in rows)]

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def __repr__(self) -> str:
        lines = self._lines()
        if len(lines) > MOST_LINES:
            lines = [*lines[: MOST_LINES - 1], "... print() shows the rest"]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head, rows = self.summary()
        body = "".join(
            f"<tr><th style='text-align:left'>{escape(label)}</th>"
            f"<td style='text-align:left'>{escape(text)}</td></tr>"
            for label, text in rows
        )
        return f"<p>{'<br>'.join(map(escape, head.splitlines()))}</p><table>{body}</table>"
