"""Signal and noise of the components of a force."""

import naive
import numpy as np
import pytest

from rbmqs.sr import solve
from rbmqs.sr.truncation import signal_to_noise


def problem(kind, n_samples=300, seed=0):
    """Wavefunction, spins (n_samples, N) and local energies."""
    psi = naive.random_rbm(6, 5, kind, scale=0.4, seed=seed)
    rng = np.random.default_rng(seed)
    spins = rng.choice(np.array([1, -1], np.int8), size=(n_samples, 6))
    return psi, spins, rng.normal(size=n_samples) + 1j * rng.normal(size=n_samples) - 7


@pytest.mark.parametrize("kind", [float, complex])
@pytest.mark.parametrize("n_samples", [60, 700])
def test_ratios_are_the_formula(kind, n_samples):
    """One vector of a basis at a time."""
    psi, spins, energies = problem(kind, n_samples)
    O = naive.centred_jacobian(psi, spins)  # noqa: E741
    e = energies - energies.mean()
    e = e if psi.is_complex else e.real
    basis, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(O.shape[1], 5)).astype(kind))
    force, ratio = signal_to_noise(psi.jacobian(spins), e, basis)
    for k, vector in enumerate(basis.T):
        products = np.conj(O @ vector) * e
        noise = np.sqrt(np.mean(abs(products - products.mean()) ** 2) / len(e))
        assert force[k] == pytest.approx(products.mean(), rel=1e-9)
        assert ratio[k] == pytest.approx(abs(products.mean()) / noise, rel=1e-9)


def test_weights_count_in_signal_and_noise():
    psi, spins, energies = problem(complex, 8)
    counts = np.array([1, 2, 1, 4, 1, 3, 1, 1])
    rows = np.repeat(np.arange(8), counts)
    weighted = psi.jacobian(spins, weights=counts / counts.mean())
    e = energies - energies[rows].mean()
    basis = np.eye(psi.n_parameters)
    found = signal_to_noise(weighted, e, basis)[0]
    expected = signal_to_noise(psi.jacobian(spins[rows]), e[rows], basis)[0]
    np.testing.assert_allclose(found, expected, atol=1e-12)


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


def test_energies_that_are_not_finite_are_refused():
    psi, spins, energies = problem(complex)
    with pytest.raises(FloatingPointError, match="NaN"):
        solve(psi.jacobian(spins), energies * np.nan, 1e-3)
