"""Metropolis sampling of |psi|^2 by flips or exchanges, for systems of any size.

A sampler knows its sector; what a move conserves and what the Hamiltonian mixes are compared when
the sampler is made, so a choice that cannot reach every state is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from hamiltonians.operators.level_connections import LevelConnections
from hamiltonians.operators.local_space import LocalSpace, check_total_sz
from hamiltonians.utils.brief import Brief
from hamiltonians.utils.checks import choice, positive_int
from rbmqs.sampling.chains import (
    ChainState,
    Sampler,
    Samples,
    check_chains,
    random_chains,
    room_for_draws,
)
from rbmqs.sampling.moves import MOVES
from rbmqs.states.generic import SweepTask

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.states.state import VariationalState


@dataclass(frozen=True, eq=False, repr=False)
class MetropolisSampler(Brief):
    """Metropolis sampling by flips of sites and bonds, or by exchange of antiparallel spins.

    Parameters
    ----------
    n_sites : int
    total_sz : float or None
        Fixed sector of total S_z, or None for all configurations.
    move : {"flip", "exchange", "pair-exchange", "mixed"}
        Flip one site; exchange along a bond; exchange between any two sites; flip one site or
        both sites of a bond, half of the time each. Spins S > 1/2 are taken to any other value by
        a flip, and half of their exchanges raise one spin at the cost of the other, such as from
        (0, 0) to (+, -).
    bonds : int array (n_bonds, 2)
        Bonds of "mixed" and "exchange"; those of "exchange" must connect all sites.
    n_chains : int
        Independent Markov chains.
    sweep_size : int, optional
        Proposals between recorded configurations, N by default.
    n_discard_per_chain : int
        Sweeps at the start of every call that are not recorded.
    spin : float
        S of all sites.

    Raises
    ------
    ValueError
        A move that cannot reach every configuration of the sector, with the reason.
    """

    n_sites: int
    total_sz: float | None = None
    move: str = "flip"
    bonds: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), dtype=np.int64))
    n_chains: int = 16
    sweep_size: int | None = None
    n_discard_per_chain: int = 5
    spin: float = 0.5

    def __post_init__(self) -> None:
        positive_int("n_sites", self.n_sites)
        if not self.space.is_uniform:
            raise ValueError(f"spin must be the same on all sites to be sampled, got {self.spin}")
        positive_int("n_chains", self.n_chains)
        positive_int("n_discard_per_chain", self.n_discard_per_chain, minimum=0)
        choice("move", self.move, tuple(MOVES))
        if self.total_sz is not None:
            object.__setattr__(self, "total_sz", check_total_sz(self.total_sz, self.space))
        size = self.n_sites if self.sweep_size is None else self.sweep_size
        object.__setattr__(self, "sweep_size", positive_int("sweep_size", size))
        bonds = _bond_array(self.bonds, self.n_sites)
        object.__setattr__(self, "bonds", bonds)
        self._check_ergodic()

    @property
    def space(self) -> LocalSpace:
        """What the sites hold."""
        return LocalSpace.of_spin(self.n_sites, self.spin)

    def _check_ergodic(self) -> None:
        move = MOVES[self.move]
        if not move.conserves_sz and self.total_sz is not None:
            raise ValueError(
                f"move {self.move!r} changes total S_z, which is fixed at {self.total_sz:g}: use "
                f"'exchange' or 'pair-exchange', or total_sz=None"
            )
        if move.conserves_sz and self.total_sz is None:
            raise ValueError(
                f"move {self.move!r} conserves total S_z, which is free here, so most "
                f"configurations could not be reached: use 'flip' or 'mixed', or fix total_sz"
            )
        if not move.conserves_sz and move.uses_bonds and self.bonds.size == 0:
            raise ValueError(f"move {self.move!r} needs bonds: use 'flip' or give some")
        connected = self.bonds.size > 0 and _connected(self.n_sites, self.bonds)
        if move.conserves_sz and move.uses_bonds and not connected:
            raise ValueError(
                f"move {self.move!r} needs bonds that connect all {self.n_sites} sites: use "
                f"'pair-exchange' or give other bonds"
            )

    @classmethod
    def for_hamiltonian(
        cls, hamiltonian: SpinHamiltonian, move: str | None = None, **settings: int | None
    ) -> MetropolisSampler:
        """The sampler in the Hamiltonian's sector.

        Parameters
        ----------
        hamiltonian : SpinHamiltonian
        move : str, optional
            One of `MOVES`. Default: in the free sector "mixed" where the Hamiltonian flips pairs of
            sites, whose single flips may all be improbable, else "flip"; within a sector "exchange"
            along the two-site flips of the Hamiltonian where these connect all sites, else
            "pair-exchange".
        **settings
            `n_chains`, `sweep_size`, `n_discard_per_chain`.
        """
        if hamiltonian.blockade:
            raise ValueError("hamiltonian must have no blockade to be sampled, got one")
        bonds = _two_site_flips(hamiltonian)
        if move is None:
            if hamiltonian.total_sz is None:
                move = "mixed" if len(bonds) else "flip"
            else:
                connected = _connected(hamiltonian.n_sites, bonds)
                move = "exchange" if connected else "pair-exchange"
        return cls(
            hamiltonian.n_sites,
            hamiltonian.total_sz,
            move,
            bonds if MOVES[move].uses_bonds else bonds[:0],
            spin=hamiltonian.spin,
            **settings,  # type: ignore[arg-type]
        )

    def start(self, seed: int | np.random.SeedSequence) -> ChainState:
        """Fresh chains at random configurations of the sector."""
        return random_chains(self.space, self.total_sz, self.n_chains, seed)

    def sample(
        self,
        psi: VariationalState,
        state: ChainState,
        n_draws: int,
        *,
        n_discard: int | None = None,
    ) -> tuple[Samples, ChainState]:
        """Draw `n_draws` configurations per chain.

        Parameters
        ----------
        psi : VariationalState
        state : ChainState
            Left untouched.
        n_draws : int
        n_discard : int, optional
            Sweeps to discard instead of `n_discard_per_chain`.

        Returns
        -------
        samples : Samples
        state : ChainState
            The chains after the last draw.
        """
        n_draws = positive_int("n_draws", n_draws)
        check_chains(state, self.n_chains, self.space, psi.hilbert, self.total_sz)
        n_discard = self.n_discard_per_chain if n_discard is None else n_discard
        n_discard = positive_int("n_discard", n_discard, minimum=0)
        spins, rng = state.spins.copy(), state.rng.copy()
        drawn = room_for_draws(self.n_chains, n_draws, self.n_sites)
        accepted = self.advance(psi, spins, rng, np.ones(self.n_chains), n_discard, drawn)
        n_proposals = self.n_chains * (n_draws + n_discard) * int(self.sweep_size or 0)
        return Samples(drawn, float(accepted.sum()) / n_proposals), ChainState(spins, rng)

    def advance(
        self,
        psi: VariationalState,
        spins: np.ndarray,
        rng: np.ndarray,
        beta: np.ndarray,
        n_discard: int,
        drawn: np.ndarray,
    ) -> np.ndarray:
        """Move any number of chains in place, each sampling |psi|^(2 beta), and fill `drawn`.

        Parameters
        ----------
        spins, rng : int8 (n, N), uint64 (n, 4)
        beta : float64 (n,)
        drawn : int8 (n, n_draws, N)

        Returns
        -------
        int64 (n,)
            Accepted moves.
        """
        size, code = int(self.sweep_size or 0), MOVES[self.move].code
        task = SweepTask(spins, rng, beta, code, self.bonds, n_discard, size, drawn)
        return psi.sweep(task)

    def describe(self) -> dict:
        """Settings, for logs and checkpoints."""
        return {
            "sampler": "metropolis",
            "move": self.move,
            "n_chains": self.n_chains,
            "sweep_size": self.sweep_size,
            "n_discard_per_chain": self.n_discard_per_chain,
        }


def metropolis_moves(sampler: Sampler) -> MetropolisSampler | None:
    """The Metropolis moves of a sampler, of its replicas or of its chains on all ranks."""
    whole = getattr(sampler, "whole", sampler)
    moves = getattr(whole, "moves", whole)
    return moves if isinstance(moves, MetropolisSampler) else None


def _bond_array(bonds: object, n_sites: int) -> np.ndarray:
    """Bonds as int64 (n_bonds, 2), each between two different sites of the lattice."""
    array = np.asarray(bonds)
    if array.ndim != 2 or array.shape[1] != 2 or array.dtype.kind not in "iu":
        raise ValueError(
            f"bonds must be integers of shape (n_bonds, 2), got {array.dtype} {array.shape}"
        )
    if np.any((array < 0) | (array >= n_sites)) or np.any(array[:, 0] == array[:, 1]):
        raise ValueError(f"bonds must join two different sites of 0 to {n_sites - 1}")
    return np.ascontiguousarray(array, dtype=np.int64)


def _two_site_flips(hamiltonian: SpinHamiltonian) -> np.ndarray:
    """Pairs of sites that the Hamiltonian flips together, shape (n_pairs, 2)."""
    c = hamiltonian.connections
    if isinstance(c, LevelConnections):
        return _pairs_of_levels(c)
    pairs = np.flatnonzero(np.diff(c.flip_ptr) == 2)
    starts = c.flip_ptr[pairs]
    return np.stack([c.flip_sites[starts], c.flip_sites[starts + 1]], axis=1)


def _pairs_of_levels(c: LevelConnections) -> np.ndarray:
    """Pairs of sites of one group that an element changes together."""
    at = c.change_at[c.change_ptr[:-1][np.diff(c.change_ptr) == 2][:, None] + np.arange(2)]
    rows = np.searchsorted(c.row_ptr, np.flatnonzero(np.diff(c.change_ptr) == 2), "right") - 1
    tables = np.unique(c.first_row)
    of_rows = tables[np.searchsorted(tables, rows, "right") - 1]
    found = {
        tuple(sorted(c.group_sites[start + places].tolist()))
        for start, first in zip(c.group_ptr, c.first_row, strict=False)
        for places in np.unique(at[of_rows == first], axis=0)
    }
    return np.array(sorted(found), np.int64).reshape(-1, 2)


def _connected(n_sites: int, bonds: np.ndarray) -> bool:
    """Whether bonds lead from each site to every other; scipy.sparse takes 0.1 s to import."""
    reached = np.arange(n_sites) == 0
    while True:
        new = bonds[reached[bonds[:, 0]] != reached[bonds[:, 1]]]
        if new.size == 0:
            return bool(reached.all())
        reached[new] = True
