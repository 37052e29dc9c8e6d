"""Evolution in real and imaginary time by the time-dependent variational principle.

In: H or H(t), a `VariationalState`, times. Out: an `Evolution` with the states at these times,
observables with error bars, and a record of each step. Begin with `evolution.py`; `equations.py`
solves for the velocity, `integrators.py` makes steps of it, `batches.py` says on what samples.
"""

from hamiltonians.utils.lazy import names_on_first_use

__all__, __getattr__, __dir__ = names_on_first_use(
    __name__,
    {
        "evolution": "evolve",
        "files": "read_evolution_log",
        "records": "Evolution EvolutionRecord",
        "settings": "EvolutionSettings",
        "starts": "as_complex product_state",
    },
)
