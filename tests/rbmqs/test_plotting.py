"""The picture of a run: three panels, the exact line, written as PNG and SVG without a display."""

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest

import hamiltonians as hm
import rbmqs
from rbmqs.vmc.settings import RunSettings, SamplingSettings

mpl.use("Agg")


@pytest.fixture(scope="module")
def result():
    sampling = SamplingSettings(n_samples=64, n_chains=8, n_final_samples=256)
    settings = RunSettings(n_iterations=6, sampling=sampling)
    return rbmqs.ground_state(hm.ising(hm.chain(4)), 1, settings=settings, progress=False)


def test_files(result, tmp_path):
    result.plot(tmp_path / "run.png")
    result.plot(str(tmp_path / "run.svg"))
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    svg = (tmp_path / "run.svg").read_text()
    assert "<svg" in svg
    assert len(svg) > 10000


def test_panels(result):
    energy, variance, r_hat = result.plot().axes
    assert energy.get_ylabel() == "energy per site"
    assert variance.get_ylabel() == "variance"
    assert variance.get_yscale() == "log"
    assert "R" in r_hat.get_ylabel()
    assert r_hat.get_xlabel() == "iteration"
    lines = {line.get_label(): line for line in energy.lines}
    exact = lines[result.reference.kind].get_ydata()
    assert np.allclose(exact, result.reference.energy / 4)
    drawn = lines["RBM, each iteration"].get_ydata()
    assert np.array_equal(drawn, [record.energy.mean.real / 4 for record in result.history])
    assert len(energy.collections) >= 1  # the band of errors
    low, high = energy.get_ylim()
    assert low < exact[0] < high


def test_interrupted_run_without_reference(result, tmp_path):
    bare = replace(result, estimate=None, reference=None, interrupted=2)
    figure = bare.plot(tmp_path / "run.png")
    assert [t.get_text() for t in figure.axes[0].get_legend().get_texts()] == [
        "RBM, each iteration"
    ]


@pytest.mark.parametrize("n", [1, 2])
def test_short_histories(result, tmp_path, n):
    replace(result, history=result.history[:n]).plot(tmp_path / "run.png")


def test_history_with_a_diverged_iteration(result, tmp_path):
    bad = result.history[3]
    bad = replace(bad, energy=replace(bad.energy, mean=np.nan, error_of_mean=np.nan, r_hat=np.nan))
    history = (*result.history[:3], bad, *result.history[4:])
    replace(result, history=history).plot(tmp_path / "run.png")


def test_history_of_an_exact_eigenstate(result, tmp_path):
    """No variance at all: nothing to draw on a logarithmic axis, and no complaint."""
    history = tuple(
        replace(r, energy=replace(r.energy, mean=-4.0, variance=0.0, error_of_mean=0.0))
        for r in result.history
    )
    replace(result, history=history).plot(tmp_path / "run.png")
