"""
The same run in NetKet
======================

One start, the same schedules, two libraries.
"""

# %% [markdown]
# NetKet is the `netket` extra: `pip install "rbmqs[netket]"`. Without it this script says so.
# Both libraries start from the same parameters and draw the same number of samples; NetKet's
# learning rate is half of ours by convention, which `ground_state_with_netket` takes care of.
# The seconds of both include compilation.

# %%
import importlib.util
import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt

import rbmqs
from hamiltonians import chain, ground_state, ising

if importlib.util.find_spec("netket") is None:
    print("NetKet is not installed, nothing to compare with")
    sys.exit()

from rbmqs.runs.netket import ground_state_with_netket
from rbmqs.vmc.recommended import recommended

OUTPUT = Path("output")
OUTPUT.mkdir(exist_ok=True)

# %%
H = ising(chain(12), h=1.0)
psi = rbmqs.RBM.random(H.n_sites, alpha=1, seed=1)
settings = rbmqs.RunSettings(n_iterations=150, seed=1)

# %%
start = time.perf_counter()
ours = rbmqs.ground_state(H, psi=psi, settings=settings, progress=False)
seconds = time.perf_counter() - start

# %%
theirs = ground_state_with_netket(
    H,
    psi,
    n_iterations=settings.n_iterations,
    learning_rate=recommended(psi).learning_rate,
    diag_shift=recommended(psi).diag_shift,
    seed=1,
)

# %%
exact = ground_state(H).energy
rows = {
    "rbmqs": (ours.energy.mean.real, ours.energy.error_of_mean, seconds),
    "NetKet": (theirs["energy"], theirs["error"], theirs["seconds"]),
}
for name, (energy, error, spent) in rows.items():
    print(f"{name:6}  {energy:.4f} +- {error:.4f}  ({spent:.0f} s)  exact {exact:.4f}")

# %%
figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
for position, (energy, error, _) in enumerate(rows.values()):
    axes.errorbar(position, energy - exact, error, fmt="o")
axes.axhline(0, color="0.6")
axes.set_xticks(range(len(rows)), rows)
axes.set_ylabel(r"$E - E_{\rm exact}$, Pauli units")
axes.set_title(H.name)
figure.savefig(OUTPUT / "04_netket_comparison.png", dpi=150)
assert all(abs(energy / exact - 1) < 2e-3 for energy, _, _ in rows.values())
