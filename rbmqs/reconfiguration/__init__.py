"""Stochastic reconfiguration: the step from local energies to new parameters."""

from rbmqs.reconfiguration.choice import SOLVERS, allowed_solvers, choose_solver, solve
from rbmqs.reconfiguration.jacobian import FactorisedJacobian
from rbmqs.reconfiguration.record import Solve

__all__ = ["SOLVERS", "FactorisedJacobian", "Solve", "allowed_solvers", "choose_solver", "solve"]
