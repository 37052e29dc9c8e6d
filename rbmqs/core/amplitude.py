"""Amplitudes of a restricted Boltzmann machine, from arrays to arrays.

psi(sigma) = exp(a.sigma) prod_j 2 cosh(theta_j),  theta_j = b_j + sum_i W_ij sigma_i
(Carleo & Troyer, Science 355, 602 (2017), Eq. 3).

Flipping the sites F changes theta_j by delta_j = -2 sum_{i in F} sigma_i W_ij. With z = exp(2
theta) and q = exp(2 delta),

    psi(sigma') / psi(sigma) = C_F prod_j (1 + z_j q_j) / (1 + z_j),
    C_F = exp(-2 sum_{i in F} a_i sigma_i - sum_j delta_j),

so a ratio needs no transcendental function once the one-site tables of q and log C exist.
A hidden unit is held as the factors g = 1/(1 + z), w = z/(1 + z): its factor is g + w q, whatever
the size of theta, and tanh(theta) = w - g. Nothing cancels and nothing overflows in g and w.
"""

import math

import numpy as np

from hamiltonians.core.jit import inlined_exact_kernel
from rbmqs.core.exponentials import exp_negative, sin_cos

LOG_2 = math.log(2.0)


@inlined_exact_kernel
def unit_factors(theta_re, theta_im):
    """(Re g, Im g, Re w, Im w) of one hidden unit, each accurate for any theta."""
    decay = exp_negative(-2.0 * abs(theta_re))
    sine, cosine = sin_cos(2.0 * theta_im)
    u_re = decay * cosine
    u_im = decay * (-sine if theta_re >= 0.0 else sine)
    norm = (1.0 + u_re) * (1.0 + u_re) + u_im * u_im
    major_re = (1.0 + u_re) / norm
    major_im = -u_im / norm
    minor_re = u_re * major_re - u_im * major_im
    minor_im = u_re * major_im + u_im * major_re
    up = theta_re >= 0.0
    g_re, w_re = (minor_re, major_re) if up else (major_re, minor_re)
    g_im, w_im = (minor_im, major_im) if up else (major_im, minor_im)
    return g_re, g_im, w_re, w_im


@inlined_exact_kernel
def real_unit_factors(theta):
    """(g, w) of one hidden unit with a real angle."""
    decay = exp_negative(-2.0 * abs(theta))
    major = 1.0 / (1.0 + decay)
    minor = decay * major
    return (minor, major) if theta >= 0.0 else (major, minor)


def log_cosh(theta):
    """log cosh(theta) without overflow, elementwise; real or complex, any branch of the log.

    log cosh x = s x + log1p(exp(-2 s x)) - log 2 with s = sign(Re x).
    """
    folded = np.where(np.real(theta) < 0.0, -theta, theta)
    return folded + np.log1p(np.exp(-2.0 * folded)) - LOG_2


def hidden_angles(spins, hidden_bias, weights):
    """theta, shape (n_samples, M), of spins (n_samples, N) given as floats."""
    if np.iscomplexobj(weights):
        theta = np.empty((spins.shape[0], weights.shape[1]), dtype=complex)
        theta.real = spins @ np.ascontiguousarray(weights.real)
        theta.imag = spins @ np.ascontiguousarray(weights.imag)
    else:
        theta = spins @ weights
    theta += hidden_bias
    return theta


def log_amplitudes(spins, visible_bias, hidden_bias, weights):
    """log psi, shape (n_samples,)."""
    theta = hidden_angles(spins, hidden_bias, weights)
    return spins @ visible_bias + np.sum(log_cosh(theta) + LOG_2, axis=1)
