"""Where chains of final estimates and probe chains start: random, ordered and domain states.

A trained wavefunction can have large amplitudes in places that its chains never visited: with the
published weights of Carleo & Troyer for the Heisenberg chain of 80 sites, a state of two
ferromagnetic domains outweighs the Neel state. Chains that start there stay there, and those that
start elsewhere never tell.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rbmqs.sampling.chains import ChainState, Sampler, with_total_sz
from rbmqs.sampling.exact import ExactSampler

if TYPE_CHECKING:
    from hamiltonians import Lattice, SpinHamiltonian
    from rbmqs.states.state import VariationalState

RANDOM = "random"
_ORDERS = {"marshall": "Neel", "sublattice": "three-sublattice"}
_SPIN_OF_ANGLE = np.array([1, 0, -1, -1, 0, 0], dtype=np.int8)  # in sixths; 0 for either


def started_chains(
    hamiltonian: SpinHamiltonian,
    psi: VariationalState,
    sampler: Sampler,
    seed: int | np.random.SeedSequence,
) -> tuple[ChainState, tuple[str, ...]]:
    """Fresh chains, the second half of them in ordered states, and the kind of start of each.

    There are as many kinds as can have two chains each. A chain whose ordered state has no
    amplitude at all keeps its random start. All replicas of a ladder start alike.
    """
    chains = sampler.start(seed)
    kinds = [RANDOM] * sampler.n_chains
    if isinstance(sampler, ExactSampler):
        return chains, tuple(kinds)
    patterns = ordered_states(hamiltonian)
    spins, root = chains.spins.copy(), np.random.SeedSequence(chains.rng[0].tolist())
    ladders = spins.reshape(sampler.n_chains, -1, spins.shape[1])
    rng = np.random.default_rng(root)
    n_ordered = sampler.n_chains // 2
    names = itertools.cycle(list(patterns)[: max(n_ordered // 2, 1)])
    for chain in range(sampler.n_chains - n_ordered, sampler.n_chains):
        name = next(names)
        sigma = state_in_sector(patterns[name], hamiltonian, rng)
        if np.isfinite(psi.log_psi(sigma[None]).real[0]):
            ladders[chain], kinds[chain] = sigma, name
    return ChainState(spins, chains.rng), tuple(kinds)


def ordered_states(hamiltonian: SpinHamiltonian) -> dict[str, NDArray[np.int8]]:
    """Ordered and domain states by name, as +1, -1, and 0 where a spin is free.

    Ferromagnetic domains along each axis of the lattice; the orders behind the sign rules of the
    lattice (Neel, stripes, three sublattices), the first of them also in two domains of opposite
    sign; where total S_z is free, the ferromagnet. A Hamiltonian without a lattice is taken for the
    graph of its couplings, and a frustrated graph alternates along its tree of shortest paths.
    """
    from hamiltonians.models.sign_rules import rules_of

    lattice = hamiltonian.lattice or _coupling_graph(hamiltonian)
    order, alternating = _order_and_signs(lattice)
    total_sz, n_sites = hamiltonian.total_sz, hamiltonian.n_sites
    n_up = n_sites // 2
    if total_sz is not None:  # of the spins, for S > 1/2 as few as can add up to it
        n_up = round(n_sites / 2 + total_sz / (hamiltonian.local_space.n_local_states - 1))
    halves = np.full(n_sites, -1, dtype=np.int8)
    halves[order[: n_sites // 2]] = 1
    orders = {
        _ORDERS.get(name, name): _SPIN_OF_ANGLE[np.array(rotation.sixths, int)]
        for name, rotation in rules_of(lattice).items()
    } or {"alternating": alternating}
    first = next(iter(orders))
    states = {
        "domain": _domains(order, n_up),
        first: orders[first],
        f"{first}-domain": orders[first] * halves,
    }
    if total_sz is None:
        states["ferromagnetic"] = np.ones(n_sites, dtype=np.int8)
    return states | orders | _other_domains(lattice, n_up)


def _domains(order: NDArray[np.int64], n_up: int) -> NDArray[np.int8]:
    """The first sites up, the others down."""
    domains = np.full(len(order), -1, dtype=np.int8)
    domains[order[:n_up]] = 1
    return domains


def _other_domains(lattice: Lattice, n_up: int) -> dict[str, NDArray[np.int8]]:
    """Domains along the axes behind the first one.

    |psi| of J1-J2, 10x10, tied over translations, had its spurious maxima here, e^200 times the
    amplitudes that its chains sampled, while probe chains started in the domains along the first
    axis.
    """
    if lattice.positions is None:
        return {}
    axes = np.round(lattice.positions.T, 9)
    others = zip("yz", range(1, len(axes)), strict=False)
    return {
        f"domain-{name}": _domains(np.lexsort(np.roll(axes[::-1], axis, axis=0)), n_up)
        for name, axis in others
    }


def state_in_sector(
    pattern: NDArray[np.int8], hamiltonian: SpinHamiltonian, rng: np.random.Generator
) -> NDArray[np.int8]:
    """The pattern or its reverse, with free spins at random and as few others turned as needed.

    Spins of any S stand up or down as far as they go.
    """
    total_sz, space = hamiltonian.total_sz, hamiltonian.local_space
    sign = 1 if total_sz else rng.choice([1, -1])
    random = rng.choice(np.array([1, -1], dtype=np.int8), size=len(pattern))
    sigma = np.where(pattern == 0, random, sign * pattern).astype(np.int8)
    if not space.is_spin_half:
        sigma *= (space.local_dims - 1).astype(np.int8)
        return sigma if total_sz is None else with_total_sz(sigma, space, total_sz, rng)
    if total_sz is None:
        return sigma
    excess = (int(sigma.sum(dtype=int)) - round(2 * total_sz)) // 2
    candidates = rng.permutation(np.flatnonzero(sigma == np.sign(excess)))
    free_first = candidates[np.argsort(pattern[candidates] != 0, kind="stable")]
    sigma[free_first[: abs(excess)]] *= -1
    return sigma


def sites_of_terms(hamiltonian: SpinHamiltonian) -> list[list[int]]:
    """Sites that each term acts on, ascending."""
    if hamiltonian.is_spin_half:
        return [[site for site, _ in string] for string in hamiltonian.terms.terms]
    return [list(sites) for sites in hamiltonian.terms.parts]


def _coupling_graph(hamiltonian: SpinHamiltonian) -> Lattice:
    """Sites that follow each other in a term are neighbours."""
    from hamiltonians import from_edges

    edges = sorted({pair for s in sites_of_terms(hamiltonian) for pair in itertools.pairwise(s)})
    return from_edges(edges, hamiltonian.n_sites)


def _order_and_signs(lattice: Lattice) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """An order of the sites whose first part is one region, and signs that alternate."""
    neighbours: list[list[int]] = [[] for _ in range(lattice.n_sites)]
    for i, j in lattice.bonds().tolist():
        neighbours[i].append(j)
        neighbours[j].append(i)
    order: list[int] = []
    alternating = np.zeros(lattice.n_sites, dtype=np.int8)
    for root in range(lattice.n_sites):
        if alternating[root]:
            continue
        alternating[root] = 1
        found = [root]
        for site in found:  # breadth first: grows on the way; scipy.sparse takes 0.2 s to import
            for other in neighbours[site]:
                if not alternating[other]:
                    alternating[other] = -alternating[site]
                    found.append(other)
        order += found
    if lattice.positions is not None:
        return np.lexsort(np.round(lattice.positions.T[::-1], 9)), alternating
    return np.array(order), alternating
