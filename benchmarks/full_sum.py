"""Energies of optimised wavefunctions by summation over all states: no sampling, no error bar."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from rbmqs import RunResult


def full_sum_energy(result: RunResult) -> float:
    """<psi|H|psi> / <psi|psi> of the wavefunction that a run ended with."""
    from hamiltonians import Sector

    hamiltonian = result.hamiltonian
    vector = result.psi.state_vector(Sector(hamiltonian.n_sites, hamiltonian.total_sz))
    return float(np.vdot(vector, hamiltonian.to_sparse() @ vector).real)


def relative_error(result: RunResult) -> float:
    """(<psi|H|psi> / <psi|psi> - E_0) / |E_0| of the wavefunction that a run ended with."""
    exact = result.reference.energy
    return result.hamiltonian.relative(full_sum_energy(result) - exact, exact)
