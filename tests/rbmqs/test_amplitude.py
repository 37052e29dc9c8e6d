"""Amplitudes, ratios and derivatives against explicit products and arbitrary precision."""

import cmath

import mpmath
import naive
import numba
import numpy as np
import pytest

from hamiltonians import Sector
from rbmqs.core.amplitude import log_cosh, unit_factors
from rbmqs.core.tables import flip_tables, prepare, tanh_of_cache
from rbmqs.states.rbm import RBM, hidden_units

KINDS = [float, complex]
BIASES = [(True, True), (True, False), (False, True), (False, False)]


def grid():
    """Complex plane: small, ordinary and huge real parts, imaginary parts over many branches."""
    real = np.array([0, 1e-9, 1e-3, 0.1, 0.7, 1, 5, 18, 40, 354, 356, 400, 710, 1e3])
    imag = np.array([0, 1e-9, 0.3, 0.78, 1.5, 1.6, 3.0, 9.9, 100.0])
    re, im = np.meshgrid(np.concatenate([-real[1:], real]), np.concatenate([-imag[1:], imag]))
    return (re + 1j * im).ravel()


def near_zeros():
    """Close to the zeros i pi (k + 1/2) of cosh."""
    zeros = 1j * np.pi * (np.arange(-3, 3) + 0.5)
    offsets = np.array([1e-2, 1e-4, 1e-6])[:, None] * np.exp(1j * np.arange(8))
    return (zeros[:, None, None] + offsets).ravel()


def wrapped(log):
    """A logarithm with its imaginary part taken to (-pi, pi]."""
    return np.real(log) + 1j * np.angle(np.exp(1j * np.imag(log)))


def exact_log_cosh(theta):
    with mpmath.workdps(50):
        return complex(mpmath.log(mpmath.cosh(mpmath.mpmathify(complex(theta)))))


def test_log_cosh_on_the_complex_plane():
    theta = grid()
    exact = np.array([exact_log_cosh(t) for t in theta])
    error = wrapped(log_cosh(theta) - exact)
    slope = np.maximum(1, abs(np.tanh(theta)))
    assert np.all(abs(error) <= 4e-16 * slope * (4 + abs(theta)))


def test_log_cosh_near_its_branch_points():
    theta = near_zeros()
    distance = abs(np.array([cmath.cosh(t) for t in theta]))
    exact = np.array([exact_log_cosh(t) for t in theta])
    error = wrapped(log_cosh(theta) - exact)
    assert np.all(abs(error) <= 4e-15 / distance)  # theta itself is known to 1e-15 only


@pytest.mark.parametrize("theta", [1e-3, 1.0, 20.0, 800.0, 1e3, 1e300])
def test_log_cosh_of_real_numbers(theta):
    values = log_cosh(np.array([theta, -theta]))
    with mpmath.workdps(50):
        exact = float(mpmath.log(mpmath.cosh(theta))) if theta < 1e4 else theta
    assert values.dtype == float
    np.testing.assert_allclose(values, exact, rtol=1e-15, atol=2e-16)


@numba.njit
def unit_factors_of(re, im):
    return unit_factors(re, im)


def test_unit_factors_is_accurate_wherever_theta_lies():
    theta = np.concatenate([grid()[abs(grid().real) <= 340], near_zeros()])
    g, w = np.array([(complex(p[0], p[1]), complex(p[2], p[3]))
                     for p in (unit_factors_of(t.real, t.imag) for t in theta)]).T  # fmt: skip
    with mpmath.workdps(400):
        z = [mpmath.exp(2 * mpmath.mpmathify(complex(t))) for t in theta]
        exact_g = np.array([complex(1 / (1 + x)) for x in z])
        exact_w = np.array([complex(x / (1 + x)) for x in z])
    # Rounding of 2 theta turns the phase by eps |theta|; near a zero that is magnified.
    size = np.maximum(1, abs(exact_g)) * np.maximum(1, abs(exact_w))
    allowed = 1e-15 * (4 + abs(theta.imag)) * size
    assert np.all(abs(g - exact_g) <= allowed * abs(exact_g))
    assert np.all(abs(w - exact_w) <= allowed * abs(exact_w))


@pytest.mark.parametrize("re", [-400.0, -360.0, 360.0, 400.0])
def test_unit_factors_saturates(re):
    g_re, g_im, w_re, w_im = unit_factors_of(re, 0.7)
    small, large = ((g_re, g_im), (w_re, w_im)) if re > 0 else ((w_re, w_im), (g_re, g_im))
    assert large == pytest.approx((1.0, 0.0), rel=0, abs=1e-300)
    assert max(map(abs, small)) <= 1e-300


def pairs_of(theta):
    """Pairs of the angles (1, M): one spin up, so that the weights are the angles."""
    return prepare(np.ones((1, 1)), np.zeros(theta.shape[1], theta.dtype), theta)


@pytest.mark.parametrize("kind", KINDS)
def test_tanh_from_pairs(kind):
    theta = (grid() if kind is complex else np.unique(grid().real)).reshape(1, -1)
    tanh = tanh_of_cache(pairs_of(theta), theta.shape[1])
    with mpmath.workdps(50):
        exact = [complex(mpmath.tanh(mpmath.mpmathify(t.item()))) for t in theta[0]]
    assert tanh.dtype == kind
    scale = np.maximum(1, abs(np.array(exact))) ** 2 * (4 + abs(theta[0].imag))
    assert np.all(abs(tanh[0] - exact) <= 1e-15 * scale)


def test_padding_units_change_nothing():
    cache = pairs_of(np.full((1, 3), 0.5 + 0.1j))
    np.testing.assert_array_equal(cache[:, 0, 3:], 1)
    np.testing.assert_array_equal(cache[:, 1:, 3:], 0)
    table = flip_tables(np.zeros(2), np.zeros(3), np.full((2, 3), 0.5 + 0.1j)).rows
    np.testing.assert_array_equal(table[:, 0, 3:], 1)
    np.testing.assert_array_equal(table[:, 1, 3:], 0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("biases", BIASES)
def test_log_psi_is_the_log_of_the_product(kind, biases):
    psi = naive.random_rbm(5, 7, kind, scale=0.7, biases=biases)
    spins = naive.all_spins(5)
    log_psi = psi.log_psi(spins)
    assert log_psi.dtype == kind
    np.testing.assert_allclose(np.exp(log_psi), naive.amplitude(psi, spins), rtol=1e-12)
    shaped = psi.log_psi(spins.reshape(4, 8, 5))
    np.testing.assert_array_equal(shaped, log_psi.reshape(4, 8))
    assert np.exp(psi.log_psi(spins[3])) == pytest.approx(np.exp(log_psi[3]), rel=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_ratio(kind):
    psi = naive.random_rbm(6, 4, kind, scale=0.6, seed=1)
    spins = naive.all_spins(6)
    expected = naive.amplitude(psi, spins[::-1]) / naive.amplitude(psi, spins)
    np.testing.assert_allclose(psi.ratio(spins[::-1], spins), expected, rtol=1e-11)
    mixed = naive.amplitude(psi, spins) / naive.amplitude(psi, spins[:1])
    np.testing.assert_allclose(psi.ratio(spins, spins[0]), mixed, rtol=1e-11)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("biases", BIASES)
def test_log_derivatives_are_central_differences(kind, biases):
    """Complex psi is holomorphic: the derivative is the same along 1 and along i."""
    psi = naive.random_rbm(4, 3, kind, scale=0.4, seed=2, biases=biases)
    spins = naive.all_spins(4)
    jacobian = psi.log_derivatives(spins)
    np.testing.assert_allclose(jacobian, naive.log_derivatives(psi, spins), rtol=0, atol=1e-14)
    h = 1e-5
    for turn in (1,) if kind is float else (1, 1j):
        for k in range(psi.n_parameters):
            step = np.zeros(psi.n_parameters, dtype=kind)
            step[k] = h * turn
            up = psi.with_flat(psi.flat + step).log_psi(spins)
            down = psi.with_flat(psi.flat - step).log_psi(spins)
            np.testing.assert_allclose((up - down) / (2 * h * turn), jacobian[:, k], atol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("biases", BIASES)
def test_flat_round_trip(kind, biases):
    psi = naive.random_rbm(4, 3, kind, biases=biases)
    assert psi.flat.shape == (psi.n_parameters,)
    assert psi.n_parameters == 12 + 4 * biases[0] + 3 * biases[1]
    doubled = psi.with_flat(2 * psi.flat)
    for name in ("visible_bias", "hidden_bias", "weights"):
        np.testing.assert_array_equal(getattr(doubled, name), 2 * getattr(psi, name))
        assert not getattr(doubled, name).flags.writeable
    np.testing.assert_array_equal(doubled.flat, 2 * psi.flat)
    assert (doubled.has_visible_bias, doubled.has_hidden_bias) == biases


@pytest.mark.parametrize("biases", BIASES)
def test_a_complex_machine_stays_complex_under_real_parameters(biases):
    psi = naive.random_rbm(4, 3, complex, biases=biases)
    moved = psi.with_flat(psi.flat.real)
    assert moved.is_complex
    assert moved.weights.dtype == complex


def test_a_machine_does_not_alias_its_arguments():
    weights = np.ones((2, 2))
    psi = RBM(np.zeros(2), np.zeros(2), weights)
    weights[:] = 5
    np.testing.assert_array_equal(psi.weights, 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("total_sz", [None, 0, -2])
def test_state_vector_and_overlap(kind, total_sz):
    psi = naive.random_rbm(6, 6, kind, seed=3)
    sector = Sector(6, total_sz)
    expected = naive.amplitude(psi, naive.all_spins(6, total_sz))
    expected /= np.linalg.norm(expected)
    vector = psi.state_vector(sector)
    phase = vector[0] / expected[0]
    assert abs(phase) == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(vector, expected * phase, atol=1e-13)
    assert psi.overlap(3j * expected, sector) == pytest.approx(1, abs=1e-12)
    other = np.random.default_rng(0).normal(size=sector.dimension) + 0j
    fidelity = abs(np.vdot(other, expected)) ** 2 / np.vdot(other, other).real
    assert psi.overlap(other, sector) == pytest.approx(fidelity, abs=1e-12)


def test_state_vector_survives_huge_weights():
    psi = RBM(np.zeros(4), np.zeros(600), np.full((4, 600), 30.0))
    vector = psi.state_vector(Sector(4))
    expected = np.zeros(16)
    expected[[0, 15]] = np.sqrt(0.5)
    np.testing.assert_allclose(vector, expected, atol=1e-15)


@pytest.mark.parametrize("scale", [1.0, 8.0, 30.0])
def test_ratios_where_cosh_overflows(scale):
    psi = naive.random_rbm(5, 600, complex, scale=scale, seed=4)
    rng = np.random.default_rng(0)
    for old, new in rng.choice(naive.all_spins(5), size=(4, 2)):
        exact = naive.mp_log_amplitude(psi, new) - naive.mp_log_amplitude(psi, old)
        got = psi.log_psi(new) - psi.log_psi(old)
        assert abs(wrapped(got - complex(exact))) <= 1e-14 * (1 + 600 * 5 * scale)


BAD = [
    (lambda: RBM(np.zeros(2), np.zeros(2), np.zeros((2, 3))), "hidden_bias"),
    (lambda: RBM(np.zeros(3), np.zeros(3), np.zeros((2, 3))), "visible_bias"),
    (lambda: RBM(np.zeros(2), np.zeros(2), np.zeros(4)), "weights"),
    (lambda: RBM(np.zeros(0), np.zeros(2), np.zeros((0, 2))), "weights"),
    (lambda: RBM(np.zeros(2), np.zeros(2), np.full((2, 2), np.nan)), "weights"),
    (lambda: RBM(np.full(2, np.inf), np.zeros(2), np.zeros((2, 2))), "visible_bias"),
    (lambda: RBM(np.ones(2), np.zeros(2), np.zeros((2, 2)), False), "visible_bias"),
    (lambda: RBM(np.zeros(2), np.ones(2), np.zeros((2, 2)), True, False), "hidden_bias"),
    (lambda: RBM.random(0), "n_sites"),
    (lambda: RBM.random(4, n_hidden=0), "n_hidden"),
    (lambda: RBM.random(4, n_hidden=2.0), "n_hidden"),
    (lambda: RBM.random(4, -1), "alpha"),
    (lambda: RBM.random(4, 0.01), "alpha"),
    (lambda: RBM.random(4, np.nan), "alpha"),
    (lambda: RBM.random(4, "2"), "alpha"),
    (lambda: RBM.random(4, 2, n_hidden=3), "alpha"),
    (lambda: RBM.random(4, dtype=np.float32), "dtype"),
    (lambda: RBM.random(4, stddev=0), "stddev"),
    (lambda: RBM.random(4).with_flat(np.zeros(3)), "flat"),
    (lambda: RBM.random(4, dtype=float).with_flat(np.zeros(24) + 1j), "flat"),
    (lambda: RBM.random(4).log_psi([1, 1, 1]), "sigma"),
    (lambda: RBM.random(4).log_psi([1, 1, 0, 1]), "sigma"),
    (lambda: RBM.random(4).log_derivatives([[1, 1, 2, 1]]), "sigma"),
    (lambda: RBM.random(4).state_vector(Sector(5)), "sector"),
    (lambda: RBM.random(30).state_vector(Sector(30)), "state vector"),
    (lambda: RBM.random(4).overlap(np.ones(3), Sector(4)), "vector"),
]


@pytest.mark.parametrize(("call", "named"), BAD)
def test_bad_arguments_are_named_in_one_line(call, named):
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


def test_random_machines():
    psi = RBM.random(20, 2, seed=5, stddev=0.1)
    assert (psi.n_sites, psi.n_hidden, psi.alpha, psi.n_parameters) == (20, 40, 2.0, 860)
    np.testing.assert_array_equal(psi.flat, RBM.random(20, 2, seed=5, stddev=0.1).flat)
    # 860 normal numbers: the variance is off by more than 25 % with probability 3e-7.
    for part in (psi.flat.real, psi.flat.imag):
        assert 0.75 < part.var() / 0.01 < 1.25
    assert hidden_units(5, None, None) == 5
    assert psi.describe()["n_parameters"] == 860
