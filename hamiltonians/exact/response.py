"""Dynamical correlations of a ground state by continued fractions or Chebyshev moments.

S(omega) = sum_n |<n|A|0>|^2 delta(omega - E_n + E_0). Lanczos' recurrence from A|0> makes its poles
and weights without the states |n> (Gagliano & Balseiro, Phys. Rev. Lett. 59, 2999, 1987).
"""

from dataclasses import dataclass
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hamiltonians.exact.chebyshev import ChebyshevCorrelation, chebyshev_moments
from hamiltonians.exact.diagonalisation import ground_state, normalised
from hamiltonians.exact.few_states import operator_on
from hamiltonians.exact.lanczos import krylov_levels
from hamiltonians.exact.observables import hermitian_parts
from hamiltonians.lattices.geometry import plane_waves
from hamiltonians.models.hamiltonian import SpinHamiltonian
from hamiltonians.operators.pauli import PauliSum
from hamiltonians.operators.properties import sz_breaking_term
from hamiltonians.operators.spin import SpinOperator, Sz, as_spin_operator
from hamiltonians.utils.brief import Rows, Tabled
from hamiltonians.utils.checks import as_real, choice, instance, integer, number

_BOUND_STEPS = 60  # of Lanczos' recurrence: the highest level of a chain of 20 to 1e-7
_MARGIN = 5e-3  # of the spectrum, on either side of what Chebyshev moments span
_ROUNDING = 1e-20  # of the weight: poles that the rounding of A|0> has made, as at omega = 0


def lorentzians(frequencies: ArrayLike, poles: Any, width: float) -> NDArray[np.float64]:
    """Lines of half-width ``width`` and area 1 at each pole, (*n, n_poles)."""
    omega, width = as_real("frequencies", frequencies), number("width", width, above=0)
    apart = (omega[..., None] - poles) / width  # the square of 1e-290 would be 0
    return 1 / (np.pi * width) / (1 + apart**2)


@dataclass(frozen=True, repr=False)
class DynamicalCorrelation(Tabled):
    """Poles and weights of S(omega).

    Attributes
    ----------
    poles : float64 array (n,)
        Excitation energies, ascending, in the units of the Hamiltonian.
    weights : float64 array (n,)
        They sum to <A^dagger A>.
    energy : float
        Of the ground state.
    """

    poles: NDArray[np.float64]
    weights: NDArray[np.float64]
    energy: float

    def spectrum(self, frequencies: ArrayLike, width: float = 0.1) -> NDArray[np.float64]:
        """S(omega) with poles broadened to Lorentzians of half-width ``width``.

        Parameters
        ----------
        frequencies : array (n,)
        width : float
            Above 0.

        Returns
        -------
        float64 array (n,)
        """
        return np.asarray(lorentzians(frequencies, self.poles, width) @ self.weights)

    def moment(self, power: int = 0) -> float:
        """Integral of omega^power S(omega): sum rules."""
        return float(self.weights @ self.poles ** integer("power", power, 0))

    def summary(self) -> tuple[str, Rows]:
        """The strongest poles."""
        strongest = np.sort(np.argsort(-self.weights)[:8])
        rows = [(f"omega {self.poles[k]:.6f}", f"weight {self.weights[k]:.6g}") for k in strongest]
        return f"{len(self.poles)} poles, total weight {self.moment():.8g}", rows


@overload
def dynamical_correlation(
    H: SpinHamiltonian,
    operator: Any,
    *,
    method: Literal["continued-fraction"] = ...,
    n_krylov: int = ...,
    seed: int = ...,
) -> DynamicalCorrelation: ...


@overload
def dynamical_correlation(
    H: SpinHamiltonian,
    operator: Any,
    *,
    method: Literal["chebyshev"],
    n_krylov: int = ...,
    seed: int = ...,
) -> ChebyshevCorrelation: ...


def dynamical_correlation(
    H: SpinHamiltonian,
    operator: Any,
    *,
    method: str = "continued-fraction",
    n_krylov: int = 200,
    seed: int = 0,
) -> DynamicalCorrelation | ChebyshevCorrelation:
    """S(omega) of an operator A in the ground state of ``H`` in its sector.

    Parameters
    ----------
    H : SpinHamiltonian
        With a fixed ``total_sz`` A must conserve it.
    operator : PauliSum or SpinOperator
        A, Hermitian or not, in the basis before any rotation of the spins.
    method : {"continued-fraction", "chebyshev"}
        Poles and weights, the lowest first to converge; or moments, with one resolution at all
        frequencies.
    n_krylov : int
        Products with H: poles at most, or half of the Chebyshev moments.
    seed : int
        Of the start vector of the ground state.

    Returns
    -------
    DynamicalCorrelation or ChebyshevCorrelation

    Raises
    ------
    TooLargeError
        If the sector does not fit into memory.
    TypeError, ValueError
        If A leaves the sector, or A|0> vanishes.

    Examples
    --------
    >>> A = sum((-1) ** i * Z(i) for i in range(12)) / 12**0.5     # momentum pi
    >>> dynamical_correlation(heisenberg(chain(12), total_sz=0), A).spectrum([1.0, 2.0])
    """
    instance("H", H, SpinHamiltonian)
    n_krylov = integer("n_krylov", n_krylov, minimum=1)
    choice("method", method, ("continued-fraction", "chebyshev"))
    A = H.rotate_observable(operator)
    if H.total_sz is not None and (breaker := sz_breaking_term(A)) is not None:
        raise ValueError(f"operator must keep total_sz={H.total_sz:g}, but {breaker} changes it")
    ground = ground_state(H, seed=seed)
    start = _applied(A, ground.vector, ground.sector)
    norm = float(np.linalg.norm(start))
    if norm <= 1e-12:
        raise ValueError(f"operator must not annihilate the ground state, got |A|0>| = {norm:.1g}")
    _, trace, unit = normalised(H)  # as in the operator that has found the ground state
    start = start.astype(np.result_type(start.dtype, ground.operator.dtype))
    if method == "continued-fraction":
        energies, first = krylov_levels(ground.operator, start, n_krylov)
        kept = first > _ROUNDING
        poles = unit * energies[kept] + trace - ground.energy
        return DynamicalCorrelation(poles, norm**2 * first[kept], ground.energy)
    lowest = (ground.energy - trace) / unit
    # Of the whole sector: rounding outside the interval would grow exponentially.
    random = np.random.default_rng(seed).normal(size=len(start)).astype(start.dtype)
    highest = krylov_levels(ground.operator, random, _BOUND_STEPS)[0][-1]
    margin = _MARGIN * max(highest - lowest, 1)
    ends = lowest - margin, highest + margin
    moments = chebyshev_moments(ground.operator, start, *ends, 2 * n_krylov)
    half_width = unit * (highest - lowest + 2 * margin) / 2
    return ChebyshevCorrelation(moments, half_width - unit * margin, half_width, ground.energy)


def sz_wave(H: SpinHamiltonian, wave_vector: ArrayLike) -> Any:
    """sum_j exp(i q.r_j) Z_j / sqrt(N) on the lattice of ``H``, S^z_j for spins of S >= 1.

    Parameters
    ----------
    H : SpinHamiltonian
    wave_vector : array (d,)
        In units of 1 / lattice constant.

    Returns
    -------
    PauliSum or SpinOperator
    """
    if H.lattice is None:
        raise ValueError("wave_vector needs a Hamiltonian with a lattice, got one without")
    factors = plane_waves(H.lattice, np.atleast_2d(as_real("wave_vector", wave_vector)))[0]
    if H.is_spin_half:
        return PauliSum.from_terms((c, [(j, "Z")]) for j, c in enumerate(factors.tolist()))
    spins = H.local_space.spins
    parts = (c * as_spin_operator(Sz(j, spins[j])) for j, c in enumerate(factors.tolist()))
    return SpinOperator.sum(parts)


def _applied(A: Any, vector: NDArray[Any], sector: Any) -> NDArray[Any]:
    """A v as the sum of its Hermitian part and i times another."""
    total = np.zeros(len(vector), complex)
    for factor, part in zip((1, 1j), hermitian_parts(A), strict=True):
        if len(part):
            operator = operator_on(sector, part)
            x = vector.astype(np.result_type(vector.dtype, operator.dtype))
            y = np.zeros_like(x)
            operator.multiply(x, y)
            total += factor * y
    return total if total.imag.any() else total.real.copy()
