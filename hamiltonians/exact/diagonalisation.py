"""Ground states and spectra by exact diagonalisation, with or without symmetries.

The matrix is never stored: one state is found by Lanczos with two vectors in memory
(`hamiltonians.exact.lanczos`), several by thick-restart Lanczos
(`hamiltonians.exact.thick_restart`), and sectors of up to 512 states densely.
"""

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from hamiltonians.exact.few_states import operator_on
from hamiltonians.exact.lanczos import LowestState, Operator, Recurrence, lowest_state
from hamiltonians.exact.memory import (
    DENSE_DIMENSION,
    MemoryPlan,
    check_plan,
    check_sites,
    memory_needed,
    memory_plan,
    n_krylov,
)
from hamiltonians.exact.observables import correlations, expect, expectation
from hamiltonians.exact.signs import sign_vector
from hamiltonians.models.hamiltonian import SpinHamiltonian
from hamiltonians.models.known_signs import sign_sites
from hamiltonians.operators.local_space import LocalSpace
from hamiltonians.operators.pauli import PauliSum
from hamiltonians.operators.spin_sectors import AnySector, sector_of
from hamiltonians.symmetry.groups import SymmetrySector
from hamiltonians.utils.brief import Rows, Tabled
from hamiltonians.utils.checks import flag, instance, integer, short
from hamiltonians.utils.failures import guard
from hamiltonians.utils.files import check_writable
from hamiltonians.utils.locks import locked
from hamiltonians.utils.memory import TooLargeError, available_memory
from hamiltonians.utils.ranks import first_of, gathered, smallest_share

__all__ = [
    "ExactResult",
    "MemoryPlan",
    "TooLargeError",
    "expectation",
    "full_spectrum",
    "ground_state",
    "memory_needed",
    "memory_plan",
]

# Bounds of the residual relative to the energy, trace removed. Its own error is the square of that,
# divided by the gap: 1e-8 leaves 1e-14. Expectation values are off by the residual over the gap.
TOLERANCE, ENERGY_TOLERANCE = 1e-10, 1e-8

Progress = Callable[[int, float, float], None]


@dataclass(frozen=True, eq=False, repr=False)
class ExactResult(Tabled):
    """Lowest states of a Hamiltonian in its sector.

    Attributes
    ----------
    energies : ndarray, shape (k,), float64
        Ascending, in Pauli units; a degenerate level appears with all its states.
    vectors : ndarray, shape (dimension, k), or None
        Normalised columns. Without symmetries basis states ascend as integers; in a symmetry
        sector the basis are its orbits, see `expanded`. On several ranks each has some of the
        rows, in the order of the ranks; all ranks call the methods together.
    residuals : ndarray, shape (k,), float64
        |H v - E v|, measured with a product if there are vectors, else known from the recurrence.
    total_sz : float or None
    dimension : int
    n_products : int
        Products H v spent; 0 when diagonalised densely.
    seconds : float
        Wall time, with any compilation.
    memory_bytes : int
        Memory planned for, see `memory_plan`.
    operator : BlockOperator, SparseOperator or SymmetricOperator
        The Hamiltonian as it was multiplied, see `normalised`.
    symmetry : SymmetrySector or None
    """

    energies: NDArray[np.float64]
    vectors: NDArray[Any] | None
    residuals: NDArray[np.float64]
    total_sz: float | None
    dimension: int
    n_products: int
    seconds: float
    memory_bytes: int
    operator: Any
    symmetry: SymmetrySector | None = None

    @property
    def n_sites(self) -> int:
        """Number of sites."""
        return self.sector.n_sites

    @property
    def sector(self) -> AnySector:
        """All configurations with the total S_z, the basis of `expanded` vectors."""
        if self.symmetry is None:
            return self.operator.sector
        basis = self.operator.basis
        space = basis.space or LocalSpace(basis.n_sites)
        return sector_of(space, self.total_sz)

    @property
    def energy(self) -> float:
        """The lowest energy."""
        return float(self.energies[0])

    @property
    def energy_per_site(self) -> float:
        """The lowest energy over the number of sites."""
        return self.energy / self.n_sites

    def summary(self) -> tuple[str, Rows]:
        """The energies with their residuals, and what they took."""
        sector = "" if self.symmetry is None else f", {self.symmetry.label}"
        states = zip(self.energies, self.residuals, strict=True)
        rows = [
            ("energy" if n == 0 else f"energy {n}", f"{E:.10f} (residual {r:.0e})")
            for n, (E, r) in enumerate(states)
        ]
        rows.insert(1, ("per site", f"{self.energy_per_site:.10f}"))
        rows.insert(2, ("took", f"{self.seconds:.2f} s, {self.n_products} products"))
        head = f"{len(self.energies)} of {self.dimension} states on {self.n_sites} sites"
        return f"{head}, total_sz={self.total_sz}{sector}", rows

    @property
    def vector(self) -> NDArray[Any]:
        """The ground state, shape (dimension,).

        Raises
        ------
        ValueError
            If energies only were asked for.
        """
        return self.state(0)

    def state(self, number: int) -> NDArray[Any]:
        """Column ``number`` of the vectors, shape (dimension,)."""
        if self.vectors is None:
            raise ValueError("vectors must be True in ground_state to have a vector, got False")
        n_states = self.vectors.shape[1]
        if not integer("number", number, minimum=0) < n_states:
            raise ValueError(f"number must be below the {n_states} states, got {number}")
        return self.vectors[:, number]

    def expanded(self, state: int = 0) -> NDArray[Any]:
        """A state on all basis states of its total-S_z sector, shape (sector dimension,).

        This is what `expectation`, `hamiltonians.exact.evolution` and ``RBM.overlap`` take. On
        several ranks each gets all of it.

        Raises
        ------
        TooLargeError
            If the expanded vector does not fit into memory.
        """
        column = gathered(self.state(state), self.operator.comm)
        if self.symmetry is None:
            return column
        from hamiltonians.exact.expansion import expand

        basis = replace(self.operator.basis, comm=None)
        return expand(column, basis, self.sector)

    def expect(self, observable: PauliSum, state: int = 0) -> float | complex:
        """<v|O|v> of one of the states; complex only if the observable is not Hermitian.

        In a symmetry sector the observable is averaged over the group, which leaves its mean.
        """
        return expect(self, observable, state)

    def correlations(self, state: int = 0) -> NDArray[np.float64]:
        """<Z_i Z_j> of one of the states, shape (n_sites, n_sites); <S^z_i S^z_j> for S >= 1.

        For a total-spin singlet <sigma_i . sigma_j> or <S_i . S_j> is three times that.
        """
        return correlations(self, state)


def ground_state(
    H: SpinHamiltonian,
    k: int = 1,
    *,
    symmetry: SymmetrySector | None = None,
    vectors: bool = True,
    tolerance: float | None = None,
    memory_limit: int | None = None,
    checkpoint: str | Path | None = None,
    progress: Progress | None = None,
    stop: Callable[[], bool] | None = None,
    seed: int = 0,
    comm: Any = None,
) -> ExactResult:
    """The ``k`` lowest states of ``H`` in its sector.

    Parameters
    ----------
    H : SpinHamiltonian
    k : int
        Number of states.
    symmetry : SymmetrySector, optional
        Irrep of a group of site permutations, and parity under turning over all spins; see
        ``H.lattice.sectors()`` and `hamiltonians.exact.ground_sector.ground_sector`.
    vectors : bool
        False finds energies only, in half the time for k = 1.
    tolerance : float, optional
        Bound of the residual relative to |energy - trace|; 1e-10, or 1e-8 for energies only.
    memory_limit : int, optional
        Bytes that may be used; defaults to what the host has available.
    checkpoint : path, optional
        File in which the Lanczos vectors of a long run for one state are saved every minute; a
        later call with the same arguments goes on from it. It is removed at the end.
    progress : callable, optional
        Gets the number of products, the energy and the residual now and then.
    stop : callable, optional
        Asked as often, on all ranks together; something true saves the checkpoint and ends the
        call, before it has converged. Needs a checkpoint.
    seed : int
        Of the start vector, which is random unless the signs of the ground state are known.
    comm : mpi4py communicator, optional
        Ranks that divide vectors and matrix between them; all call this function alike. Sectors of
        at most 512 states, and the few states of more than 36 sites, are solved by each rank.

    Returns
    -------
    ExactResult

    Raises
    ------
    TooLargeError
        If the sector needs more memory than the limit.
    TypeError, ValueError
        If ``k`` is not an integer between 1 and the dimension, if the sector is empty, or the
        symmetry is not one of ``H``.
    StoppedError
        Where `stop` asked for it; the vectors are saved.
    """
    guard(comm)
    if stop is not None and not callable(stop):
        raise TypeError(f"stop must be callable, got {short(stop)}")
    if stop is not None and checkpoint is None:
        raise ValueError("stop needs a checkpoint, in which the vectors are saved")
    plan = checked_plan(
        H, k, symmetry=symmetry, vectors=vectors, memory_limit=memory_limit, comm=comm
    )
    seed = integer("seed", seed, 0)
    if plan.n_ranks == 1:
        comm = None
    if checkpoint is not None and (comm is None or comm.rank == 0):
        check_writable(checkpoint)
    start = time.perf_counter()
    H, trace, unit = normalised(H)
    operator = compiled(H, symmetry, plan.stored_elements, comm)
    if tolerance is None:
        tolerance = TOLERANCE if vectors else ENERGY_TOLERANCE

    def report(n_products: int, energy: float, residual: float) -> None:
        if progress is not None:
            progress(n_products, unit * energy + trace, unit * residual)

    energies, columns, residuals, n_products = _solve(
        H, operator, k, vectors, tolerance, checkpoint, report, stop, seed
    )
    return ExactResult(
        energies=unit * energies + trace,
        vectors=columns if vectors else None,
        residuals=unit * residuals,
        total_sz=H.total_sz,
        dimension=plan.dimension,
        n_products=n_products,
        seconds=time.perf_counter() - start,
        memory_bytes=plan.total,
        operator=operator,
        symmetry=symmetry,
    )


def checked_plan(
    H: SpinHamiltonian,
    k: int = 1,
    *,
    symmetry: SymmetrySector | None = None,
    vectors: bool = True,
    memory_limit: int | None = None,
    comm: Any = None,
) -> MemoryPlan:
    """The memory plan of `ground_state` with the same arguments, after all its checks."""
    k = integer("k", k, minimum=1)
    instance("H", H, SpinHamiltonian)
    check_sites(H)
    if symmetry is not None:
        symmetry.check(H)
    if memory_limit is None:
        limit = smallest_share(available_memory(), comm)
    else:
        limit = integer("memory_limit", memory_limit, minimum=0)
    plan = memory_plan(H, k, symmetry, vectors, limit, 1 if comm is None else comm.size)
    if plan.dimension == 0 and symmetry is not None:
        raise ValueError(f"symmetry must have states, got the empty sector {symmetry.label!r}")
    if k > plan.dimension:
        raise ValueError(f"k must be at most the dimension {plan.dimension} of the sector, got {k}")
    check_plan(H, plan, limit)
    return plan


def compiled(
    H: SpinHamiltonian, symmetry: SymmetrySector | None, stored: bool = True, comm: Any = None
) -> Any:
    """The Hamiltonian as an operator on the vectors of its sector, which ranks may divide."""
    sector = sector_of(H.local_space, H.total_sz)
    if symmetry is None:
        return operator_on(sector, H.terms, comm)
    from hamiltonians.exact.orbit_operators import operator_of_orbits
    from hamiltonians.exact.orbits import OrbitBasis

    space = None if H.is_spin_half else H.local_space
    basis = OrbitBasis(H.n_sites, sector.n_down, symmetry, comm, space)
    return operator_of_orbits(basis, H.terms, stored)


@overload
def full_spectrum(
    H: SpinHamiltonian,
    *,
    symmetry: SymmetrySector | None = None,
    vectors: Literal[False] = False,
    memory_limit: int | None = None,
) -> NDArray[np.float64]: ...


@overload
def full_spectrum(
    H: SpinHamiltonian,
    *,
    symmetry: SymmetrySector | None = None,
    vectors: Literal[True],
    memory_limit: int | None = None,
) -> tuple[NDArray[np.float64], NDArray[Any]]: ...


def full_spectrum(
    H: SpinHamiltonian,
    *,
    symmetry: SymmetrySector | None = None,
    vectors: bool = False,
    memory_limit: int | None = None,
) -> NDArray[np.float64] | tuple[NDArray[np.float64], NDArray[Any]]:
    """All eigenvalues in the sector, ascending, by dense diagonalisation.

    Parameters
    ----------
    H : SpinHamiltonian
    symmetry : SymmetrySector, optional
        See `ground_state`.
    vectors : bool
        Whether to return the eigenvectors too.
    memory_limit : int, optional
        Bytes that may be used.

    Returns
    -------
    energies : ndarray, shape (dimension,), float64
    vectors : ndarray, shape (dimension, dimension)
        Where asked for: normalised columns in the basis of the sector, see `ExactResult`.

    Raises
    ------
    TooLargeError
        If the dense matrix needs more memory than the limit.
    """
    vectors = flag("vectors", vectors)
    instance("H", H, SpinHamiltonian)
    check_sites(H)
    plan = memory_plan(H, 1, symmetry)
    n_matrices = 4 if vectors else 3
    item = 8 if H.is_real and (symmetry is None or symmetry.is_real) else 16
    check_plan(
        H,
        MemoryPlan(plan.dimension, {"dense": n_matrices * item * plan.dimension**2}),
        memory_limit,
    )
    if symmetry is not None:
        symmetry.check(H)
    H, trace, unit = normalised(H)
    matrix = H.to_dense() if symmetry is None else dense_matrix(compiled(H, symmetry))
    if vectors:
        energies, columns = np.linalg.eigh(matrix)
        return unit * energies + trace, columns
    return unit * np.linalg.eigvalsh(matrix) + trace


def normalised(H: SpinHamiltonian) -> tuple[SpinHamiltonian, float, float]:
    """(H - trace) / unit, the trace and the unit, a power of two near the couplings.

    The rounding of a constant would reach every energy, and squares of couplings of 1e-200 vanish.
    """
    unit = 2.0 ** (math.frexp(H.coupling_scale)[1] - 1)
    return H.in_units_of(unit), H.trace, unit


def dense_matrix(operator: Operator) -> NDArray[Any]:
    """Matrix of an operator in an orthonormal basis, column by column."""
    from hamiltonians.exact.thick_restart import orthonormal_product

    product = orthonormal_product(operator)
    columns = [product(row) for row in np.eye(operator.dimension, dtype=operator.dtype)]
    return np.array(columns, operator.dtype).reshape(operator.dimension, operator.dimension).T


def _solve(
    H: SpinHamiltonian, operator: Any, k: int, vectors: bool, tolerance: float,
    checkpoint: str | Path | None, progress: Progress | None,
    stop: Callable[[], bool] | None, seed: int,
) -> tuple[NDArray[np.float64], Any, NDArray[np.float64], int]:  # fmt: skip
    """Energies, columns, residuals and the number of products."""
    if operator.dimension <= DENSE_DIMENSION:
        matrix = dense_matrix(operator)
        energies, columns = np.linalg.eigh(matrix)
        energies, columns = energies[:k], columns[:, :k]
        return energies, columns, np.linalg.norm(matrix @ columns - columns * energies, axis=0), 0
    if k == 1:
        state = _lowest(H, operator, vectors, tolerance, checkpoint, progress, stop, seed)
        column = None if state.vector is None else _orthonormal(state.vector, operator)[:, None]
        return np.array([state.energy]), column, np.array([state.residual]), state.n_products
    from hamiltonians.exact.thick_restart import divided_norm, lowest_states, orthonormal_product

    rng = np.random.default_rng(seed)
    energies, columns, n_products = lowest_states(
        operator, k, lambda: random_vector(operator, rng), tolerance,
        n_krylov(operator.dimension, k),
    )  # fmt: skip
    product = orthonormal_product(operator)
    pairs = zip(energies, columns.T, strict=True)
    residuals = np.array([divided_norm(product(v) - E * v, operator.comm) for E, v in pairs])
    return energies, columns, residuals, n_products + k


def _lowest(
    H: SpinHamiltonian, operator: Any, vectors: bool, tolerance: float,
    checkpoint: str | Path | None, progress: Progress | None,
    stop: Callable[[], bool] | None, seed: int,
) -> LowestState:  # fmt: skip
    from hamiltonians.exact.checkpoints import Checkpoint

    label = "" if operator.weights.size == 0 else f" {operator.basis.sector.label}"
    name = f"{H.fingerprint} {operator.dimension}{label} seed {seed}"
    file = None
    if checkpoint is not None:
        dtype = np.dtype(operator.dtype)
        file = Checkpoint(
            Path(checkpoint), name, operator.dimension, dtype, operator.comm, operator.length
        )

    def report(run: Recurrence, energy: float, residual: float) -> None:
        if progress is not None:
            progress(run.n_steps, energy, residual)
        if file is not None and stop is not None and stop():
            file.stop(run)
        if file is not None:
            file.save_if_due(run)

    is_first = operator.comm is None or operator.comm.rank == 0
    with locked(file.path) if file is not None and is_first else nullcontext():
        state = lowest_state(
            operator,
            lambda: _start_vector(H, operator, seed),
            tolerance=tolerance,
            with_vector=vectors,
            report=report,
            saved=None if file is None else file.load(),
        )
        if file is not None:
            file.remove()
    return state


def _start_vector(H: SpinHamiltonian, operator: Any, seed: int) -> NDArray[Any]:
    """The signs of the ground state where they are known (a third fewer products), else random."""
    minus = sign_sites(H)
    if minus is None or operator.dtype == np.complex128:
        return random_vector(operator, np.random.default_rng(seed))
    return sign_vector(minus, operator)


def random_vector(operator: Operator, rng: np.random.Generator) -> NDArray[Any]:
    """Entries uniform between -1/2 and 1/2, of the dtype of the operator, alike on any ranks."""
    n_parts = 2 if operator.dtype == np.complex128 else 1
    first, end = n_parts * first_of(operator.length, operator.comm), n_parts * operator.dimension
    stream: Any = rng.bit_generator
    stream.advance(first)
    vector = rng.random(n_parts * operator.length)
    stream.advance(end - first - len(vector))
    vector -= 0.5
    return vector.view(operator.dtype)


def _orthonormal(vector: NDArray[Any], operator: Operator) -> NDArray[Any]:
    """Amplitudes as coefficients of an orthonormal basis."""
    if len(operator.weights):
        vector *= np.sqrt(operator.weights.astype(np.float64))
    return vector
