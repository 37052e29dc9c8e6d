"""Mixed states as pure states of more sites, of which the last ones are never measured.

    rho = sum_a |psi_a><psi_a|,    psi_a(sigma) = psi(sigma, a)

With an RBM as psi this is the purified RBM, or neural density operator (G. Torlai and R. G. Melko,
Phys. Rev. Lett. 120, 240503 (2018), arXiv:1801.09684): positive by construction, of rank at most
2^n_ancillas. Any other variational state on the sites and the ancillas makes a mixed state too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from hamiltonians.exact.entanglement import entanglement_entropy
from hamiltonians.operators.pauli import PauliSum
from hamiltonians.operators.sectors import Sector
from hamiltonians.utils.brief import Rows, Tabled
from hamiltonians.utils.checks import instance, positive_int
from rbmqs.states.rbm import RBM
from rbmqs.states.state import VariationalState
from rbmqs.tomography.drawing import bases_of, shots_of_probabilities
from rbmqs.tomography.functionals import fidelities, pauli_means, target_array
from rbmqs.tomography.scores import probabilities_of
from rbmqs.tomography.scoring import Maximum, best_fit
from rbmqs.tomography.shots import Shots

N_STARTS = 2
START_SPREAD = 0.3  # standard deviation of the parameters of a start
MOST_SITES = 12  # with ancillas: 2^12 amplitudes and their derivatives


@dataclass(frozen=True, eq=False, repr=False)
class MixedState(Tabled):
    """A density matrix whose eigenvalues are not negative, by its purification.

    Parameters
    ----------
    purification : VariationalState
        On N + n_ancillas sites, the ancillas last.
    n_ancillas : int
    """

    purification: VariationalState
    n_ancillas: int

    def __post_init__(self) -> None:
        instance("purification", self.purification, VariationalState)
        positive_int("n_ancillas", self.n_ancillas, minimum=0)
        if self.n_ancillas >= self.purification.n_sites:
            raise ValueError(
                f"n_ancillas must be less than the {self.purification.n_sites} sites of the "
                f"purification, got {self.n_ancillas}"
            )

    @property
    def n_sites(self) -> int:
        """Number of measured sites N."""
        return self.purification.n_sites - self.n_ancillas

    @cached_property
    def vector(self) -> np.ndarray:
        """The purification as a normalised vector (2^(N + n_ancillas),)."""
        return self.purification.state_vector(Sector(self.purification.n_sites))

    @property
    def density_matrix(self) -> np.ndarray:
        """rho, complex128 (2^N, 2^N), of trace one."""
        amplitudes = self.vector.reshape(2**self.n_sites, -1)
        return amplitudes @ amplitudes.conj().T

    def probabilities(self, bases: Any) -> np.ndarray:
        """Of every outcome, (n_bases, 2^N)."""
        return probabilities_of(self.vector, bases_of(bases, self.n_sites).unitaries)

    def sample_in(self, bases: Any, n_shots: int = 1000, *, seed: int = 0) -> Shots:
        """Independent outcomes in product bases; see `rbmqs.tomography.drawing.sample_in`."""
        bases = bases_of(bases, self.n_sites)
        parts = iter(self.probabilities(bases))
        return shots_of_probabilities(bases, parts, n_shots, np.random.default_rng(seed))

    def expect(self, operator: PauliSum) -> float | complex:
        """Tr rho O; complex only where O is not Hermitian."""
        found = complex(pauli_means(self.vector[None], operator, self.n_sites)[0])
        return found.real if operator.is_hermitian else found

    def fidelity(self, target: Any) -> float:
        """Fidelity with a vector, a density matrix or another state; see `target_array`."""
        goal = target_array(target, self.n_sites)
        return float(fidelities(self.vector[None], goal, self.n_sites)[0])

    def entropy(self, sites: Iterable[int] | None = None, order: float = 1) -> float:
        """Entropy of the state of some sites, of all by default, in nats; von Neumann's or
        Renyi's of an order."""
        region = range(self.n_sites) if sites is None else sites
        return entanglement_entropy(self.vector, region, order)

    @property
    def purity(self) -> float:
        """Tr rho^2."""
        return float(np.exp(-self.entropy(order=2)))

    def summary(self) -> tuple[str, Rows]:
        """See `Tabled.summary`."""
        weights = np.linalg.eigvalsh(self.density_matrix)[::-1][:6]
        rows = [
            ("purification", f"{self.purification!r}, {self.n_ancillas} ancillas"),
            ("purity", f"{self.purity:.6f}"),
            ("eigenvalues", ", ".join(f"{w:.4f}" for w in weights)),
        ]
        return f"mixed state of {self.n_sites} sites", rows


def reconstruct_mixed(
    shots: Shots,
    *,
    n_ancillas: int | Sequence[int] | None = None,
    n_hidden: int | None = None,
    dtype: str = "auto",
    confusion: np.ndarray | None = None,
    n_starts: int = N_STARTS,
    seed: int = 0,
) -> tuple[MixedState, Maximum]:
    """The purified RBM of highest likelihood, of a size that the data ask for.

    Parameters
    ----------
    shots : Shots
        In bases that determine the state.
    n_ancillas : int or sequence of int, optional
        Among which Akaike's criterion chooses; 0, 1, ... N as long as it improves by default.
    n_hidden : int, optional
        Hidden units; as many as sites and ancillas by default.
    dtype : {"auto", "complex", "real"}
        Complex parameters, real ones (amplitudes that are all positive), or what the criterion
        prefers: real ones have fewer, and less noise where the state has such amplitudes.
    confusion : float64 (N, 2, 2), optional
        P(read | true) of each site.
    n_starts : int
        Random starts of each size; that of highest likelihood is kept.
    seed : int

    Raises
    ------
    ValueError
        More than twelve sites and ancillas.
    """
    sizes = range(shots.n_sites + 1) if n_ancillas is None else np.atleast_1d(n_ancillas).tolist()
    for size in sizes:
        positive_int("n_ancillas", size, minimum=0)
    smallest = shots.n_sites + min(sizes)
    if smallest > MOST_SITES:
        raise ValueError(f"shots must have at most {MOST_SITES} sites and ancillas, got {smallest}")
    kinds = {"auto": (complex, float), "complex": (complex,), "real": (float,)}
    if dtype not in kinds:
        raise ValueError(f"dtype must be one of {', '.join(kinds)}, got {dtype!r}")
    best: tuple[MixedState, Maximum] | None = None
    for kind in kinds[dtype]:
        if best is not None:  # positive amplitudes are tried at the number that complex ones took
            sizes = [best[0].n_ancillas]
        for size in sizes:
            if shots.n_sites + size > MOST_SITES:
                break
            starts = random_starts(shots.n_sites + size, n_hidden, kind, n_starts, seed)
            fit = best_fit(starts, shots, confusion=confusion)
            if best is None or fit.aic < best[1].aic:
                best = MixedState(fit.psi, size), fit
            elif n_ancillas is None and size > 1:
                break
    assert best is not None
    return best


def random_starts(
    n: int, n_hidden: int | None, kind: type, n_starts: int, seed: int
) -> Iterator[RBM]:
    """RBMs on n sites with random parameters, as many hidden units where it is left open."""
    roots = np.random.SeedSequence(seed).spawn(positive_int("n_starts", n_starts))
    m = n if n_hidden is None else n_hidden
    for root in roots:
        yield RBM.random(n, n_hidden=m, dtype=kind, seed=root, stddev=START_SPREAD)
