"""The ground-state loop: draw a batch, solve for a step, make it, keep a record.

In: a Hamiltonian, a `VariationalState` and `RunSettings`. Out: a `StepRecord` and a `RunState` for
each iteration, from which the run can go on bit for bit. Begin with `loop.py`; what is done beside
the step (restarts, growth, probe chains, refinement) is in `extensions/`, one file each.
"""
