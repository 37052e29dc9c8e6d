"""Verdicts: three parts, the worst of which counts, and no part is kinder for a larger error."""

import json
from dataclasses import replace

import numpy as np
import pytest

import hamiltonians as hm
import rbmqs
from rbmqs.estimators.stats import Stats
from rbmqs.estimators.verdict import SEVERITY, Judgement, Verdict
from rbmqs.runs.status import status_lines, unfinished, verdict_of
from rbmqs.vmc.convergence import judge_optimisation
from rbmqs.vmc.records import StepRecord

H = hm.ising(hm.chain(8), h=1.0)
E_0 = hm.best_reference(H).energy
REFERENCE = hm.Reference(E_0, "made up", "published", 0.0)


@pytest.fixture(scope="module")
def good():
    """A run that deserves to be called converged."""
    keywords = {"n_samples": 256, "n_final_samples": 8192, "n_iterations": 120, "seed": 1}
    return rbmqs.ground_state(H, 1, **keywords, progress=False)


def estimate_of(good, mean, error=None, variance=None):
    """The estimate of the run with another energy."""
    energy = replace(good.energy, mean=mean)
    energy = energy if error is None else replace(energy, error_of_mean=error)
    energy = energy if variance is None else replace(energy, variance=variance)
    changed = replace(good.estimate)
    changed.__dict__["energy"] = energy
    return changed


def history_of(energies, error=1e-3, variance=1.0, r_hat=1.0, acceptance=0.5):
    n = len(energies)
    stats = Stats(0.0, error, variance, r_hat, 1.0, 100.0, 8, 32)
    return [StepRecord(i, replace(stats, mean=energies[i]), acceptance) for i in range(n)]


def test_a_good_run_is_converged(good):
    verdict = good.verdict
    assert str(verdict) == (
        "converged (optimisation settled, error bar trustworthy, accuracy accurate)"
    )
    assert good.converged
    assert verdict.reasons == verdict.cautions == good.status == ()
    assert str(good).splitlines()[-1] == f"{'status':<14} {verdict}"


@pytest.mark.parametrize("level", sorted(SEVERITY))
def test_the_worst_part_counts(level):
    fine = Verdict(Judgement("settled"), Judgement("trustworthy"), Judgement("accurate"))
    for name in fine.parts:
        verdict = replace(fine, **{name: Judgement(level, ("why",))})
        assert verdict.severity == SEVERITY[level]
        assert (verdict.word == "converged") == (not verdict.reasons) == (SEVERITY[level] < 2)
        assert ("why" in verdict.cautions) == (SEVERITY[level] < 2)
        assert Verdict.from_dict(json.loads(json.dumps(verdict.to_dict()))) == verdict
        assert "why" in status_lines(verdict)[-1][1]
        assert verdict.word in str(verdict)


def test_levels_are_checked():
    with pytest.raises(ValueError, match=r"level must be one of settled, .* got 'fine'"):
        Judgement("fine")


def test_unfinished_runs_have_one_reason():
    assert unfinished("the run was interrupted").reasons == ("the run was interrupted",)
    assert unfinished("x").word == "NOT CONVERGED"


@pytest.mark.submission
def test_a_larger_error_bar_is_never_kinder(good):
    """200 energies, error bars and variances, with and without a reference."""
    rng = np.random.default_rng(1)
    for _ in range(200):
        mean = E_0 * (1 - rng.choice([-1, 1]) * 10 ** rng.uniform(-6, 0))
        error, variance = abs(E_0) * 10 ** rng.uniform(-7, -1, size=2)
        for reference in (REFERENCE, None):
            severities = [
                verdict_of(None, estimate_of(good, mean, k * error, variance), reference).severity
                for k in (1.0, 1.5, 4.0, 30.0, 1e3)
            ]
            assert severities == sorted(severities), (mean, error, reference)


def test_noise_never_hides_a_fall():
    rng = np.random.default_rng(2)
    for _ in range(300):
        slope, noise, error = 10 ** rng.uniform(-6, -1, size=3)
        energies = -slope * np.arange(120) + noise * rng.normal(size=120)
        levels = [
            judge_optimisation(history_of(energies, k * error), 1.0).severity for k in (1, 5, 100)
        ]
        assert levels == sorted(levels)


def test_a_wide_interval_is_not_accurate(good):
    """Case 17: 2.3 % off with an error bar of 1 %; and 0.1 % off with the same."""
    for off in (0.023, 0.001):
        verdict = verdict_of(None, estimate_of(good, E_0 * (1 - off), 0.01 * abs(E_0)), REFERENCE)
        assert verdict.accuracy.level == "far"
        assert "above the reference" in verdict.reasons[0]


def test_energy_below_the_reference_refuses_the_error_bar(good):
    error = np.sqrt(good.energy.variance / good.energy.ess)
    verdict = verdict_of(None, estimate_of(good, E_0 - 10 * error), REFERENCE)
    assert verdict.error_bar.level == "refused"
    assert "10 error bars below the reference" in verdict.reasons[0]
    assert verdict_of(None, estimate_of(good, E_0 - 3 * error), REFERENCE).severity == 0


def test_energy_far_above_the_reference(good):
    far = verdict_of(None, estimate_of(good, 0.9 * E_0), REFERENCE)
    assert "10.0% above the reference: try other seeds" in far.reasons[0]


def test_large_variance_without_a_reference(good):
    score = 0.5
    estimate = estimate_of(good, E_0, variance=score * E_0**2 / 8)
    verdict = verdict_of(None, estimate, None)
    assert "V-score 0.5" in verdict.reasons[0]
    assert verdict.accuracy.level == "far"


def test_falling_energies():
    steps = np.arange(200)
    assert judge_optimisation(history_of(-1 - 1e-2 * steps), 1.0).level == "still falling"
    assert (
        "still falling, by" in judge_optimisation(history_of(-1 - 1e-2 * steps), 1.0).sentences[0]
    )
    assert judge_optimisation(history_of(np.full(200, -1.0)), 1.0).level == "settled"
    noisy = judge_optimisation(history_of(np.full(200, -1.0), error=1.0), 1.0)
    assert "hidden in its noise" in noisy.sentences[0]


def test_what_cannot_fall_further_has_settled():
    falling = history_of(-1 - 1e-4 * np.arange(200))
    lowest = falling[-1].energy.mean - 5e-4
    assert judge_optimisation(falling, 1.0).level == "still falling"
    assert judge_optimisation(falling, 1.0, lowest).level == "settled"


def test_the_fall_is_relative_to_the_spectrum_not_to_the_energy():
    """Case 24: E_0 = 0 after a shift. The same history, shifted and scaled, has the same level."""
    energies = -10 - 3 * np.exp(-np.arange(200) / 10)
    for shift, s in [(0, 1), (10, 1), (-1e4, 1), (0, 1e-12), (0, 1e12)]:
        moved = history_of(s * (energies + shift), error=s * 1e-3, variance=s * s)
        assert judge_optimisation(moved, 10 * s).level == "settled"
    assert judge_optimisation(history_of(np.zeros(200), 0.0, 0.0), 0.0).level == "settled"


@pytest.mark.parametrize("changes", [{"r_hat": 3.0}, {"acceptance": 1e-3}])
def test_chains_that_do_not_move(changes):
    energies = np.full(200, -1.0)
    assert judge_optimisation(history_of(energies, 1e-5, **changes), 1.0).level == "stuck"
    calm = history_of(energies, 1e-5, variance=1e-8, **changes)
    assert judge_optimisation(calm, 1.0).level == "settled"


def test_relative_errors_of_constant_hamiltonians():
    """Case 25."""
    zero = hm.spin_hamiltonian(0 * hm.Z(0), 2)
    assert zero.size_of(0.0) == 0.0
    assert zero.relative(0.0, 0.0) == 0.0
    shifted = H.terms + 7.0 * hm.identity()
    found = hm.spin_hamiltonian(shifted, 8).relative(0.1, E_0 + 7)
    assert found == pytest.approx(0.1 / abs(E_0))


def test_one_site_and_no_energy_at_all():
    """Case 25."""
    for h in (hm.spin_hamiltonian(0 * hm.Z(0), 2), hm.spin_hamiltonian(hm.X(0), 1)):
        result = rbmqs.ground_state(h, 1, n_iterations=60, n_final_samples=256, progress=False)
        assert abs(result.relative_error) < 1e-2
        assert result.verdict.accuracy.level == "accurate"
        assert "status" in str(result)


@pytest.mark.submission
def test_a_projected_state_is_compared_with_its_own_sector():
    """Case 19."""
    result = rbmqs.ground_state(
        hm.heisenberg(hm.chain(12), total_sz=0), 1, project="k=pi even -",
        n_iterations=0, n_final_samples=64, progress=False,
    )  # fmt: skip
    assert result.reference.energy == pytest.approx(-20.12617362, abs=1e-7)
    assert "of the sector" in result.reference.source
    assert not any("below the reference" in reason for reason in result.status)


def test_uncertainties_of_references_scale_with_the_energy():
    """Case 18: 1e-12 of anything is more than a Hamiltonian of 1e-12."""
    small = hm.best_reference(hm.ising(hm.chain(6), J=1e-12, h=1e-12))
    assert small.uncertainty < 1e-9 * abs(small.energy)


def product_state(bias):
    """exp(bias . sigma)."""
    n = len(bias)
    return rbmqs.RBM(np.asarray(bias, complex), np.zeros(1, complex), np.zeros((n, 1), complex))


def estimate_without_reference(psi, hamiltonian):
    measured = rbmqs.measure(psi, hamiltonian, n_samples=4096)
    return measured, verdict_of(None, measured, None)


def test_signs_tell_the_lowest_eigenstate_from_the_others():
    """Two product states, eigenstates of a field: with its signs, and with one turned."""
    field = hm.spin_hamiltonian(sum((-1.0 * hm.X(i) for i in range(6)), 0 * hm.Z(0)), 6)
    flat = product_state(np.zeros(6))
    turned = np.zeros(6, complex)
    turned[2] = 0.5j * np.pi
    excited = product_state(turned)
    _, verdict = estimate_without_reference(flat, field)
    assert verdict.accuracy.level == "accurate"
    found, verdict = estimate_without_reference(excited, field)
    assert found.energy.mean == pytest.approx(-4)
    assert verdict.accuracy.level == "unknown"
    assert "tell that it is the lowest" in verdict.reasons[0]


def test_a_collapsed_state_has_the_variance_of_its_neighbours():
    """One configuration holds all samples: their local energies are equal, and say nothing."""
    polarised = product_state(np.full(8, 5.0))
    found, verdict = estimate_without_reference(polarised, H)
    assert found.variance < 1e-3
    assert found.neighbour_variance == pytest.approx(1.0, rel=1e-2)  # h^2, an eighth of the whole
    assert verdict.accuracy.level == "far"


def test_the_variance_of_the_neighbours_is_that_of_the_samples():
    """In the mean over 20 random states; one of 512 pairs fluctuates by a tenth."""
    ratios = []
    for seed in range(20):
        psi = rbmqs.RBM.random(8, 1, seed=seed)
        found = rbmqs.measure(psi, H, n_samples=4096, seed=seed)
        ratios.append(found.neighbour_variance / found.variance)
    assert np.mean(ratios) == pytest.approx(1.0, abs=4 * np.std(ratios) / np.sqrt(20))
    assert np.std(ratios) < 0.5
