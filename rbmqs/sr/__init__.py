"""Stochastic reconfiguration: the step from local energies to new parameters."""

from rbmqs.sr.choice import SOLVERS, choose_solver, register_solver, solution_of, solve
from rbmqs.sr.record import SRSolution
from rbmqs.states.jacobian import Jacobian

__all__ = [
    "SOLVERS",
    "Jacobian",
    "SRSolution",
    "choose_solver",
    "register_solver",
    "solution_of",
    "solve",
]
