"""Stochastic reconfiguration over MPI ranks, each holding the log-derivatives of its own samples.

Begin with `jacobian.py`; `solvers.py` has the solvers, `costs.py` what each of them computes and
sends.
"""
