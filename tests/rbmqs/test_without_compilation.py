"""Interpreted kernels draw what compiled ones do, without warnings: NUMBA_DISABLE_JIT=1."""

import os
import subprocess
import sys

import numba
import pytest

import rbmqs
from hamiltonians import chain, ising

DRAW = """
import rbmqs
from hamiltonians import chain, ising
sampler = rbmqs.MetropolisSampler.for_hamiltonian(ising(chain(4)), n_chains=2)
samples, _ = sampler.sample(rbmqs.RBM.random(4, seed=0), sampler.start(0), 8)
print(samples.spins.tobytes().hex())
"""


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
def test_interpreted_chains_draw_the_same() -> None:
    """Words of random numbers wrap around, of which NumPy warns unless told not to."""
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", DRAW],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    sampler = rbmqs.MetropolisSampler.for_hamiltonian(ising(chain(4)), n_chains=2)
    samples, _ = sampler.sample(rbmqs.RBM.random(4, seed=0), sampler.start(0), 8)
    assert found.stdout.strip() == samples.spins.tobytes().hex()
