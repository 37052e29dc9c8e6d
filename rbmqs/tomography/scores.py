"""Probabilities of all outcomes, their derivatives by real parameters, the Fisher information.

A state may have ancillas, sites at its end that nobody measures: P(o) = sum_a |A_oa|^2 with
A = U psi. Complex parameters count as their real and imaginary parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from hamiltonians.operators.sectors import Sector
from rbmqs.states.generic import in_chunks
from rbmqs.states.state import VariationalState
from rbmqs.tomography.bases import Bases
from rbmqs.tomography.rotations import rotated
from rbmqs.tomography.shots import Shots

RELATIVE_RANK = 1e-9  # eigenvalue of the Fisher information, to the largest, that counts as zero
_TINY = 1e-300  # in place of probabilities that underflow
AT_ONCE = 2**21  # derivatives of amplitudes of several bases that are held at a time, 32 MiB
_RARE = 1e-7  # probability below which an outcome has this one in the information


def real_parts(products: np.ndarray, is_complex: bool) -> np.ndarray:
    """Real derivatives by real and imaginary parts of parameters (n_parameters, ...)."""
    return np.concatenate([products.real, -products.imag]) if is_complex else products.real


def as_parameters(steps: np.ndarray, is_complex: bool) -> np.ndarray:
    """Steps (..., real parameters) as steps of the parameters themselves."""
    if not is_complex:
        return steps
    re, im = np.split(steps, 2, axis=-1)
    return re + 1j * im


class Tangent(NamedTuple):
    """A normalised state vector, and how it moves with the parameters.

    Attributes
    ----------
    vector : complex128 (2^(N + n_ancillas),)
    derivatives : complex128 (n_parameters, 2^(N + n_ancillas))
        By parameters as they are; those by the imaginary parts of complex ones are i times as much.
    is_complex : bool
    """

    vector: np.ndarray
    derivatives: np.ndarray
    is_complex: bool

    @classmethod
    def of(cls, psi: VariationalState) -> Tangent:
        """At the parameters of a state."""
        spins = Sector(psi.n_sites).configurations()
        log_psi = in_chunks(psi.log_psi, spins)
        vector = np.exp(log_psi - log_psi.real.max()).astype(complex)
        vector /= np.linalg.norm(vector)
        rows = in_chunks(psi.log_derivatives, spins)
        rows = rows - abs(vector) ** 2 @ rows
        return cls(vector, np.ascontiguousarray(rows.T) * vector, psi.is_complex)

    def real_parts(self, products: np.ndarray) -> np.ndarray:
        """Real derivatives, by all real parameters, from holomorphic ones (n_parameters, ...)."""
        return real_parts(products, self.is_complex)

    def moved(self, steps: np.ndarray) -> np.ndarray:
        """Normalised vectors (n, 2^...) after linear steps (n, real parameters)."""
        found = self.vector + as_parameters(steps, self.is_complex) @ self.derivatives
        return found / np.linalg.norm(found, axis=1, keepdims=True)


def probabilities_of(
    vector: np.ndarray, unitaries: np.ndarray, confusion: np.ndarray | None = None
) -> np.ndarray:
    """Probabilities (n_bases, 2^N) in bases (n_bases, N, 2, 2), traced over ancillas.

    Parameters
    ----------
    vector : complex128 (2^(N + n_ancillas),)
        Normalised.
    unitaries : complex128 (n_bases, N, 2, 2)
    confusion : float64 (N, 2, 2), optional
        P(read | true) of each site.
    """
    turned = rotated(vector.reshape(2 ** unitaries.shape[1], -1).T, unitaries[:, None])
    true = (abs(turned) ** 2).sum(axis=1)
    return true if confusion is None else rotated(true, confusion).real


def by_bases(
    tangent: Tangent, bases: Bases, confusion: np.ndarray | None = None
) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Some bases at a time: which, probabilities (n_bases, 2^N), and their derivatives
    (n_bases, real parameters, 2^N)."""
    size = 2**bases.n_sites
    amplitudes = tangent.vector.reshape(size, -1).T
    changes = tangent.derivatives.reshape(-1, size, len(amplitudes)).swapaxes(1, 2)
    step = max(1, AT_ONCE // tangent.derivatives.size)
    for first in range(0, len(bases), step):
        part = slice(first, min(first + step, len(bases)))
        unitaries = bases.unitaries[part]
        turned = rotated(amplitudes, unitaries[:, None])
        moved = rotated(changes, unitaries[:, None, None])
        products = np.einsum("bao,bpao->pbo", turned.conj(), moved)
        slopes = 2 * tangent.real_parts(products).swapaxes(0, 1)
        true = (abs(turned) ** 2).sum(axis=1)
        if confusion is None:
            yield part, true, slopes
        else:
            yield part, rotated(true, confusion).real, rotated(slopes, confusion).real


@dataclass(frozen=True, eq=False)
class Information:
    """A log-likelihood at the parameters of a state, to second order.

    Parameters
    ----------
    log_likelihood : float
        Of all data, in nats.
    gradient : float64 (real parameters,)
    fisher : float64 (real parameters, real parameters)
        Expected Fisher information of all data.
    """

    log_likelihood: float
    gradient: np.ndarray
    fisher: np.ndarray

    def __add__(self, other: Information) -> Information:
        """That of the sum of two log-likelihoods."""
        return Information(
            self.log_likelihood + other.log_likelihood,
            self.gradient + other.gradient,
            self.fisher + other.fisher,
        )

    @cached_property
    def _spectrum(self) -> tuple[np.ndarray, np.ndarray]:
        values, axes = np.linalg.eigh(self.fisher)
        kept = values > RELATIVE_RANK * values[-1]
        return values[kept], axes[:, kept]

    @property
    def rank(self) -> int:
        """Number of directions that the data determine."""
        return len(self._spectrum[0])

    @property
    def directions(self) -> np.ndarray:
        """Columns D (real parameters, rank) with D D^T the inverse of the information."""
        values, axes = self._spectrum
        return axes / np.sqrt(values)


@dataclass(frozen=True, eq=False)
class ShotInformation(Information):
    """That of shots.

    Parameters
    ----------
    scores : float64 (n_distinct, real parameters)
        Derivatives of log P of each distinct outcome.
    """

    scores: np.ndarray

    @classmethod
    def of(
        cls, tangent: Tangent, shots: Shots, confusion: np.ndarray | None = None
    ) -> ShotInformation:
        """At a state, which has N sites or ancillas beyond them."""
        n_parameters = len(tangent.real_parts(tangent.derivatives))
        scores, fisher, total = [], np.zeros((n_parameters, n_parameters)), 0.0
        for part, p, slopes in by_bases(tangent, shots.bases, confusion):
            rows = slice(shots.starts[part.start], shots.starts[part.stop])
            places = shots.basis[rows] - part.start, shots.states[rows]
            chosen = np.maximum(p[places], _TINY)
            total += float(shots.counts[rows] @ np.log(chosen))
            scores.append(slopes[places[0], :, places[1]] / chosen[:, None])
            weights = shots.shots_of_basis[part, None] / np.maximum(p, _RARE)
            flat = slopes.swapaxes(1, 2).reshape(p.size, -1)
            fisher += (flat * weights.ravel()[:, None]).T @ flat
        every = np.concatenate(scores)
        return cls(total, shots.counts @ every, fisher, every)
