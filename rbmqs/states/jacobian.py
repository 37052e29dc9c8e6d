"""Centred log-derivatives of samples, as the solvers use them, on one process or on MPI ranks.

Each rank holds the rows of its own samples. Means are those of all samples: products with O - <O>
and its adjoint centre the numbers of samples, which takes a sum of one number, and the adjoint
sums n_parameters numbers over ranks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from rbmqs.states.repeats import Repeats
from rbmqs.states.rows import FactorRows, Rows, StoredRows
from rbmqs.states.unit_blocks import UnitBlocks
from rbmqs.states.weights import times_weights
from rbmqs.utils.ranks import ALONE, Ranks


@dataclass(frozen=True, eq=False)
class Jacobian:
    """Centred log-derivatives O_k(sigma) - <O_k> of n samples.

    Vectors over samples hold those of the rank's own samples, vectors over parameters are the same
    on all ranks. W is the diagonal matrix of the samples' weights, ones where they count alike.

    Complex log-derivatives by real parameters, such as those of an amplitude and a phase, have
    equations that hold the real parts of S and F,

        Re <O^* O> = <Re O Re O> + <Im O Im O>,      Re <O^* e> = <Re O Re e> + <Im O Im e>,

    which are those of twice as many real samples: 2^(1/2) Re O and 2^(1/2) Im O, centred.

    Parameters
    ----------
    derivatives : Rows
        Of the own samples, not centred.
    sample_weights : float64 (n_own,), optional
        With mean one over the samples of all ranks; equal ones when not given.
    in_parts : bool
        Whether the derivatives are complex and the parameters real.
    ranks : Ranks
    """

    derivatives: Rows
    sample_weights: np.ndarray | None = None
    in_parts: bool = False
    ranks: Ranks = ALONE

    @classmethod
    def of_rows(
        cls, rows: np.ndarray, weights: np.ndarray | None = None, is_complex: bool | None = None
    ) -> Jacobian:
        """Of stored log-derivatives (n_samples, n_parameters) by complex or real parameters.

        Parameters are complex where the rows are, if nothing is said of them.
        """
        is_complex = np.iscomplexobj(rows) if is_complex is None else is_complex
        if np.iscomplexobj(rows) and not is_complex:
            return cls(StoredRows(rows), weights, in_parts=True)
        return cls(StoredRows(rows.astype(complex if is_complex else float)), weights)

    def over(self, ranks: Ranks) -> Jacobian:
        """The same, the samples being those of one of several ranks."""
        return replace(self, ranks=ranks)

    def with_blocks(self, blocks: UnitBlocks) -> tuple[Jacobian, np.ndarray]:
        """With weights' columns times f^(1/2), see `rbmqs.states.unit_blocks`, and their scale."""
        if not isinstance(self.derivatives, FactorRows):
            raise TypeError("blocks take a plain RBM, whose log-derivatives have factors")
        rows = self.derivatives.with_blocks(blocks)
        return replace(self, derivatives=rows), rows.scale  # type: ignore[return-value]

    @cached_property
    def own(self) -> Rows:
        """Rows of the own samples: real parts above imaginary ones where they are `in_parts`."""
        if not self.in_parts:
            return self.derivatives
        rows = self.derivatives.block(0, self.derivatives.n_rows)
        total = self.ranks.sum(times_weights(rows, self.sample_weights).sum(axis=0))
        return StoredRows(_parts_below(rows - total / (self.n_samples // 2)))

    @cached_property
    def weights(self) -> np.ndarray | None:
        """Weight of each of the own rows, None for ones."""
        given = self.sample_weights
        return np.tile(given, 2) if self.in_parts and given is not None else given

    @cached_property
    def n_samples(self) -> int:
        """Number of samples of all ranks; all ranks ask together."""
        return self.ranks.total(self.n_own)

    @property
    def n_own(self) -> int:
        """Number of the own rows."""
        return (1 + self.in_parts) * self.derivatives.n_rows

    @property
    def n_parameters(self) -> int:
        """Length of the parameter vector."""
        return self.derivatives.n_parameters

    @property
    def is_complex(self) -> bool:
        """Whether the parameters are complex."""
        return self.derivatives.is_complex and not self.in_parts

    @cached_property
    def is_finite(self) -> bool:
        """Whether no entry is NaN or infinite on any rank."""
        return self.ranks.everywhere(self.derivatives.is_finite)

    @cached_property
    def mean(self) -> np.ndarray:
        """<O>, shape (n_parameters,)."""
        if self.in_parts:
            return np.zeros(self.n_parameters)
        with self.ranks.part("means"):
            dtype = complex if self.is_complex else float
            weights = np.ones(self.n_own) if self.weights is None else self.weights
            own = np.conj(self.own.adjoint_product(weights.astype(dtype)))
            return self.ranks.sum(own) / self.n_samples

    def _centred(self, values: np.ndarray, weights: np.ndarray | None, n: int) -> np.ndarray:
        own = values.sum() if weights is None else weights @ values
        return values - self.ranks.total(own) / n

    def right_side(self, local_values: np.ndarray) -> np.ndarray:
        """Deviations of local values from their mean, as `adjoint_times` takes them.

        They are real where parameters and derivatives are.
        """
        n = self.n_samples // (1 + self.in_parts)
        found = self._centred(local_values, self.sample_weights, n)
        if self.in_parts:
            return _parts_below(found)
        return found if self.is_complex else np.ascontiguousarray(found.real)

    def times(self, vector: np.ndarray) -> np.ndarray:
        """(O - <O>) v of the own samples."""
        return self._centred(self.own.product(vector), self.weights, self.n_samples)

    def adjoint_times(self, values: np.ndarray) -> np.ndarray:
        """(O - <O>)^dagger W y, from the numbers of the own samples."""
        values = self._centred(values, self.weights, self.n_samples)
        return self.ranks.sum(self.own.adjoint_product(times_weights(values, self.weights)))

    def inner(self, first: np.ndarray, second: np.ndarray) -> complex:
        """<first, second> over all samples."""
        return self.ranks.total(complex(np.vdot(first, second)))

    def rows(self, start: int, stop: int) -> np.ndarray:
        """Log-derivatives of some of the own samples, not centred."""
        return self.own.block(start, stop)

    @cached_property
    def _repeats(self) -> Repeats | None:
        return self.own.repeats(self.weights)

    def repeats(self) -> Repeats | None:
        """Own samples that are alike; None where nearly all differ and count alike."""
        return self._repeats


def _parts_below(values: np.ndarray) -> np.ndarray:
    """Real parts of numbers or rows above their imaginary parts, times 2^(1/2)."""
    return math.sqrt(2) * np.concatenate([values.real, values.imag])
