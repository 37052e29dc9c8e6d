"""Stochastic reconfiguration: the step from local energies to new parameters."""

from rbmqs.sr.choice import SOLVERS, choose_solver, register_solver, solution_of, solve
from rbmqs.sr.record import SRSolution
from rbmqs.states.explicit import ExplicitJacobian
from rbmqs.states.jacobian import FactorisedJacobian, Jacobian

__all__ = [
    "SOLVERS",
    "ExplicitJacobian",
    "FactorisedJacobian",
    "Jacobian",
    "SRSolution",
    "choose_solver",
    "register_solver",
    "solution_of",
    "solve",
]
