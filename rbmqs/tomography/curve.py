"""A study of reconstruction: fidelity against the number of shots, over synthetic sets of them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hamiltonians.utils.brief import Rows, Tabled
from hamiltonians.utils.checks import positive_int
from rbmqs.states.state import VariationalState
from rbmqs.tomography.drawing import bases_of, shots_of_probabilities
from rbmqs.tomography.functionals import target_array
from rbmqs.tomography.mixed import MixedState, reconstruct_mixed
from rbmqs.tomography.rotations import rotated
from rbmqs.tomography.shots import Shots
from rbmqs.utils.progress import Progress

Fit = Callable[[Shots, int], Any]


@dataclass(frozen=True, eq=False, repr=False)
class FidelityCurve(Tabled):
    """Fidelities of reconstructions.

    Parameters
    ----------
    n_shots : int array (n,)
        In all bases.
    fidelities : float64 (n, n_sets)
    """

    n_shots: np.ndarray
    fidelities: np.ndarray

    def summary(self) -> tuple[str, Rows]:
        """See `Tabled.summary`."""
        rows = [
            (f"{n} shots", f"{f.mean():.5f} +- {f.std(ddof=1):.5f}, worst {f.min():.5f}")
            for n, f in zip(self.n_shots, self.fidelities, strict=True)
        ]
        return f"fidelity of {self.fidelities.shape[1]} sets of shots", rows

    def save(self, path: str | Path) -> None:
        """A table (CSV): shots, mean, spread of the sets, then the fidelity of each set."""
        n_sets = self.fidelities.shape[1]
        with Path(path).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["shots", "mean", "spread", *(f"set {k}" for k in range(n_sets))])
            for n, f in zip(self.n_shots, self.fidelities, strict=True):
                writer.writerow([n, f.mean(), f.std(ddof=1), *f])


def fidelity_against_shots(
    target: Any,
    bases: Any,
    shots_per_basis: Sequence[int] = (30, 100, 300, 1000),
    *,
    n_sets: int = 5,
    fit: Fit | None = None,
    seed: int = 0,
    progress: bool = False,
    known: Mapping[tuple[int, int], float] | None = None,
    on_fit: Callable[[int, int, float], None] | None = None,
) -> FidelityCurve:
    """Draw shots of a state, reconstruct it from them, and compare, for growing numbers of shots.

    Parameters
    ----------
    target : vector (2^N,), density matrix (2^N, 2^N), wavefunction or mixed state
    bases : strings, unitaries or Bases
    shots_per_basis : sequence of int
    n_sets : int
        Independent sets of each size, two at least.
    fit : callable, optional
        From shots and a seed to a state with `fidelity`, or to a wavefunction, such as
        `lambda shots, seed: rbmqs.reconstruct(shots, seed=seed)`; purified RBMs by default.
    seed : int
        Each set has its own, which its number and its number of shots a basis decide.
    progress : bool
        Show a progress bar.
    known : mapping, optional
        Fidelities that were found before, by shots a basis and number of the set.
    on_fit : callable, optional
        Gets these two and the fidelity of each new one.

    Returns
    -------
    FidelityCurve
    """
    chosen = bases_of(bases)
    goal = target_array(target, chosen.n_sites)
    sizes = np.array([positive_int("shots_per_basis", n, minimum=2) for n in shots_per_basis])
    n_sets = positive_int("n_sets", n_sets, minimum=2)
    weights, vectors = np.linalg.eigh(goal) if goal.ndim == 2 else (np.ones(1), goal[:, None])
    rows = np.sqrt(np.maximum(weights, 0))[:, None] * vectors.T
    turned = rotated(rows, chosen.unitaries[:, None])
    probabilities = (abs(turned) ** 2).sum(axis=1)
    found = np.empty((len(sizes), n_sets))
    with Progress(found.size, show=progress, unit="fit") as bar:
        for number, place in enumerate(np.ndindex(found.shape), start=1):
            size, k = int(sizes[place[0]]), place[1]
            if known is not None and (size, k) in known:
                found[place] = known[size, k]
                continue
            roots = np.random.SeedSequence([seed, size, k]).spawn(2)
            rng = np.random.default_rng(roots[0])
            shots = shots_of_probabilities(chosen, iter(probabilities), size, rng)
            state = (fit or _purified)(shots, int(roots[1].generate_state(1)[0]))
            if isinstance(state, VariationalState):
                state = MixedState(state, state.n_sites - chosen.n_sites)
            found[place] = state.fidelity(goal)
            if on_fit is not None:
                on_fit(size, k, float(found[place]))
            bar.advance(number, f"fidelity {found[place]:.4f}")
    return FidelityCurve(sizes * len(chosen), found)


def _purified(shots: Shots, seed: int) -> MixedState:
    return reconstruct_mixed(shots, seed=seed)[0]
