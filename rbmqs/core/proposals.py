"""Proposals and acceptance of many chains at once, for wavefunctions without a kernel of their own.

The same random numbers are drawn in the same order as in `rbmqs.core.metropolis`, so that a chain
takes the same path with either.
"""

from hamiltonians.core.jit import exact_kernel, kernel
from rbmqs.core.metropolis import metropolis_accepts, propose
from rbmqs.core.random import uniform


@kernel
def propose_all(move, spins, rng, bonds, sites, proposed):
    """One proposal a chain: its sites, and False where it would change nothing.

    spins : int8 (n_chains, N); rng : uint64 (n_chains, 4), advanced; sites : int64 (n_chains, 3),
    the second negative for a move of one site; proposed : bool (n_chains,)
    """
    for chain in range(spins.shape[0]):
        proposed[chain] = propose(move, spins[chain], rng[chain], bonds, sites[chain])


@exact_kernel
def accept_all(ratios, chains, rng, beta, accepted):
    """accepted[k]: whether chain ``chains[k]`` moves, |psi'/psi|^2 being ``ratios[k]``."""
    for k in range(chains.shape[0]):
        chain = chains[k]
        accepted[k] = metropolis_accepts(ratios[k], uniform(rng[chain]), beta[chain])
