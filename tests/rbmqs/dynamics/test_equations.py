"""The velocity of the variational principle against the exact projection on the tangent space."""

import numpy as np
import pytest

import hamiltonians as hm
from rbmqs import RBM, SymmetricRBM
from rbmqs.dynamics.batches import Point, SampledBatch, SummedBatch
from rbmqs.dynamics.equations import _by_gram_matrix, _spectrum, _target, error_on, length, solve
from rbmqs.sampling.chains import Samples
from rbmqs.vmc.full_summation import Summation
from rbmqs.vmc.settings import SamplingSettings


def summed(H, psi):
    return SummedBatch(Summation.wanted(H, psi, SamplingSettings(summation=True))).at(psi, H)


def exact_velocity_in_hilbert_space(H, psi, imaginary, cutoff=1e-14):
    """P (-i or -1)(H - <H>) |psi> with P the projector on the tangent space, from full vectors."""
    sector = hm.Sector(H.n_sites, H.total_sz)
    spins = sector.states_to_spins(sector.basis_states())
    vector = psi.state_vector(sector)
    tangents = psi.log_derivatives(spins) * vector[:, None]
    tangents -= np.outer(vector, vector.conj() @ tangents)
    right = H.to_sparse() @ vector
    right = right - vector * np.vdot(vector, right)
    U, s, _ = np.linalg.svd(tangents, full_matrices=False)
    U = U[:, s > cutoff**0.5 * s.max()]
    if not psi.is_complex:
        right = right.real
    return (-1 if imaginary else -1j) * (U @ (U.conj().T @ right)), tangents, right


CASES = [
    (hm.ising(hm.chain(10), h=0.7, J=-1.0), lambda: RBM.random(10, 1, seed=3, stddev=0.3), False),
    (hm.ising(hm.chain(8), h=1.0), lambda: RBM.random(8, 2, seed=4, stddev=0.3), True),
    (hm.ising(hm.chain(8), h=1.0), lambda: RBM.random(8, 1, dtype=float, stddev=0.3), True),
    (hm.heisenberg(hm.chain(8), total_sz=0), lambda: RBM.random(8, 1, stddev=0.3), False),
    (
        hm.ising(hm.chain(10), h=0.5),
        lambda: SymmetricRBM.random(hm.chain(10).translation_group(), 2, stddev=0.3),
        False,
    ),
]


@pytest.mark.parametrize(("H", "make", "imaginary"), CASES)
def test_velocity_is_the_exact_projected_one(H, make, imaginary):
    psi = make()
    point = summed(H, psi)
    found = solve(point, imaginary, 1e-13)
    exact, tangents, right = exact_velocity_in_hilbert_space(H, psi, imaginary)
    moved = tangents @ found.velocity
    assert np.linalg.norm(moved - exact) < 1e-8 * np.linalg.norm(right)
    r2 = 1 - np.linalg.norm(exact) ** 2 / np.linalg.norm(right) ** 2
    assert found.r2 == pytest.approx(r2, abs=1e-8)
    assert found.residual < 1e-6
    assert length(point, 0.01 * found.velocity) == pytest.approx(0.01 * np.linalg.norm(moved))


def sampled(H, psi, n=400, seed=0, at=None):
    samples = psi.sample(n, seed=seed)
    batch = SampledBatch(psi, samples)
    return batch.at(psi if at is None else at, H)


@pytest.mark.parametrize("moved", [False, True])
def test_gram_matrix_and_metric_give_one_solution(moved):
    H = hm.ising(hm.chain(8), h=1.0)
    psi = RBM.random(8, 1, seed=3, stddev=0.2)
    at = psi.with_flat(psi.flat * 1.05) if moved else None
    point = sampled(H, psi, at=at)
    target = _target(point, False)
    both = _spectrum(point, target, None), _by_gram_matrix(point, target)
    for min_snr in (0.0, 3.0):
        first, second = (spectrum.solve(1e-6, min_snr)[0] for spectrum in both)
        difference = point.jacobian.times(first - second)
        assert np.linalg.norm(difference) < 1e-6 * np.linalg.norm(target)
    ratios = [spectrum.ratio[-20:] for spectrum in both]  # of samples, some of which are alike
    np.testing.assert_allclose(*ratios, rtol=1e-6)


def test_reweighted_samples_estimate_the_mean_of_the_moved_state():
    H = hm.ising(hm.chain(6), h=1.0)
    psi = RBM.random(6, 1, seed=3, stddev=0.2)
    near = psi.with_flat(psi.flat * 1.1)
    point = sampled(H, psi, 40000, at=near)
    exact = summed(H, near)
    error = (exact.mean_square(exact.deviations) / 40000) ** 0.5
    assert abs(point.energy.mean - exact.energy.mean) < 6 * error
    broken = Point(point.jacobian, point.local_energies, point.energy, None)
    plain = abs(broken.local_energies.mean() - exact.energy.mean)
    assert plain > 6 * error  # without the weights it is the mean of another state


def test_the_second_batch_chooses_a_cutoff_that_does_not_follow_noise():
    H = hm.ising(hm.chain(10), h=1.0, J=-1.0)
    psi = RBM.random(10, 2, seed=5, stddev=0.1)
    train, probe, other = (sampled(H, psi, 300, seed) for seed in (1, 2, 3))
    chosen = solve(train, False, None, probe=probe)
    greedy = solve(train, False, 1e-12, probe=probe)
    assert greedy.r2 < chosen.r2
    assert chosen.cutoff > 1e-12
    assert error_on(other, chosen.velocity, False) < error_on(other, greedy.velocity, False)


def test_signal_to_noise_leaves_components_out():
    H = hm.ising(hm.chain(10), h=1.0, J=-1.0)
    psi = RBM.random(10, 2, seed=5, stddev=0.1)
    for n in (100, 2000):  # fewer and more samples than parameters
        point = sampled(H, psi, n)
        assert solve(point, False, 1e-8, 4.0).rank < solve(point, False, 1e-8).rank


def test_values_that_are_not_finite_are_refused():
    point = summed(hm.ising(hm.chain(4)), RBM.random(4, 1))
    bad = Point(point.jacobian, point.local_energies * np.nan, point.energy, point.weights, True)
    with pytest.raises(FloatingPointError, match="not finite"):
        solve(bad, False, None)


def test_one_chain_of_samples_is_enough_for_shapes():
    psi = RBM.random(4, 1)
    samples = Samples(np.ones((1, 4, 4), np.int8), 1.0)
    assert SampledBatch(psi, samples).share(psi) == pytest.approx(1.0)
