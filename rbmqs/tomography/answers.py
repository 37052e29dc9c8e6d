"""Answers of a reconstructed state with errors that hold the noise of the data.

A fit at a maximum of the likelihood moves by F^-1 (s* - s) where the shots change: F is the Fisher
information, s the score of the shots and s* that of others. Shots drawn anew from the measured ones
(bootstrap, basis by basis) give steps of the state, taken forwards and backwards, so that what is
asked for changes by an odd and an even part. The even part's mean is the bias of the answer, which
is taken off; the errors are

    variance = max(<odd^2> - 2 var(even), 0) + var(even),

without bias for functions of second order, so also for a fidelity near one, which has no first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from hamiltonians.exact.entanglement import entanglement_entropy
from hamiltonians.operators.pauli import PauliSum
from hamiltonians.utils.checks import positive_int
from rbmqs.states.state import VariationalState
from rbmqs.tomography.functionals import (
    check_observable,
    fidelities,
    pauli_means,
    target_array,
)
from rbmqs.tomography.raw import Raw, frequencies, shadow_of_fidelity, shadow_of_operator
from rbmqs.tomography.scores import ShotInformation, Tangent
from rbmqs.tomography.shots import Shots

N_DRAWS = 200  # bootstrap samples, each forwards and backwards
_UNKNOWN = Raw(float("nan"), float("nan"))


@dataclass(frozen=True)
class Answer:
    """One number, as the fitted state has it and as the shots tell it of the true state.

    Attributes
    ----------
    estimate : float
        Of the state that was measured: `fitted` less the bias that the noise of the shots causes.
        Noise turns a state away from the true one, so that fidelities of fits are too low and
        energies of ground states too high; the estimate is right on average, and may exceed one.
    error : float
        One standard error of the estimate from the noise of the shots (and of samples), the larger
        of the next two: the bootstrap knows no outcome that never came out, the Fisher information
        takes the model as true.
    bootstrap_error, fisher_error : float
        From shots drawn anew from the measured ones; from the Fisher information. Equal where only
        the latter is known.
    fitted : float
        Of the fitted state as it is.
    frequencies, shadow : Raw
        The same from the shots alone, see `rbmqs.tomography.raw`; nan where they cannot tell it.
    """

    estimate: float
    error: float
    bootstrap_error: float
    fisher_error: float
    fitted: float
    frequencies: Raw
    shadow: Raw

    def __str__(self) -> str:
        parts = [
            f"estimate {self.estimate:.5f} +- {self.error:.5f}", f"fitted state {self.fitted:.5f}"
        ]  # fmt: skip
        for name, raw in (("frequencies", self.frequencies), ("shadows", self.shadow)):
            if np.isfinite(raw.mean):
                parts.append(f"{name} {raw.mean:.5f} +- {raw.error:.5f}")
        return "; ".join(parts)


class Response(NamedTuple):
    """Bias and error of an answer, from changes with steps of the state."""

    bias: float
    error: float

    @classmethod
    def of(cls, odd: np.ndarray, even: np.ndarray) -> Response:
        """From the parts of the changes that do and do not turn with the step."""
        quadratic = even.var()
        variance = max((odd**2).mean() - 2 * quadratic, 0.0) + quadratic
        return cls(float(even.mean()), float(np.sqrt(variance)))


def answer_of(
    fitted: float,
    bootstrap: Response,
    fisher: Response,
    *,
    sampling: float = 0.0,
    raw: Raw = _UNKNOWN,
    shadow: Raw = _UNKNOWN,
) -> Answer:
    """An answer from both kinds of steps, and the error of the samples that told it."""
    first, second = (float(np.hypot(step.error, sampling)) for step in (bootstrap, fisher))
    estimate = fitted - (bootstrap.bias + fisher.bias) / 2
    return Answer(estimate, max(first, second), first, second, fitted, raw, shadow)


class Answers:
    """What a state that was fitted to shots says, with errors.

    Parameters
    ----------
    psi : VariationalState
        At a maximum of the likelihood; its sites beyond those of the shots are traced over.
    shots : Shots
    confusion : float64 (N, 2, 2), optional
        P(read | true) of each site, as in the fit.
    n_draws : int
        Bootstrap samples.
    seed : int
    """

    def __init__(
        self,
        psi: VariationalState,
        shots: Shots,
        *,
        confusion: np.ndarray | None = None,
        n_draws: int = N_DRAWS,
        seed: int = 0,
    ) -> None:
        if psi.n_sites < shots.n_sites:
            raise ValueError(f"psi has {psi.n_sites} sites, the shots {shots.n_sites}")
        self.psi, self.shots, self.confusion = psi, shots, confusion
        self.n_draws, self.seed = positive_int("n_draws", n_draws, minimum=2), seed

    @cached_property
    def _tangent(self) -> Tangent:
        return Tangent.of(self.psi)

    @cached_property
    def information(self) -> ShotInformation:
        """Scores and Fisher information at the state."""
        return ShotInformation.of(self._tangent, self.shots, self.confusion)

    @cached_property
    def _bootstrapped(self) -> tuple[np.ndarray, np.ndarray]:
        """Vectors (n_draws, 2^...) after steps forwards, and after the same backwards."""
        rng = np.random.default_rng(self.seed)
        changes = np.empty((self.n_draws, self.shots.n_distinct))
        for row in changes:
            row[:] = self.shots.resampled_counts(rng) - self.shots.counts
        directions = self.information.directions
        return self._both(changes @ (self.information.scores @ directions) @ directions.T)

    @cached_property
    def _fisher(self) -> tuple[np.ndarray, np.ndarray]:
        """The same with steps drawn from the inverse of the Fisher information."""
        directions = self.information.directions
        rng = np.random.default_rng([self.seed, 1])
        return self._both(rng.normal(size=(self.n_draws, directions.shape[1])) @ directions.T)

    def _both(self, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._tangent.moved(steps), self._tangent.moved(-steps)

    def of(
        self,
        function: Callable[[np.ndarray], np.ndarray],
        *,
        raw: Raw = _UNKNOWN,
        shadow: Raw = _UNKNOWN,
    ) -> Answer:
        """Any real function of state vectors with its error.

        Parameters
        ----------
        function : callable
            From normalised vectors (n, 2^(N + n_ancillas)) to real numbers (n,).
        raw, shadow : Raw, optional
            The same from the shots alone.
        """
        fitted = float(function(self._tangent.vector[None])[0])
        responses = []
        for forwards, backwards in (self._bootstrapped, self._fisher):
            ahead, behind = function(forwards), function(backwards)
            responses.append(Response.of((ahead - behind) / 2, (ahead + behind) / 2 - fitted))
        return answer_of(fitted, *responses, raw=raw, shadow=shadow)

    def density_matrices(self) -> np.ndarray:
        """The fitted density matrix (2^N, 2^N), then those of the bootstrap, (1 + n_draws, ...)."""
        size = 2**self.shots.n_sites
        vectors = np.concatenate([self._tangent.vector[None], self._bootstrapped[0]])
        amplitudes = vectors.reshape(len(vectors), size, -1)
        return amplitudes @ amplitudes.conj().swapaxes(1, 2)

    def expect(self, operator: PauliSum) -> Answer:
        """A Hermitian Pauli sum: a magnetisation, a correlation, the terms of a Hamiltonian."""
        n_sites = self.shots.n_sites
        check_observable(operator, n_sites)
        return self.of(
            lambda vectors: pauli_means(vectors, operator, n_sites).real,
            raw=frequencies(self.shots, operator),
            shadow=shadow_of_operator(self.shots, operator),
        )

    def energy(self, hamiltonian: Any) -> Answer:
        """The energy of a `SpinHamiltonian`, in the basis before its signs were turned."""
        return self.expect(hamiltonian.unrotated().terms)

    def fidelity(self, target: Any) -> Answer:
        """Fidelity with a target, see `rbmqs.tomography.functionals.target_array`.

        `fitted` is that of the fitted state, `estimate` that of the state that was measured, which
        may exceed one by the size of its error.
        """
        n_sites = self.shots.n_sites
        goal = target_array(target, n_sites)
        return self.of(
            lambda vectors: fidelities(vectors, goal, n_sites),
            shadow=shadow_of_fidelity(self.shots, goal) if goal.ndim == 1 else _UNKNOWN,
        )

    def entropy(self, sites: Iterable[int] | None = None, order: float = 1) -> Answer:
        """Entropy of the state of some sites (of all by default) in nats."""
        region = list(range(self.shots.n_sites) if sites is None else sites)
        return self.of(
            lambda vectors: np.array([entanglement_entropy(v, region, order) for v in vectors])
        )

    def purity(self) -> Answer:
        """Tr rho^2 of all measured sites."""
        size = 2**self.shots.n_sites
        return self.of(
            lambda vectors: (
                np.linalg.svd(vectors.reshape(len(vectors), size, -1), compute_uv=False) ** 4
            ).sum(axis=1)
        )
