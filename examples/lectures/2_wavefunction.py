r"""
2. The RBM as a wavefunction
============================

A state of N spins 1/2 is a number :math:`\psi(\sigma)` for each of the :math:`2^N` configurations
:math:`\sigma_i = \pm 1`. Carleo and Troyer (Science 355, 602 (2017)) took the unnormalised
probability of an RBM for it, with parameters that may be complex:

.. math::

    \psi(\sigma) = e^{a \cdot \sigma} \prod_j 2 \cosh\Big(b_j + \sum_i W_{ij} \sigma_i\Big) .

This lecture finds a ground state with every sum done exactly, so that the variational principle,
the local energy and the gradient stand by themselves. Sampling comes in the third lecture.
"""

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import rbmqs
from hamiltonians import Sector, chain, ground_state, ising

OUTPUT = Path("output")
OUTPUT.mkdir(exist_ok=True)
rng = np.random.default_rng(1)

# %% [markdown]
# A Hamiltonian
# -------------
#
# The transverse-field Ising chain, :math:`H = \sum_i Z_i Z_{i+1} - h \sum_i X_i`, at its critical
# point h = 1, on a ring of ten spins. :math:`Z_i Z_{i+1}` is diagonal, :math:`X_i` turns spin i
# over.

# %%
N, FIELD = 10, 1.0
sigma = Sector(N).states_to_spins(Sector(N).basis_states()).astype(float)
diagonal = (sigma * np.roll(sigma, -1, axis=1)).sum(axis=1)


def turned_over(i):
    """Number of the configuration with spin i turned over: site 0 is the leftmost bit."""
    return np.arange(2**N) ^ (1 << (N - 1 - i))


def apply_H(psi):
    return diagonal * psi - FIELD * sum(psi[turned_over(i)] for i in range(N))


exact = ground_state(ising(chain(N), h=FIELD)).energy
lowest = np.linalg.eigvalsh(np.array([apply_H(e) for e in np.eye(2**N)]))[0]
print("lowest eigenvalue", lowest, "by the package", exact)
assert np.isclose(lowest, exact)

# %% [markdown]
# The wavefunction and its derivatives
# ------------------------------------
#
# With :math:`\theta_j = b_j + \sum_i W_{ij} \sigma_i` the log-derivatives are :math:`\sigma_i` for
# :math:`a_i`, :math:`\tanh \theta_j` for :math:`b_j`, :math:`\sigma_i \tanh \theta_j` for
# :math:`W_{ij}`.

# %%
M = 2 * N


def unpack(p):
    return p[:N], p[N : N + M], p[N + M :].reshape(N, M)


def log_psi(p):
    a, b, W = unpack(p)
    return sigma @ a + np.log(2 * np.cosh(b + sigma @ W)).sum(axis=1)


def derivatives(p):
    _, b, W = unpack(p)
    t = np.tanh(b + sigma @ W)
    return np.hstack([sigma, t, (sigma[:, :, None] * t[:, None, :]).reshape(2**N, -1)])


p = rng.normal(scale=0.05, size=N + M + N * M)
step = 1e-6 * rng.normal(size=p.size)
change = log_psi(p + step) - log_psi(p - step)
assert np.allclose(change, 2 * derivatives(p) @ step, atol=1e-10)

# %% [markdown]
# Local energy
# ------------
#
# The energy is an average over :math:`|\psi|^2` of the local energy,
#
# .. math::
#
#     E = \frac{\langle \psi | H | \psi \rangle}{\langle \psi | \psi \rangle}
#       = \sum_\sigma \frac{|\psi(\sigma)|^2}{\sum |\psi|^2} E_{\rm loc}(\sigma), \qquad
#     E_{\rm loc}(\sigma) = \frac{(H \psi)(\sigma)}{\psi(\sigma)} .
#
# In an eigenstate :math:`E_{\rm loc}` is the same for every configuration: its variance is zero,
# and says how far we are without knowing the answer.


# %%
def energy_and_gradient(p):
    psi = np.exp(log_psi(p) - log_psi(p).max())
    weights = psi**2 / (psi**2).sum()
    local = apply_H(psi) / psi
    energy = weights @ local
    O = derivatives(p)
    O = O - weights @ O
    force = O.T @ (weights * (local - energy))
    return energy, weights @ (local - energy) ** 2, force, O, weights


# %% [markdown]
# Two ways down
# -------------
#
# Gradient descent moves along -F. Stochastic reconfiguration (Sorella, Phys. Rev. Lett. 80, 4558
# (1998)) asks which change of the parameters does to the *state* what a short step of imaginary
# time, :math:`e^{-\tau H}`, would do, and solves
#
# .. math::
#
#     (S + \epsilon) \, \delta = F, \qquad
#     S_{kl} = \langle O_k O_l \rangle - \langle O_k \rangle \langle O_l \rangle .
#
# S is the metric of the states, the quantum geometric tensor; steps are then measured in the
# Hilbert space and not in the arbitrary units of the parameters.


# %%
def descend(n_steps, rate, natural):
    path, q = [], p.copy()
    for _ in range(n_steps):
        energy, variance, force, O, weights = energy_and_gradient(q)
        if natural:
            S = (O * weights[:, None]).T @ O
            force = np.linalg.solve(S + 1e-4 * np.eye(q.size), force)
        path.append((energy, variance))
        q = q - rate * force
    return np.array(path), q


plain, _ = descend(200, 0.02, natural=False)
natural, best = descend(200, 0.02, natural=True)
print(
    f"relative error: gradient {1 - plain[-1, 0] / exact:.1e}, SR {1 - natural[-1, 0] / exact:.1e}"
)
assert abs(1 - natural[-1, 0] / exact) < 1e-3
assert natural[-1, 0] < plain[-1, 0]

# %% [markdown]
# The variational principle holds at every step: no energy lies below the exact one. And variance
# falls with the error; their relation is nearly a line, which the package uses to extrapolate.

# %%
figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for path, name in ((plain, "gradient"), (natural, "SR")):
    assert (path[:, 0] > exact - 1e-9).all()
    axes[0].semilogy(path[:, 0] - exact, label=name)
    axes[1].loglog(path[:, 1], path[:, 0] - exact, ".", label=name)
axes[0].set(xlabel="step", ylabel=r"$E - E_0$")
axes[1].set(xlabel="variance of the local energy", ylabel=r"$E - E_0$")
axes[0].legend(frameon=False)
figure.savefig(OUTPUT / "lecture_2.png", dpi=150)

# %% [markdown]
# The package's own wavefunction with our parameters is the same function.

# %%
a, b, W = unpack(best)
psi = rbmqs.RBM.random(N, alpha=M / N, dtype=float)
psi = psi.with_parameters({"visible_bias": a, "hidden_bias": b, "weights": W})
assert np.allclose(psi.log_psi(sigma.astype(np.int8)), log_psi(best))

# %% [markdown]
# Exercises
# ---------
#
# 1. Start with :math:`p = 0`. What is the state, what its energy, and why does nothing move? (S.)
# 2. Take M = 2. Which property of the ground state is lost first, energy or correlations?
# 3. :math:`H \to H + c`: which of the quantities above change?
