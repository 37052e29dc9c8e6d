"""
Lattices
========

Shells of neighbours, space groups, and the sectors they make.
"""

# %% [markdown]
# A lattice is a unit cell and a cluster of it, given by lengths or by the integer vectors that
# span it. Its translations, rotations and reflections are found from the positions of its sites.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from hamiltonians import (
    checkerboard,
    from_cell,
    ground_state,
    heisenberg,
    honeycomb,
    kagome,
    shuriken,
    tilted_square,
    triangular,
    unit_cell,
)

OUTPUT = Path("output")
OUTPUT.mkdir(exist_ok=True)

lieb = from_cell(unit_cell([[1, 0], [0, 1]], [[0, 0], [0.5, 0], [0, 0.5]], name="Lieb"), 3)
lattices = [
    triangular(vectors=[[2, 2], [-2, 4]]),
    tilted_square(4, 2),
    honeycomb(3),
    kagome(3),
    shuriken(2),
    checkerboard(3),
    kagome(3, periodic=False),
    lieb,
]

# %%
for lattice in lattices:
    point, space = lattice.point_group().order, lattice.space_group().order
    print(f"{lattice.name:45s} point group {point:3d}, space group {space:4d}")

# %% [markdown]
# Dashed bonds leave the cluster; second neighbours are orange.

# %%
figure, axes = plt.subplots(2, 4, figsize=(14, 7.5), layout="constrained")
for lattice, ax in zip(lattices, axes.flat, strict=True):
    shells = [1, 2] if lattice.kind in ("square", "honeycomb") else 1
    lattice.draw(ax, shells, site_size=90, numbers=False)
figure.savefig(OUTPUT / "07_lattices.png", dpi=110)

# %% [markdown]
# Sectors are momenta with the one-dimensional irreps of their little groups.

# %%
twelve = lattices[0]
for sector in twelve.sectors(spin_inversion=True)[:8]:
    print(sector.label)
print("irreps at K:", [s.label for s in twelve.sectors(k=(2 * np.pi / 3, -2 * np.pi / 3))])

# %% [markdown]
# The triangular antiferromagnet on twelve sites.

# %%
H = heisenberg(twelve, total_sz=0)
twelve.space_group().leaves_invariant(H)
energy = ground_state(H).energy
print(f"E / N = {energy / 12 / 4:.6f} for S = sigma / 2, {energy / 12:.6f} in Pauli units")
# B. Bernu, P. Lecheminant, C. Lhuillier and L. Pierre, Phys. Rev. B 50, 10048 (1994)
assert abs(energy / 12 / 4 + 0.6103) < 1e-4
