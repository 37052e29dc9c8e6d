"""
From measured spins to a ground state
=====================================

A model of the data starts the variational solver.
"""

# %% [markdown]
# An experiment measures sigma^z of every site, again and again. Here the measurements are drawn
# from the exact ground state of an Ising chain at its critical field, which the training never
# sees: 5000 snapshots of 14 spins.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import rbmqs
from hamiltonians import Sector, chain, ground_state, ising
from rbmqs import train_wavefunction

OUTPUT = Path("output")
OUTPUT.mkdir(exist_ok=True)

H = ising(chain(14), h=1.0)
exact = ground_state(H)
probability = np.abs(exact.vector) ** 2
rng = np.random.default_rng(1)
drawn = rng.choice(H.dimension, size=5000, p=probability / probability.sum())
bits = drawn[:, None] >> np.arange(13, -1, -1) & 1
spins = 1 - 2 * bits  # site 0 is the leftmost bit, 0 is up

# %% [markdown]
# psi^2 of a wavefunction with real parameters is a Boltzmann machine, so contrastive divergence
# trains it like any other. What the measurements cannot tell are signs; this ground state has none.

# %%
psi, training = train_wavefunction(spins, n_hidden=28, random_state=1)
fidelity = psi.overlap(exact.vector, Sector(H.n_sites))
print(f"fidelity after {training.epoch} epochs on the measurements: {fidelity:.4f}")

# %% [markdown]
# The same wavefunction starts the solver. A start from small random parameters beside it, as long:

# %%
figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
for name, start in {"measurements": {"psi": psi}, "nothing": {"alpha": 2, "dtype": float}}.items():
    result = rbmqs.ground_state(H, n_iterations=60, seed=1, progress=False, **start)
    errors = [1 - record.energy.mean.real / exact.energy for record in result.history]
    print(f"from {name}: relative error {errors[0]:.1e} at first, {np.mean(errors[10:20]):.1e} in "
          f"iterations 10 to 19")  # fmt: skip
    print(f"    {result.energy} after 60, exact {exact.energy:.6f}")
    assert abs(result.energy.mean.real / exact.energy - 1) < 1e-3
    axes.plot(np.abs(errors), label=f"from {name}")
axes.set(yscale="log", xlabel="iteration", ylabel="relative error of the energy", title=H.name)
axes.legend(frameon=False)
figure.savefig(OUTPUT / "11_from_measurements.png", dpi=150)
plt.close(figure)
