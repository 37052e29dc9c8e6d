"""Amplitudes of a state in rotated bases, by full sums.

Where 2^N amplitudes fit, all bases share one state vector, rotated site by site. With more sites
the outcomes of a basis share the configurations that their rotated sites can take: 2^k of k
rotated sites for each pattern of the others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rbmqs.core.rotations import rotate_all


def rotated(vectors: np.ndarray, unitaries: np.ndarray) -> np.ndarray:
    """U_0 (x) ... (x) U_{N-1} times vectors; conjugate transposes give the way back.

    Parameters
    ----------
    vectors : array (..., 2^N)
        Site 0 is the leftmost factor.
    unitaries : complex array (..., N, 2, 2)
        Any matrices; leading axes are broadcast with those of the vectors.

    Returns
    -------
    complex128 (..., 2^N)
    """
    vectors, unitaries = np.asarray(vectors), np.asarray(unitaries, dtype=complex)
    lead = np.broadcast_shapes(vectors.shape[:-1], unitaries.shape[:-3])
    out = np.empty((*lead, vectors.shape[-1]), dtype=complex)
    out[...] = vectors
    matrices = np.broadcast_to(unitaries, (*lead, *unitaries.shape[-3:]))
    n = math.prod(lead)
    flat = np.ascontiguousarray(matrices).reshape(n, *unitaries.shape[-3:])
    rotate_all(out.reshape(n, vectors.shape[-1]), flat)
    return out


def adjoint(unitaries: np.ndarray) -> np.ndarray:
    """Conjugate transposes of matrices (..., 2, 2)."""
    return unitaries.conj().swapaxes(-1, -2)


@dataclass(frozen=True, eq=False)
class BasisSum:
    """Configurations that the outcomes of one basis need, and the sums over them.

    Parameters
    ----------
    configurations : int8 (n_patterns 2^k, N)
        All values of the k rotated sites for each pattern of the others.
    sites : int array (k,)
        That are rotated.
    unitaries : complex128 (k, 2, 2)
        Of these.
    places : int64 (n_outcomes,)
        Index of each outcome among the configurations.
    """

    configurations: np.ndarray
    sites: np.ndarray
    unitaries: np.ndarray
    places: np.ndarray

    @classmethod
    def of(cls, unitaries: np.ndarray, outcomes: np.ndarray) -> BasisSum:
        """For outcomes int8 (n, N) of a basis with unitaries (N, 2, 2).

        Diagonal matrices count as no rotation: their phases leave |amplitude| as it is.
        """
        off = np.abs(unitaries[:, 0, 1]) + np.abs(unitaries[:, 1, 0])
        sites, others = np.flatnonzero(off), np.flatnonzero(off == 0)
        patterns, kind = np.unique(outcomes[:, others], axis=0, return_inverse=True)
        if not len(others):
            patterns, kind = np.zeros((1, 0), np.int8), np.zeros(len(outcomes), int)
        powers = 1 << np.arange(len(sites) - 1, -1, -1)
        configurations = np.empty((len(patterns), 2 ** len(sites), outcomes.shape[1]), np.int8)
        configurations[:, :, others] = patterns[:, None]
        states = np.arange(2 ** len(sites))
        configurations[:, :, sites] = 1 - 2 * ((states[:, None] & powers) > 0).astype(np.int8)
        places = kind.ravel() * 2 ** len(sites) + (outcomes[:, sites] < 0) @ powers
        return cls(configurations.reshape(-1, outcomes.shape[1]), sites, unitaries[sites], places)

    def amplitudes(self, psi: np.ndarray) -> np.ndarray:
        """Rotated amplitudes of the outcomes, from psi of the configurations."""
        turned = rotated(psi.reshape(-1, 2 ** len(self.unitaries)), self.unitaries)
        return turned.ravel()[self.places]

    def back(self, values: np.ndarray) -> np.ndarray:
        """The adjoint of `amplitudes`: numbers of outcomes to numbers of configurations."""
        found = np.zeros(len(self.configurations), dtype=complex)
        np.add.at(found, self.places, values)
        shape = (-1, 2 ** len(self.unitaries))
        return rotated(found.reshape(shape), adjoint(self.unitaries)).ravel()
