"""
A study of 60 runs
==================

Energy and magnetisation through the transition of the Ising chain.
"""

# %% [markdown]
# The study is a file, examples/studies/ising_transition.toml, and the run one command. It may be
# killed at any moment: the same command continues from there, and does nothing when all is done.

# %%
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from hamiltonians import ising_chain_energy
from rbmqs.studies import load_table, write_report
from rbmqs.studies.figures import plot_energy

STUDIES = next(p for p in (Path("studies"), Path("examples/studies")) if p.is_dir())
STUDY, OUTPUT = STUDIES / "ising_transition.toml", Path("output")
ROOT = OUTPUT / "ising_transition"
OUTPUT.mkdir(exist_ok=True)

# %%
command = [sys.executable, "-m", "rbmqs", "study", "run", str(STUDY), "--output", str(ROOT)]
subprocess.run(command, check=True)
table = load_table(ROOT)

# %% [markdown]
# Energies are compared with free fermions. The stated error is that of the energy at zero
# variance, which holds the distance between wavefunction and ground state; the error bar of the
# sampling alone does not.

# %%
deviation = (table["energy_zero_variance"] - table["reference"]) / table[
    "energy_zero_variance_error"
]
known = np.isfinite(deviation)  # no energy at zero variance where the line would mislead
print(f"{known.sum()} of {len(table)} points; energy within two stated errors of the exact one:")
print(f"{np.mean(abs(deviation[known]) < 2):.0%}")
assert np.mean(abs(deviation[known]) < 2) > 0.9

# %% [markdown]
# The magnetisation along the field follows from the exact energy, m_x = -(1/N) dE/dh (Hellmann and
# Feynman), here by a central difference of step 1e-4.

# %%
STEP = 1e-4


def exact_m_x(n: int, h: float) -> float:
    """Transverse magnetisation per site of the exact ground state."""
    higher, lower = (ising_chain_energy(n, h + sign * STEP, J=-1.0) for sign in (1, -1))
    return (lower - higher) / (2 * STEP * n)


exact = np.array([exact_m_x(int(n), h) for n, h in zip(table["n_sites"], table["h"], strict=True)])
difference = abs(table["m_x"] - exact)
print(f"m_x: largest deviation {difference.max():.3f},", end=" ")
print(f"{np.mean(difference < 2 * table['m_x_error']):.0%} within two error bars")

# %%
figure = plot_energy(table)
figure.savefig(OUTPUT / "09_ising_study.png", dpi=150)

figure, axes = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
for number, n in enumerate(np.unique(table["n_sites"])):
    here = table["n_sites"] == n
    axes.errorbar(
        table["h"][here], table["m_x"][here], table["m_x_error"][here],
        fmt="o", markersize=4, color=f"C{number}", label=f"N = {n:.0f}",
    )  # fmt: skip
    axes.plot(table["h"][here], exact[here], color=f"C{number}", linewidth=1)
axes.set(xlabel="transverse field h", ylabel="magnetisation $m_x$ (lines: exact)")
axes.legend(frameon=False)
figure.savefig(OUTPUT / "09_ising_magnetisation.png", dpi=150)
print(*write_report(ROOT))
