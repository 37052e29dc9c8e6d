"""Runs of s H + c take the steps of H: learning rates are in units of 1 / J, thresholds of J."""

import numpy as np
import pytest

import rbmqs
from hamiltonians import (
    X,
    Z,
    chain,
    dynamical_correlation,
    heisenberg,
    identity,
    ising,
    spin_hamiltonian,
    thermal,
)

SMALL = {"n_iterations": 30, "n_final_samples": 64, "n_restarts": 1, "progress": False, "seed": 3}


def run(H, **options):
    return rbmqs.ground_state(H, **{**SMALL, **options})


def same_run(found, wanted, s, c, exactly):
    """Parameters, and energies of each iteration in units of s."""
    close = np.testing.assert_array_equal if exactly else np.testing.assert_allclose
    close(found.psi.flat, wanted.psi.flat, **({} if exactly else {"rtol": 1e-6, "atol": 1e-8}))
    for a, b in zip(found.history, wanted.history, strict=True):
        assert a.energy.mean / s - c == pytest.approx(b.energy.mean, abs=1e-7)
        assert a.energy.error_of_mean / s == pytest.approx(b.energy.error_of_mean, abs=1e-7)
        assert a.energy.variance / s / s == pytest.approx(b.energy.variance, abs=1e-6)
        assert a.learning_rate == pytest.approx(b.learning_rate)
        assert a.predicted_change / s == pytest.approx(b.predicted_change, abs=1e-7)
    assert found.verdict.word == wanted.verdict.word
    levels = [(v.optimisation.level, v.error_bar.level, v.accuracy.level)
              for v in (found.verdict, wanted.verdict)]  # fmt: skip
    assert levels[0] == levels[1]
    assert found.relative_error == pytest.approx(wanted.relative_error, rel=1e-4, abs=1e-9)
    assert found.v_score == pytest.approx(wanted.v_score, rel=1e-5)


SHIFTED = [(2.0**-80, 0.0), (4.0, 0.0), (1e-12, 0.0), (0.01, 3.0), (1.0, 1000.0), (1e100, -2.0)]


@pytest.mark.submission
@pytest.mark.parametrize(("s", "c"), SHIFTED)
@pytest.mark.parametrize("summation", [None, False])
def test_a_run_scales(s, c, summation):
    H = ising(chain(8), J=s, h=0.7 * s)
    H = H + s * c * identity() if c else H
    options = {"alpha": 1, "summation": summation, "n_samples": 128}
    found, wanted = run(H, **options), run(ising(chain(8), h=0.7), **options)
    exactly = c == 0 and np.frexp(s)[0] == 0.5
    same_run(found, wanted, s, c, exactly)


@pytest.mark.parametrize("kind", ["adam", "sgd"])
def test_first_order_methods_scale(kind):
    options = {"alpha": 1, "kind": kind, "n_samples": 128}
    H = ising(chain(6), J=1e-6, h=0.7e-6) + 5e-6 * identity()
    same_run(run(H, **options), run(ising(chain(6), h=0.7), **options), 1e-6, 5.0, False)


def test_the_learning_rate_and_the_report_say_their_unit():
    slow = run(ising(chain(6), J=0.5, h=0.5), alpha=1, learning_rate=0.02)
    assert slow.history[-1].learning_rate <= 0.02
    assert "in units of 1 / J, J = 0.5" in str(slow)
    assert "in units of" not in str(run(ising(chain(6)), alpha=1, n_iterations=1))


def test_a_resumed_run_is_the_run(tmp_path):
    H = heisenberg(chain(6), J=0.03, total_sz=0) + 7 * identity()
    whole = run(H, alpha=1, output=tmp_path / "whole")
    run(H, alpha=1, n_iterations=11, output=tmp_path / "cut")
    resumed = rbmqs.resume(tmp_path / "cut", n_iterations=30, progress=False)
    assert np.array_equal(whole.psi.flat, resumed.psi.flat)
    assert [r.energy for r in whole.history] == [r.energy for r in resumed.history]


@pytest.mark.parametrize("terms", [0 * identity(), 2.5 * identity()])
@pytest.mark.parametrize("n_sites", [1, 3])
def test_constant_hamiltonians(terms, n_sites):
    """Case 25."""
    result = run(spin_hamiltonian(terms, n_sites), alpha=1, n_iterations=50)
    assert result.energy.mean == (2.5 if len(terms) else 0)
    assert result.relative_error == 0
    assert result.converged, result.status
    assert str(result)


N_SITES = 4
FIELD = np.outer([0.3, -0.7, 0.5, 0.2], [0.5, 0, 1])
TIMES = np.array([0.0, 0.05, 0.1])
PSI = rbmqs.RBM.random(N_SITES, 1, seed=0, stddev=0.2)


def evolved(H, s, c, **options):
    found = rbmqs.evolve(H, PSI, TIMES / s, observables={"mx": X(0)}, echo=True, seed=0,
                         progress=False, **options)  # fmt: skip
    return found.values("mx"), found.values("echo"), [len(found.records), len(found.status)]


def evolved_by_fixed_steps(H, s, c):
    """Sums of steps are no multiples of them to the last bit: no step is left over for that."""
    return evolved(H, s, c, integrator="heun", step=0.01 / s)


def evolved_by_projection(H, s, c):
    return evolved(H, s, c, method="projected", step=0.05 / s)


def cooled(H, s, c):
    return evolved(H, s, c, imaginary=True)


def excited(H, s, c):
    found = rbmqs.excited_states(H, 2, n_iterations=20, n_final_samples=64, progress=False)
    return (found.energies - c) / s, found.errors / s, found.gaps / s, [len(found.status)]


def response(H, s, c):
    return ((rbmqs.linear_response(H, PSI, n_samples=64, n_chains=8, seed=0).energies - c) / s,)


def heated(H, s, c):
    found = thermal(H, [1.0 * s, 0.3 * s], n_vectors=3, n_krylov=10, seed=0)
    return (found.energy - c) / s, found.entropy, found.specific_heat


def exact_response(H, s, c):
    found = dynamical_correlation(H, Z(0), n_krylov=16, seed=0)
    return (found.spectrum(np.linspace(0, 8, 20) * s, 0.2 * s) * s,)


WAYS = [evolved, evolved_by_fixed_steps, evolved_by_projection, cooled, response, heated,
        exact_response]  # fmt: skip
SMALLEST = {excited: 1e-150}  # by default 1e-290, of which a variance would be 0


@pytest.mark.parametrize(("s", "c"), [(1e-290, 0.0), (1e-9, 1e-6)])
@pytest.mark.parametrize("of", [*WAYS, excited])
def test_time_levels_and_temperatures_scale(of, s, c):
    s = max(s, SMALLEST.get(of, s))
    H = heisenberg(chain(N_SITES), field=FIELD)
    scaled = spin_hamiltonian(s * H.terms + c * identity(), N_SITES)
    for found, wanted in zip(of(scaled, s, c), of(H, 1.0, 0.0), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-8)
