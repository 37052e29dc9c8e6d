"""A Pauli sum on a small sector of many sites, as a sparse matrix."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hamiltonians.exact.blocks import BlockOperator
from hamiltonians.operators.configurations import sparse_on_configurations
from hamiltonians.operators.pauli import PauliSum
from hamiltonians.operators.sectors import Sector
from hamiltonians.operators.spin_sectors import AnySector, SpinSector

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True, eq=False)
class SparseOperator:
    """As `BlockOperator`, for a sector that `is_sparse`."""

    sector: Sector
    terms: PauliSum

    @property
    def dimension(self) -> int:
        """Number of basis states."""
        return self.sector.dimension

    @property
    def length(self) -> int:
        """The same: so few states are not divided between ranks."""
        return self.dimension

    @property
    def comm(self) -> None:
        """No ranks."""
        return None

    @property
    def dtype(self) -> np.dtype[Any]:
        """float64 if all matrix elements are real, else complex128."""
        return self._matrix.dtype

    @property
    def weights(self) -> NDArray[Any]:
        """Of the inner product: none."""
        return np.zeros(0, np.uint16)

    def multiply(
        self, x: NDArray[Any], y: NDArray[Any], scale: float = 1.0, beta: float = 0.0
    ) -> float:
        """y = scale H x - beta y in place; returns Re <scale x|y>."""
        y *= -beta
        y += scale * (self._matrix @ x)
        return float(scale * np.vdot(x, y).real)

    @cached_property
    def _matrix(self) -> "csr_array":
        return sparse_on_configurations(self.terms, self.sector.configurations())


def operator_on(sector: AnySector, terms: Any, comm: Any = None) -> Any:
    """An operator on the vectors of a sector, divided between ranks if many."""
    if isinstance(sector, SpinSector):
        from hamiltonians.exact.orbit_operators import operator_of_states  # late: its kernels

        return operator_of_states(sector, terms, comm)
    return SparseOperator(sector, terms) if sector.is_sparse else BlockOperator(sector, terms, comm)
