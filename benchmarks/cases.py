"""Systems on which the benchmarks run; nothing heavy is imported until one is built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs import RBM

MODELS = ("ising", "heisenberg")
LATTICES = ("chain", "square")
STDDEV = 0.05  # of the weights: flips of the N = 80 chain are then accepted about half the time


@dataclass(frozen=True)
class Case:
    """One system and how it is sampled.

    The Ising model has field h = 1 and all configurations; the Heisenberg model has S_z = 0 and
    the Marshall rotation (NetKet's ``sign_rule``). Lattices are periodic.
    """

    model: str
    lattice: str
    length: int
    alpha: float
    is_complex: bool = True
    n_samples: int = 1008
    n_chains: int = 16

    @property
    def name(self) -> str:
        """As tables and charts show it."""
        return f"{self.model} {self.size_name}"

    @property
    def size_name(self) -> str:
        """Lattice and machine without the model."""
        size = f"{self.length}x{self.length}" if self.lattice == "square" else self.length
        kind = "" if self.is_complex else ", real"
        return f"{self.lattice} {size}, alpha {self.alpha:g}{kind}"

    @property
    def n_sites(self) -> int:
        """N."""
        return self.length**2 if self.lattice == "square" else self.length

    @property
    def n_draws(self) -> int:
        """Recorded configurations of one chain."""
        return -(-self.n_samples // self.n_chains)

    def hamiltonian(self) -> SpinHamiltonian:
        """In rbmqs."""
        import hamiltonians

        lattice = getattr(hamiltonians, self.lattice)(self.length)
        if self.model == "ising":
            return hamiltonians.ising(lattice, h=1.0)
        return hamiltonians.heisenberg(lattice, total_sz=0, marshall=True)

    def psi(self, stddev: float = STDDEV) -> RBM:
        """A random machine."""
        import rbmqs

        dtype = complex if self.is_complex else float
        return rbmqs.RBM.random(self.n_sites, self.alpha, dtype=dtype, seed=1, stddev=stddev)
