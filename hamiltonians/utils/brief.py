"""A representation that fits a terminal: arrays by type and shape, long texts cut."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

MOST_LETTERS = 60  # of a value


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
