"""
A chain of spins one
====================

The ground state of the Haldane chain and its correlations, by an RBM for S = 1.

Configurations hold 2 S_z, that is 2, 0 and -2. Energies and correlations are in units of S.
"""

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import rbmqs
from hamiltonians import chain, ground_state, heisenberg

OUTPUT = Path("output")
OUTPUT.mkdir(exist_ok=True)
H = heisenberg(chain(8, periodic=False), spin=1, total_sz=0)
exact = ground_state(H).energy

# %% [markdown]
# A visible unit has two numbers, S_z and its square. Signs of the ground state are known
# (Marshall), and the 1107 configurations with S_z = 0 are few enough to be summed over.

# %%
result = rbmqs.ground_state(
    H, alpha=2, tied="space-group", summation=True, n_iterations=120, learning_rate=0.1
)
print(result)
error = abs(result.energy.mean.real - exact) / abs(exact)
print(f"relative error {error:.1e}")
assert error < 2e-3

# %% [markdown]
# Ends of an open chain of spins one behave as free spins 1/2: near them bonds alternate.

# %%
found = rbmqs.correlations(result.psi, H, result.final.samples)
dots = found.xx + found.yy + found.zz
print("S_i . S_i+1:", np.round(np.diag(dots, 1), 3))
plt.plot(np.diag(dots, 1), "o-")
plt.xlabel("bond")
plt.ylabel("$S_i \\cdot S_{i+1}$")
plt.savefig(OUTPUT / "15_spin_one_chain.png")
assert abs(np.diag(dots, 1).sum() - exact) < 0.02 * abs(exact)
