"""log psi of all configurations of an RBM, and sums of its log-derivatives over them, by tables.

20 sites and 40 complex hidden units are 2^20 x 40 x 54 = 2.3e9 operations for both; sample by
sample they took 40 times as long.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from hamiltonians.operators.sectors import Sector
from rbmqs.core.full_sums import log_products, quotient_sums
from rbmqs.core.split_complex import from_parts, split, split_numbers
from rbmqs.states.amplitude_phase import AmplitudePhaseRBM
from rbmqs.states.rbm import RBM
from rbmqs.states.state import VariationalState

LEAST_SITES = 13  # fewer are as fast sample by sample
_MOST_LOW = 9  # low sites: tables of 80 complex units and 2^9 entries are 655 kB
_LARGEST_ANGLE = 150.0  # of which exp(2 |theta|) is well within the range of doubles
_EXPONENT = 200.0  # of the product of units between looks at its size
_PARTS = 16  # sums over high configurations, added in this order whatever the threads


class FullSums(Protocol):
    """What a likelihood by full sums asks of a wavefunction."""

    def log_psi(self) -> np.ndarray:
        """complex128 (2^N,), in the order of basis states."""

    def force(self, values: np.ndarray) -> np.ndarray:
        """sum_t O_t^* values_t, (n_parameters,), of complex values (2^N,)."""


@dataclass(frozen=True, eq=False)
class SplitSums:
    """An RBM on high sites (the first ones) and low sites.

    Parameters
    ----------
    rbm : RBM
    """

    rbm: RBM

    @cached_property
    def _spins(self) -> tuple[np.ndarray, np.ndarray]:
        """Configurations of the high and of the low sites, float64."""
        n_low = min(_MOST_LOW, self.rbm.n_sites // 2)
        sizes = self.rbm.n_sites - n_low, n_low
        high, low = (Sector(n).configurations().astype(float) for n in sizes)
        return high, low

    @cached_property
    def _angles(self) -> tuple[np.ndarray, np.ndarray]:
        """Parts h (n_high, M), with the hidden biases, and l (n_low, M) of theta."""
        high, low = self._spins
        first = high.shape[1]
        rbm = self.rbm
        return high @ rbm.weights[:first] + rbm.hidden_bias, low @ rbm.weights[first:]

    @cached_property
    def _tables(self) -> tuple[np.ndarray, np.ndarray]:
        """u (parts, n_high, M) and w (parts, M, n_low)."""
        h, low = self._angles
        return split(np.exp(2 * h)), split(np.ascontiguousarray(np.exp(2 * low).T))

    @property
    def largest_angle(self) -> float:
        """Of |Re theta|, or more."""
        return float(sum(abs(part.real).max() for part in self._angles))

    def log_psi(self) -> np.ndarray:
        """See `FullSums.log_psi`."""
        rbm, (high, low), angles = self.rbm, self._spins, self._angles
        first = high.shape[1]
        out = np.empty((2, len(high), len(low)))
        at_once = max(1, int(_EXPONENT / (2 * self.largest_angle + 1)))
        log_products(split_numbers(rbm.weights), *self._tables, at_once, out)
        of_high = high @ rbm.visible_bias[:first] - angles[0].sum(axis=1)
        of_low = low @ rbm.visible_bias[first:] - angles[1].sum(axis=1)
        found = from_parts(out if rbm.is_complex else out[:1])
        return (found + of_high[:, None] + of_low).ravel()

    def force(self, values: np.ndarray) -> np.ndarray:
        """See `FullSums.force`."""
        rbm, (high, low) = self.rbm, self._spins
        table = values.conj().reshape(len(high), len(low))
        by_high = np.empty((2, len(high), rbm.n_hidden))
        by_low = np.zeros((_PARTS, 2, rbm.n_hidden, len(low)))
        quotient_sums(split_numbers(rbm.weights), *self._tables, table, by_high, by_low)
        of_high, of_low = table.sum(axis=1), table.sum(axis=0)
        tanh_high = of_high[:, None] - 2 * from_parts(by_high)
        tanh_low = of_low - 2 * from_parts(by_low.sum(axis=0))
        weights = np.concatenate([high.T @ tanh_high, low.T @ tanh_low.T])
        biases = np.concatenate([high.T @ of_high, low.T @ of_low]), tanh_high.sum(axis=0)
        kept = rbm.has_visible_bias, rbm.has_hidden_bias
        parts = [part for part, has in zip(biases, kept, strict=True) if has]
        found = np.concatenate([*parts, weights.ravel()]).conj()
        return found if rbm.is_complex else found.real


@dataclass(frozen=True, eq=False)
class _TwoSums:
    """An amplitude and a phase, log psi = log A + i log Phi."""

    amplitude: SplitSums
    phase: SplitSums

    def log_psi(self) -> np.ndarray:
        return self.amplitude.log_psi() + 1j * self.phase.log_psi()

    def force(self, values: np.ndarray) -> np.ndarray:
        return np.concatenate([self.amplitude.force(values), self.phase.force(-1j * values)])


def split_sums_of(psi: VariationalState) -> FullSums | None:
    """Full sums by tables; None for other wavefunctions, few sites, or angles out of range."""
    parts = [psi.amplitude, psi.phase] if isinstance(psi, AmplitudePhaseRBM) else [psi]
    found = [SplitSums(part) for part in parts if isinstance(part, RBM)]
    if len(found) < len(parts) or psi.n_sites < LEAST_SITES:
        return None
    if max(sums.largest_angle for sums in found) > _LARGEST_ANGLE:
        return None
    return found[0] if len(found) == 1 else _TwoSums(*found)
