"""Chains that fell into a spurious maximum, and how a run goes on without them.

Where |psi| has a maximum far from the ground state (`rbmqs.vmc.extensions.probe_chains`), a chain that finds it seldom
leaves. As one of 16 it would dominate the equations: on J1-J2 at J2 = 0.6, 10x10, energies went
from -189 to thousands, and on the Heisenberg chain of 80 a maximum took 200 to 400 iterations to
lower. So the samples of such a chain are left out, a probe chain goes on from where it stands, with the
small weight of a probe chain, and the chain itself from where another one is.

The energy of such an iteration is that of the other chains. Whether psi itself is a good one is for
the final estimate to say, whose chains start afresh and are all counted.
"""

from __future__ import annotations

import numpy as np

from rbmqs.estimators.stats import ROUNDING
from rbmqs.sampling.chains import ChainState
from rbmqs.vmc.extensions.probe_chains import FAR

LAST = 4  # the last fourth of the draws tells where a chain is now
MIN_DRAWS = 8  # fewer could all be rare configurations


def stuck_chains(local_energies: np.ndarray) -> np.ndarray:
    """Which chains have ended at local energies far above those of the others.

    More than half of a chain's last draws lie `FAR` standard deviations above those of the chain
    that is at the lower quartile, so that up to three in four may be stuck at once.

    Parameters
    ----------
    local_energies : array (n_chains, n_draws)

    Returns
    -------
    bool (n_chains,)
        All false where there are too few draws to tell, or values that are not finite.
    """
    n_chains, n_draws = local_energies.shape
    energies = local_energies.real
    if n_draws < MIN_DRAWS or not np.isfinite(energies).all():
        return np.zeros(n_chains, dtype=bool)
    middle = np.median(energies[:, -max(n_draws // LAST, MIN_DRAWS) :], axis=1)
    home = np.argsort(middle, kind="stable")[(n_chains - 1) // 4]
    far = FAR * energies[home].std() + ROUNDING * abs(middle[home])
    return middle > middle[home] + far


def reset_chains(chains: ChainState, stuck: np.ndarray) -> ChainState:
    """The chains with those that are stuck at the places of others, in turn.

    Parameters
    ----------
    chains : ChainState
        Of n_chains chains, or of as many ladders of replicas.
    lost : bool (n_chains,)
        Not all of them.
    """
    spins = chains.spins.reshape(len(stuck), -1, chains.spins.shape[1]).copy()
    others = np.flatnonzero(~stuck)
    spins[stuck] = spins[np.resize(others, stuck.sum())]
    return ChainState(spins.reshape(chains.spins.shape), chains.rng)
