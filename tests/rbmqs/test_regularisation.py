"""Scale-invariant shift and signal-to-noise truncation against dense formulas."""

import naive
import numpy as np
import pytest

from rbmqs.sr import allowed_solvers, solve
from rbmqs.sr.scaling import ScaledJacobian, variances, with_relative_shift
from rbmqs.sr.solvers import dense
from rbmqs.sr.truncation import signal_to_noise

KINDS = [float, complex]
SHIFT, RELATIVE = 1e-3, 0.05


def problem(kind, n_samples=300, seed=0):
    """Machine, spins (n_samples, N) and local energies."""
    psi = naive.random_rbm(6, 5, kind, scale=0.4, seed=seed)
    rng = np.random.default_rng(seed)
    spins = rng.choice(np.array([1, -1], np.int8), size=(n_samples, 6))
    return psi, spins, rng.normal(size=n_samples) + 1j * rng.normal(size=n_samples) - 7


def relative_direction(psi, spins, energies, start):
    """(S + eps_1 diag(S) + eps_2)(x - start) = F - S start."""
    metric, force = naive.metric_and_force(psi, spins, energies)
    shift = np.diag(RELATIVE * np.diag(metric) + SHIFT)
    return start + np.linalg.solve(metric + shift, force - metric @ start)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", allowed_solvers(relative_shift=RELATIVE))
@pytest.mark.parametrize("n_samples", [20, 300])
@pytest.mark.parametrize("momentum", [0.0, 0.3])
def test_relative_shift_is_the_dense_formula(kind, method, n_samples, momentum):
    psi, spins, energies = problem(kind, n_samples)
    start = momentum * psi.flat
    jacobian = psi.jacobian(spins)
    found = solve(jacobian, energies, SHIFT, method, start, relative_shift=RELATIVE)
    expected = relative_direction(psi, spins, energies, start)
    assert np.linalg.norm(found.direction - expected) <= 1e-7 * np.linalg.norm(expected)
    assert found.direction.dtype == kind
    assert found.diag_shift == pytest.approx(SHIFT)
    wrong = naive.direction(psi, spins, energies, SHIFT, start)
    assert np.linalg.norm(found.direction - wrong) > 1e-2 * np.linalg.norm(wrong)


@pytest.mark.parametrize("kind", KINDS)
def test_variances_are_the_diagonal_of_the_metric(kind):
    psi, spins, energies = problem(kind, 700)
    metric, _ = naive.metric_and_force(psi, spins, energies)
    found = variances(psi.jacobian(spins))
    np.testing.assert_allclose(found, np.diag(metric).real, atol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_relative_shift_does_not_see_units(kind):
    """Parameters in other units: theta' = c theta moves psi alike where the fixed shift is small.

    With the fixed shift alone it does not.
    """
    psi, spins, energies = problem(kind)
    jacobian = psi.jacobian(spins)
    units = np.exp(np.random.default_rng(1).normal(size=psi.n_parameters))

    scaled = ScaledJacobian(jacobian, units)
    deviations = energies - energies.mean()
    deviations = deviations if kind is complex else deviations.real

    def change(shift, relative):
        """Relative difference of the changes of log psi."""
        moves = [
            made.times(with_relative_shift(dense, made, deviations, shift, relative).x)
            for made in (jacobian, scaled)
        ]
        return np.linalg.norm(moves[1] - moves[0]) / np.linalg.norm(moves[0])

    assert change(1e-9, 0.1) < 1e-6
    assert change(1e-1, 1e-9) > 1e-2


def truncated_direction(psi, spins, energies, shift, min_snr):
    """The formulas of the paper, one eigenvector at a time."""
    O = naive.centred_jacobian(psi, spins)  # noqa: E741
    e = energies - energies.mean()
    e = e if psi.is_complex else e.real
    eigenvalues, basis = np.linalg.eigh(O.conj().T @ O / len(e))
    x = np.zeros(psi.n_parameters, basis.dtype)
    for eigenvalue, vector in zip(eigenvalues, basis.T, strict=True):
        products = np.conj(O @ vector) * e
        force = products.mean()
        noise = np.sqrt(np.mean(abs(products - force) ** 2) / len(e))
        x += vector * force / (eigenvalue + shift) / (1 + (min_snr * noise / abs(force)) ** 6)
    return x


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_samples", [60, 700])
def test_truncation_is_the_formula(kind, n_samples):
    psi, spins, energies = problem(kind, n_samples)
    jacobian = psi.jacobian(spins)
    found = solve(jacobian, energies, SHIFT, min_snr=1.0)
    expected = truncated_direction(psi, spins, energies, SHIFT, 1.0)
    assert np.linalg.norm(found.direction - expected) <= 1e-6 * np.linalg.norm(expected)
    assert found.method == "dense"
    assert 0 < found.rank < psi.n_parameters
    assert found.summary()["rank"] == found.rank


@pytest.mark.parametrize("kind", KINDS)
def test_truncation_keeps_all_where_nothing_is_noise(kind):
    psi, spins, energies = problem(kind)
    jacobian = psi.jacobian(spins)
    start = 0.2 * psi.flat
    found = solve(jacobian, energies, SHIFT, start=start, min_snr=1e-6)
    plain = solve(jacobian, energies, SHIFT, "dense", start)
    assert np.linalg.norm(found.direction - plain.direction) <= 1e-8 * np.linalg.norm(
        plain.direction
    )


def test_ratio_of_pure_noise_is_that_of_a_gaussian():
    """Energies that know nothing of the spins: snr^2 is exponential with mean 1 (complex forces).

    41 components, 200 draws of the energies; the mean of snr^2 is within 4 of its errors.
    """
    psi, spins, _ = problem(complex, 2000)
    jacobian = psi.jacobian(spins)
    rng = np.random.default_rng(5)
    basis = np.eye(psi.n_parameters)
    means = []
    for _ in range(200):
        energies = rng.normal(size=2000) + 1j * rng.normal(size=2000)
        _, ratio = signal_to_noise(jacobian, energies - energies.mean(), basis)
        means.append(np.mean(ratio**2))
    assert abs(np.mean(means) - 1) < 4 * np.std(means) / np.sqrt(len(means)) + 1e-2


def test_solvers_that_cannot_are_refused():
    psi, spins, energies = problem(complex)
    jacobian = psi.jacobian(spins)
    with pytest.raises(ValueError, match="dense, matrix-free, got 'sample-space'"):
        solve(jacobian, energies, SHIFT, "sample-space", relative_shift=0.1)
    with pytest.raises(ValueError, match="dense, got 'matrix-free'"):
        solve(jacobian, energies, SHIFT, "matrix-free", min_snr=1.0)
    with pytest.raises(FloatingPointError, match="NaN"):
        solve(jacobian, energies * np.nan, SHIFT, min_snr=1.0)
