"""Ground states of spin Hamiltonians with restricted Boltzmann machines.

>>> import rbmqs
>>> from hamiltonians import chain, ising
>>> print(rbmqs.ground_state(ising(chain(20), h=1.0), alpha=2))
"""

from importlib import import_module
from threading import RLock
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "Correlations": "estimators.observables",
    "Estimate": "estimators.estimate",
    "Evolution": "dynamics.records",
    "EvolutionSettings": "dynamics.settings",
    "ExactSampler": "sampling.exact",
    "Jastrow": "states.jastrow",
    "JastrowRBM": "states.jastrow",
    "MetropolisSampler": "sampling.metropolis",
    "OptimiserSettings": "vmc.settings",
    "ProjectedRBM": "states.projected_rbm",
    "RBM": "states.rbm",
    "ReplicaExchangeSampler": "sampling.replica_exchange",
    "RunResult": "runs.result",
    "RunSettings": "vmc.settings",
    "SamplingSettings": "vmc.settings",
    "Schedule": "utils.schedules",
    "Stats": "estimators.stats",
    "StepRecord": "vmc.records",
    "SymmetricRBM": "states.symmetric_rbm",
    "VariationalState": "states.state",
    "choose_signs": "runs.sign_search",
    "correlations": "estimators.observables",
    "dimer_correlations": "estimators.observables",
    "energy_variance": "estimators.lanczos",
    "evolve": "dynamics.evolution",
    "expect": "estimators.local",
    "fidelity": "estimators.observables",
    "ground_state": "runs.run",
    "grown": "vmc.extensions.growth",
    "iterate": "vmc.loop",
    "lanczos_step": "estimators.lanczos",
    "load": "runs.loading",
    "local_energies": "estimators.local",
    "magnetisations": "estimators.observables",
    "measure": "estimators.measurement",
    "read_log": "runs.log",
    "renyi_entropy": "estimators.observables",
    "resume": "runs.run",
    "staggered_magnetisation": "estimators.observables",
    "statistics": "estimators.error_bars",
    "structure_factor": "estimators.observables",
    "temple_lower_bound": "estimators.lanczos",
    "train_wavefunction": "tomography.snapshots",
    "v_score": "estimators.stats",
    "variational_upper_bound": "estimators.lanczos",
    "wavefunction_of": "runs.resume",
    "weinstein_lower_bound": "estimators.lanczos",
}

__all__ = [*sorted(_HOMES), "__version__"]
_LOCK = RLock()


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        with _LOCK:  # two threads that import modules of one package may see half of one
            value = getattr(import_module(f"rbmqs.{_HOMES[name]}"), name)
        globals()[name] = value  # found at once the next time, whatever is imported meanwhile
        return value
    raise AttributeError(f"module 'rbmqs' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
