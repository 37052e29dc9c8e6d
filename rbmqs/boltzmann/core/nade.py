"""Neural autoregressive distribution estimator: likelihood, gradient and samples, row by row.

p(v) = prod_i p(v_i | v_1 .. v_{i-1}),  p(v_i = 1 | ...) = logistic(b_i + V_i . h_i),
h_i = logistic(c + sum_{k<i} v_k W_k); ``inputs``, ``outputs`` are W, V (N, M), order is that of
the columns. The hidden inputs are carried from column to column: the cost is N M a row.
"""

import numba
import numpy as np

from hamiltonians.core.jit import exact_kernel, parallel_exact_kernel
from rbmqs.boltzmann.core.philox import fill_row, padded
from rbmqs.boltzmann.core.units import logistic, softplus, unit_interval

BLOCKS = 8  # pieces of a mini-batch, each with its own gradient: fixed, so that sums are too


@exact_kernel
def _hidden_and_output(a, outputs, bias, hidden):
    """hidden <- logistic(a); returns bias + outputs.hidden."""
    total = bias
    for j in range(numba.uint64(a.size)):
        hidden[j] = logistic(a[j])
        total += outputs[j] * hidden[j]
    return total


@parallel_exact_kernel
def log_probabilities(v, inputs, outputs, visible_bias, hidden_bias):
    """log p of each row of v (n, N), (n,) in double precision."""
    out = np.zeros(v.shape[0])
    for r in numba.prange(v.shape[0]):
        a, hidden = hidden_bias.copy(), np.empty_like(hidden_bias)
        for i in range(v.shape[1]):
            x = np.float64(_hidden_and_output(a, outputs[i], visible_bias[i], hidden))
            out[r] += v[r, i] * x - softplus(x)
            if v[r, i] != 0:
                a += v[r, i] * inputs[i]
    return out


@exact_kernel
def _add_row(v, inputs, outputs, visible_bias, a, hidden, error, slope, gradient):
    """Forward, then backward with a undone column by column; gradient is (W, V, b, c)."""
    for i in range(v.size):
        x = _hidden_and_output(a, outputs[i], visible_bias[i], hidden)
        error[i] = v[i] - logistic(x)
        if v[i] != 0:
            a += v[i] * inputs[i]
    slope[:] = 0
    for i in range(v.size - 1, -1, -1):
        if v[i] != 0:
            gradient[0][i] += v[i] * slope
            a -= v[i] * inputs[i]
        gradient[2][i] += error[i]
        for j in range(numba.uint64(a.size)):
            h = logistic(a[j])
            gradient[1][i, j] += error[i] * h
            slope[j] += error[i] * outputs[i, j] * h * (1 - h)
    gradient[3][:] += slope


@parallel_exact_kernel
def sum_gradients(v, inputs, outputs, visible_bias, hidden_bias, parts):
    """Gradient of the sum of log p over the rows of v (n, N), in `BLOCKS` parts.

    parts : arrays (BLOCKS, N, M), (BLOCKS, N, M), (BLOCKS, N), (BLOCKS, M), added to.
    """
    n = v.shape[0]
    for block in numba.prange(BLOCKS):
        gradient = (parts[0][block], parts[1][block], parts[2][block], parts[3][block])
        hidden, slope = np.empty_like(hidden_bias), np.empty_like(hidden_bias)
        error = np.empty_like(visible_bias)
        for r in range(n * block // BLOCKS, n * (block + 1) // BLOCKS):
            a = hidden_bias.copy()
            _add_row(v[r], inputs, outputs, visible_bias, a, hidden, error, slope, gradient)


@parallel_exact_kernel
def draw_rows(inputs, outputs, visible_bias, hidden_bias, stream, out):
    """out (n, N) <- 0 and 1 drawn from the model, column by column."""
    for r in numba.prange(out.shape[0]):
        words = np.empty(padded(out.shape[1]), np.uint32)
        fill_row(words, stream, 0, r)
        a, hidden = hidden_bias.copy(), np.empty_like(hidden_bias)
        for i in range(out.shape[1]):
            p = logistic(_hidden_and_output(a, outputs[i], visible_bias[i], hidden))
            out[r, i] = unit_interval(words[i], p) < p
            if out[r, i] != 0:
                a += inputs[i]
