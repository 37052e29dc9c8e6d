"""Evolution in real and imaginary time by the time-dependent variational principle.

In: H or H(t), a `VariationalState`, times. Out: an `Evolution` with the states at these times,
observables with error bars, and a record of each step. Begin with `evolution.py`; `equations.py`
solves for the velocity, `integrators.py` makes steps of it, `batches.py` says on what samples.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "Evolution": "records",
    "EvolutionRecord": "records",
    "EvolutionSettings": "settings",
    "as_complex": "starts",
    "evolve": "evolution",
    "product_state": "starts",
    "read_evolution_log": "files",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"rbmqs.dynamics.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'rbmqs.dynamics' has no attribute {name!r}")
