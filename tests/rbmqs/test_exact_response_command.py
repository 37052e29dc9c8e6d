"""What `rbmqs exact` prints and draws of temperatures and dynamical correlations."""

import numpy as np
import pytest

import hamiltonians as hm
from rbmqs.cli.exact_response import plot_dynamical, plot_thermal
from rbmqs.cli.main import main

CHAIN = ["exact", "heisenberg", "--length", "6", "--quiet"]


def test_numbers_are_printed_and_a_picture_is_written(capsys, tmp_path):
    H, T = hm.heisenberg(hm.chain(6)), [2.0, 0.5]
    path = tmp_path / "warm.png"
    assert main([*CHAIN, "--temperature", *map(str, T), "--plot", str(path)]) == 0
    out = capsys.readouterr().out
    expected = hm.thermal(H, T)
    assert f"{expected.energy[0]:.8g}" in out
    assert f"picture        {path}" in out
    assert path.read_bytes()[:4] == b"\x89PNG"
    path = tmp_path / "response.svg"
    assert main([*CHAIN, "--dynamical", "1", "--plot", str(path)]) == 0
    assert "sum of weights" in capsys.readouterr().out
    assert "<svg" in path.read_text()


def test_pictures_show_the_numbers(tmp_path):
    H = hm.heisenberg(hm.chain(6), total_sz=0)
    found = hm.thermal(H, [2.0, 0.5])
    axes = plot_thermal(found, tmp_path / "a.png").axes
    assert [axis.get_ylabel() for axis in axes[:2]] == ["energy", "specific heat"]
    np.testing.assert_allclose(axes[0].lines[0].get_ydata(), found.energy[::-1])
    staggered = sum((-1) ** i * hm.Z(i) for i in range(6))
    poles = hm.dynamical_correlation(H, staggered)
    curve, sticks = plot_dynamical(poles, tmp_path / "b.png").axes
    omega, values = curve.lines[0].get_data()
    assert omega[values.argmax()] == pytest.approx(poles.poles[poles.weights.argmax()], rel=0.02)
    assert len(sticks.collections[0].get_segments()) <= len(poles.poles)
    assert plot_thermal(found, None) is None


@pytest.mark.parametrize("more", [[], ["--temperature", "1", "--dynamical", "1"]])
def test_a_picture_of_neither_or_both_is_refused(more, capsys):
    assert main([*CHAIN, *more, "--plot", "x.png"]) != 0
    assert "--plot draws either --temperature or --dynamical" in capsys.readouterr().err
