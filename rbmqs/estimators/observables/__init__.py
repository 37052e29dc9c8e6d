"""Observables of any wavefunction from its samples, in the unrotated basis, with error bars.

>>> from rbmqs.estimators.observables import structure_factor
>>> result = rbmqs.ground_state(heisenberg(square(6), total_sz=0, marshall=True))
>>> structure_factor(result.psi, result.hamiltonian, result.estimate.samples)
"""

from rbmqs.estimators.observables.dimers import DimerCorrelations, dimer_correlations
from rbmqs.estimators.observables.overlap import fidelity
from rbmqs.estimators.observables.modes import mode_powers
from rbmqs.estimators.observables.renyi import RenyiEntropy, renyi_entropy
from rbmqs.estimators.observables.structure import (
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
