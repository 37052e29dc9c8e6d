"""A study: many runs described by one table, and the points that it consists of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rbmqs.runs.config import Config, config_from_table

OBSERVABLES = ("magnetisations", "correlations")
QUENCH = "quench"
REFERENCE_METHODS = ("best", "exact", "none")


class StudyError(ValueError):
    """A study that cannot be run; `problems` lists everything that is wrong, a sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class ReferenceRule:
    """Where the energies to compare with come from.

    Parameters
    ----------
    method : {"best", "exact", "none"}
        "best" takes closed forms, exact diagonalisation of small sectors or published values,
        whichever there is; "exact" demands exact diagonalisation; "none" asks for nothing.
    values : tuple of dict
        Rules that come first: `where` (setting -> value) selects points, `energy_per_site` is a
        number or an expression of the point, with `source` and optional `uncertainty`.
    """

    method: str = "best"
    values: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Point:
    """One run of a study.

    Parameters
    ----------
    id : str
        Name of its directory: values of the axes and the start of the fingerprint.
    axes, derived : dict
        Values by dotted path, as listed and as computed.
    table : dict
        The whole configuration: what `rbmqs.runs.config.config_from_table` takes, and perhaps
        [quench] (`rbmqs.studies.quenches`).
    parent : str or None
        Point whose parameters this one starts from.
    fingerprint : str
        SHA-256 of all that decides the result, the parent's fingerprint included.
    """

    id: str
    axes: dict[str, Any]
    derived: dict[str, Any]
    table: dict[str, Any]
    parent: str | None
    fingerprint: str

    @property
    def run_table(self) -> dict[str, Any]:
        """What `config_from_table` takes of the table."""
        return {name: table for name, table in self.table.items() if name != QUENCH}

    def config(self) -> Config:
        """The configuration of the run."""
        return config_from_table(self.run_table)


@dataclass(frozen=True)
class Study:
    """A validated study.

    Parameters
    ----------
    name : str
    points : tuple of Point
        In the order of the file; a parent comes before its children.
    axes : tuple of str
        Settings that are varied.
    observables : tuple of str
        Of `OBSERVABLES`.
    reference : ReferenceRule
    warm_start : str or None
        Axis along which parameters are handed on.
    output : str
        Directory of the results.
    source : str
        Text of the file that it was read from, empty for one made in Python.
    ranks : int
        MPI ranks of each point.
    """

    name: str
    points: tuple[Point, ...]
    axes: tuple[str, ...]
    observables: tuple[str, ...] = ("magnetisations",)
    reference: ReferenceRule = field(default_factory=ReferenceRule)
    warm_start: str | None = None
    output: str = "study"
    source: str = ""
    ranks: int = 1

    def __len__(self) -> int:
        return len(self.points)

    def __iter__(self) -> Iterator[Point]:
        return iter(self.points)
