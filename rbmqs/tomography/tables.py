"""Tables of shots: data frames, columns by name, outcomes with counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hamiltonians.utils.checks import short

_BITS = ({"0", "1"}, {"0"}, {"1"})
_COLUMNS = {
    "basis": ("basis", "bases"),
    "outcome": ("outcome", "outcomes", "shots", "bitstring", "bitstrings"),
    "count": ("count", "counts"),
}


@dataclass(frozen=True, eq=False)
class Counted:
    """Outcomes with a count each; an outcome may come more than once.

    Parameters
    ----------
    outcomes : list of str, or int array (n, N)
    counts : array (n,)
    """

    outcomes: Any
    counts: Any


def plain(values: Any) -> Any:
    """Tables and series of pandas, tables of NumPy and bytes as mappings, arrays and lists."""
    if hasattr(values, "columns") and hasattr(values, "to_dict"):
        columns = {str(name): values[name].to_numpy() for name in values.columns}
        is_table = any(known_column(name) or is_wide(name) for name in columns)
        return columns if is_table or not columns else np.stack(list(columns.values()), axis=1)
    if hasattr(values, "to_numpy"):
        keys: Any = getattr(values, "index", ())
        array = values.to_numpy()
        is_counts = len(keys) and isinstance(keys[0], str) and array.dtype.kind in "iuf"
        return values.to_dict() if is_counts else plain(array)
    if isinstance(values, np.ma.MaskedArray):
        if np.ma.is_masked(values):
            raise ValueError(f"shots must not be masked, got {values.mask.sum()} masked values")
        return values.data
    if isinstance(values, np.ndarray) and values.dtype.kind in "SUO":
        found = [x.decode() if isinstance(x, bytes) else x for x in values.ravel().tolist()]
        rows = np.array(found, dtype=object).reshape(values.shape).tolist()
        is_letters = values.ndim == 2 and all(isinstance(x, str) and len(x) == 1 for x in found)
        return ["".join(row) for row in rows] if is_letters else rows
    return values


def is_wide(key: Any) -> bool:
    """Whether a column holds the counts of one outcome, such as "n0101"."""
    return isinstance(key, str) and key.startswith("n") and set(key[1:]) in _BITS


def known_column(key: Any) -> str | None:
    """What a column of a table holds, by its name."""
    word = key.strip().lower() if isinstance(key, str) else None
    return next((name for name, words in _COLUMNS.items() if word in words), None)


def sets_of_table(
    table: Mapping[str, Any], bases: list[Any] | None
) -> tuple[list[Any], list[Any] | None]:
    """Columns: one row an outcome, or one row a basis with a column for each outcome."""
    known = {name: table[key] for key in table if (name := known_column(key))}
    wide = [key for key in table if is_wide(key)]
    others = [str(key) for key in table if not known_column(key) and key not in wide and key]
    if "basis" in known:
        if bases is not None:
            raise ValueError("bases must not be given with a table that has a column 'basis'")
        bases = list(map(str, known["basis"]))
    if wide:
        if bases is None:
            raise ValueError("shots as a table of counts need a column 'basis'")
        _check_unmixed(bases, others)
        columns = {key[1:]: np.asarray(table[key]) for key in wide}
        return [{k: v[row] for k, v in columns.items()} for row in range(len(bases))], bases
    if "outcome" not in known or (others and "count" not in known):
        names = ", ".join(str(key) for key in table)
        raise ValueError(
            f"shots as a table must have columns basis, outcome and count, or n0101, got {names}"
        )
    outcomes = plain(np.asarray(known["outcome"]))
    if not all(isinstance(one, str) for one in outcomes):
        raise TypeError(
            f'column outcome must hold strings such as "0101", got {short(outcomes[0])}: read it '
            f"as text, which keeps zeros on the left"
        )
    if "count" not in known:
        return [outcomes], bases
    _check_unmixed([*zip(bases or outcomes, outcomes, strict=True)], others)
    return [Counted(outcomes, known["count"])], bases


def _check_unmixed(rows: list[Any], others: list[str]) -> None:
    """Refuse rows for the same outcomes that columns of another kind tell apart."""
    if others and len(set(rows)) < len(rows):
        again = next(row for row in rows if rows.count(row) > 1)
        raise ValueError(
            f"shots as a table must have one row for each basis (and outcome), got several for "
            f"{short(again)}: choose those of one state by {', '.join(others)}"
        )
