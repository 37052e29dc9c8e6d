"""Slow and obvious twins of the package: products of 2 cosh, explicit connected states."""

from functools import cache

import mpmath
import numba
import numpy as np

from rbmqs.sampling.chains import Samples
from rbmqs.states.projected_rbm import ProjectedRBM
from rbmqs.states.rbm import RBM
from rbmqs.states.symmetric_rbm import SymmetricRBM


def random_rbm(n_sites, n_hidden, kind=complex, scale=0.3, seed=0, biases=(True, True)):
    """A wavefunction with parameters of size `scale`, far from the product state."""
    return RBM.random(
        n_sites,
        n_hidden=n_hidden,
        dtype=kind,
        stddev=scale,
        seed=seed,
        visible_bias=biases[0],
        hidden_bias=biases[1],
    )


def symmetric_machines(lattice, scale=0.2):
    """One wavefunction of each symmetric kind on a periodic lattice, by name."""
    group = lattice.translation_group()
    tied = SymmetricRBM.random(group, n_features=2, stddev=scale, seed=3)
    plain = random_rbm(lattice.n_sites, 4, scale=scale)
    return {
        "tied": tied,
        "projected": ProjectedRBM(plain, lattice.space_group().sectors()[0]),
        "momentum": ProjectedRBM(plain, lattice.translation_sectors()[1]),
    }


def all_spins(n_sites, total_sz=None):
    """Every configuration, site 0 slowest and up before down, as the basis of `np.kron`."""
    rows = np.array(np.meshgrid(*[[1, -1]] * n_sites, indexing="ij")).reshape(n_sites, -1).T
    return rows if total_sz is None else rows[rows.sum(axis=1) == 2 * total_sz]


def as_samples(spins):
    """Configurations (n, N) as one chain."""
    return Samples(np.ascontiguousarray(spins, dtype=np.int8)[None], 1.0)


def amplitude(psi, spins):
    """exp(a.sigma) prod_j 2 cosh(b_j + sum_i W_ij sigma_i) for each row of spins."""
    values = []
    for sigma in np.asarray(spins, dtype=float):
        value = np.exp(np.sum(psi.visible_bias * sigma))
        for j in range(psi.n_hidden):
            value = value * 2 * np.cosh(psi.hidden_bias[j] + np.sum(psi.weights[:, j] * sigma))
        values.append(value)
    return np.array(values)


def mp_log_amplitude(psi, sigma, digits=60):
    """log psi of one configuration in `digits` digits, without any thought about overflow."""
    with mpmath.workdps(digits):
        value = mpmath.mpf(1)
        total = mpmath.mpf(0)
        for i, s in enumerate(sigma):
            total += mpmath.mpmathify(psi.visible_bias[i].item()) * int(s)
        for j in range(psi.n_hidden):
            theta = mpmath.mpmathify(psi.hidden_bias[j].item())
            for i, s in enumerate(sigma):
                theta += mpmath.mpmathify(psi.weights[i, j].item()) * int(s)
            value *= 2 * mpmath.cosh(theta)
        return total + mpmath.log(value)


def mp_ratio(psi, new, old):
    """psi(new) / psi(old) by arbitrary precision."""
    with mpmath.workdps(60):
        return complex(mpmath.exp(mp_log_amplitude(psi, new) - mp_log_amplitude(psi, old)))


def local_energies(psi, matrix, spins):
    """sum over all states of <sigma|H|sigma'> psi(sigma')/psi(sigma); rows are `spins`."""
    values = amplitude(psi, spins)
    energies = []
    for row in range(len(values)):
        terms = [matrix[row, col] * values[col] / values[row] for col in range(len(values))]
        energies.append(sum(terms))
    return np.array(energies)


def log_derivatives(psi, spins):
    """O_k(sigma), rows over configurations, columns a, b, W."""
    rows = []
    for sigma in np.asarray(spins, dtype=float):
        tanh = np.tanh(psi.hidden_bias + sigma @ psi.weights)
        row = []
        if psi.has_visible_bias:
            row.extend(sigma)
        if psi.has_hidden_bias:
            row.extend(tanh)
        row.extend(sigma[i] * tanh[j] for i in range(psi.n_sites) for j in range(psi.n_hidden))
        rows.append(row)
    return np.array(rows)


def centred_jacobian(psi, spins):
    """O - <O>, each sample with the same weight."""
    jacobian = log_derivatives(psi, spins)
    return jacobian - jacobian.mean(axis=0)


def metric_and_force(psi, spins, energies):
    """S = <O^dagger O> and F = <O^dagger (E_loc - <E_loc>)> of centred log-derivatives."""
    jacobian = centred_jacobian(psi, spins)
    deviations = energies - energies.mean()
    if not psi.is_complex:
        deviations = deviations.real
    n = len(jacobian)
    return jacobian.conj().T @ jacobian / n, jacobian.conj().T @ deviations / n


def direction(psi, spins, energies, shift, start=None):
    """x = start + (S + shift)^-1 (F - S start)."""
    metric, force = metric_and_force(psi, spins, energies)
    start = np.zeros_like(force) if start is None else start
    return start + np.linalg.solve(metric + shift * np.eye(len(force)), force - metric @ start)


def probabilities(psi, spins):
    """|psi|^2 over `spins`, normalised."""
    weights = np.abs(amplitude(psi, spins)) ** 2
    return weights / weights.sum()


@cache
def from_python(inlined):
    """An inlined kernel as a function that Python can call."""

    @numba.njit
    def call(*arguments):
        return inlined(*arguments)

    return call
