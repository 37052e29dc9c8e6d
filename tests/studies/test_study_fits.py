"""Fits, extrapolations and derivatives: against numpy, exact chains, and their own error bars."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from hamiltonians import heisenberg_chain_energy
from rbmqs.estimators.fits import line_fit
from rbmqs.estimators.stats import Stats
from rbmqs.studies import extrapolate_sizes, extrapolate_variance, zero_variance_energy
from rbmqs.studies.derivatives import first_derivative, second_derivative

BETHE = 1 - 4 * np.log(2)  # per site, Pauli units (Hulthen 1938)


def test_line_agrees_with_polyfit():
    rng = np.random.default_rng(1)
    x, error = np.linspace(-1, 5, 12), rng.uniform(0.1, 0.3, 12)
    y = 2 - 0.5 * x + error * rng.normal(size=12)
    fit = line_fit(x, y, error)
    slope, intercept = np.polyfit(x, y, 1, w=1 / error)
    assert (fit.intercept, fit.slope) == pytest.approx((intercept, slope), rel=1e-12)
    _, covariance = np.polyfit(x, y, 1, w=1 / error, cov="unscaled")
    widening = max(1, fit.chi2 / fit.dof)
    assert fit.slope_error**2 == pytest.approx(covariance[0, 0] * widening, rel=1e-10)


def test_line_needs_two_places_and_positive_errors():
    with pytest.raises(ValueError, match="two different x"):
        line_fit([1, 1], [0, 1], [1, 1])
    with pytest.raises(ValueError, match="positive"):
        line_fit([1, 2], [0, 1], [1, 0])


def coverage(model_of_error, n=400) -> float:
    """Share of intercepts within one error bar, for points that scatter by their errors."""
    rng, hits = np.random.default_rng(2), 0
    x, error = np.linspace(1, 3, 40), np.full(40, 0.1)
    for _ in range(n):
        fit = line_fit(x, 1 + x + error * rng.normal(size=40), model_of_error(error))
        hits += abs(fit.intercept - 1) < fit.intercept_error
    return hits / n


def test_error_of_a_line_covers():
    """400 fits: the share within one sigma is 0.683 +- 0.024; bounds at 4 of these."""
    assert 0.59 < coverage(lambda error: error) < 0.79
    assert coverage(lambda error: 3 * error) > 0.79, "the broken twin"


def test_exact_heisenberg_rings_extrapolate_to_the_bethe_value():
    sizes = np.array([8, 10, 12, 16, 20, 24])
    energy = np.array([heisenberg_chain_energy(int(n)) / n for n in sizes])
    limit = extrapolate_sizes(sizes, energy, np.full(len(sizes), 1e-6))
    assert abs(limit.value - BETHE) < 2 * limit.error
    assert limit.error < 1e-3
    assert limit(0.0) == pytest.approx(limit.value)
    np.testing.assert_allclose(limit(sizes**-2.0), energy, atol=2e-5)


def test_exact_energies_extrapolate_like_the_best_of_the_others():
    sizes = np.array([4, 6, 8, 12, 16])
    energy = -1.77 - 1.6 / sizes**2 - 0.8 / sizes**4
    some = extrapolate_sizes(sizes, energy, [0, 0, 1e-6, 2e-6, 1e-6])
    same = extrapolate_sizes(sizes, energy, [1e-6, 1e-6, 1e-6, 2e-6, 1e-6])
    assert (some.value, some.error) == (same.value, same.error)
    assert extrapolate_sizes(sizes, energy, np.zeros(5)).value == pytest.approx(-1.77, abs=1e-9)


def test_too_few_sizes_are_refused():
    with pytest.raises(ValueError, match="four sizes"):
        extrapolate_sizes([4, 6, 8], [1, 2, 3], [1, 1, 1])


def test_variance_extrapolation_of_a_straight_line():
    limit = extrapolate_variance([0.4, 0.2, 0.1], [-0.88, -0.94, -0.97], [1e-3] * 3)
    assert limit.value == pytest.approx(-1.0, abs=1e-12)
    assert limit.systematic == pytest.approx(0, abs=1e-12)
    two = extrapolate_variance([0.4, 0.2], [-0.88, -0.94], [1e-3] * 2)
    assert two.systematic == pytest.approx(0.03)


@dataclass
class Record:
    """What the extrapolation reads of an iteration."""

    energy: Stats
    status: str = ""

    def extra(self, extension: str, key: str) -> int:
        """No extension reports anything."""
        return 0


def stats(energy, error, variance) -> Stats:
    return Stats(energy, error, variance, 1.0, 1.0, 1e4, 16, 64)


def run_of(slope, rng, n=300) -> tuple[list[Record], Stats]:
    """A run whose energy falls towards -10 in proportion to its variance."""
    variances = 0.05 + 1.0 / (1 + np.arange(n) / 20)
    error = np.sqrt(variances / 1024)
    energies = -10 + slope * variances + error * rng.normal(size=n)
    history = [Record(stats(*row)) for row in zip(energies, error, variances, strict=True)]
    final = variances[-1]
    return history, stats(-10 + slope * final + 1e-3 * rng.normal(), 1e-3, final)


def test_zero_variance_energy_is_found_within_its_error():
    """200 runs: a share below 0.9 within two sigma would be more than 3 sigma off 0.954."""
    rng = np.random.default_rng(3)
    found = np.array([zero_variance_energy(*run_of(0.4, rng)) for _ in range(200)])
    deviations = (found[:, 0] + 10) / found[:, 1]
    assert np.mean(abs(deviations) < 2) > 0.9
    assert abs(found[:, 0].mean() + 10) < 2e-3
    uncorrected = np.array([run_of(0.4, rng)[1].mean for _ in range(50)])
    assert np.mean(abs(uncorrected + 10) / 1e-3 < 2) < 0.1, "the broken twin"


def test_sums_over_all_configurations_extrapolate_like_samples():
    variances = 1.0 / (1 + np.arange(300) / 20)
    history = [Record(stats(-10 + 0.4 * v, 0.0, v)) for v in variances]
    final = variances[-1]
    energy, error = zero_variance_energy(history, stats(-10 + 0.4 * final, 0.0, final))
    assert energy == pytest.approx(-10, abs=1e-9)
    assert 0 < error < 0.4 * final


def test_zero_variance_energy_of_an_eigenstate_is_its_energy():
    assert zero_variance_energy([], stats(-4.0, 0.0, 0.0)) == (-4.0, 0.0)


def test_short_runs_have_no_zero_variance_energy():
    history, final = run_of(0.4, np.random.default_rng(4), n=40)
    assert np.isnan(zero_variance_energy(history, final)).all()


def test_extrapolations_that_would_mislead_are_refused():
    """A large variance (J1-J2 4x4, J2 = 0.8: 570 error bars off), a bent line, another level."""
    history, final = run_of(0.4, np.random.default_rng(4))
    assert np.isfinite(zero_variance_energy(history, final, 0.04)).all()
    assert np.isnan(zero_variance_energy(history, final, 0.23)).all()
    assert np.isnan(zero_variance_energy(history, final, math.nan)).all()
    assert np.isnan(zero_variance_energy(history, final, 0.01, is_excited=True)).all()
    variances = [record.energy.variance for record in history]
    bent = [Record(stats(-10 + 0.3 * math.sqrt(v), 1e-4, v)) for v in variances]
    assert np.isnan(zero_variance_energy(bent, final)).all()


def test_derivatives_of_a_parabola_are_exact():
    x = np.array([0.0, 0.5, 1.5, 2.0])
    error = np.full(4, 0.1)
    where, slope, _ = first_derivative(x, x**2, error)
    np.testing.assert_allclose(slope, 2 * where)
    where, curvature, spread = second_derivative(x, x**2, error)
    np.testing.assert_allclose(curvature, 2.0)
    np.testing.assert_array_equal(where, x[1:-1])
    rng = np.random.default_rng(5)
    noisy = [second_derivative(x, x**2 + error * rng.normal(size=4), error)[1] for _ in range(4000)]
    np.testing.assert_allclose(np.std(noisy, axis=0), spread, rtol=0.06)  # 5 sigma of 1/sqrt(8000)
