"""Chains of a final estimate that stand where |psi|^2 has next to no weight, and so do not count.

Let a chain have explored a region R of weight Z_R = sum_R |psi|^2. Its draws, of probability
|psi|^2 / Z_R, have <ln |psi|^2> = ln Z_R - S_R with an entropy S_R of at most ln D, where D is the
number of configurations. Hence

    Z_R <= D exp <ln |psi|^2>,

while all of |psi|^2 weighs more than its largest value that any chain has seen. Where the one is
less than exp(-`MARGIN`) of the other, the chain has not reached what it is meant to sample, and no
number of draws would make its energy count. Such a chain goes on from the place of another one. On
the Heisenberg chain of 200 sites (tied, alpha = 2) domains melted to energies of -125 and stayed
there for thousands of sweeps and replica exchange, at e^-125 times the |psi| of chains at -354.

A chain at a lower energy than the heaviest one stays where it is, whatever its weight: the maximum
is then the spurious one, and the estimate must say that chains disagree.
"""

from __future__ import annotations

import numpy as np

MARGIN = 30.0  # e^-30: below rounding of an energy, even at the energies of ferromagnets


def weightless_chains(
    log_psi: np.ndarray, local_energies: np.ndarray, log_dimension: float
) -> np.ndarray:
    """Which chains stand, at high energies, where |psi|^2 has next to no weight.

    Parameters
    ----------
    log_psi : float64 (n_chains, n_draws)
        Real part.
    local_energies : float64 (n_chains, n_draws)
    log_dimension : float
        Logarithm of the number of configurations.

    Returns
    -------
    bool (n_chains,)
    """
    log_weights = 2 * log_psi
    heaviest = np.argmax(log_weights.max(axis=1))
    most = log_weights.mean(axis=1) + log_dimension
    weightless = most < log_weights[heaviest].max() - MARGIN
    energies = local_energies.mean(axis=1)
    return weightless & (energies > energies[heaviest])
