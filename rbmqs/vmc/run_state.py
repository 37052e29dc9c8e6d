"""The state of a run between two iterations, as values: it goes in and comes out of the loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from rbmqs.estimators.stats import Stats
from rbmqs.sampling.chains import ChainState, Division
from rbmqs.states.state import VariationalState

_SHORTER = 0.5


@dataclass(frozen=True, eq=False)
class OptimiserState:
    """What the optimiser remembers between iterations.

    Parameters
    ----------
    direction : array (n_parameters,)
        Last direction of SR, or the mean of past gradients; zeros at first.
    damping : float
        1 in a healthy run, smaller after a step was undone.
    squares : float64 array (n_parameters,) or None
        Mean of past squared gradients, where the optimiser takes it.
    n_updates : int
        Gradients in these means.
    """

    direction: np.ndarray
    damping: float = 1.0
    squares: np.ndarray | None = None
    n_updates: int = 0

    @classmethod
    def fresh(cls, psi: VariationalState) -> OptimiserState:
        """State before the first step."""
        return cls(np.zeros_like(psi.flat))

    def after_rollback(self) -> OptimiserState:
        """Shorter and more damped steps, past gradients forgotten."""
        return OptimiserState(np.zeros_like(self.direction), self.damping * _SHORTER)

    def enlarged(self, enlarge: Callable[[np.ndarray], np.ndarray]) -> OptimiserState:
        """For more parameters: `enlarge` lays a vector out anew, with zeros for the new ones."""
        squares = None if self.squares is None else enlarge(self.squares).real
        return replace(self, direction=enlarge(self.direction), squares=squares)


@dataclass(frozen=True, eq=False)
class GoodPoint:
    """Where a bad step returns to.

    Parameters
    ----------
    psi : VariationalState
    spins : int8 (n_chains, N)
    energy : Stats
    """

    psi: VariationalState
    spins: np.ndarray
    energy: Stats


@dataclass(frozen=True, eq=False)
class RunState:
    """All that a run needs to go on.

    Parameters
    ----------
    iteration : int
        The next one to be done.
    psi : VariationalState
    chains : ChainState
    optimiser : OptimiserState
    last_good : GoodPoint or None
        Before the last step, None at first.
    n_rollbacks : int
        In a row.
    target : VariationalState or None
        The wavefunction that the run is about, where another one is optimised for a while.
    extensions : mapping
        State of each extension by its name: arrays, `ChainState`s, wavefunctions of the kind of
        `psi`, and plain JSON values, each by name.
    """

    iteration: int
    psi: VariationalState
    chains: ChainState
    optimiser: OptimiserState
    last_good: GoodPoint | None = None
    n_rollbacks: int = 0
    target: VariationalState | None = None
    extensions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def divided(self, division: Division) -> RunState:
        """With the chains of this rank alone, from those of all."""
        n_rows = len(self.chains.spins)

        def own(chains: ChainState) -> ChainState:
            """Of the run; probe chains are the same on all ranks."""
            return division.own(chains) if len(chains.spins) == n_rows else chains

        def own_spins(spins: np.ndarray) -> np.ndarray:
            return division.own(replace(self.chains, spins=spins)).spins

        return self.with_chains(own, own_spins)

    def with_chains(
        self,
        change: Callable[[ChainState], ChainState],
        change_spins: Callable[[np.ndarray], np.ndarray],
    ) -> RunState:
        """With other chains, those of extensions too, and other spins of the last good point."""
        good = self.last_good
        if good is not None:
            good = replace(good, spins=change_spins(good.spins))
        extensions = {
            name: {k: change(v) if isinstance(v, ChainState) else v for k, v in values.items()}
            for name, values in self.extensions.items()
        }
        return replace(self, chains=change(self.chains), last_good=good, extensions=extensions)

    def of(self, name: str) -> Mapping[str, Any]:
        """State of an extension, empty before its first."""
        return self.extensions.get(name, {})

    def with_extension(self, name: str, values: Mapping[str, Any]) -> RunState:
        """With another state of an extension."""
        return replace(self, extensions={**self.extensions, name: values})


class DivergedError(RuntimeError):
    """The optimisation could not go on; the last good state is in `state`."""

    def __init__(self, message: str, state: RunState) -> None:
        super().__init__(message)
        self.state = state


def target_of(state: RunState) -> VariationalState:
    """The wavefunction that a run is about, whatever is optimised at present."""
    return state.psi if state.target is None else state.target
