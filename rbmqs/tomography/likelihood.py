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
from functools import cached_property
from typing import NamedTuple

import numpy as np

from rbmqs.core.rotations import BLOCK, TINY, columns_at_once, likelihood_sums
from rbmqs.tomography.rotations import adjoint, rotated
from rbmqs.tomography.scores import probabilities_of
from rbmqs.tomography.shots import Shots

EXACT_SITES = 20  # sites and ancillas up to which all configurations are summed over by default
AT_ONCE = 2**22  # amplitudes of several bases that are held at a time, 64 MiB


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
        psi, found = normalised(log_psi), np.empty(self.shots.n_distinct)
        for bases, rows, places in self._parts():
            every = probabilities_of(psi, self.shots.bases.unitaries[bases], confusion)
            found[rows] = np.maximum(every.ravel()[places], TINY)
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
        shots = self.shots
        counts = shots.counts if counts is None else counts
        psi, weights = normalised(log_psi), counts / counts.sum()
        if confusion is None:
            found, back, of_confusion = *self._pulled_back(psi, weights), None
        else:
            found, back, of_confusion = self._misread(psi, weights, confusion)
        return Gradient(np.log(found), psi * back.conj() - abs(psi) ** 2, of_confusion)

    def _pulled_back(self, psi: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities, and sum_o w_o U_o^* A_o / P_o of every configuration."""
        shots = self.shots
        unitaries = self._unitaries(slice(None))
        found = np.empty(len(weights))
        n_parts = min(len(shots.bases), max(2, min(16, AT_ONCE // len(psi))))
        back = np.zeros((n_parts, len(psi)), complex)
        likelihood_sums(
            psi, unitaries, np.ascontiguousarray(adjoint(unitaries)), *self._places, weights,
            found, back,
        )  # fmt: skip
        return found, back.sum(axis=0)

    @cached_property
    def _places(self) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
        """`width`, `order`, `starts` and `places` of `likelihood_sums`."""
        shots, n = self.shots, self.n_ancillas
        n_all = shots.n_sites + n
        width, row = columns_at_once(n_all, 1 << n), 1 << min(n_all, BLOCK)
        places = (shots.states[:, None] << n) + np.arange(1 << n)
        n_groups = row // width
        group = shots.basis * n_groups + places[:, 0] % row // width
        order = np.argsort(group, kind="stable")
        first = np.arange(len(shots.bases))[:, None] * n_groups
        starts = np.searchsorted(group[order], first + np.arange(n_groups + 1))
        return width, order, starts, places

    def _misread(
        self, psi: np.ndarray, weights: np.ndarray, confusion: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The same with readout errors, and the derivative by these."""
        probabilities, back = np.empty(len(weights)), np.zeros_like(psi)
        of_confusion = np.zeros_like(confusion)
        for bases, rows, places in self._parts():
            unitaries = self._unitaries(bases)
            turned = rotated(psi, unitaries).reshape(-1, 1 << self.n_ancillas)
            true = (abs(turned) ** 2).sum(axis=1).reshape(len(unitaries), -1)
            mixed = rotated(true, confusion).real
            found = np.maximum(mixed.ravel()[places], TINY)
            share = weights[rows] / found
            probabilities[rows] = found
            of_confusion += _confusion_part(mixed, places, share, confusion)
            read = np.zeros(mixed.shape)
            read.ravel()[places] = share
            scale = rotated(read, confusion.swapaxes(1, 2)).real.reshape(-1, 1)
            values = (scale * turned).reshape(len(unitaries), -1)
            back += rotated(values, adjoint(unitaries)).sum(axis=0)
        return probabilities, back, of_confusion

    def _unitaries(self, bases: slice) -> np.ndarray:
        """Of some bases, with identities for the ancillas."""
        unitaries = self.shots.bases.unitaries[bases]
        identities = np.broadcast_to(np.eye(2), (len(unitaries), self.n_ancillas, 2, 2))
        return np.concatenate([unitaries, identities], axis=1)

    def _parts(self) -> Iterator[tuple[slice, slice, np.ndarray]]:
        """Some bases at a time: which, rows of their outcomes, and where these are among all."""
        shots = self.shots
        size = 2**shots.n_sites
        step = max(1, AT_ONCE // (size << self.n_ancillas))
        for first in range(0, len(shots.bases), step):
            last = min(first + step, len(shots.bases))
            rows = slice(int(shots.starts[first]), int(shots.starts[last]))
            places = (shots.basis[rows] - first) * size + shots.states[rows]
            yield slice(first, last), rows, places


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
