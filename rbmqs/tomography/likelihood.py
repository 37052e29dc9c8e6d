"""Likelihood of shots and its gradient, by full sums over all configurations.

With amplitudes A_o = sum_t U_ot psi_t, probabilities P_o = |A_o|^2 / Z and weights w_o = n_o / n,

    L = sum_o w_o log P_o,      dL = 2 Re sum_t c_t O_t . dtheta,
    c_t = psi_t sum_o w_o U_ot / A_o - |psi_t|^2 / Z,

so that one transform of psi a basis gives all amplitudes, and its adjoint the coefficients c. Sites
that nobody measured (of a purification) are traced over: |A_o|^2 and products of A_o are then sums
over their values. Readout errors mix the probabilities of a basis by a confusion matrix a site.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rbmqs.tomography.rotations import adjoint, rotated
from rbmqs.tomography.shots import Shots

AT_ONCE = 2**22  # amplitudes of several bases that are held at a time, 64 MiB
_TINY = 1e-290  # in place of probabilities that underflow


class Gradient(NamedTuple):
    """Log-probabilities of outcomes, and derivatives of their mean over shots.

    Attributes
    ----------
    log_probabilities : float64 (n_distinct,)
        log P of each distinct outcome within its basis; their mean over shots is L.
    coefficients : complex128 (2^N,)
        c_t of every configuration, in the order of basis states.
    confusion : float64 (N, 2, 2) or None
        dL / d C[site, read, true], where readout errors are in.
    """

    log_probabilities: np.ndarray
    coefficients: np.ndarray
    confusion: np.ndarray | None


class _Part(NamedTuple):
    """Some bases: their unitaries, and where their outcomes are among 2^N for each of them."""

    unitaries: np.ndarray
    rows: slice
    places: np.ndarray


@dataclass(frozen=True, eq=False)
class FullSum:
    """Shots, seen as a function of a state vector.

    Parameters
    ----------
    shots : Shots
    n_ancillas : int
        Sites at the end of the state that were not measured.
    """

    shots: Shots
    n_ancillas: int = 0

    def probabilities(self, log_psi: np.ndarray, confusion: np.ndarray | None = None) -> np.ndarray:
        """P of each distinct outcome within its basis, float64 (n_distinct,).

        Parameters
        ----------
        log_psi : array (2^(N + n_ancillas),)
            In the order of basis states, of any norm.
        confusion : float64 (N, 2, 2), optional
            P(read | true) of each site.
        """
        psi = normalised(log_psi)
        found = np.empty(self.shots.n_distinct)
        for part in self._parts():
            found[part.rows] = self._read(self._turned(psi, part), part, confusion)[0]
        return found

    def gradient(
        self,
        log_psi: np.ndarray,
        confusion: np.ndarray | None = None,
        counts: np.ndarray | None = None,
    ) -> Gradient:
        """Log-probabilities and the derivatives of their mean over shots.

        Parameters
        ----------
        log_psi, confusion
            As of `probabilities`.
        counts : int array (n_distinct,), optional
            Of a part of the shots that alone enters the mean; all of them when not given.
        """
        counts = self.shots.counts if counts is None else counts
        psi, weights = normalised(log_psi), counts / counts.sum()
        log_probabilities = np.empty(len(weights))
        back = np.zeros_like(psi)
        of_confusion = None if confusion is None else np.zeros_like(confusion)
        for part in self._parts():
            turned = self._turned(psi, part)
            found, mixed = self._read(turned, part, confusion)
            share = weights[part.rows] / found
            log_probabilities[part.rows] = np.log(found)
            if confusion is None or mixed is None:
                scale = np.zeros(len(turned))
                scale[part.places] = share
            else:
                of_confusion += _confusion_part(mixed, part.places, share, confusion)
                scale = np.zeros(mixed.shape)
                scale.ravel()[part.places] = share
                scale = rotated(scale, confusion.swapaxes(1, 2)).real.ravel()
            values = (scale[:, None] * turned).reshape(len(part.unitaries), -1)
            back += rotated(values, adjoint(part.unitaries)).sum(axis=0)
        coefficients = psi * back.conj() - abs(psi) ** 2
        return Gradient(log_probabilities, coefficients, of_confusion)

    def _parts(self) -> Iterator[_Part]:
        """The bases some at a time, with identities for the ancillas."""
        shots = self.shots
        size = 2**shots.n_sites
        step = max(1, AT_ONCE // (size << self.n_ancillas))
        padding = np.broadcast_to(np.eye(2), (step, self.n_ancillas, 2, 2))
        for first in range(0, len(shots.bases), step):
            unitaries = shots.bases.unitaries[first : first + step]
            last = first + len(unitaries)
            rows = slice(int(shots.starts[first]), int(shots.starts[last]))
            places = (shots.basis[rows] - first) * size + shots.states[rows]
            unitaries = np.concatenate([unitaries, padding[: len(unitaries)]], axis=1)
            yield _Part(unitaries, rows, places)

    def _turned(self, psi: np.ndarray, part: _Part) -> np.ndarray:
        """Amplitudes of all outcomes of some bases, (n_bases 2^N, 2^n_ancillas)."""
        return rotated(psi, part.unitaries).reshape(-1, 1 << self.n_ancillas)

    def _read(
        self, turned: np.ndarray, part: _Part, confusion: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Probabilities of outcomes; with readout errors those of all, (n_bases, 2^N), too."""
        if confusion is None:
            chosen = turned[part.places]
            return np.maximum((abs(chosen) ** 2).sum(axis=1), _TINY), None
        true = (abs(turned) ** 2).sum(axis=1).reshape(len(part.unitaries), -1)
        mixed = rotated(true, confusion).real
        return np.maximum(mixed.ravel()[part.places], _TINY), mixed


def normalised(log_psi: np.ndarray) -> np.ndarray:
    """Amplitudes of norm one, complex128, from log psi of all configurations."""
    psi = np.exp(log_psi - np.max(log_psi.real)).astype(complex)
    return psi / np.linalg.norm(psi)


def _confusion_part(
    mixed: np.ndarray, places: np.ndarray, share: np.ndarray, confusion: np.ndarray
) -> np.ndarray:
    """dL / dC of each site, from what was read: undoing one site's matrix gives its derivative."""
    n_sites = len(confusion)
    found = np.zeros_like(confusion)
    flat = mixed.ravel()
    for site in range(n_sites):
        bit = 1 << (n_sites - 1 - site)
        read = ((places & bit) > 0).astype(int)
        pair = np.stack([flat[places & ~bit], flat[places | bit]])
        true = np.linalg.solve(confusion[site], pair)
        for value in (0, 1):
            found[site, value] = true[:, read == value] @ share[read == value]
    return found
