r"""
4. The Heisenberg model: signs and symmetries
=============================================

The Ising model with a field has a ground state without signs. Antiferromagnets have signs, and
symmetries that a network knows nothing of. Both can be put in by hand: signs by turning the basis,
symmetries by choosing a sector or by tying weights.
"""

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import rbmqs
from hamiltonians import Sector, average_sign, chain, ground_state, heisenberg, j1j2, square

OUTPUT = Path("output")
OUTPUT.mkdir(exist_ok=True)

# %% [markdown]
# Signs
# -----
#
# :math:`\sigma_i \cdot \sigma_j = Z_i Z_j + 2 (\sigma^+_i \sigma^-_j + \mathrm{h.c.})`: an
# exchange of two antiparallel spins has the matrix element +2. A Hamiltonian whose off-diagonal
# elements are not negative has no reason for a positive ground state (Perron and Frobenius).
# Marshall (Proc. R. Soc. A 232, 48 (1955)): on a bipartite lattice turn the spins of one
# sublattice by :math:`\pi` about z. Each exchange joins the two sublattices and changes its sign.

# %%
for marshall in (False, True):
    H = heisenberg(chain(12), total_sz=0, marshall=marshall)
    vector = ground_state(H).vector
    print(f"Marshall rotation {marshall!s:5}: average sign {average_sign(vector):.3f}")
assert np.isclose(average_sign(vector), 1)

# %% [markdown]
# The energy is the same in both bases. What differs is what a network has to learn. A complex RBM
# in the unrotated basis must find the signs; a real positive one in the rotated basis need not.

# %%
exact = ground_state(heisenberg(chain(12), total_sz=0)).energy
errors = {}
for signs in (None, "marshall"):
    result = rbmqs.ground_state(
        heisenberg(chain(12), total_sz=0), alpha=2, signs=signs, n_iterations=120, seed=1,
        progress=False,
    )  # fmt: skip
    errors[signs] = abs(result.energy.mean.real / exact - 1)
    print(f"signs={signs}: {result.energy}, relative error {errors[signs]:.1e}")
assert errors["marshall"] < 1e-3

# %% [markdown]
# Frustration
# -----------
#
# With second neighbours no rotation helps: exchanges within a sublattice keep their sign. How bad
# the signs of the Marshall rule become is known exactly on 16 sites.

# %%
couplings = (0.0, 0.2, 0.4, 0.5, 0.6, 0.8, 1.0)
average = {rule: [] for rule in ("marshall", "stripe-x")}
for J2 in couplings:
    for rule, values in average.items():
        H = j1j2(square(4), J2=J2, total_sz=0, signs=rule)
        values.append(average_sign(ground_state(H).vector))
figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
for rule, values in average.items():
    axes.plot(couplings, values, "o-", label=rule)
axes.set(xlabel="J2 / J1", ylabel="average sign of the ground state", ylim=(0, 1.05))
axes.legend(frameon=False)
figure.savefig(OUTPUT / "lecture_4_signs.png", dpi=150)
assert np.isclose(average["marshall"][0], 1)
assert average["marshall"][-1] < 0.9

# %% [markdown]
# Sectors
# -------
#
# H conserves the total :math:`S_z`. Exchange moves never leave a sector, so the lowest state of
# each can be found by itself, and the spin gap is a difference of two ground-state energies.

# %%
energies = [ground_state(heisenberg(chain(12), total_sz=s)).energy for s in (0, 1)]
dimensions = [Sector(12, total_sz=s).dimension for s in (0, 1)]
print("dimensions", dimensions, "of", 2**12, f"; spin gap {energies[1] - energies[0]:.4f}")

# %% [markdown]
# Tied weights
# ------------
#
# Translations leave H invariant. Let every hidden unit have N copies, each shifted by one site,
# with the same weights: psi is then invariant, and has N times fewer parameters for the same
# number of units. Fewer parameters need fewer samples and cost less in the equations of the step.

# %%
for name, ansatz in {"plain": {"alpha": 2}, "tied": {"alpha": 2, "tied": "translations"}}.items():
    result = rbmqs.ground_state(
        heisenberg(chain(12), total_sz=0), n_iterations=120, seed=1, progress=False, **ansatz
    )
    error = abs(result.energy.mean.real / exact - 1)
    print(f"{name:6} {result.psi.n_parameters:4d} parameters, relative error {error:.1e}")
    assert error < 2e-3

# %% [markdown]
# The invariance is exact, not learned:

# %%
spins = np.random.default_rng(1).permuted(np.tile([1, -1], (5, 6)), axis=1).astype(np.int8)
assert np.allclose(result.psi.log_modulus(spins), result.psi.log_modulus(np.roll(spins, 1, axis=1)))

# %% [markdown]
# Exercises
# ---------
#
# 1. An odd ring, ``chain(11)``, is not bipartite. What is the average sign under the best rule?
# 2. The momentum of the ground state of ``chain(N)`` is 0 or :math:`\pi`, depending on N. Why does
#    the tied RBM find it in both cases, in the rotated basis?
# 3. Add ``tied="space group"``: when does a smaller variational space cost more than it saves?
