"""Shots and bases as users have them, brought into one form.

Outcomes are bits or spins, one row a shot, or counts of strings; bases are Pauli strings or
unitaries. In the end +1 is the +1 eigenvector of what was measured and site 0 comes first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Number
from typing import Any

import numpy as np

from hamiltonians.utils.checks import choice, short
from rbmqs.tomography.bases import Bases, different_bases, pauli_string
from rbmqs.tomography.shots import Shots
from rbmqs.tomography.tables import Counted, is_wide, known_column, plain, sets_of_table

ENDS = ("left", "right")
FEWEST = 2  # shots of a basis
MAX_COUNT = 2**53


@dataclass(frozen=True)
class Convention:
    """How strings and bits are read.

    Parameters
    ----------
    up : {0, 1}
        The bit of the +1 eigenvector. Spins +1 and -1 are eigenvalues already.
    site_0 : {"left", "right"}
        Which end of an outcome is site 0.
    basis_site_0 : {"left", "right"} or None
        Which end of a basis is; None for the same end.

    Raises
    ------
    ValueError
        Anything else.
    """

    up: int = 0
    site_0: str = "left"
    basis_site_0: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.up, bool) or self.up not in (0, 1):
            raise ValueError(f"up must be the bit 0 or 1, got {self.up!r}")
        choice("site_0", self.site_0, ENDS)
        if self.basis_site_0 is not None:
            choice("basis_site_0", self.basis_site_0, ENDS)

    def spins(self, outcomes: np.ndarray) -> np.ndarray:
        """Spins with site 0 first, from rows of bits or of spins (n, N).

        Raises
        ------
        ValueError
            Other values, or bits in some places and spins in others.
        """
        values = set(np.unique(outcomes).tolist())
        if values <= {1, -1} and values != {1}:
            found = outcomes
        elif values <= {0, 1}:
            found = 1 - 2 * (outcomes != self.up)
        elif values <= {-1, 0, 1}:
            raise ValueError("shots mix bits 0, 1 with spins +1, -1: use one convention")
        else:
            wrong = min(values - {-1, 0, 1})
            raise ValueError(f"shots must hold bits 0, 1 or spins +1, -1, got {wrong}")
        return found[:, :: -1 if self.site_0 == "right" else 1].astype(np.int8)

    def turned(self, basis: Any) -> Any:
        """A basis, string or unitaries (N, 2, 2), with site 0 first."""
        is_right = (self.basis_site_0 or self.site_0) == "right"
        return basis[::-1] if is_right else basis


def as_shots(shots: Any, bases: Any = None, convention: Convention | None = None) -> Shots:
    """Shots from what a user has.

    Parameters
    ----------
    shots
        `Shots`; bits or spins (n, N) as array or lists; strings such as "0101"; counts
        {"0101": 12, ...} of one basis; a sequence of any of these, one for each basis; a mapping
        {"XZY": any of these}; a table (pandas, or a mapping of columns) with the columns "basis",
        "outcome" and, optionally, "count", or "basis" and a column "n0101" for each outcome, or
        one column a site; `Counted`.
    bases
        A Pauli string, or one for each shot or for each set of shots; arrays of letters (n, N);
        unitaries (N, 2, 2) or (n, N, 2, 2); `Bases`. When not given, the z basis.
    convention : Convention, optional

    Raises
    ------
    TypeError, ValueError
        What does not fit, in one line.
    """
    convention = convention or Convention()
    if isinstance(shots, Shots):
        if bases is not None:
            raise ValueError("bases must not be given with Shots, which have them")
        found = shots
    else:
        found = _grouped(*_sets(shots, bases), convention)
    few = np.flatnonzero(found.shots_of_basis < FEWEST)
    if len(few):
        raise ValueError(
            f"shots must have at least {FEWEST} in each basis, got {found.shots_of_basis[few[0]]} "
            f"in basis {found.bases.name(int(few[0]))}"
        )
    return found


def _grouped(sets: list[Any], bases: list[Any] | None, convention: Convention) -> Shots:
    """One form of many sets of shots and the basis of each row."""
    outcomes, counts, of_row = [], [], []
    for k, one in enumerate(sets):
        rows, many = _rows(one)
        outcomes.append(rows)
        counts.append(many)
        if bases is None:
            of_row += ["Z" * rows.shape[1]] * len(rows)
        elif len(bases) == len(sets):
            of_row += [bases[k]] * len(rows)
        else:
            of_row = bases
    widths = sorted({rows.shape[1] for rows in outcomes})
    if len(widths) != 1:
        raise ValueError(
            f"shots must all have equally many sites, got {widths[0]} and {widths[-1]}"
        )
    all_rows = np.concatenate(outcomes)
    if len(of_row) != len(all_rows):
        raise ValueError(
            f"bases must be one, one for each of {len(all_rows)} rows of shots or one for each of "
            f"{len(sets)} sets, got {len(of_row)}"
        )
    found, number = _bases_of(of_row, convention)
    if found.n_sites != widths[0]:
        raise ValueError(f"bases have {found.n_sites} sites, the shots {widths[0]}")
    spins = convention.spins(all_rows)
    return Shots.of(found, spins, number, np.concatenate(counts))


def _bases_of(rows: list[Any], convention: Convention) -> tuple[Bases, np.ndarray]:
    """Different bases, and which each row has."""
    kinds: dict[Any, Any] = {}
    keys = []
    for k, row in enumerate(rows):
        if isinstance(row, str):
            key: Any = row
        elif np.asarray(row).dtype.kind in "US":
            key = "".join(np.asarray(row).astype(str).tolist())
        else:
            key = np.asarray(row, dtype=complex).tobytes()
        if key not in kinds:
            is_text = isinstance(key, str)
            value = pauli_string(f"bases[{k}]", key) if is_text else np.asarray(row, dtype=complex)
            kinds[key] = convention.turned(value)
        keys.append(key)
    values = [kinds[key] for key in keys]
    texts = {isinstance(value, str) for value in kinds.values()}
    if len(texts) > 1:
        raise TypeError("bases must all be strings or all be unitaries, got both")
    if texts == {True}:
        return different_bases(values)
    shapes = {value.shape for value in kinds.values()}
    if len(shapes) > 1 or len(next(iter(shapes))) != 3:
        raise ValueError(f"bases as unitaries must have shape (n_sites, 2, 2), got {min(shapes)}")
    return different_bases(np.array(values))


def _sets(shots: Any, bases: Any) -> tuple[list[Any], list[Any] | None]:
    """Sets of shots, and their bases: one for each set or each row."""
    given, shots = _listed(bases), plain(shots)
    if isinstance(shots, Mapping):
        keys = list(shots)
        if not keys:
            raise ValueError("shots must not be empty")
        if any(known_column(key) or is_wide(key) for key in keys):
            return sets_of_table(shots, given)
        if any(isinstance(one, Number) for one in shots.values()):
            return [shots], given
        if not all(isinstance(key, str) for key in keys):
            raise TypeError(f"shots by basis must have strings as keys, got {short(keys[0])}")
        if given is not None:
            raise ValueError("bases must not be given with shots by basis, which have them")
        return list(shots.values()), keys
    if isinstance(shots, Counted):
        return [shots], given
    if isinstance(shots, str | bytes) or not isinstance(shots, Sequence | np.ndarray):
        raise TypeError(f"shots must be an array, strings, counts or a file, got {short(shots)}")
    if len(shots) == 0:
        raise ValueError("shots must not be empty")
    first = plain(shots[0])
    is_set = isinstance(first, Mapping | Counted) or np.ndim(first) == 2
    if is_set or (isinstance(first, list | tuple) and len(first) and isinstance(first[0], str)):
        return list(shots), given
    return [shots], given


def _listed(bases: Any) -> list[Any] | None:
    """Bases one by one."""
    if bases is None:
        return None
    if isinstance(bases, Bases):
        return list(bases.labels) if bases.are_pauli else list(bases.unitaries)
    if isinstance(bases, str):
        return [bases]
    bases = plain(bases)
    if not isinstance(bases, Sequence | np.ndarray):
        raise TypeError(f"bases must be Pauli strings or unitaries, got {short(bases)}")
    if len(bases) == 0:
        raise ValueError("bases must not be empty")
    is_one = not isinstance(bases[0], str) and np.ndim(bases) == 3
    return [np.asarray(bases)] if is_one else list(bases)


def _rows(one: Any) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes (n, N) as whole numbers, and their counts."""
    one = plain(one)
    if isinstance(one, Mapping):
        if not one:
            raise ValueError("shots must not have a basis without any outcome")
        one = Counted([_text(key) for key in one], list(one.values()))
    if isinstance(one, Counted):
        rows, counts = _rows(one.outcomes)[0], _checked_counts(np.asarray(one.counts))
        if counts.shape != (len(rows),):
            raise ValueError(f"counts must have shape ({len(rows)},), got {counts.shape}")
        return rows, counts
    if isinstance(one, Sequence) and len(one) and isinstance(one[0], str):
        rows = _bits(one)
        return rows, np.ones(len(rows), np.int64)
    try:
        array = np.asarray(one)
    except ValueError:
        raise ValueError(
            "shots must all have equally many sites, got rows of different lengths"
        ) from None
    if array.ndim != 2 or array.dtype.kind not in "biuf" or not np.all(array == np.rint(array)):
        raise ValueError(
            f"shots must have shape (n_shots, n_sites) with bits or spins, got {array.dtype} "
            f"{array.shape}"
        )
    return array.astype(np.int64), np.ones(len(array), np.int64)


def _text(key: Any) -> str:
    if isinstance(key, tuple):
        return "".join(str(int(bit)) for bit in key)
    if not isinstance(key, str):
        raise TypeError(f'shots as counts must have keys such as "0101", got {short(key)}')
    return key


def _bits(texts: Sequence[str]) -> np.ndarray:
    """Bits of strings such as "0101" or "01 01"; "+-+" are spins."""
    if wrong := [text for text in texts if not isinstance(text, str)]:
        raise TypeError(f"shots must all be strings, got {short(wrong[0])}")
    cleaned = [text.replace(" ", "").replace(",", "") for text in texts]
    lengths = sorted({len(text) for text in cleaned})
    if len(lengths) != 1 or lengths[0] == 0:
        raise ValueError(f"shots must be strings of equal length, got lengths {lengths}")
    letters = set("".join(set(cleaned)))
    if letters <= set("+-"):
        return np.array([[1 if c == "+" else -1 for c in text] for text in cleaned])
    if not letters <= set("01"):
        wrong = sorted(letters - set("01"))
        what = "mix bits with spins" if set(wrong) <= set("+-") else f"hold {', '.join(wrong)}"
        raise ValueError(f"shots as strings must hold 0 and 1 only, or + and - only, but {what}")
    return np.array([list(text) for text in cleaned]).astype(np.int64)


def _checked_counts(values: np.ndarray) -> np.ndarray:
    """Counts as whole numbers from zero on."""
    if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        raise TypeError(f"counts must be whole numbers, got {short(values.tolist())}")
    if (values < 0).any():
        raise ValueError(f"counts must not be below zero, got {values.min():g}")
    if (values > MAX_COUNT).any():
        raise ValueError(f"counts must be at most {MAX_COUNT}, got {values.max():g}")
    if not np.all(values == np.rint(values)):
        wrong = values[values != np.rint(values)][0]
        raise ValueError(f"counts must be whole numbers, got {wrong:g}: give numbers of shots")
    return np.rint(values).astype(np.int64)
