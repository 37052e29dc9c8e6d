"""From measured spins to a ground state: a model of the data starts the variational solver."""

# %% [markdown]
# An experiment measures sigma^z of every site, again and again. Here the measurements are drawn
# from the exact ground state of an Ising chain at its critical field, which the training never
# sees: 5000 snapshots of 14 spins.

# %%
import numpy as np

import rbmqs
from hamiltonians import Sector, chain, ground_state, ising
from rbmqs.boltzmann import train_wavefunction

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
for name, start in {"measurements": {"psi": psi}, "nothing": {"alpha": 2, "dtype": float}}.items():
    result = rbmqs.ground_state(H, n_iterations=60, seed=1, progress=False, **start)
    errors = [1 - record.energy.mean.real / exact.energy for record in result.history]
    print(f"from {name}: relative error {errors[0]:.1e} at first, {errors[9]:.1e} in iteration 10")
    print(f"    {result.energy} after 60, exact {exact.energy:.6f}")
