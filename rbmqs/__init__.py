"""Ground states of spin Hamiltonians with restricted Boltzmann machines.

>>> import rbmqs
>>> from hamiltonians import chain, ising
>>> print(rbmqs.ground_state(ising(chain(20), h=1.0), alpha=2))
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "Correlations": "estimators",
    "ExactSampler": "sampler",
    "MetropolisSampler": "sampler",
    "OptimiserSettings": "settings",
    "ProjectedRBM": "projected",
    "RBM": "wavefunction",
    "ReplicaExchangeSampler": "replica",
    "RunResult": "results",
    "RunSettings": "settings",
    "SamplingSettings": "settings",
    "Schedule": "schedules",
    "Stats": "statistics",
    "StepRecord": "records",
    "SymmetricRBM": "symmetric",
    "choose_signs": "sign_trial",
    "correlations": "estimators",
    "dimer_correlations": "observables",
    "energy_variance": "lanczos",
    "expect": "estimators",
    "fidelity": "observables",
    "ground_state": "run",
    "grown": "growth",
    "iterate": "vmc",
    "lanczos_step": "lanczos",
    "local_energies": "estimators",
    "magnetisations": "estimators",
    "read_log": "runlog",
    "renyi_entropy": "observables",
    "resume": "run",
    "staggered_magnetisation": "observables",
    "statistics": "statistics",
    "structure_factor": "observables",
    "temple_lower_bound": "lanczos",
    "v_score": "statistics",
    "variational_upper_bound": "lanczos",
    "wavefunction_of": "continuation",
    "weinstein_lower_bound": "lanczos",
}

__all__ = [*sorted(_HOMES), "__version__"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"rbmqs.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'rbmqs' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
