"""Temperature and response by exact methods, against sums over all eigenstates."""

import numpy as np
import pytest

import hamiltonians as hm
from hamiltonians import Sp, Sz, Z, chain, dynamical_correlation, heisenberg, thermal

T = np.array([0.3, 0.7, 1.5, 4.0, 10.0])


def averages(H, T):
    """From the dense matrix and total S_z of each configuration."""
    E, V = np.linalg.eigh(H.to_dense())
    sector = hm.operators.spin_sectors.sector_of(H.local_space, None)
    m = sector.configurations().sum(axis=1) / 2
    p = np.exp(-(E - E[0]) / T[:, None])
    Z = p.sum(axis=1)
    p /= Z[:, None]
    energy, M2 = p @ E, p @ ((m**2) @ V**2)
    return {
        "energy": energy,
        "specific_heat": (p @ E**2 - energy**2) / T**2,
        "entropy": np.log(Z) - E[0] / T + energy / T,
        "susceptibility": (M2 - (p @ (m @ V**2)) ** 2) / T,
    }


def test_small_sectors_are_exact():
    for H in (heisenberg(chain(5), spin=1), heisenberg(chain(6), field=(0, 0, 0.4))):
        found = thermal(H, T)
        for name, expected in averages(H, T).items():
            np.testing.assert_allclose(getattr(found, name), expected, rtol=1e-9, atol=1e-9)
            assert np.abs(found.errors[name]).max() < 1e-7
        assert found.n_states == H.dimension
    assert thermal(heisenberg(chain(6), total_sz=1), [1.0]).susceptibility == pytest.approx(0)
    free = thermal(hm.ising(chain(4)), [1.0])
    assert np.isnan(free.susceptibility).all()
    assert "T = 1" in str(free)


def test_typical_states_agree_within_their_errors():
    """Beyond 5 errors of 8 vectors is one value in 0.16 % of seeds, any of 20 in at most 3 %.

    By Student's t with 7 degrees of freedom; the 4 quantities at 5 temperatures share vectors.
    """
    H = heisenberg(hm.from_edges([(i, (i + 1) % 11) for i in range(11)], 11))
    warm = np.array([2.0, 3.0, 5.0, 10.0, 20.0])
    found = thermal(H, warm, n_vectors=8, n_krylov=60, seed=3)
    expected = averages(H, warm)
    worst = 0.0
    for name, exact in expected.items():
        error = found.errors[name]
        assert (error < 0.15 * np.abs(exact)).all()
        worst = max(worst, float(np.abs((getattr(found, name) - exact) / (error + 1e-9)).max()))
    assert 0.5 < worst < 5


def test_dynamical_correlations_are_sums_over_eigenstates():
    n = 6
    H = heisenberg(chain(n), spin=1, total_sz=0)
    A = sum(np.exp(1j * np.pi * i / 3) * Sz(i, 1) for i in range(n)) * n**-0.5
    found = dynamical_correlation(H, A, n_krylov=141)
    E, V = np.linalg.eigh(H.to_dense())
    sigma = hm.SpinSector(H.local_space, 0).configurations()
    applied = (sigma / 2 @ np.exp(1j * np.pi * np.arange(n) / 3)) * n**-0.5 * V[:, 0]
    weights = np.abs(V.T @ applied) ** 2
    omega, width = np.linspace(0, 8, 30), 0.2
    lorentzians = width / np.pi / ((omega[:, None] - (E - E[0])) ** 2 + width**2)
    np.testing.assert_allclose(found.spectrum(omega, width), lorentzians @ weights, atol=1e-8)
    for power in range(3):
        assert found.moment(power) == pytest.approx(weights @ (E - E[0]) ** power, rel=1e-8)
    rotated = heisenberg(chain(8), total_sz=0, signs="marshall")
    plain = heisenberg(chain(8), total_sz=0)
    staggered = sum((-1) ** i * Z(i) for i in range(8))
    first, second = (dynamical_correlation(h, staggered) for h in (rotated, plain))
    np.testing.assert_allclose(first.spectrum(omega), second.spectrum(omega), atol=1e-8)
    assert "total weight" in str(first)


def test_chebyshev_moments_are_those_of_the_poles():
    """Sum rules against commutators, the spectrum against poles smoothed by Jackson's kernel."""
    n = 6
    H = heisenberg(chain(n), spin=1, total_sz=0)
    A = sum(np.exp(1j * np.pi * i / 3) * Sz(i, 1) for i in range(n)) * n**-0.5
    poles = dynamical_correlation(H, A, n_krylov=141)
    found = dynamical_correlation(H, A, method="chebyshev", n_krylov=30)
    for power in range(5):
        assert found.moment(power) == pytest.approx(poles.moment(power), rel=1e-9)
    n, omega = len(found.moments), np.linspace(-0.5, 14, 60)
    x, y = ((v - found.centre) / found.half_width for v in (omega, poles.poles))
    k = np.arange(n)
    q = np.pi / (n + 1)
    jackson = ((n - k + 1) * np.cos(q * k) + np.sin(q * k) / np.tan(q)) / (n + 1)
    jackson[1:] *= 2
    inside = np.abs(x) < 1
    assert 0 < inside.sum() < len(x)
    t_x, t_y = (np.cos(k * np.arccos(np.clip(v, -1, 1))[:, None]) for v in (x, y))
    expected = (t_x * jackson) @ t_y.T @ poles.weights
    expected = np.where(inside, expected / np.pi / np.sqrt(np.where(inside, 1 - x**2, 1)), 0)
    np.testing.assert_allclose(found.spectrum(omega), expected / found.half_width, atol=1e-8)
    assert (found.spectrum(omega) >= 0).all()
    assert found.resolution == pytest.approx(np.pi * found.half_width / 60)
    assert "60 moments" in str(found)
    conserved = dynamical_correlation(
        heisenberg(chain(4), total_sz=1), sum(Z(i) for i in range(4)), method="chebyshev"
    )
    assert conserved.moment(1) == pytest.approx(0, abs=1e-12)


@pytest.mark.slow
def test_sum_rules_of_a_chain_of_twenty():
    """Total weight and first moment of S(q, omega) against correlations of the ground state."""
    n, q = 20, 0.7 * np.pi
    H = heisenberg(chain(n), total_sz=0)
    A = sum(np.exp(1j * q * i) * Z(i) for i in range(n)) * n**-0.5
    zz = hm.ground_state(H).correlations()[0]
    weight = np.exp(1j * q * np.arange(n)) @ zz
    first = -8 * (1 - np.cos(q)) * 2 * zz[1]  # <[A^dagger, [H, A]]> / 2
    for method in ("continued-fraction", "chebyshev"):
        found = dynamical_correlation(H, A, method=method, n_krylov=60)
        assert found.moment() == pytest.approx(weight.real, rel=1e-6)
        assert found.moment(1) == pytest.approx(first / 2, rel=1e-6)


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (lambda: thermal(heisenberg(chain(4)), [0.0, 1.0]), "temperatures must be a list of"),
        (lambda: thermal(heisenberg(chain(4)), [1.0], n_vectors=1), "n_vectors must be at least 2"),
        (lambda: thermal(None, [1.0]), "H must be a SpinHamiltonian"),
        (
            lambda: dynamical_correlation(heisenberg(chain(4)), Z(0), method="kpm"),
            "method must be one of continued-fraction, chebyshev, got 'kpm'",
        ),
        (
            lambda: dynamical_correlation(heisenberg(chain(4), spin=1, total_sz=0), Sp(0, 1)),
            "operator must keep total_sz=0",
        ),
        (
            lambda: dynamical_correlation(
                heisenberg(chain(4), total_sz=0), sum(Z(i) for i in range(4))
            ),
            "operator must not annihilate the ground state",
        ),
    ],
)
def test_bad_input_is_one_line(build, reason):
    with pytest.raises((TypeError, ValueError)) as caught:
        build()
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
