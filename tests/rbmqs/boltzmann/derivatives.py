"""Derivatives to machine precision, by a complex step: f'(x) = Im f(x + i eps) / eps."""

import numpy as np

STEP = 1e-30


def gradient_of(function, arrays):
    """d function(arrays) / d arrays, one entry at a time; the function must be analytic."""
    out = {}
    for name, array in arrays.items():
        out[name] = np.empty(array.shape)
        for index in np.ndindex(array.shape):
            shifted = {n: a.astype(complex) for n, a in arrays.items()}
            shifted[name][index] += 1j * STEP
            out[name][index] = function(shifted).imag / STEP
    return out


def log_sum_exp(x, axis=None):
    """log sum exp for complex numbers, shifted by the largest real part."""
    top = x.real.max()
    return top + np.log(np.exp(x - top).sum(axis=axis))


def softplus(x):
    """log(1 + exp(x)), analytic."""
    return np.log1p(np.exp(x))


def states(n):
    """All 2^n rows of 0 and 1."""
    return (np.arange(2**n)[:, None] >> np.arange(n)[::-1]) & 1


def randomise(arrays, seed, scale=0.7):
    """Fill parameters with normal numbers."""
    rng = np.random.default_rng(seed)
    for array in arrays.values():
        array[...] = scale * rng.standard_normal(array.shape)


def assert_same_gradient(found, expected, bound=1e-10):
    """Equal names, equal values."""
    assert found.keys() == expected.keys()
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=bound, err_msg=name)
