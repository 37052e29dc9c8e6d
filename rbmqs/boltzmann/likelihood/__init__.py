"""How likely an RBM finds data: exactly, by annealing from both ends, or one unit at a time."""

from rbmqs.boltzmann.likelihood.annealing import (
    LogZ,
    ais,
    base_rate,
    log_likelihood_bounds,
    raise_log_z,
    reverse_ais,
)
from rbmqs.boltzmann.likelihood.pseudo import pseudo_log_likelihood

__all__ = [
    "LogZ",
    "ais",
    "base_rate",
    "log_likelihood_bounds",
    "pseudo_log_likelihood",
    "raise_log_z",
    "reverse_ais",
]
