"""
A state from measurements in many bases
=======================================

Synthetic shots, reconstruction, errors.
"""

# %% [markdown]
# A ring of six spins is measured in 60 random Pauli bases, 200 shots each. Only the shots go
# into the reconstruction; the ground state is there to compare with.

# %%
from pathlib import Path

import numpy as np

import rbmqs
from hamiltonians import Sector, chain, ground_state, heisenberg
from rbmqs.tomography.bases import random_pauli_bases
from rbmqs.tomography.drawing import shots_of_vector
from rbmqs.tomography.plotting import plot_outcomes

OUTPUT = Path("output")
OUTPUT.mkdir(exist_ok=True)
N = 6
H = heisenberg(chain(N))
exact = ground_state(H, 1, vectors=True)
target = np.zeros(2**N)
target[Sector(N, H.total_sz).basis_states().astype(int)] = np.ravel(exact.vectors)
shots = shots_of_vector(target, random_pauli_bases(N, 60, seed=1), 200, seed=2)

found = rbmqs.reconstruct(shots, target=target)
print(found)
plot_outcomes(found, OUTPUT / "14_reconstruction.png")

# %% [markdown]
# Answers come with errors that hold the noise of the shots, and raw estimates beside them.

# %%
print("energy  ", found.answers.energy(H))
print("exact   ", exact.energies[0])
print("fidelity", found.answers.fidelity(target))
assert abs(found.answers.energy(H).estimate - exact.energies[0]) < 4 * found.answers.energy(H).error

# %% [markdown]
# Outcomes read from the wrong end contradict those of other bases: a chi-squared test notices.

# %%
strings = {
    label: {
        "".join("01"[int(s < 0)] for s in outcome): int(count)
        for outcome, count in zip(shots.outcomes[rows], shots.counts[rows], strict=True)
    }
    for label, rows in ((x, shots.rows(b)) for b, x in enumerate(shots.bases.labels[:20]))
}
turned = rbmqs.reconstruct(strings, site_0="right", basis_site_0="left", n_hidden=2, n_iter=20)
print(turned.status)
