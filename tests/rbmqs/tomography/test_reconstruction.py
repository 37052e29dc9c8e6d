"""Fits to shots: forces against differences, states that are found, readout errors, files."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

import rbmqs
from hamiltonians import SymmetryGroup, SymmetrySector, chain
from hamiltonians.operators.sectors import Sector
from rbmqs.cli.main import main
from rbmqs.states.amplitude_phase import AmplitudePhaseRBM
from rbmqs.states.jastrow import Jastrow
from rbmqs.studies.reports.results import report_of_result
from rbmqs.testing import check_state
from rbmqs.tomography.bases import Bases, all_pauli_bases, haar_random_bases, random_pauli_bases
from rbmqs.tomography.files import load_reconstruction
from rbmqs.tomography.fit import mean_over
from rbmqs.tomography.objective import ExactObjective
from rbmqs.tomography.readout import confusion_matrices
from rbmqs.tomography.rotations import rotated
from rbmqs.tomography.sampled import SampledObjective, control_weights
from rbmqs.tomography.shots import Shots
from rbmqs.tomography.starts import pair_correlations, phases_of_sites

SITES = 4
GHZ = np.zeros(2**SITES, complex)
GHZ[0], GHZ[-1] = np.sqrt(0.5), np.sqrt(0.5) * np.exp(0.7j)


def draw(vector, bases, n_shots, seed=0, confusion=None):
    """Shots of a vector, misread by confusion matrices."""

    rng, n = np.random.default_rng(seed), bases.n_sites
    p = abs(rotated(vector, bases.unitaries)) ** 2
    states = np.concatenate([rng.choice(2**n, n_shots, p=row / row.sum()) for row in p])
    spins = 1 - 2 * ((states[:, None] >> np.arange(n)[::-1]) & 1)
    if confusion is not None:
        wrong = np.where(spins > 0, confusion[:, 1, 0], confusion[:, 0, 1])
        spins = np.where(rng.random(spins.shape) < wrong, -spins, spins)
    return Shots.of(bases, spins, np.repeat(np.arange(len(bases)), n_shots))


def group():
    return SymmetryGroup(np.array([np.roll(np.arange(SITES), k) for k in range(SITES)]))


def states():
    options = {"n_hidden": 3, "stddev": 0.3, "seed": 2}
    plain = rbmqs.RBM.random(SITES, **options)
    tied = rbmqs.SymmetricRBM.random(group(), n_features=1, stddev=0.3, seed=1)
    sector = SymmetrySector(group(), np.ones(SITES), None, "k=0")
    return {
        "complex": plain,
        "positive": rbmqs.RBM.random(SITES, dtype=float, **options),
        "amplitude-phase": AmplitudePhaseRBM.random(SimpleNamespace(n_sites=SITES), **options),
        "symmetric": tied,
        "projected": rbmqs.ProjectedRBM(plain, sector),
        "jastrow": Jastrow.random(chain(SITES), stddev=0.3),
        "purification": rbmqs.RBM.random(SITES + 1, **options),
    }


@pytest.mark.parametrize("name", list(states()))
def test_forces_are_the_derivatives_of_the_likelihood(name, monkeypatch):
    monkeypatch.setattr("rbmqs.tomography.objective.CHUNK", 5)
    psi = states()[name]
    shots = draw(GHZ, haar_random_bases(SITES, 4, seed=1), 30)
    objective = ExactObjective(shots, psi.n_sites - SITES)
    counts = np.maximum(shots.counts - 1, 0)

    def value(flat):
        slope = objective.slope(psi.with_flat(flat), counts)
        return mean_over(counts, slope.log_probabilities)

    force, step = objective.slope(psi, counts).force, 1e-5
    for k in range(psi.n_parameters):
        for direction in (1, 1j) if psi.is_complex else (1,):
            change = np.zeros(psi.n_parameters, complex if psi.is_complex else float)
            change[k] = step * direction
            slope = (value(psi.flat + change) - value(psi.flat - change)) / (2 * step)
            assert slope == pytest.approx(2 * (np.conj(force[k]) * direction).real, abs=1e-7)


@pytest.mark.parametrize("seed", range(3))
def test_a_ghz_state_with_a_phase_is_learnt_from_every_start(seed):
    bases = all_pauli_bases(SITES)[np.sort(np.random.default_rng(1).choice(81, 27, False))]
    found = rbmqs.reconstruct(draw(GHZ, bases, 100), target=GHZ, seed=seed)
    assert found.status == ""
    assert found.fidelity() > 0.97
    assert sum(g.chi_squared for g in found.goodness) < 1.5 * sum(
        g.n_classes for g in found.goodness
    )
    assert "fidelity" in repr(found)


def test_haar_random_bases_and_two_real_networks():
    bases = haar_random_bases(SITES, 30, seed=4)
    found = rbmqs.reconstruct(draw(GHZ, bases, 200), model="amplitude-phase", target=GHZ)
    assert found.fidelity() > 0.97


def test_adam_finds_the_same_maximum():
    shots = draw(GHZ[[0, 1, 2, 15]] + 0.4j, all_pauli_bases(2), 300)
    natural = rbmqs.reconstruct(shots, n_hidden=2)
    adam = rbmqs.reconstruct(shots, n_hidden=2, optimiser="adam", learning_rate=0.02, n_iter=800)
    # within two nats of all 2,700 shots, a deviation of two standard errors in one parameter
    assert adam.log_likelihood == pytest.approx(natural.log_likelihood, abs=2 / shots.n_shots)


def test_positive_states_from_z_shots_know_their_noise():
    vector = np.exp(np.random.default_rng(5).normal(size=16) / 2)
    found = rbmqs.reconstruct(draw(vector, Bases.of_strings(["ZZZZ"]), 4000), target=vector)
    # 15 probabilities from 4,000 shots: 1 - F is about 15 / (4 x 4,000) / 2 = 5e-4
    assert found.fidelity() > 0.995
    assert not found.psi.is_complex
    assert found.psi.n_snapshots == 4000


@pytest.mark.parametrize("name", ["symmetric", "projected", "jastrow", "purification"])
def test_every_state_of_the_contract_can_be_fitted(name):
    psi = states()[name]
    target = psi if psi.n_sites == SITES else None
    vector = GHZ if target is None else target.state_vector(Sector(SITES))
    shots = draw(vector, random_pauli_bases(SITES, 30, seed=6), 100)
    start = psi.with_flat(psi.flat + 0.1 * np.random.default_rng(7).normal(size=psi.n_parameters))
    found = rbmqs.reconstruct(shots, psi=start, target=vector)
    assert type(found.psi) is type(psi)
    # 6 to 22 real parameters of 3,000 shots
    assert found.fidelity() > 0.97


def test_signs_of_marshall_are_read_off_correlations():
    signs = np.array([0.0, np.pi, 0.0, np.pi])
    positive = rbmqs.RBM.random(SITES, dtype=float, n_hidden=3, stddev=0.3)
    vector = positive.state_vector(Sector(SITES)).astype(complex)
    phases = np.array([0.0, 2.0, -1.0, 0.5])
    spins = Sector(SITES).configurations()
    for angles in (signs, phases):
        turned = vector * np.exp(0.5j * (spins @ angles))
        shots = draw(turned, random_pauli_bases(SITES, 60, seed=1), 400, seed=2)
        found = phases_of_sites(shots)
        # 60 x 400 shots, of which each pair of letters sees a ninth: errors of 0.02
        assert np.abs(np.angle(np.exp(1j * (found - angles + angles[0])))).max() < 0.15
    xx = pair_correlations(shots)[0, 0]
    assert np.allclose(xx, xx.T)
    assert phases_of_sites(draw(vector, Bases.of_strings(["ZZZZ"]), 10)) is None


@pytest.mark.submission
def test_readout_errors_are_undone_and_learnt():
    truth = confusion_matrices([0.03, 0.1, 0.05, 0.15], SITES)
    shots = draw(GHZ, all_pauli_bases(SITES), 200, confusion=truth)
    ignored = rbmqs.reconstruct(shots, n_hidden=4, target=GHZ, seed=1)
    given = rbmqs.reconstruct(shots, n_hidden=4, target=GHZ, readout=truth, seed=1)
    learnt = rbmqs.reconstruct(shots, n_hidden=4, target=GHZ, readout="learn", seed=1)
    assert given.fidelity() > 0.98
    assert learnt.fidelity() > 0.97
    assert given.log_likelihood > ignored.log_likelihood + 0.05
    # 16,200 shots: errors of 0.15 are known to 0.004
    assert np.abs(learnt.confusion - truth).max() < 0.03


def test_sampled_gradients_agree_with_full_sums_within_errors():
    psi = rbmqs.RBM.random(6, n_hidden=4, stddev=0.3, seed=3)
    target = rbmqs.RBM.random(6, n_hidden=4, stddev=0.3, seed=4).state_vector(Sector(6))
    shots = draw(target, random_pauli_bases(6, 4, seed=1), 50)
    exact = ExactObjective(shots).slope(psi, shots.counts)
    sampled = [SampledObjective(shots, seed).slope(psi, shots.counts) for seed in range(8)]
    forces = np.array([one.force for one in sampled])
    errors = forces.std(axis=0, ddof=1) / np.sqrt(8)
    # mean of |t|^2 over 34 complex numbers, Student's t of 7 degrees: 1.4 +- 0.4
    assert np.mean(abs(forces.mean(axis=0) - exact.force) ** 2 / errors**2) < 3
    norms = [(one.log_probabilities - exact.log_probabilities).mean() for one in sampled]
    assert abs(np.mean(norms)) < 4 * sampled[0].noise / np.sqrt(8)
    for one in sampled:  # apart from the norm they are exact
        assert np.ptp(one.log_probabilities - exact.log_probabilities) < 1e-11


def test_controls_have_zero_mean_and_take_noise_off():
    psi = rbmqs.RBM.random(6, n_hidden=3, stddev=0.2, dtype=float, seed=3)
    spins = Sector(6).configurations()
    weight = psi.state_vector(Sector(6)) ** 2
    exact = weight @ spins
    plain, controlled = [], []
    for seed in range(20):
        drawn = spins[np.random.default_rng(seed).choice(64, 2000, p=weight)]
        weights = control_weights(psi, drawn, psi.log_psi(drawn))
        assert weights.sum() == pytest.approx(1)
        plain.append(drawn.mean(axis=0) - exact)
        controlled.append(weights @ drawn - exact)
    # spins are nearly independent here: their means are nearly known from the controls
    assert np.std(controlled) < 0.5 * np.std(plain)


def test_a_sampled_fit_comes_to_the_likelihood_of_the_exact_one(monkeypatch):
    monkeypatch.setattr("rbmqs.tomography.sampled.N_CHAINS", 256)
    psi = rbmqs.RBM.random(6, n_hidden=2, stddev=0.3, seed=9)
    labels = ["ZZZZZZ", "XZZZZZ", "ZYZZXZ", "ZXZYZZ", "YZXZZZ", "ZZYZZX", "ZZZXZY", "ZZZZYZ"]
    target = psi.state_vector(Sector(6))
    shots = draw(target, Bases.of_strings(labels), 300)
    start = psi.with_flat(psi.flat + 0.2 * np.random.default_rng(1).normal(size=psi.n_parameters))
    options = {"psi": start, "target": target, "held_out": 0.0}
    exact = rbmqs.reconstruct(shots, **options)
    sampled = rbmqs.reconstruct(shots, method="sampled", n_iter=12, **options)
    assert exact.fidelity() > 0.97
    # 20 complex parameters of 2,400 shots: the noise of the data itself costs 1 - F of 0.01
    assert sampled.fidelity() > 0.95
    values = [ExactObjective(shots).slope(r.psi, shots.counts) for r in (exact, sampled)]
    best, found = (mean_over(shots.counts, slope.log_probabilities) for slope in values)
    # steps of full length have the noise of 4,096 samples: 20 parameters cost 12 nats of 2,400
    # shots
    assert found > best - 40 / shots.n_shots


def test_sampled_sums_refuse_what_they_cannot_do():
    shots = draw(GHZ, all_pauli_bases(SITES), 2)
    with pytest.raises(ValueError, match="readout errors need sums over all configurations"):
        rbmqs.reconstruct(shots, method="sampled", readout=0.1)
    many = Shots.of(random_pauli_bases(30, 2), np.ones((4, 30), int), np.array([0, 0, 1, 1]))
    with pytest.raises(ValueError, match="bases must rotate at most 16 sites"):
        rbmqs.reconstruct(many, incomplete=True)


def test_a_stopped_reconstruction_goes_on_where_it_was(tmp_path, monkeypatch):
    shots = draw(GHZ, all_pauli_bases(SITES), 20)
    options = {"n_starts": 1, "n_hidden": 4, "target": GHZ}
    whole = rbmqs.reconstruct(shots, **options)
    steps = iter(range(12))
    monkeypatch.setattr(
        "rbmqs.tomography.reconstruct.Interrupts.must_stop", lambda *_: next(steps, None) is None
    )
    first = rbmqs.reconstruct(shots, output=tmp_path / "run", **options)
    assert "stopped before the end" in first.status
    monkeypatch.undo()
    with pytest.raises(ValueError, match="resume=True goes on"):
        rbmqs.reconstruct(shots, output=tmp_path / "run", **options)
    with pytest.raises(ValueError, match="other settings"):
        rbmqs.reconstruct(shots, output=tmp_path / "run", resume=True, n_hidden=3, n_starts=1)
    other = draw(GHZ, all_pauli_bases(SITES), 20, seed=9)
    with pytest.raises(ValueError, match="its shots are others"):
        rbmqs.reconstruct(other, output=tmp_path / "run", resume=True, **options)
    second = rbmqs.reconstruct(shots, output=tmp_path / "run", resume=True, **options)
    np.testing.assert_array_equal(second.psi.flat, whole.psi.flat)
    assert second.history == whole.history
    lines = (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    assert len(lines) == 1 + len(whole.history)
    loaded = load_reconstruction(tmp_path / "run")
    np.testing.assert_array_equal(loaded.psi.flat, whole.psi.flat)
    assert loaded.shots.n_shots == shots.n_shots
    assert json.loads((tmp_path / "run" / "result.json").read_text())["is_done"]


def test_the_command_reconstructs_files(tmp_path, capsys):
    counts = {"ZZ": {"00": 48, "11": 52}, "XX": {"00": 51, "11": 49}, "YY": {"01": 50, "10": 50}}
    (tmp_path / "bell.json").write_text(json.dumps(counts))
    np.savetxt(tmp_path / "psi.txt", np.array([[1, 0], [0, 0], [0, 0], [1, 0]]) / np.sqrt(2))
    arguments = ["reconstruct", str(tmp_path / "bell.json"), "--target", str(tmp_path / "psi.txt")]
    assert main([*arguments, "--output", str(tmp_path / "run"), "--quiet"]) == 0
    printed = capsys.readouterr().out
    assert float(printed.split("fidelity")[1].split()[0]) > 0.95
    short = [*arguments, "--iterations", "1", "--quiet"]
    assert main(short) == 0
    assert "not converged" in capsys.readouterr().out.lower()
    assert main([*short, "--fail-if-not-converged"]) == 3
    capsys.readouterr()
    assert main([*arguments, "--model", "mixed", "--quiet"]) == 2
    assert "never measured: XY, XZ, YX, YZ" in capsys.readouterr().err
    assert main(["reconstruct", str(tmp_path / "none.json")]) == 2
    assert "no such file" in capsys.readouterr().err
    for name in ("likelihood", "outcomes", "density_matrix"):
        path = tmp_path / "run" / f"{name}.png"
        assert path.stat().st_size > 5000
        if name == "outcomes":
            path.unlink()
    assert main(["report", str(tmp_path / "run"), "--output", str(tmp_path / "report")]) == 0
    text = (tmp_path / "report" / "report.md").read_text()
    assert "| chi-squared of YY |" in text
    assert "| fidelity | 0.9" in text
    assert text.count("](figures/") == 2  # as many as there are
    for name in ("likelihood", "density_matrix"):
        (tmp_path / "run" / f"{name}.png").unlink()
    assert len(report_of_result(tmp_path / "run").figures) == 3  # drawn


@pytest.mark.slow
def test_amplitude_and_phase_keep_the_contract():
    check_state(AmplitudePhaseRBM.random(SimpleNamespace(n_sites=5), n_hidden=3, stddev=0.3))


def test_amplitude_and_phase_refuse_what_does_not_fit():
    complex_rbm = rbmqs.RBM.random(3)
    with pytest.raises(ValueError, match="phase must have real parameters"):
        AmplitudePhaseRBM(rbmqs.RBM.random(3, dtype=float), complex_rbm)
    with pytest.raises(ValueError, match="amplitude has 3 sites, phase 4"):
        AmplitudePhaseRBM(*(rbmqs.RBM.random(n, dtype=float) for n in (3, 4)))
