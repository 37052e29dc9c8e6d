"""
A wavefunction of your own in one file
======================================

What you write, and what you get for it.

The class below is all that an ansatz needs: named parameters, log psi and its derivatives, in
NumPy. Runs, checkpoints, resuming and measurements take it as it is.
"""

# %%
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import rbmqs
from hamiltonians import LocalSpace, chain, ising

OUTPUT = Path("output")
OUTPUT.mkdir(exist_ok=True)
H = ising(chain(16), h=1.0)


# %% [markdown]
# The ansatz.


# %%
@dataclass(frozen=True, eq=False)
class DistanceJastrow(rbmqs.VariationalState):
    """log psi = sum_d v_d sum_i sigma_i sigma_(i+d) on a periodic chain: one number a distance."""

    hilbert: LocalSpace
    v: np.ndarray

    @classmethod
    def random(cls, hamiltonian, *, seed=0, dtype=float):
        n_sites = hamiltonian.n_sites
        v = np.random.default_rng(seed).normal(scale=0.01, size=n_sites // 2)
        return cls(LocalSpace(n_sites), v.astype(dtype))

    @property
    def parameters(self):
        return {"v": self.v}

    def log_derivatives(self, sigma):
        distances = range(1, len(self.v) + 1)
        products = [(sigma * np.roll(sigma, d, axis=1)).sum(axis=1) for d in distances]
        return np.stack(products, axis=1).astype(self.v.dtype)

    def log_psi(self, sigma):
        return self.log_derivatives(sigma) @ self.v


# %% [markdown]
# A run of 50 iterations on disk goes on to 150, and is measured. In tests of your own,
# `rbmqs.testing.check_state` compares what the class says with differences, sums over all
# configurations and files read back.

# %%
output = Path(tempfile.mkdtemp()) / "run"
psi = DistanceJastrow.random(H, seed=1)
rbmqs.ground_state(H, psi=psi, n_iterations=50, output=output, progress=False)
result = rbmqs.resume(output, n_iterations=150, progress=False)
estimate = result.psi.measure(H, n_samples=4096)
print(f"energy {estimate.energy}, exact {result.reference.energy:.4f}")
print("<Z0 Z1>", estimate.correlations().zz[0, 1].round(4))
result.plot(OUTPUT / "12_your_own_ansatz.png")

# %% [markdown]
# The reference is the energy of free fermions (P. Pfeuty, Ann. Phys. 57, 79 (1970)).

# %%
assert abs(estimate.energy.mean.real / result.reference.energy - 1) < 5e-3
