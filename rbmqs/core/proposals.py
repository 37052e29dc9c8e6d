"""Proposals of Metropolis moves and their acceptance, for one chain and for many at once.

`propose_all` and `accept_all` serve states without a sampling kernel of their own: they draw the
same random numbers in the same order as `rbmqs.core.metropolis`, so that a chain takes the same
path with either.
"""

from hamiltonians.core.jit import exact_kernel, inlined_kernel, kernel
from rbmqs.core.random import below, uniform

FLIP, BOND_EXCHANGE, PAIR_EXCHANGE, MIXED = 0, 1, 2, 3


@inlined_kernel
def _propose_flip(spins, rng, sites):
    """A uniformly chosen site."""
    sites[0] = below(rng, spins.shape[0])
    sites[1] = -1
    return True


@inlined_kernel
def _propose_bond(spins, rng, bonds, sites):
    """A uniformly chosen bond; False where its spins are parallel (exchange changes nothing)."""
    bond = below(rng, bonds.shape[0])
    sites[0] = bonds[bond, 0]
    sites[1] = bonds[bond, 1]
    sites[2] = bond
    return spins[sites[0]] != spins[sites[1]]


@inlined_kernel
def _propose_pair(spins, rng, sites):
    """Two uniformly chosen sites; False where their spins are parallel or the sites equal."""
    sites[0] = below(rng, spins.shape[0])
    sites[1] = below(rng, spins.shape[0])
    return spins[sites[0]] != spins[sites[1]]


@inlined_kernel
def _propose_mixed(spins, rng, bonds, sites):
    """One site, or both sites of a bond whatever their spins, half of the time each."""
    if below(rng, 2) == 0:
        return _propose_flip(spins, rng, sites)
    _propose_bond(spins, rng, bonds, sites)
    return True


@inlined_kernel
def propose(move, spins, rng, bonds, sites):
    if move == FLIP:
        return _propose_flip(spins, rng, sites)
    if move == BOND_EXCHANGE:
        return _propose_bond(spins, rng, bonds, sites)
    if move == MIXED:
        return _propose_mixed(spins, rng, bonds, sites)
    return _propose_pair(spins, rng, sites)


@inlined_kernel
def _other_value(value, rng, top):
    """A uniformly chosen other value of a spin, of -top to top in steps of two."""
    new = top - 2 * below(rng, top)
    return -top if new == value else new


@inlined_kernel
def propose_levels(move, spins, rng, bonds, top, to):
    """Sites of a move of spins of any S in to[:2], the second perhaps negative; values in to[2:].

    FLIP takes one site to another value, MIXED one site or both of a bond. Exchanges of two sites
    are, half of the time each, a change of places and the raising of one of the spins at the cost
    of the other: (0, 0) to (+, -) and back, without which sectors fall apart. False where nothing
    would change.
    """
    to[1] = -1
    if move == FLIP or (move == MIXED and below(rng, 2) == 0):
        to[0] = below(rng, spins.shape[0])
        to[2] = _other_value(spins[to[0]], rng, top)
        return True
    if move == PAIR_EXCHANGE:
        to[0], to[1] = below(rng, spins.shape[0]), below(rng, spins.shape[0])
    else:
        bond = below(rng, bonds.shape[0])
        to[0], to[1] = bonds[bond, 0], bonds[bond, 1]
    first, second = spins[to[0]], spins[to[1]]
    if move == MIXED:
        to[2], to[3] = _other_value(first, rng, top), _other_value(second, rng, top)
        return True
    kind = below(rng, 4)
    if kind < 2:
        to[2], to[3] = second, first
        return first != second
    step = 2 if kind == 2 else -2
    to[2], to[3] = first + step, second - step
    return to[0] != to[1] and abs(to[2]) <= top and abs(to[3]) <= top


@kernel
def propose_all_levels(move, spins, rng, bonds, top, to, proposed):
    """`propose_all` of spins of any S; to : int64 (n_chains, 4)."""
    for chain in range(spins.shape[0]):
        proposed[chain] = propose_levels(move, spins[chain], rng[chain], bonds, top, to[chain])


@exact_kernel
def metropolis_accepts(ratio, random_number, beta=1.0):
    """Accept with probability min(1, ratio^beta), 0 < beta <= 1; a NaN is never accepted."""
    return random_number < ratio or (beta < 1.0 and random_number < ratio**beta)


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
