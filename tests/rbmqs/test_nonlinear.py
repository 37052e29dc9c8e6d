"""Functions of means: error, bias and diagnostics against repetition and closed forms."""

import numpy as np
import pytest

from rbmqs.estimators.error_bars import statistics
from rbmqs.estimators.error_propagation import function_statistics, jackknife


def test_a_linear_function_is_the_plain_mean():
    values = np.random.default_rng(0).normal(size=(8, 64, 2))
    found = function_statistics(lambda x: 2 * x[..., 0] - x[..., 1], values)
    plain = statistics(2 * values[..., 0] - values[..., 1])
    assert found.mean == pytest.approx(plain.mean, abs=1e-12)
    assert found.error_of_mean == pytest.approx(plain.error_of_mean, rel=1e-6)
    assert found.tau == pytest.approx(plain.tau, rel=1e-6)


def test_jackknife_of_a_square_is_the_textbook_one():
    """For f = x^2 the jackknife bias is the variance of the mean, exactly."""
    batches = np.random.default_rng(1).normal(3, 1, size=(40, 1))
    error, bias = jackknife(lambda x: x[..., 0] ** 2, batches)
    variance_of_mean = batches.var(ddof=1) / 40
    assert bias == pytest.approx(variance_of_mean, rel=1e-9)
    assert error == pytest.approx(2 * batches.mean() * np.sqrt(variance_of_mean), rel=0.02)


def test_ratio_of_correlated_series_has_the_spread_of_repetition():
    """200 repetitions: spread known to 5 %, bias to 1/14 of it."""
    rng = np.random.default_rng(2)

    def draw():
        x = rng.normal(1.0, 0.5, size=(4, 100))
        return np.stack([x**2, x], axis=2)

    found = [function_statistics(lambda m: m[..., 0] / m[..., 1] ** 2, draw()) for _ in range(200)]
    means = np.array([f.mean for f in found])
    bars = np.array([f.error_of_mean for f in found])
    assert np.sqrt((bars**2).mean()) == pytest.approx(means.std(), rel=0.2)
    assert abs(means.mean() - 1.25) < 4 * means.std() / np.sqrt(200)


def test_what_is_not_a_number_says_so():
    values = np.full((4, 16, 1), -1.0)
    with np.errstate(invalid="ignore"):
        found = function_statistics(lambda x: np.sqrt(x[..., 0]), values)
    assert np.isnan(found.mean)
    assert found.status


def test_one_batch_has_no_jackknife():
    error, bias = jackknife(lambda x: x[..., 0], np.ones((1, 1)))
    assert np.isnan(error)
    assert bias == 0
