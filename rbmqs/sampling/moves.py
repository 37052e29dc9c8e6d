"""Metropolis moves by name: the code of the kernel's proposal and what a sampler must check.

Kernels branch on the code (`rbmqs.core.proposals.propose`); a new move is a proposal there and
an entry here.
"""

from __future__ import annotations

from dataclasses import dataclass

from hamiltonians.utils.registry import Registry
from rbmqs.core import proposals


@dataclass(frozen=True)
class Move:
    """What a sampler knows of a move.

    Parameters
    ----------
    code : int
        A code of `rbmqs.core.proposals`.
    conserves_sz : bool
        Whether total S_z stays as it is; such moves need a fixed sector, others a free one.
    uses_bonds : bool
        Whether proposals are drawn from bonds, of which there must then be some.
    """

    code: int
    conserves_sz: bool
    uses_bonds: bool = False


MOVES: Registry[Move] = Registry("move")
MOVES.register("flip")(Move(proposals.FLIP, conserves_sz=False))
MOVES.register("exchange")(Move(proposals.BOND_EXCHANGE, conserves_sz=True, uses_bonds=True))
MOVES.register("pair-exchange")(Move(proposals.PAIR_EXCHANGE, conserves_sz=True))
MOVES.register("mixed")(Move(proposals.MIXED, conserves_sz=False, uses_bonds=True))
