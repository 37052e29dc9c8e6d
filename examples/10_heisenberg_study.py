"""
A study of six sizes
====================

The Heisenberg chain's energy extrapolated to infinite length.
"""

# %% [markdown]
# The ring's energy per site is e + a/N^2 + b/N^4 up to logarithms. The Bethe ansatz gives
# e = 1 - 4 ln 2 in Pauli units (Hulthen 1938), a quarter of that for spins S = sigma / 2.

# %%
import subprocess
import sys
from pathlib import Path

import numpy as np

from rbmqs.studies import load_table
from rbmqs.studies.figures import finite_size, plot_finite_size

STUDIES = next(p for p in (Path("studies"), Path("examples/studies")) if p.is_dir())
STUDY, OUTPUT = STUDIES / "heisenberg_chain.toml", Path("output")
ROOT = OUTPUT / "heisenberg_chain"
OUTPUT.mkdir(exist_ok=True)
BETHE = 1 - 4 * np.log(2)

# %%
command = [sys.executable, "-m", "rbmqs", "study", "run", str(STUDY), "--output", str(ROOT)]
subprocess.run(command, check=True)
table = load_table(ROOT)

# %% [markdown]
# The error of the limit holds the statistical errors, the distance of each wavefunction from its
# ground state, and the spread between fits with and without the smallest size and the b term.

# %%
((_, _, limit),) = finite_size(table)
deviation = (limit.value - BETHE) / limit.error
print(f"infinite chain: {limit.value:.5f} +- {limit.error:.5f} per site,", end=" ")
print(f"Bethe {BETHE:.5f}, {deviation:+.1f} error bars")

# %%
assert abs(deviation) < 3
figure = plot_finite_size(table, exact=BETHE)
figure.savefig(OUTPUT / "10_heisenberg_study.png", dpi=150)
