"""Which samples a final estimate rests on."""

import numpy as np
import pytest

from rbmqs.final import carrier_warnings, n_carriers


def test_normal_deviations_are_carried_by_a_third_of_the_samples():
    values = np.random.default_rng(0).normal(size=(10, 10_000))
    assert n_carriers(values) == pytest.approx(100_000 / 3, rel=0.05)
    assert n_carriers(1e100 * values) == pytest.approx(n_carriers(values))


def test_one_outlier_carries_the_variance():
    values = np.zeros(1000)
    values[7] = 1.0
    assert n_carriers(values) == pytest.approx(1, abs=0.01)
    assert "rests on some 1 of the samples" in carrier_warnings(n_carriers(values))[0]


def test_constant_values_and_nan_raise_no_alarm_of_their_own():
    for value in (0.0, np.nan):
        assert carrier_warnings(n_carriers(np.full(50, value))) == []
