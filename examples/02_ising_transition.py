"""
The transition of the Ising chain
=================================

Energy and magnetisations against exact diagonalisation.
"""

# %% [markdown]
# The ferromagnet (J = -1) orders along z for h < 1. A finite chain breaks no symmetry, so the order
# shows in :math:`\langle |m_z| \rangle`, not in :math:`\langle m_z \rangle`.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import rbmqs
from hamiltonians import PauliSum, Sector, chain, expectation, ground_state, ising

OUTPUT = Path("output")
OUTPUT.mkdir(exist_ok=True)

N = 10
FIELDS = (0.5, 0.9, 1.2, 2.0)
SECTOR = Sector(N)
ABS_M = abs(SECTOR.states_to_spins(SECTOR.basis_states()).mean(axis=1))
M_X = PauliSum.from_terms((1 / N, [(i, "X")]) for i in range(N))


# %%
def exact_values(h: float) -> tuple[float, float, float]:
    """Energy per site, <|m_z|> and <m_x> of the exact ground state."""
    exact = ground_state(ising(chain(N), h=h, J=-1.0))
    weights = abs(exact.vector) ** 2
    return exact.energy / N, weights @ ABS_M, expectation(exact.vector, M_X, SECTOR)


def sampled_values(h: float) -> list[tuple[float, float]]:
    """The same three from a run, each with its error bar."""
    H = ising(chain(N), h=h, J=-1.0)
    result = rbmqs.ground_state(H, alpha=1, seed=1, n_iterations=120, progress=False)
    m, energy = result.magnetisations(), result.energy
    return [
        (energy.mean.real / N, energy.error_of_mean / N),
        (m["|z|"].mean, m["|z|"].error_of_mean),
        (m["x"].mean, m["x"].error_of_mean),
    ]


# %%
sampled = np.array([sampled_values(h) for h in FIELDS])  # (field, quantity, value and error)
exact = np.array([exact_values(h) for h in FIELDS])
curve_fields = np.linspace(0.3, 2.1, 25)
curves = np.array([exact_values(h) for h in curve_fields])

# %%
figure, axes = plt.subplots(3, 1, sharex=True, figsize=(6, 8), layout="constrained")
labels = ["energy per site", r"$\langle |m_z| \rangle$", r"$\langle m_x \rangle$"]
for k, label in enumerate(labels):
    axes[k].plot(curve_fields, curves[:, k], color="0.6", label="exact diagonalisation")
    axes[k].errorbar(FIELDS, sampled[:, k, 0], sampled[:, k, 1], fmt="o", label="RBM")
    axes[k].set_ylabel(label)
axes[0].legend()
axes[2].set_xlabel("transverse field h")
axes[0].set_title(f"Ising chain of {N} sites, periodic, J = -1")
figure.savefig(OUTPUT / "02_ising_transition.png", dpi=150)

# %%
deviation = abs(sampled[:, :, 0] - exact).max(axis=0)
print(f"{len(FIELDS)} fields, N = {N}. Largest deviation from exact:", end=" ")
print("energy per site {:.1e}, |m_z| {:.1e}, m_x {:.1e}".format(*deviation))
assert deviation.max() < 0.03
