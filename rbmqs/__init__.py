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
    "RunResult": "results",
    "RunSettings": "settings",
    "SamplingSettings": "settings",
    "Schedule": "schedules",
    "Stats": "statistics",
    "StepRecord": "records",
    "SymmetricRBM": "symmetric",
    "correlations": "estimators",
    "expect": "estimators",
    "ground_state": "run",
    "iterate": "vmc",
    "local_energies": "estimators",
    "magnetisations": "estimators",
    "read_log": "runlog",
    "resume": "run",
    "statistics": "statistics",
    "v_score": "statistics",
}

__all__ = [*sorted(_HOMES), "__version__"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"rbmqs.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'rbmqs' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
