"""
Sectors of the Heisenberg chain
===============================

Lowest energies at S_z = 0, 1, 2 and the spin gap.
"""

# %% [markdown]
# Exchange moves keep the total S_z, so each sector is sampled by itself. The Marshall rotation,
# asked for by name, makes the ground state of each sector positive. Energies below are
# in units of J for spins S = sigma / 2: a quarter of the Pauli energies.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import rbmqs
from hamiltonians import chain, ground_state, heisenberg

OUTPUT = Path("output")
OUTPUT.mkdir(exist_ok=True)

N = 12
SECTORS = (0, 1, 2)

# %%
energy, error, exact = [], [], []
for total_sz in SECTORS:
    H = heisenberg(chain(N), total_sz=total_sz, marshall=True)
    result = rbmqs.ground_state(H, alpha=1, seed=1, n_iterations=150, progress=False)
    energy.append(result.energy.mean.real / 4)
    error.append(result.energy.error_of_mean / 4)
    exact.append(ground_state(H).energy / 4)
    print(
        f"S_z = {total_sz}: E = {energy[-1]:.5f} +- {error[-1]:.5f}, exact {exact[-1]:.5f}, "
        f"difference {energy[-1] - exact[-1]:+.5f}"
    )

# %%
figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
axes.plot(SECTORS, np.subtract(exact, exact[0]), "_", markersize=30, color="0.6", label="exact")
axes.errorbar(SECTORS, np.subtract(energy, exact[0]), error, fmt="o", label="RBM")
axes.set(xlabel=r"total $S_z$", ylabel=r"$E - E_0^{\rm exact}$  [J]", xticks=SECTORS)
axes.set_title(f"Heisenberg chain of {N} sites, periodic")
axes.legend()
figure.savefig(OUTPUT / "03_heisenberg_sectors.png", dpi=150)

# %% [markdown]
# Each energy is an upper bound of its own sector, so errors of the wavefunctions cancel in the gap
# only in part: the statistical error below is not all of it.

# %%
gap, gap_error = energy[1] - energy[0], float(np.hypot(error[0], error[1]))
print(f"Spin gap {gap:.4f} +- {gap_error:.4f} J, exact {exact[1] - exact[0]:.4f} J")
assert abs(gap - (exact[1] - exact[0])) < 0.005  # exact diagonalisation
