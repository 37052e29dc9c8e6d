"""Maximum likelihood by Fisher scoring: for few sites, where derivatives of all outcomes fit.

A step solves (F + damping) step = gradient with the Fisher information F of the shots themselves.
It needs tens of steps where gradient ascent takes thousands. From random parameters outcomes of
vanishing probability make steps meaningless: of fits to 2,000 shots of four sites about one in
eight reached the highest likelihood. So the likelihood is softened first, as if bits were read
wrongly with a probability that falls to zero in a few stages: then all of about 130 did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rbmqs.states.state import VariationalState
from rbmqs.tomography.scores import Information, ShotInformation, Tangent, as_parameters
from rbmqs.tomography.shots import Shots

_FIRST_DAMPING, _LEAST_DAMPING, _MOST_DAMPING = 1.0, 1e-9, 1e8  # to the mean eigenvalue of F
_GOOD, _POOR = 0.75, 0.25  # of the gain that was predicted: less damping, more damping
_LARGEST_CHANGE = 0.5  # of a parameter in a step: tanh saturates beyond
SOFTENING = (0.4, 0.2, 0.1, 0.05)  # shares of outcomes that are replaced by random bits
STEPS_OF_STAGE = 8
_GROWTH, _DECAY = 4.0, 1 / 3


@dataclass(frozen=True, eq=False)
class Maximum:
    """A state at a maximum of the likelihood.

    Parameters
    ----------
    psi : VariationalState
        On the measured sites and the ancillas behind them.
    information : Information
    history : list of float
        Log-likelihood in nats after each step.
    converged : bool
    """

    psi: VariationalState
    information: Information
    history: list[float] = field(repr=False)
    converged: bool

    @property
    def log_likelihood(self) -> float:
        """Of all shots, in nats."""
        return self.information.log_likelihood

    @property
    def aic(self) -> float:
        """Akaike's criterion in nats, -log-likelihood + rank: the log loss on as many new shots.

        The rank of the information counts parameters, so that those without effect are free.
        """
        return self.information.rank - self.log_likelihood


def fisher_scoring(
    psi: VariationalState,
    information_at: Callable[[VariationalState], Information],
    *,
    max_steps: int = 200,
    tolerance: float = 1e-5,
) -> Maximum:
    """A local maximum of a likelihood from the parameters of a state.

    Parameters
    ----------
    psi : VariationalState
    information_at : callable
        The likelihood with its derivatives at a state.
    max_steps : int
    tolerance : float
        Predicted gain of the log-likelihood, in nats, below which a step is the last.
    """
    information = information_at(psi)
    damping, history, converged = _FIRST_DAMPING, [information.log_likelihood], False
    for _ in range(max_steps):
        fisher, gradient = information.fisher, information.gradient
        unit = np.trace(fisher) / len(fisher)
        step = np.linalg.solve(fisher + damping * unit * np.eye(len(fisher)), gradient)
        step *= min(1.0, _LARGEST_CHANGE / abs(step).max())
        predicted = gradient @ step - step @ fisher @ step / 2
        moved = psi.with_flat(psi.flat + as_parameters(step, psi.is_complex))
        found = information_at(moved)
        gain = found.log_likelihood - history[-1]
        if gain > 0:
            psi, information = moved, found
            history.append(found.log_likelihood)
        if gain > _GOOD * predicted:
            damping = max(damping * _DECAY, _LEAST_DAMPING)
        elif gain < _POOR * predicted:
            damping *= _GROWTH
        converged = predicted < tolerance
        if converged or damping > _MOST_DAMPING:
            break
    return Maximum(psi, information, history, converged)


def best_fit(
    starts: Iterable[VariationalState],
    shots: Shots,
    confusion: np.ndarray | None = None,
    prior: Callable[[Tangent], Information] | None = None,
    **options: Any,
) -> Maximum:
    """The highest likelihood of shots from several states, each by way of softened likelihoods.

    Parameters
    ----------
    starts : iterable of VariationalState
        Their sites beyond those of the shots are traced over.
    shots : Shots
    confusion : float64 (N, 2, 2), optional
        P(read | true) of each site.
    prior : callable, optional
        What is added to the log-likelihood, with its derivatives.
    **options
        `max_steps` and `tolerance` of `fisher_scoring`.
    """
    read = np.broadcast_to(np.eye(2) if confusion is None else confusion, (shots.n_sites, 2, 2))
    found = []
    for psi in starts:
        for share in SOFTENING:
            soft = ((1 - share) * np.eye(2) + share / 2) @ read
            at = _of_shots(shots, soft, prior)
            psi = fisher_scoring(psi, at, max_steps=STEPS_OF_STAGE).psi
        found.append(fisher_scoring(psi, _of_shots(shots, confusion, prior), **options))
    return max(found, key=lambda fit: fit.log_likelihood)


def _of_shots(
    shots: Shots,
    confusion: np.ndarray | None,
    prior: Callable[[Tangent], Information] | None,
) -> Callable[[VariationalState], Information]:
    def information_at(psi: VariationalState) -> Information:
        tangent = Tangent.of(psi)
        found = ShotInformation.of(tangent, shots, confusion)
        return found if prior is None else found + prior(tangent)

    return information_at
