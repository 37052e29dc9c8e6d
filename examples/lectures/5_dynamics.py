r"""
5. Dynamics: a quench
=====================

Stochastic reconfiguration is imaginary time projected on the variational states. Real time is the
same geometry with a factor i (time-dependent variational principle; Carleo and Troyer, Science 355,
602 (2017)):

.. math::

    S \, \dot\theta = -i F, \qquad
    S_{kl} = \langle O_k^* O_l \rangle - \langle O_k^* \rangle \langle O_l \rangle, \quad
    F_k = \langle O_k^* E_{\rm loc} \rangle - \langle O_k^* \rangle \langle E_{\rm loc} \rangle .

The equation is the least-squares solution of
:math:`\sum_k \dot\theta_k O_k |\psi\rangle \approx -i (H - E) |\psi\rangle`. What is left over, the
residual :math:`r^2`, is the only honest witness: the energy is conserved even where everything is
wrong.
"""

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import rbmqs
from hamiltonians import PauliSum, Sector, chain, evolve, expectation, ising, product_state
from rbmqs.dynamics import product_state as rbm_product_state

OUTPUT = Path("output")
OUTPUT.mkdir(exist_ok=True)
rng = np.random.default_rng(1)

# %% [markdown]
# The exact curve
# ---------------
#
# Six spins along +x, the ground state of an infinite field, evolve under the Ising chain with h =
# 1/2.

# %%
N, FIELD = 6, 0.5
sector, times = Sector(N), np.linspace(0, 0.5, 26)
H = ising(chain(N), h=FIELD, J=-1.0)
M_X = PauliSum.from_terms((1 / N, [(i, "X")]) for i in range(N))
start = product_state("+x", sector)
vectors = evolve(H, start, times)
exact = np.array([expectation(vector, M_X, sector).real for vector in vectors])

# %% [markdown]
# By hand
# -------
#
# All sums are over the 64 configurations, in the notation of the second lecture, with complex
# parameters. All weights zero is the state itself, but there S has no weights either: we start with
# small ones.

# %%
sigma = sector.states_to_spins(sector.basis_states()).astype(float)
hidden = N
diagonal = -(sigma * np.roll(sigma, -1, axis=1)).sum(axis=1)
parts = rng.normal(scale=0.05, size=(2, N + hidden + N * hidden))
p = parts[0] + 1j * parts[1]


def state_and_derivatives(p):
    a, b, W = p[:N], p[N : N + hidden], p[N + hidden :].reshape(N, hidden)
    theta = b + sigma @ W
    psi = np.exp(sigma @ a + np.log(2 * np.cosh(theta)).sum(axis=1))
    t = np.tanh(theta)
    return psi, np.hstack([sigma, t, (sigma[:, :, None] * t[:, None, :]).reshape(2**N, -1)])


def apply_H(psi):
    turned = [psi[np.arange(2**N) ^ (1 << (N - 1 - i))] for i in range(N)]
    return diagonal * psi - FIELD * sum(turned)


def velocity(p):
    """dtheta/dt, and the part of the change of psi that the parameters cannot make."""
    psi, O = state_and_derivatives(p)
    weights = abs(psi) ** 2 / (abs(psi) ** 2).sum()
    local = apply_H(psi) / psi
    local = local - weights @ local
    O = (O - weights @ O) * np.sqrt(weights)[:, None]
    wanted = -1j * local * np.sqrt(weights)
    found = np.linalg.lstsq(O, wanted, rcond=1e-6)[0]
    return found, np.sum(abs(O @ found - wanted) ** 2) / np.sum(abs(wanted) ** 2)


values, residuals, n_substeps = [], [], 4
for k, time in enumerate(times):
    psi, _ = state_and_derivatives(p)
    values.append(expectation(psi, M_X, sector).real)
    residuals.append(velocity(p)[1])
    if k + 1 < len(times):
        step = (times[k + 1] - time) / n_substeps
        for _ in range(n_substeps):  # Runge and Kutta, fourth order
            k1 = velocity(p)[0]
            k2 = velocity(p + step / 2 * k1)[0]
            k3 = velocity(p + step / 2 * k2)[0]
            p = p + step / 6 * (k1 + 2 * k2 + 2 * k3 + velocity(p + step * k3)[0])

difference = abs(np.array(values) - exact).max()
print(f"largest difference from exact {difference:.1e}, largest r^2 {max(residuals):.1e}")
assert difference < 0.02

# %% [markdown]
# With samples
# ------------
#
# `rbmqs.evolve` samples :math:`|\psi|^2`, cuts the spectrum of S where noise drowns it, and
# chooses its steps. It reports r^2, and puts exact curves beside its own while the system is
# small.

# %%
psi = rbm_product_state(rbmqs.RBM.random(N, alpha=2, seed=1), "+x", noise=0.1)
result = rbmqs.evolve(H, psi, times[::5], progress=False)
print(result)

# %%
figure, axes = plt.subplots(2, 1, sharex=True, figsize=(6, 6), layout="constrained")
axes[0].plot(times, exact, color="0.4", label="exact")
axes[0].plot(times, values, "o", ms=4, label="by hand, all configurations")
axes[0].plot(result.times, result.values("mx"), "s", ms=5, mfc="none", label="rbmqs.evolve")
axes[1].semilogy(times, residuals, "o-", ms=3)
axes[0].set(ylabel=r"$\langle m_x \rangle$")
axes[1].set(xlabel="time in units of 1 / J", ylabel=r"$r^2$ by hand")
axes[0].legend(frameon=False)
figure.savefig(OUTPUT / "lecture_5.png", dpi=150)
assert abs(result.values("mx") - result.exact["mx"]).max() < 0.02

# %% [markdown]
# Exercises
# ---------
#
# 1. Start from weights of 1e-3. Where does r^2 begin, and why does the curve go astray at once?
# 2. Replace -i by -1. What does the same code find?
# 3. Follow :math:`\langle Z_0 Z_d \rangle` for all d: how fast does the front move?
