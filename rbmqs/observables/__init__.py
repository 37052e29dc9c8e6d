"""Observables of any wavefunction from its samples, in the unrotated basis, with error bars.

>>> from rbmqs.observables import structure_factor
>>> result = rbmqs.ground_state(heisenberg(square(6), total_sz=0, marshall=True))
>>> structure_factor(result.psi, result.hamiltonian, result.estimate.samples)
"""

from rbmqs.observables.dimers import DimerCorrelations, dimer_correlations
from rbmqs.observables.fidelity import fidelity
from rbmqs.observables.modes import mode_powers
from rbmqs.observables.renyi import RenyiEntropy, renyi_entropy
from rbmqs.observables.structure import (
    StructureFactor,
    all_wave_vectors,
    staggered_magnetisation,
    structure_factor,
)

__all__ = [
    "DimerCorrelations",
    "RenyiEntropy",
    "StructureFactor",
    "all_wave_vectors",
    "dimer_correlations",
    "fidelity",
    "mode_powers",
    "renyi_entropy",
    "staggered_magnetisation",
    "structure_factor",
]
