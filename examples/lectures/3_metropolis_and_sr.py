r"""
3. Metropolis sampling and stochastic reconfiguration
=====================================================

The second lecture summed over all configurations. For 40 spins there are :math:`10^{12}`; what is
left is to draw some of them from :math:`|\psi|^2`. Three questions decide whether the numbers can
be trusted: does the chain reach its distribution, how many independent draws are in it, and what
does the noise do to the equations of stochastic reconfiguration?
"""

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import rbmqs
from hamiltonians import Sector, chain, ising, ising_chain_energy

OUTPUT = Path("output")
OUTPUT.mkdir(exist_ok=True)
rng = np.random.default_rng(1)

# %% [markdown]
# Metropolis
# ----------
#
# Propose to turn one spin over and accept with probability :math:`\min(1, |\psi(\sigma') /
# \psi(\sigma)|^2)`. The normalisation drops out. The ratio is cheap: with :math:`\theta_j = b_j +
# \sum_i W_{ij} \sigma_i` at hand it costs M operations, not N M.

# %%
N = 8
psi = rbmqs.RBM.random(N, alpha=1, seed=3, dtype=float, stddev=0.3)
a, b, W = (psi.parameters[name] for name in ("visible_bias", "hidden_bias", "weights"))


def metropolis(n_draws, n_chains):
    sigma = rng.choice([-1.0, 1.0], (n_chains, N))
    theta, rows, draws = b + sigma @ W, np.arange(n_chains), []
    for k in range(n_draws * N):
        i = rng.integers(N, size=n_chains)
        turned = theta - 2 * sigma[rows, i, None] * W[i]
        log_ratio = -2 * a[i] * sigma[rows, i] + np.log(np.cosh(turned) / np.cosh(theta)).sum(
            axis=1
        )
        accepted = np.log(rng.random(n_chains)) < 2 * log_ratio
        theta[accepted] = turned[accepted]
        sigma[rows[accepted], i[accepted]] *= -1
        if k % N == N - 1:
            draws.append(sigma.copy())
    return np.array(draws).swapaxes(0, 1)


draws = metropolis(300, 50)[:, 20:]
spins = Sector(N).states_to_spins(Sector(N).basis_states())
weights = np.exp(2 * psi.log_psi(spins))
weights /= weights.sum()
numbers = ((1 - draws.astype(int)) // 2) @ (1 << np.arange(N - 1, -1, -1))
measured = np.bincount(numbers.ravel(), minlength=2**N) / numbers.size
distance = abs(measured - weights).sum() / 2
print(f"total variation distance from |psi|^2: {distance:.3f} with {numbers.size} draws")
assert distance < 0.06

# %% [markdown]
# Error bars
# ----------
#
# Successive draws resemble each other. The error of a mean is :math:`\sqrt{\tau\,
# \mathrm{var}/n}` with the autocorrelation time :math:`\tau`; the naive error forgets it.
# `rbmqs.statistics` finds it from the series, and compares chains with each other (R-hat).

# %%
magnetisation = abs(draws.mean(axis=2))
stats = rbmqs.statistics(magnetisation)
truth = weights @ abs(spins.mean(axis=1))
naive = magnetisation.std() / magnetisation.size**0.5
print(
    f"<|m|> = {stats.mean:.4f} +- {stats.error_of_mean:.4f}, exact {truth:.4f}; naive {naive:.4f}"
)
print(f"tau {stats.tau:.2f} draws, R-hat {stats.r_hat:.3f}, {stats.ess:.0f} effective of", end=" ")
print(magnetisation.size)
assert abs(stats.mean - truth) < 5 * stats.error_of_mean

# %% [markdown]
# Stochastic reconfiguration from samples
# ---------------------------------------
#
# With n samples the matrix :math:`S = \bar O^\dagger \bar O / n` of the centred log-derivatives
# has at most n - 1 nonzero eigenvalues. If there are more parameters than samples, one solves in
# the space of samples instead (minSR; Chen and Heyl, Nature Physics 20, 1476 (2024)):
#
# .. math::
#
#     (\bar O^\dagger \bar O / n + \epsilon)^{-1} \bar O^\dagger
#     = \bar O^\dagger (\bar O \bar O^\dagger / n + \epsilon)^{-1} .

# %%
H = ising(chain(N), h=1.0)
samples = psi.sample(64, seed=1)
local = rbmqs.local_energies(psi, H, samples).ravel()
sigma = samples.spins.reshape(-1, N)
O = psi.log_derivatives(sigma)
O = O - O.mean(axis=0)
deviation, n, shift = local.real - local.real.mean(), len(O), 1e-3
in_parameters = np.linalg.solve(O.T @ O / n + shift * np.eye(O.shape[1]), O.T @ deviation / n)
in_samples = O.T @ np.linalg.solve(O @ O.T / n + shift * np.eye(n), deviation / n)
print(f"{O.shape[1]} parameters, {n} samples, largest difference", end=" ")
print(f"{abs(in_parameters - in_samples).max():.1e}")
assert np.allclose(in_parameters, in_samples, atol=1e-8)

# %% [markdown]
# Forty spins
# -----------
#
# All of this in compiled code is a call. The exact energy of the ring is that of free fermions
# (P. Pfeuty, Ann. Phys. 57, 79 (1970)).

# %%
length = 40
result = rbmqs.ground_state(
    ising(chain(length), h=1.0), alpha=1, n_iterations=150, seed=1, progress=False
)
exact = ising_chain_energy(length, h=1.0)
print(result)
assert abs(result.energy.mean.real / exact - 1) < 2e-3

# %% [markdown]
# The learning curve: the energy comes down by orders of magnitude, and so does the variance. The
# error bar of an early iteration says nothing of the distance from the ground state.

# %%
energies = np.array([record.energy.mean.real for record in result.history])
variances = np.array([record.energy.variance for record in result.history])
figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
axes.semilogy(abs(energies / exact - 1), label="relative error of the energy")
axes.semilogy(variances / exact**2, label=r"variance / $E_0^2$")
axes.set(xlabel="iteration")
axes.legend(frameon=False)
figure.savefig(OUTPUT / "lecture_3.png", dpi=150)

# %% [markdown]
# Exercises
# ---------
#
# 1. Propose two spins at once. What happens to the acceptance, and to :math:`\tau`?
# 2. Halve the number of samples and double the iterations. Which is better for the final energy?
# 3. Draw the eigenvalues of S. How many are above :math:`\epsilon`, and what does that mean?
