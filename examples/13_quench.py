"""
A quench of the Ising chain
===========================

Evolution in time beside the exact curves.
"""

# %% [markdown]
# The ground state at h = 0.5 evolves under h = 1. r^2 says how much of the change of psi the RBM
# leaves out; the energy, which is conserved, would not tell.

# %%
from pathlib import Path

import numpy as np

import rbmqs
from hamiltonians import chain, ising
from rbmqs.dynamics import product_state

OUTPUT = Path("output")
OUTPUT.mkdir(exist_ok=True)

lattice = chain(10)
ground = rbmqs.ground_state(
    ising(lattice, h=0.5, J=-1.0),
    tied="translations",
    n_features=3,
    n_iterations=150,
    progress=False,
)
after = ising(lattice, h=1.0, J=-1.0)
result = rbmqs.evolve(after, ground, np.linspace(0, 0.5, 6), echo=True, progress=False)
print(result)
result.plot(OUTPUT / "13_quench.png")

# %%
print(f"{'time':>6} {'mx':>9} {'exact':>9} {'r^2 so far':>11}")
for k, time in enumerate(result.times):
    r2 = max((r.r2 for r in result.records if r.time <= time), default=0.0)
    print(f"{time:6.2f} {result.values('mx')[k]:9.5f} {result.exact['mx'][k]:9.5f} {r2:11.1e}")
assert abs(result.values("mx") - result.exact["mx"]).max() < 0.01

# %% [markdown]
# All spins along +x, in a field that is ramped up: H as a list of (coefficient of t, operator).

# %%
ramp = [(1.0, ising(lattice, h=0.0, J=-1.0)), (lambda t: 1 + t, ising(lattice, h=1.0, J=0.0))]
start = product_state(rbmqs.RBM.random(10, 1), "+x")
print(rbmqs.evolve(ramp, start, [0.0, 0.1, 0.2], n_samples=1024, progress=False))
