"""Which configurations there are: the number of sites and the values that each of them takes."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hamiltonians.utils.checks import instance, integer, short


@dataclass(frozen=True)
class LocalSpace:
    """Sites that all take the same values.

    Parameters
    ----------
    n_sites : int
        Number of sites N.
    values : tuple of int
        Twice S_z of the local states, largest first; (1, -1) for spins of S = 1/2.

    Raises
    ------
    TypeError, ValueError
        Fewer than one site, or values that are not 2 S_z of one spin S.
    """

    n_sites: int
    values: tuple[int, ...] = (1, -1)

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_sites", integer("n_sites", self.n_sites, 1))
        instance("values", self.values, Sequence)
        values = tuple(integer("values", value) for value in self.values)
        top = len(values) - 1
        if top < 1 or values != tuple(range(top, -top - 1, -2)):
            raise ValueError(
                f"values must be 2 S_z of a spin, largest first, such as (1, -1) or (2, 0, -2), "
                f"got {self.values}"
            )
        object.__setattr__(self, "values", values)

    @property
    def n_local_states(self) -> int:
        """Number of values of a site, 2 S + 1."""
        return len(self.values)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for files."""
        return asdict(self)


def check_total_sz(total_sz: float, n_sites: int) -> float:
    """Return ``total_sz`` as a float if ``n_sites`` spins 1/2 can add up to it."""
    number = isinstance(total_sz, int | float | np.integer | np.floating)
    if not number or isinstance(total_sz, bool):
        raise TypeError(f"total_sz must be a number or None, got {short(total_sz)}")
    n_down = n_sites / 2 - float(total_sz)
    if not 0 <= n_down <= n_sites or not n_down.is_integer():
        kind = "an integer" if n_sites % 2 == 0 else "half an odd integer (such as 0.5)"
        raise ValueError(
            f"total_sz must be {kind} between {-n_sites / 2:g} and {n_sites / 2:g} "
            f"for {n_sites} sites, got {total_sz}"
        )
    return float(total_sz)
