"""Pictures of reconstructions, and fidelity against shots."""

import csv
from types import SimpleNamespace

import numpy as np
import pytest

import rbmqs
from rbmqs.tomography.bases import all_pauli_bases
from rbmqs.tomography.curve import fidelity_against_shots
from rbmqs.tomography.drawing import shots_of_vector
from rbmqs.tomography.mixed import MixedState, reconstruct_mixed
from rbmqs.tomography.plotting import (
    plot_curve,
    plot_density_matrix,
    plot_likelihood,
    plot_outcomes,
)
from rbmqs.tomography.scoring import best_fit

BELL = np.array([1, 0, 0, 1j]) / np.sqrt(2)


def pure(shots, seed):
    starts = [rbmqs.RBM.random(shots.n_sites, 2, seed=seed, stddev=0.3)]
    return best_fit(starts, shots).psi


def test_fidelity_rises_with_the_shots(tmp_path):
    curve = fidelity_against_shots(BELL, all_pauli_bases(2), (20, 2000), n_sets=3, fit=pure)
    assert curve.n_shots.tolist() == [180, 18000]
    loss = 1 - curve.fidelities
    # six real parameters: infidelity about 6 / (4 n), a hundredth with a hundred times the shots
    assert loss[1].mean() < loss[0].mean() / 10
    assert curve.fidelities[1].min() > 0.999
    curve.save(tmp_path / "curve.csv")
    rows = list(csv.reader((tmp_path / "curve.csv").read_text().splitlines()))
    assert rows[0][:3] == ["shots", "mean", "spread"]
    assert float(rows[2][1]) == pytest.approx(curve.fidelities[1].mean())
    plot_curve(curve, tmp_path / "curve.png")
    assert (tmp_path / "curve.png").stat().st_size > 5000
    assert "18000 shots" in repr(curve)


def test_a_mixed_target_is_drawn_from_and_reconstructed():
    rho = 0.6 * np.outer(BELL, BELL.conj()) + 0.1 * np.eye(4)
    options = {"n_ancillas": 2, "dtype": "complex", "n_starts": 1}
    curve = fidelity_against_shots(
        rho,
        all_pauli_bases(2),
        (500,),
        n_sets=2,
        fit=lambda shots, seed: reconstruct_mixed(shots, seed=seed, **options)[0],
    )
    assert curve.fidelities.min() > 0.98


def test_pictures_are_written(tmp_path):
    shots = shots_of_vector(BELL, all_pauli_bases(2), 200, seed=1)
    state = MixedState(pure(shots, 0), 0)
    records = [SimpleNamespace(log_likelihood=-1.4 + 0.1 * k, held_out=None) for k in range(3)]
    result = SimpleNamespace(shots=shots, vector=state.vector, confusion=None, history=records)
    figure = plot_outcomes(result, tmp_path / "outcomes.png")
    heights = [bar.get_height() for bar in figure.axes[0].patches]
    assert sum(heights) == pytest.approx(1)  # frequencies of a basis
    plot_likelihood(result, tmp_path / "likelihood.png")
    plot_density_matrix(state.density_matrix, np.outer(BELL, BELL.conj()), tmp_path / "rho.png")
    for name in ("outcomes", "likelihood", "rho"):
        assert (tmp_path / f"{name}.png").stat().st_size > 5000


def test_wrong_calls_of_pictures_and_curves_are_refused():
    with pytest.raises(ValueError, match="at most 4 sites, got"):
        plot_density_matrix(np.eye(32) / 32)
    with pytest.raises(ValueError, match="n_sets must be at least 2, got 1"):
        fidelity_against_shots(BELL, ["XX"], n_sets=1)
    with pytest.raises(ValueError, match="shots_per_basis must be at least 2, got 1"):
        fidelity_against_shots(BELL, ["XX"], (1,))
    with pytest.raises(ValueError, match=r"target must have shape \(4,\) or \(4, 4\)"):
        fidelity_against_shots(np.ones(8), ["XX"])
