"""Stochastic reconfiguration: the step from local energies to new parameters."""

from rbmqs.reconfiguration.choice import SOLVERS, choose_solver, solve
from rbmqs.reconfiguration.explicit import ExplicitJacobian
from rbmqs.reconfiguration.jacobian import FactorisedJacobian, Jacobian
from rbmqs.reconfiguration.record import Solve

__all__ = [
    "SOLVERS",
    "ExplicitJacobian",
    "FactorisedJacobian",
    "Jacobian",
    "Solve",
    "choose_solver",
    "solve",
]
