"""The table of a study in memory: named columns, one row a point."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rbmqs.studies.schema import BY_NAME


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of equal length.

    Parameters
    ----------
    columns : dict of str to array (n_points,)
        Numbers as float64 with nan where there is no value, words as str, yes and no as bool.
        Axes go by their dotted path, the rest by the names of `rbmqs.studies.schema`.
    axes : tuple of str
        The settings that vary.
    meta : dict of str to str
        Name of the study, convention, versions, command, host.
    directory : Path or None
        Where the points' own files are.
    """

    columns: dict[str, np.ndarray]
    axes: tuple[str, ...] = ()
    meta: dict[str, str] = field(default_factory=dict)
    directory: Path | None = None

    def __post_init__(self) -> None:
        lengths = {len(column) for column in self.columns.values()}
        if len(lengths) > 1:
            raise ValueError(f"columns must be of one length, got {sorted(lengths)}")

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[self.resolve(name)]

    def resolve(self, name: str) -> str:
        """Full name of a column from its end: `h` means `model.parameters.h`.

        Raises
        ------
        KeyError
            No such column, or several.
        """
        if name in self.columns:
            return name
        found = [column for column in self.columns if column.endswith(f".{name}")]
        if len(found) != 1:
            known = ", ".join(found or self.columns)
            raise KeyError(f"{'several' if found else 'no'} columns {name!r}; known: {known}")
        return found[0]

    def where(self, condition: np.ndarray) -> Table:
        """The rows for which a boolean array is true, or those of an index array."""
        columns = {name: column[condition] for name, column in self.columns.items()}
        return Table(columns, self.axes, self.meta, self.directory)

    def series(self, x: str) -> Iterator[tuple[str, Table]]:
        """Rows that differ along `x` only, in ascending order of it, each group with a label."""
        name = self.resolve(x)
        others = [axis for axis in self.axes if axis != name]
        for _, rows in self.groups(others):
            rows = rows[np.argsort(self[name][rows], kind="stable")]
            yield self.label(rows[0], without=name), self.where(rows)

    def label(self, row: int, without: str = "") -> str:
        """The values of the axes in one row, such as "length = 8, h = 0.5", missing ones left out.

        Parameters
        ----------
        without : str
            Full name of an axis that is not named.
        """
        values = {axis: self[axis][row] for axis in self.axes if axis != without}
        words = {axis.rsplit(".", 1)[-1]: _short(value) for axis, value in values.items()}
        return ", ".join(f"{name} = {word}" for name, word in words.items() if word)

    def groups(self, names: Iterable[str]) -> list[tuple[tuple[Any, ...], np.ndarray]]:
        """Rows that agree in some columns: their values there, and the numbers of the rows."""
        keys = list(zip(*(self[name] for name in names), strict=True)) or [()] * len(self)
        found: dict[tuple[Any, ...], list[int]] = {}
        for row, key in enumerate(keys):
            found.setdefault(key, []).append(row)
        return [(key, np.array(rows)) for key, rows in found.items()]

    def to_pandas(self) -> Any:
        """A pandas DataFrame with one row a point."""
        import pandas

        return pandas.DataFrame(self.columns)


def from_rows(
    rows: Iterable[Mapping[str, Any]],
    axes: tuple[str, ...] = (),
    meta: dict[str, str] | None = None,
    directory: Path | None = None,
) -> Table:
    """A table from one mapping a row; a key that a row lacks, or None, is a missing value."""
    rows = list(rows)
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: typed_column(name, [row.get(name) for row in rows]) for name in names}
    return Table(columns, axes, meta or {}, directory)


def typed_column(name: str, values: list[Any]) -> np.ndarray:
    """A column of the schema's type where the schema knows it, else of that of its values."""
    known = BY_NAME.get(name)
    if known is not None and known.kind is str:
        return np.array(["" if value is None else value for value in values], dtype=object)
    column = as_column(values)
    return column.astype(float) if known is not None and known.kind is float else column


def as_column(values: list[Any]) -> np.ndarray:
    """An array of bool, int, float or str, whichever holds the values that are there."""
    present = [value for value in values if value is not None]
    kinds = {type(value) for value in present}
    if kinds == {bool} and len(present) == len(values):
        return np.array(values, dtype=bool)
    if kinds == {int} and len(present) == len(values):
        return np.array(values, dtype=np.int64)
    if kinds <= {int, float}:
        return np.array([np.nan if value is None else value for value in values], dtype=float)
    return np.array(["" if value is None else str(value) for value in values], dtype=object)


def as_table(data: Any) -> Table:
    """A Table, or the columns of a pandas DataFrame or mapping of arrays as one."""
    if isinstance(data, Table):
        return data
    columns = {str(name): np.asarray(data[name]) for name in data}
    return Table(columns, tuple(name for name in columns if "." in name))


def _short(value: Any) -> str:
    """A value in a few letters, none where it is missing."""
    if not isinstance(value, float | np.floating):
        return str(value)
    return "" if np.isnan(value) else f"{value:g}"
