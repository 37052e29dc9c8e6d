"""The verdict on a run, in three parts: its optimisation, its error bar, its accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PARTS = ("optimisation", "error_bar", "accuracy")
# What each level does to the whole: 0 nothing, 1 a caution, 2 the energy is not to be relied on.
SEVERITY = {
    "settled": 0,
    "measured": 0,  # a state as it is: no optimisation was asked for
    "still falling": 2,
    "stuck": 2,
    "unfinished": 2,
    "trustworthy": 0,
    "heavy-tailed": 1,
    "refused": 2,
    "accurate": 0,
    "far": 2,
    "unknown": 2,
}
WORDS = ("converged", "converged", "NOT CONVERGED")


@dataclass(frozen=True)
class Judgement:
    """One part of a verdict.

    Parameters
    ----------
    level : str
        A key of `SEVERITY`.
    sentences : tuple of str
        What speaks against the energy or, where the level allows it, is to be kept in mind.
    """

    level: str
    sentences: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.level not in SEVERITY:
            raise ValueError(f"level must be one of {', '.join(SEVERITY)}, got {self.level!r}")
        object.__setattr__(self, "sentences", tuple(self.sentences))

    @property
    def severity(self) -> int:
        """0 where all is well, 1 for a caution, 2 where the energy is not to be relied on."""
        return SEVERITY[self.level]


@dataclass(frozen=True)
class Verdict:
    """What a run is worth.

    Parameters
    ----------
    optimisation : Judgement
        "settled", "still falling", "stuck", "unfinished", or "measured" without iterations.
    error_bar : Judgement
        "trustworthy", "heavy-tailed" where the bias is bounded all the same, or "refused".
    accuracy : Judgement
        "accurate", "far" or "unknown".
    """

    optimisation: Judgement
    error_bar: Judgement
    accuracy: Judgement

    @property
    def parts(self) -> dict[str, Judgement]:
        """The judgements by name."""
        return {name: getattr(self, name) for name in PARTS}

    @property
    def severity(self) -> int:
        """That of the worst part."""
        return max(part.severity for part in self.parts.values())

    @property
    def word(self) -> str:
        """The worst of the three parts in a word."""
        return WORDS[self.severity]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Sentences against relying on the energy; empty where it may be relied on."""
        parts = [part for part in self.parts.values() if part.severity == 2]
        return tuple(sentence for part in parts for sentence in part.sentences)

    @property
    def cautions(self) -> tuple[str, ...]:
        """Sentences to be kept in mind of an energy that may be relied on."""
        parts = [part for part in self.parts.values() if part.severity < 2]
        return tuple(sentence for part in parts for sentence in part.sentences)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able form."""
        return {
            name: {"level": part.level, "sentences": list(part.sentences)}
            for name, part in self.parts.items()
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Mapping[str, Any]]) -> Verdict:
        """The verdict of a result file."""
        return cls(*(Judgement(data[k]["level"], tuple(data[k]["sentences"])) for k in PARTS))

    def __str__(self) -> str:
        levels = (f"{name.replace('_', ' ')} {part.level}" for name, part in self.parts.items())
        return f"{self.word} ({', '.join(levels)})"
