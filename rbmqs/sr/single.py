"""The equations of an RBM with few parameters, solved in single precision and corrected in double.

Conjugate gradients on (S + shift) x = F run in one kernel in single precision
(`rbmqs.core.single_descent`); what is left of the equations, calculated in double precision, is
solved for in the same way until nothing is: two or three rounds.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from rbmqs.core.aligned import aligned_empty
from rbmqs.core.sign_tables import GROUP, LANES, PATTERNS
from rbmqs.core.single_descent import descend
from rbmqs.core.split_complex import split_numbers
from rbmqs.states.jacobian import Jacobian
from rbmqs.states.rows import FactorRows

_ROUND = 1e-4  # of the equations' right side: single precision carries no further
_ROUNDS = 3  # to ten digits; each takes about as many iterations
_WORST_ROUND = 0.1  # a round that leaves more does not converge


class SinglePrecision:
    """Log-derivatives of samples as `rbmqs.core.sign_tables` takes them.

    Parameters
    ----------
    jacobian : Jacobian
        In factors, without weights.
    """

    def __init__(self, jacobian: Jacobian) -> None:
        assert isinstance(jacobian.own, FactorRows)
        self.jacobian, self.rows = jacobian, jacobian.own
        self.n_sites, self.n_hidden = self.rows.spins.shape[1], self.rows.tanh.shape[1]
        self.split = split_numbers(self.rows.tanh)
        self.n_units = -(-(self.n_hidden + 1) // LANES) * LANES
        self.n_groups = -(-self.n_sites // GROUP)

    @cached_property
    def offsets(self) -> np.ndarray:
        """First elements of each sample's rows in a table, intp (n_samples, n_groups)."""
        up = np.packbits(self.rows.spins > 0, axis=1, bitorder="little")
        patterns = np.stack([up % PATTERNS, up // PATTERNS], axis=2).reshape(len(up), -1)
        rows = np.arange(self.n_groups) * PATTERNS + patterns[:, : self.n_groups]
        return rows * (len(self.split) * self.n_units)

    @cached_property
    def tanh(self) -> np.ndarray:
        """The units and their 1, float32 (n_samples, parts * n_units)."""
        values = self._empty(self.jacobian.n_samples)
        values[:, 0, self.n_hidden] = 1.0
        self._put(values, self.rows.tanh)
        return values.reshape(len(values), -1)

    @cached_property
    def mask(self) -> np.ndarray:
        """1 / n_samples where there is a parameter, 0 elsewhere."""
        ones = np.ones(self.jacobian.n_parameters)
        mask = self.pack(ones + 1j * ones if len(self.split) == 2 else ones)
        return mask / np.float32(self.jacobian.n_samples)

    def _empty(self, n_rows: int) -> np.ndarray:
        rows = aligned_empty((n_rows, len(self.split), self.n_units), np.float32)
        rows[:] = 0.0
        return rows

    def _put(self, rows: np.ndarray, values: np.ndarray) -> None:
        """Numbers (rows, units) into the parts of rows."""
        n_units = values.shape[1]
        rows[:, 0, :n_units] = values.real
        if len(self.split) == 2:
            rows[:, 1, :n_units] = values.imag

    def pack(self, vector: np.ndarray) -> np.ndarray:
        """Parameters as rows by sites, and one for the hidden biases."""
        a, b, weights = self.rows.split(vector)
        rows = self._empty(GROUP * self.n_groups + 1)
        self._put(rows[: self.n_sites], weights)
        if len(a):
            self._put(rows[: self.n_sites, :, self.n_hidden :], a[:, None])
        if len(b):
            self._put(rows[-1:], b[None])
        return rows.reshape(len(rows), -1)

    def unpack(self, rows: np.ndarray) -> np.ndarray:
        """The parameters of such rows, in double precision."""
        parts = rows.astype(float).reshape(len(rows), len(self.split), self.n_units)
        values = parts[:, 0] + 1j * parts[:, 1] if len(self.split) == 2 else parts[:, 0]
        n, m = self.n_sites, self.n_hidden
        kept = [values[:n, m]] * self.rows.has_visible_bias
        kept += [values[-1, :m]] * self.rows.has_hidden_bias
        return np.concatenate([*kept, values[:n, :m].ravel()])

    def solve(
        self, force: np.ndarray, diag_shift: float, tolerance: float, max_iterations: int
    ) -> tuple[np.ndarray, float, int]:
        """x with (S + diag_shift) x = force, its relative residual, and the iterations it took.

        The residual stays above `tolerance` where that would take too many iterations.
        """
        J, n = self.jacobian, self.jacobian.n_samples
        size = float(np.linalg.norm(force))
        if size == 0:
            return np.zeros_like(force), 0.0, 0
        x, left, relative, n_iterations = np.zeros_like(force), force, 1.0, 0
        while relative > tolerance:
            scale = relative * size  # keeps small residuals in the range of single precision
            target = max(_ROUND, 0.5 * tolerance / relative)
            is_first = n_iterations == 0
            limit = max_iterations // _ROUNDS if is_first else max_iterations - n_iterations
            step, reached, used = descend(
                self.split, self.offsets, self.tanh, self.mask, self.pack(left / scale),
                diag_shift, target, limit, is_first,
            )  # fmt: skip
            n_iterations += used
            x = x + scale * self.unpack(step)
            left = force - J.adjoint_times(J.times(x)) / n - diag_shift * x
            before, relative = relative, float(np.linalg.norm(left)) / size
            if not (reached <= target and relative < _WORST_ROUND * before):
                break
        return x, relative, n_iterations
