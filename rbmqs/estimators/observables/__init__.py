"""Observables of any wavefunction from its samples, in the unrotated basis, with error bars.

>>> from rbmqs.estimators.observables import structure_factor
>>> result = rbmqs.ground_state(heisenberg(square(6), total_sz=0, marshall=True))
>>> structure_factor(result.psi, result.hamiltonian, result.estimate.samples)
"""

from hamiltonians.lattices.geometry import all_wave_vectors
from rbmqs.estimators.observables.dimers import DimerCorrelations, dimer_correlations
from rbmqs.estimators.observables.magnetisation import magnetisations, staggered_magnetisation
from rbmqs.estimators.observables.modes import mode_powers
from rbmqs.estimators.observables.overlap import fidelity, state_fidelity
from rbmqs.estimators.observables.renyi import RenyiEntropy, renyi_entropy
from rbmqs.estimators.observables.structure import StructureFactor, structure_factor
from rbmqs.estimators.observables.two_point import (
    AveragedCorrelations,
    Correlations,
    correlations,
)

__all__ = [
    "AveragedCorrelations",
    "Correlations",
    "DimerCorrelations",
    "RenyiEntropy",
    "StructureFactor",
    "all_wave_vectors",
    "correlations",
    "dimer_correlations",
    "fidelity",
    "magnetisations",
    "mode_powers",
    "renyi_entropy",
    "staggered_magnetisation",
    "state_fidelity",
    "structure_factor",
]
