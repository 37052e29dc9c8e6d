"""Error bars: coverage on chains with a known mean, diagnostics, bad input, formatting.

Every random test has a fixed seed and a bound that the right code misses with probability < 1e-6.
"""

import importlib.util
import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.special import ndtr, stdtrit
from scipy.stats import binom

from rbmqs.estimators.error_bars import _two_sigma_quantile, quick_statistics, statistics
from rbmqs.estimators.stats import Stats, v_score

ROOT = Path(__file__).parents[2]
FALSE_ALARM = 1e-6


def ar1(rng, tau, shape):
    """Stationary Gaussian chains along the last axis, mean 0 and variance 1."""
    phi = (tau - 1) / (tau + 1)
    start = rng.standard_normal((*shape[:-1], 1))
    noise = math.sqrt(1 - phi**2) * rng.standard_normal(shape)
    return lfilter([1.0], [1.0, -phi], noise, zi=phi * start)[0]


def rbmqs_bar(x):
    return statistics(x).error_of_mean


def naive_bar(x):
    return x.std() / math.sqrt(x.size)


def chain_spread_bar(x):
    """Spread of the chain means, with no regard to how few they are."""
    return x.mean(axis=1).std(ddof=1) / math.sqrt(len(x))


def own_mean_bar(x):
    """Autocorrelation around each chain's own mean: blind to what a chain never visits."""
    return statistics(x - x.mean(axis=1, keepdims=True)).error_of_mean


def has_coverage(series, bar, band, sigmas):
    """Whether a coverage inside `band` explains the count, at a false alarm rate < 1e-6."""
    hits = sum(abs(x.mean()) < sigmas * bar(x) for x in series)
    low, high = band
    too_few = binom.cdf(hits, len(series), low) < FALSE_ALARM / 2
    too_many = binom.sf(hits - 1, len(series), high) < FALSE_ALARM / 2
    return not (too_few or too_many)


ONE_SIGMA, TWO_SIGMA = (0.63, 0.73), (0.93, 0.97)


@pytest.mark.parametrize("tau", [1, 3, 9, 39])
@pytest.mark.parametrize("shape", [(16, 64), (64, 16), (4, 250)])
def test_two_sigma_covers_even_where_chains_are_short(shape, tau):
    rng = np.random.default_rng([1, tau, *shape])
    series = ar1(rng, tau, (800, *shape))
    assert has_coverage(series, rbmqs_bar, TWO_SIGMA, 2)


@pytest.mark.slow
@pytest.mark.parametrize("tau", [1, 3, 9, 39])
@pytest.mark.parametrize("shape", [(16, 256), (16, 1024), (4, 1000), (2, 5000), (1, 5000)])
def test_one_and_two_sigma_cover(shape, tau):
    rng = np.random.default_rng([2, tau, *shape])
    series = [ar1(rng, tau, shape) for _ in range(3000)]
    if shape[0] * shape[1] >= 50 * tau:
        assert has_coverage(series, rbmqs_bar, ONE_SIGMA, 1)
    assert has_coverage(series, rbmqs_bar, TWO_SIGMA, 2)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(16, 256), (16, 1024), (4, 1000), (2, 5000)])
def test_skewed_values_cover(shape):
    rng = np.random.default_rng([3, *shape])
    series = [np.exp(ar1(rng, 9, shape)) - math.exp(0.5) for _ in range(3000)]
    assert has_coverage(series, rbmqs_bar, ONE_SIGMA, 1)
    assert has_coverage(series, rbmqs_bar, TWO_SIGMA, 2)


@pytest.mark.parametrize(
    ("bar", "shape", "tau"),
    [
        (naive_bar, (16, 64), 3),
        (naive_bar, (4, 250), 9),
        (chain_spread_bar, (2, 500), 3),
        (own_mean_bar, (16, 64), 39),
    ],
)
def test_coverage_check_rejects_dishonest_bars(bar, shape, tau):
    series = ar1(np.random.default_rng([4, tau, *shape]), tau, (800, *shape))
    assert not has_coverage(series, bar, TWO_SIGMA, 2)


def test_bar_of_independent_draws_is_the_textbook_one():
    # Scatter 3 %; Geyer's window has a tail upwards, and 1 in 20000 series came out 1.6 times off.
    x = np.random.default_rng(5).standard_normal((16, 64))
    assert 0.75 < statistics(x).error_of_mean / naive_bar(x) < 2.5


@pytest.mark.parametrize("tau", [1, 3, 9])
def test_tau_and_ess_of_long_chains(tau):
    # Ten times the standard deviation sqrt(2 (2 W + 1) / N) of Madras and Sokal for W = 8 tau,
    # a window wider than most.
    x = ar1(np.random.default_rng([6, tau]), tau, (16, 8192))
    stats = statistics(x)
    tolerance = 10 * math.sqrt(2 * (16 * tau + 1) / x.size)
    assert stats.tau == pytest.approx(tau, rel=tolerance)
    assert stats.ess == pytest.approx(x.size / stats.tau)
    assert stats.status == ""


def test_anticorrelated_draws_have_tau_below_one():
    x = ar1(np.random.default_rng(7), 1 / 3, (16, 1024))
    assert statistics(x).tau == pytest.approx(1 / 3, rel=0.4)


def test_stuck_chains_get_the_error_of_their_spread():
    rng = np.random.default_rng(8)
    places = rng.standard_normal((8, 1))
    stats = statistics(places + 1e-3 * rng.standard_normal((8, 1024)))
    spread = places.std(ddof=1) / math.sqrt(8)
    assert spread < stats.error_of_mean < 1.3 * spread
    assert stats.r_hat > 10
    assert "not to be trusted" in stats.status


@pytest.mark.parametrize(("shape", "tau"), [((16, 64), 39), ((2, 100), 39), ((1, 100), 39)])
def test_short_chains_are_refused(shape, tau):
    for x in ar1(np.random.default_rng([9, *shape]), tau, (10, *shape)):
        stats = statistics(x)
        assert "draws per chain would do" in stats.status
        assert stats.error_of_mean > 0


def test_the_advised_length_is_enough():
    # R-hat^2 - 1 should come out at a quarter of what is allowed, and ESS four times as large.
    rng = np.random.default_rng(10)
    status = statistics(ar1(rng, 39, (64, 64))).status
    advised = int(status.split("about ")[1].split()[0])
    assert 300 < advised < 3000
    assert statistics(ar1(rng, 39, (64, 4 * advised))).status == ""


def test_drift_common_to_all_chains_is_refused():
    x = np.random.default_rng(11).standard_normal((16, 256))
    assert statistics(x).status == ""
    assert statistics(x + 5 * np.exp(-np.arange(256) / 50)).r_hat > 1.1


def test_frozen_chains_are_counted():
    x = np.random.default_rng(12).standard_normal((8, 256))
    x[:3] = [[4.0], [5.0], [6.0]]
    assert "3 of 8 chains never changed value" in statistics(x).status
    each_frozen = np.repeat([[1.0], [2.0]], 64, axis=1)
    stats = statistics(each_frozen)
    assert stats.r_hat == math.inf
    assert stats.error_of_mean >= 0.5
    assert "2 of 2 chains never changed value" in stats.status


@pytest.mark.parametrize("value", [-25.0, 0.1, 0.0, 0.1 - 0.3j])
@pytest.mark.parametrize("shape", [(4, 100), (1, 7), (5, 1)])
def test_identical_values_have_error_zero(value, shape):
    rounding = 1 + 1e-15 * np.random.default_rng(13).standard_normal(shape)
    for values in (np.full(shape, value), value * rounding):
        for stats in (statistics(values), quick_statistics(values)):
            assert stats.mean == pytest.approx(value, rel=1e-14)
            assert (stats.error_of_mean, stats.error_of_imag, stats.variance) == (0, 0, 0)
            assert math.isnan(stats.r_hat)
            assert stats.status == "all values identical: exact eigenstate or frozen chains"


@pytest.mark.parametrize("bad", [math.nan, math.inf, complex(1, math.nan)])
def test_values_that_are_not_finite_are_counted(bad):
    values = np.ones((4, 10), dtype=type(bad))
    values[1, 3:5] = bad
    for stats in (statistics(values), quick_statistics(values)):
        assert math.isnan(stats.mean)
        assert math.isnan(stats.error_of_mean)
        assert stats.status.startswith("2 of 40 values are not finite")
        assert str(stats).startswith("nan +- nan")
        json.dumps(stats.to_dict(), allow_nan=False)


@pytest.mark.parametrize(
    "values", [np.ones(5), np.ones((0, 5)), np.ones((5, 0)), np.ones((2, 2, 2)), 1.0, [["a", "b"]]]
)
def test_bad_input_is_a_one_line_value_error(values):
    for function in (statistics, quick_statistics):
        with pytest.raises(ValueError, match="values must") as caught:
            function(values)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("n_draws", [1, 2, 3])
def test_very_short_chains_rest_on_their_spread(n_draws):
    x = np.random.default_rng(14).standard_normal((100, n_draws))
    stats = statistics(x)
    assert stats.error_of_mean == pytest.approx(chain_spread_bar(x), rel=0.05)
    assert math.isnan(stats.r_hat)
    assert "at least 4 draws" in stats.status


@pytest.mark.parametrize("n_draws", [1, 3])
def test_one_very_short_chain_has_no_bar(n_draws):
    stats = statistics(np.arange(n_draws)[None, :])
    assert math.isnan(stats.error_of_mean)
    assert "at least 4 draws" in stats.status


@pytest.mark.parametrize("unit", [1e-200, 1e-3, 1e150, 1e250])
def test_results_scale_with_the_unit_of_energy(unit):
    x = ar1(np.random.default_rng(15), 3, (16, 256)) - 2
    one, other = statistics(x), statistics(x * unit)
    assert other.mean == pytest.approx(one.mean * unit)
    assert other.error_of_mean == pytest.approx(one.error_of_mean * unit)
    assert (other.tau, other.r_hat) == pytest.approx((one.tau, one.r_hat))


def test_order_of_chains_and_offset_do_not_matter():
    x = ar1(np.random.default_rng(16), 3, (16, 256))
    one = statistics(x)
    for other in (statistics(x[::-1]), statistics(x + 1000), statistics(np.asfortranarray(x))):
        assert other.error_of_mean == pytest.approx(one.error_of_mean, rel=1e-9)
        assert other.tau == pytest.approx(one.tau, rel=1e-9)


def test_integers_and_single_precision_are_accepted():
    x = np.random.default_rng(17).integers(-3, 4, (16, 64))
    assert statistics(x) == statistics(x.astype(np.float32)) == statistics(x.astype(float))
    assert statistics(x.tolist()) == statistics(x)


def test_complex_series_is_analysed_part_by_part():
    rng = np.random.default_rng(18)
    real, imag = ar1(rng, 3, (16, 256)) - 20, 0.1 * ar1(rng, 9, (16, 256))
    stats = statistics(real + 1j * imag)
    of_real, of_imag = statistics(real), statistics(imag)
    assert stats.mean == pytest.approx(complex(of_real.mean, of_imag.mean))
    assert stats.error_of_mean == pytest.approx(of_real.error_of_mean)
    assert stats.error_of_imag == pytest.approx(of_imag.error_of_mean)
    assert (stats.tau, stats.r_hat, stats.ess) == pytest.approx(
        (of_real.tau, of_real.r_hat, of_real.ess)
    )
    assert stats.variance == pytest.approx(of_real.variance + of_imag.variance)
    assert of_real.error_of_imag == 0
    assert set(stats.to_dict()["mean"]) == {"real", "imag"}
    json.dumps(stats.to_dict(), allow_nan=False)


def test_complex_series_with_constant_real_part():
    x = np.random.default_rng(19).standard_normal((4, 100))
    stats = statistics(0.1 + 1j * x)
    assert stats.error_of_mean == 0
    assert stats.error_of_imag > 0
    assert stats.variance == pytest.approx(x.var())
    assert stats.status.startswith("all real parts identical")


def test_quick_statistics_has_the_same_numbers_and_no_advice():
    short = ar1(np.random.default_rng(20), 9, (16, 64))
    quick, full = quick_statistics(short), statistics(short)
    assert quick.status == ""
    assert full.status != ""
    quick_fields, full_fields = quick.to_dict(), full.to_dict()
    del quick_fields["status"], full_fields["status"]
    assert quick_fields == full_fields


def test_agreement_with_arviz():
    array_stats = pytest.importorskip("arviz_stats.base").array_stats
    for shape in [(16, 512), (4, 4001), (2, 9)]:
        x = ar1(np.random.default_rng([22, *shape]), 3, shape)
        assert statistics(x).r_hat == pytest.approx(array_stats.rhat(x, method="split"))
    # Other windows, same data: two estimates of tau with some 100 or more degrees of freedom.
    for tau in (1, 3, 9):
        x = ar1(np.random.default_rng([23, tau]), tau, (8, 4096))
        stats = statistics(x)
        assert stats.ess == pytest.approx(array_stats.ess(x, method="mean"), rel=0.15)
        assert stats.error_of_mean == pytest.approx(array_stats.mcse(x, method="mean"), rel=0.1)


@pytest.mark.parametrize(
    ("mean", "error", "text"),
    [
        (-25.49104, 0.00041, "-25.49104 +- 0.00041"),
        (-25.49104, 0.0996, "-25.49 +- 0.10"),
        (-25.49104, 2.34, "-25.5 +- 2.3"),
        (-25491.04, 1234.5, "-25500 +- 1200"),
        (-25.0, 0.0, "-25 +- 0"),
        (-25.49104, math.nan, "-25.49104 +- nan"),
        (math.nan, math.nan, "nan +- nan"),
        (-8.12345e164, 1.2345e162, "-8.123e+164 +- 1.2e+162"),
        (1.0, 1e-13, "1.00000000000000e+00 +- 1.0e-13"),
        (1e-20, 3e-22, "1.000e-20 +- 3.0e-22"),
        (0.0, 2e6, "0e+00 +- 2.0e+06"),
        (-25.5 + 0.01j, 0.25, "-25.50 +- 0.25 [imag=0.010 +- 0.020, var="),
    ],
)
def test_formatting(mean, error, text):
    imag = 0.02 if isinstance(mean, complex) else 0.0
    stats = Stats(mean, error, 0.0123456, 1.00234, 1.25, 99.0, 16, 64, error_of_imag=imag)
    assert str(stats).startswith(text)
    assert str(stats).endswith("var=0.0123, R_hat=1.002, tau=1.2]")


def test_formatting_points_to_the_status():
    assert str(Stats(1.0, 0.1, 1.0, 2.0, 9.0, 9.0, 1, 4, "too short")).endswith("] (see status)")


def test_to_dict_is_strict_json():
    stats = Stats(-1.5, math.nan, 0.25, math.inf, 1.0, 64.0, 4, 16, "short")
    fields = json.loads(json.dumps(stats.to_dict(), allow_nan=False))
    assert fields == {
        "mean": -1.5,
        "error_of_mean": None,
        "variance": 0.25,
        "r_hat": None,
        "tau": 1.0,
        "ess": 64.0,
        "n_chains": 4,
        "n_draws": 16,
        "status": "short",
        "error_of_imag": 0.0,
    }


def test_v_score():
    assert v_score(-10.0, 0.5, 20) == pytest.approx(0.1)
    assert v_score(-10.0 + 0.3j, 0.5, 20, e_infinity=-5.0) == pytest.approx(0.4)
    assert v_score(-10.0, 0.0, 20) == 0
    assert v_score(1e200, 1.0, 20) == 0
    assert v_score(0.0, 1.0, 20) == math.inf
    assert math.isnan(v_score(0.0, 0.0, 20))
    assert math.isnan(v_score(math.nan, 1.0, 20))


@pytest.mark.parametrize(("variance", "n_sites"), [(-1.0, 4), (1.0, 0)])
def test_v_score_names_the_bad_argument(variance, n_sites):
    with pytest.raises(ValueError, match=r"variance|n_sites"):
        v_score(-1.0, variance, n_sites)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # whatever the competitors' packages warn about
def test_study_script(tmp_path, capsys, monkeypatch):
    path = ROOT / "benchmarks" / "error_bars.py"
    monkeypatch.syspath_prepend(path.parent)
    spec = importlib.util.spec_from_file_location("error_bars", path)
    script = importlib.util.module_from_spec(spec)
    sys.modules["error_bars"] = script
    spec.loader.exec_module(script)
    script.main(["--quick", "--replicas", "3", "--json", str(tmp_path / "table.json")])
    cells = json.loads((tmp_path / "table.json").read_text())["cells"]
    assert len(cells) == len(script.SHAPES) * len(script.TAUS)
    assert "trusted" in capsys.readouterr().out


@pytest.mark.parametrize("freedom", [1.0, 3.3, 9.99, 10.0, 17.0, 1e3, 1e9])
def test_the_series_of_the_two_sigma_quantile_is_that_of_scipy(freedom):
    assert _two_sigma_quantile(freedom) == pytest.approx(stdtrit(freedom, ndtr(2.0)), rel=5e-6)
