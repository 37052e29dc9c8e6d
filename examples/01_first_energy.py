"""
A first energy
==============

The transverse-field Ising chain at its critical point.
"""

# %% [markdown]
# State the model and ask for its ground state. `print` reports the energy with its error bar, the
# exact value with its source, and the reasons not to trust the result, if there are any.

# %%
from pathlib import Path

import rbmqs
from hamiltonians import chain, ising, ising_chain_energy

OUTPUT = Path("output")
OUTPUT.mkdir(exist_ok=True)

# %%
H = ising(chain(20), h=1.0)
result = rbmqs.ground_state(H, alpha=1, seed=1, n_iterations=200)
print(result)

# %% [markdown]
# Energy and its error against iteration with the exact line; variance and R-hat below.

# %%
result.plot(OUTPUT / "01_first_energy.png")

# %% [markdown]
# The exact energy of the ring is that of free fermions (P. Pfeuty, Ann. Phys. 57, 79 (1970)).

# %%
exact = ising_chain_energy(20, h=1.0)
assert abs(result.energy.mean.real / exact - 1) < 1e-3
