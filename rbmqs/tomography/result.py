"""What a reconstruction came to."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.stats import chi2

from hamiltonians.operators.sectors import Sector
from hamiltonians.utils.brief import Rows, Tabled
from rbmqs.states.state import VariationalState
from rbmqs.tomography.answers import Answers
from rbmqs.tomography.fit import FitRecord
from rbmqs.tomography.functionals import fidelities
from rbmqs.tomography.likelihood import EXACT_SITES, FullSum, normalised
from rbmqs.tomography.readout import errors_of
from rbmqs.tomography.sampled_answers import SampledAnswers
from rbmqs.tomography.shots import Shots

_FEWEST = 5.0  # expected shots of an outcome that is a class of its own in a chi-squared test
_MOST_DERIVATIVES = 2**24  # of all amplitudes, 256 MiB


class Goodness(NamedTuple):
    """Chi-squared of one basis.

    Attributes
    ----------
    basis : str
    chi_squared : float
        Of outcomes against the model; those of which fewer than five are expected are one class.
    n_classes : int
        Classes less one.
    chance : float
        Of a larger value by accident, the parameters of the model left aside.
    """

    basis: str
    chi_squared: float
    n_classes: int
    chance: float


@dataclass(frozen=True, eq=False, repr=False)
class Reconstruction(Tabled):
    """A state learnt from shots.

    Parameters
    ----------
    psi : VariationalState
        Of highest likelihood.
    shots : Shots
    confusion : float64 (N, 2, 2) or None
        Readout errors P(read | true), given or learnt.
    history : tuple of FitRecord
        One for each step.
    status : str
        Empty, or what speaks against trusting the state, with advice.
    target : complex128 (2^N,) or (2^N, 2^N), or None
    seconds : float
    interrupted : int or None
        The signal that ended it.
    """

    psi: VariationalState
    shots: Shots
    confusion: np.ndarray | None = None
    history: tuple[FitRecord, ...] = field(default=(), repr=False)
    status: str = ""
    target: np.ndarray | None = None
    seconds: float = 0.0
    interrupted: int | None = None

    @property
    def n_ancillas(self) -> int:
        """Sites of the state that were not measured."""
        return self.psi.n_sites - self.shots.n_sites

    @property
    def log_likelihood(self) -> float:
        """Mean over the shots of the last stage, in nats."""
        return self.history[-1].log_likelihood if self.history else float("nan")

    @property
    def is_summed(self) -> bool:
        """Whether all amplitudes are few enough for goodness of fit, fidelity and pictures."""
        return self.psi.n_sites <= EXACT_SITES

    @cached_property
    def vector(self) -> np.ndarray:
        """Normalised amplitudes, complex128 (2^(N + n_ancillas),)."""
        return normalised(self.psi.log_state_vector(Sector(self.psi.n_sites)))

    def fidelity(self, target: np.ndarray | None = None) -> float:
        """Fidelity with a target; see `answers` for its error."""
        goal = self.target if target is None else target
        if goal is None:
            raise ValueError("target must be given: there was none when this was reconstructed")
        return float(fidelities(self.vector[None], goal, self.shots.n_sites)[0])

    @cached_property
    def answers(self) -> Answers | SampledAnswers:
        """Fidelities, observables, energies and entropies, each with its error.

        By samples, without entropies, where derivatives of all amplitudes do not fit into memory.
        """
        is_plain = self.n_ancillas == 0 and self.confusion is None
        if is_plain and self.psi.n_parameters << self.psi.n_sites > _MOST_DERIVATIVES:
            return SampledAnswers(self.psi, self.shots)
        return Answers(self.psi, self.shots, confusion=self.confusion)

    @cached_property
    def goodness(self) -> tuple[Goodness, ...]:
        """How well the state explains each basis."""
        full = FullSum(self.shots, self.n_ancillas)
        log_psi = np.log(np.maximum(abs(self.vector), 1e-300)) + 1j * np.angle(self.vector)
        probabilities = full.probabilities(log_psi, self.confusion)
        found = []
        for basis, n in enumerate(self.shots.shots_of_basis):
            rows = self.shots.rows(basis)
            expected, counts = n * probabilities[rows], self.shots.counts[rows]
            kept = expected >= _FEWEST
            # whatever is not in a class of its own, with all that never came out
            rest = (n - expected[kept].sum(), n - counts[kept].sum())
            total = float(((counts - expected)[kept] ** 2 / expected[kept]).sum())
            n_classes = int(kept.sum()) - 1
            if rest[0] > _FEWEST:
                total += (rest[1] - rest[0]) ** 2 / rest[0]
                n_classes += 1
            chance = float(chi2.sf(total, n_classes)) if n_classes > 0 else 1.0
            found.append(Goodness(self.shots.bases.name(basis), total, max(n_classes, 0), chance))
        return tuple(found)

    def plot(self, directory: str | Path) -> list[Path]:
        """Pictures: likelihood, outcomes by basis and, for few sites, the density matrix."""
        from rbmqs.tomography.plotting import plot_all  # matplotlib, where it is wanted

        return plot_all(self, Path(directory))

    def summary(self) -> tuple[str, Rows]:
        """See `Tabled.summary`."""
        shots = self.shots
        rows: Rows = [
            ("shots", f"{shots.n_shots} in {len(shots.bases)} bases, {shots.n_distinct} distinct"),
            ("state", repr(self.psi)),
            ("likelihood", f"{self.log_likelihood:.6f} nats a shot"),
            ("steps", f"{len(self.history)} in {self.seconds:.1f} s"),
        ]
        if self.is_summed:
            total = sum(g.chi_squared for g in self.goodness)
            n_free = sum(g.n_classes for g in self.goodness)
            rows.append(("chi-squared", f"{total:.1f} in {n_free} classes"))
            worst = min(self.goodness, key=lambda g: g.chance)
            rows.append(("worst basis", f"{worst.basis}: chance {worst.chance:.2g}"))
            if self.target is not None:
                rows.append(("fidelity", f"{self.fidelity():.6f}"))
        if self.confusion is not None:
            errors = errors_of(self.confusion)
            rows.append(("readout", f"errors {errors.min():.4f} to {errors.max():.4f}"))
        if self.status:
            rows.append(("warning", self.status))
        return f"state of {shots.n_sites} sites from measurements", rows
