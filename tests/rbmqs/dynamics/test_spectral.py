"""Spectral functions in time against exact strengths, and samples of |psi|^exponent."""

import numpy as np
import pytest

import hamiltonians as hm
import rbmqs
from rbmqs.dynamics.batches import drawn
from rbmqs.dynamics.equations import solve
from rbmqs.dynamics.evolution import evolve
from rbmqs.sampling.metropolis import MetropolisSampler


@pytest.mark.submission
def test_the_response_to_a_kick_is_that_of_the_exact_spectrum():
    H = hm.ising(hm.chain(6), h=1.5, J=-1.0)
    run = rbmqs.ground_state(H, alpha=3, n_iterations=200, progress=False)
    c = np.cos(np.pi / 3 * np.arange(6)) / 6**0.5
    times = np.linspace(0, 2, 41)
    found = rbmqs.spectral_function(H, run, c, times, summation=True, progress=False)
    energies, vectors = np.linalg.eigh(H.to_sparse().toarray())
    sector = hm.Sector(6)
    A = sector.states_to_spins(sector.basis_states()) @ c
    strengths = abs(vectors.conj().T @ (A * vectors[:, 0])) ** 2
    omega = energies - energies[0]
    exact = -2 * np.sin(np.outer(times, omega)) @ strengths
    assert np.abs(found.response - exact).max() < 0.01
    frequencies = np.linspace(0, 12, 121)
    values, errors = found.spectrum(frequencies)
    peak = omega[1:][np.argmax(strengths[1:])]
    assert abs(frequencies[np.argmax(values)] - peak) < 0.3
    assert values.sum() * 0.1 == pytest.approx(strengths[1:].sum(), rel=0.1)
    assert np.all(errors == 0)


WRONG = [
    ({"coefficients": np.zeros(4)}, ValueError, "coefficients must be 4 numbers"),
    ({"times": [0.0, 0.1, 0.3]}, ValueError, "times must be evenly spaced"),
    ({"kick": 0.0}, ValueError, "kick must be"),
    ({"psi": 3}, TypeError, "psi must be an RBM"),
]


@pytest.mark.parametrize(("changes", "kind", "message"), WRONG)
def test_wrong_arguments_are_refused_in_one_line(changes, kind, message):
    options = {"psi": rbmqs.RBM.random(4, 1), "coefficients": [1, 0, 0, 0], "times": [0, 1, 2]}
    with pytest.raises(kind) as error:
        rbmqs.spectral_function(hm.ising(hm.chain(4)), **{**options, **changes})
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def near_zeros():
    """A state with a hidden unit i pi / 2 + w s: small where sum_i s_i vanishes."""
    psi = rbmqs.RBM.random(6, 1, stddev=0.2, seed=1)
    weights, bias = psi.weights.copy(), psi.hidden_bias.copy()
    weights[:, 0], bias[0] = 0.3, 0.5j * np.pi + 0.02
    return rbmqs.RBM(psi.visible_bias, bias, weights)


def test_samples_of_a_lower_exponent_lose_the_bias_at_zeros():
    """Mean forces of 40 batches of 1024: the exact one within four bars at 1.2; not so at 2."""
    H, psi = hm.ising(hm.chain(6), h=1.0, J=-1.0), near_zeros()
    sector = hm.Sector(6)
    spins = sector.states_to_spins(sector.basis_states())
    p = abs(psi.state_vector(sector)) ** 2
    local = psi.local_values(spins, H.connections, False)
    rows = psi.log_derivatives(spins)
    rows = rows - p @ rows
    exact = rows.conj().T @ (p * (local - p @ local))
    errors = {}
    sampler = MetropolisSampler.for_hamiltonian(H, n_chains=32)
    for exponent in (2.0, 1.2):
        chains, forces, bars = sampler.start(3), [], []
        for _ in range(40):
            batch, chains = drawn(psi, sampler, chains, 32, exponent)
            point = batch.at(psi, H)
            forces.append(point.jacobian.adjoint_times(point.deviations))
            bars.append(point.energy.error_of_mean)
            if exponent == 1.2:
                assert 0.2 < batch.share(psi) < 1
        n = len(point.deviations)
        forces = np.array(forces) / n
        noise = np.linalg.norm(forces.std(axis=0))
        errors[exponent] = np.linalg.norm(forces.mean(axis=0) - exact), noise
        assert np.all(np.array(bars) > 0)
    assert errors[1.2][0] < 4 * errors[1.2][1] / 40**0.5 + 0.05 * np.linalg.norm(exact)
    assert errors[1.2][1] < errors[2.0][1]  # no heavy tails


def test_an_evolution_by_reweighted_samples_follows_the_exact_one():
    H = hm.ising(hm.chain(6), h=1.0, J=-1.0)
    psi = rbmqs.RBM.random(6, 2, stddev=0.15, seed=2)
    options = {"summation": False, "n_samples": 1024, "n_observable_samples": 2048}
    result = evolve(H, psi, [0, 0.1], exponent=1.5, progress=False, tolerance=1e-3, **options)
    assert abs(result.values("mx") - result.exact["mx"]).max() < 0.05
    assert all(0.2 < record.effective_share < 1 for record in result.records)
    with pytest.raises(ValueError, match=r"exponent must lie in \(0, 2\], got 3"):
        evolve(H, psi, [0, 0.1], exponent=3)
    with pytest.raises(ValueError, match="exponent must be 2 but for plain Metropolis chains"):
        evolve(H, psi, [0, 0.1], exponent=1.5, exact=True, progress=False, **options)


def test_the_velocity_does_not_depend_on_the_exponent():
    """With exact samples of a whole sector's size many times over: within their noise."""
    H = hm.ising(hm.chain(5), h=1.0, J=-1.0)
    psi = rbmqs.RBM.random(5, 1, stddev=0.2, seed=5)
    found = []
    for exponent in (2.0, 1.4):
        sampler = MetropolisSampler.for_hamiltonian(H, n_chains=64)
        batch, _ = drawn(psi, sampler, sampler.start(1), 512, exponent)
        found.append(solve(batch.at(psi, H), False, 1e-3).velocity)
    assert np.linalg.norm(found[0] - found[1]) < 0.2 * np.linalg.norm(found[0])
