"""Expectation values and correlations of vectors from exact diagonalisation."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hamiltonians.exact.few_states import operator_on
from hamiltonians.operators.pauli import PauliString, PauliSum
from hamiltonians.operators.sectors import Sector
from hamiltonians.utils.checks import instance
from hamiltonians.utils.ranks import sum_of, sum_of_arrays

_AT_ONCE = 2**16  # states whose spins are spelt out at a time


class SolvedStates(Protocol):
    """What expectation values ask of a result of exact diagonalisation."""

    @property
    def operator(self) -> Any:
        """The operator that was diagonalised, with its basis."""

    @property
    def symmetry(self) -> Any:
        """Symmetry sector of the states, or None."""

    def state(self, number: int) -> NDArray[Any]:
        """A state in that basis."""


def expectation(vector: ArrayLike, observable: PauliSum, sector: Sector) -> float | complex:
    """<v|O|v> / <v|v> for a vector in the basis of ``sector``.

    Parameters
    ----------
    vector : array (dimension,)
    observable : PauliSum
    sector : Sector

    Returns
    -------
    float or complex
        Complex only if the observable is not Hermitian.

    Raises
    ------
    ValueError
        If the vector is zero or does not have the dimension of the sector.
    """
    instance("observable", observable, PauliSum)
    instance("sector", sector, Sector)
    v = np.ascontiguousarray(vector)
    if v.shape != (sector.dimension,):
        raise ValueError(f"vector must have shape ({sector.dimension},), got {v.shape}")
    return _expectation(v, observable, sector, None)


def _expectation(
    v: NDArray[Any], observable: PauliSum, sector: Sector, comm: Any
) -> float | complex:
    norm = sum_of(float(np.vdot(v, v).real), comm)
    if not norm > 0:
        raise ValueError(f"vector must have a positive norm, got {norm}")
    return _mean_of_parts(observable, lambda part: _mean(v, operator_on(sector, part, comm)) / norm)


def expect(result: SolvedStates, observable: PauliSum, state: int = 0) -> float | complex:
    """See `ExactResult.expect`."""
    column = np.ascontiguousarray(result.state(state))
    if result.symmetry is None:
        instance("observable", observable, PauliSum)
        operator = result.operator
        return _expectation(column, observable, operator.sector, operator.comm)
    from hamiltonians.exact.divided_symmetric import operator_of_orbits

    basis = result.operator.basis
    amplitudes = column / np.sqrt(basis.listed[1].astype(np.float64))
    averaged = average_over(observable, result.symmetry)
    return _mean_of_parts(
        averaged, lambda part: _mean(amplitudes, operator_of_orbits(basis, part, stored=False))
    )


def correlations(result: SolvedStates, state: int = 0) -> NDArray[np.float64]:
    """See `ExactResult.correlations`."""
    weights = np.abs(result.state(state)) ** 2
    comm = result.operator.comm
    if result.symmetry is None:
        sector = result.operator.sector
        if sector.is_sparse:
            spins = sector.configurations().astype(np.float64)
            return (spins * weights[:, None]).T @ spins
        states = sector.basis_states() if comm is None else result.operator.layout.states()
        return sum_of_arrays(_spin_products(states, weights, sector.n_sites), comm)
    basis = result.operator.basis
    products = np.empty((basis.n_sites, basis.n_sites))
    inside = sum_of_arrays(_spin_products(basis.listed[0], weights, basis.n_sites), comm)
    products[np.ix_(basis.site_order, basis.site_order)] = inside
    rows = result.symmetry.group.permutations
    return np.mean([products[np.ix_(row, row)] for row in rows], axis=0)


def _mean_of_parts(observable: PauliSum, mean: Any) -> float | complex:
    """Means of the Hermitian and the anti-Hermitian part of an observable."""
    adjoint = observable.hermitian_conjugate()
    parts = (0.5 * (observable + adjoint), -0.5j * (observable - adjoint))
    real, imaginary = (mean(part) if len(part) else 0.0 for part in parts)
    return float(real) if observable.is_hermitian else complex(real, imaginary)


def _mean(v: NDArray[Any], operator: Any) -> float:
    """<v|O|v> of a Hermitian operator."""
    x = v.astype(np.result_type(v.dtype, operator.dtype, np.float64), copy=False)
    return operator.multiply(x, np.zeros_like(x))


def average_over(observable: PauliSum, symmetry: Any) -> PauliSum:
    """Mean of U_g O U_g^-1 over the group, and over turning all spins where it has a parity."""
    total: dict[PauliString, complex] = {}
    places = np.argsort(symmetry.group.permutations, axis=1).tolist()
    for string, value in observable.terms.items():
        changes_sign = sum(letter != "X" for _, letter in string) % 2
        if symmetry.spin_inversion is not None and changes_sign:
            continue
        for place in places:
            there = tuple(sorted((place[site], letter) for site, letter in string))
            total[there] = total.get(there, 0) + value / len(places)
    return PauliSum(total)


def _spin_products(
    states: NDArray[np.uint64], weights: NDArray[np.float64], n_sites: int
) -> NDArray[np.float64]:
    """sum_s weight_s sigma_i(s) sigma_j(s)."""
    total = np.zeros((n_sites, n_sites))
    shifts = np.arange(n_sites - 1, -1, -1, dtype=np.uint64)
    for first in range(0, len(states), _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        down = (states[part, None] >> shifts) & np.uint64(1)
        spins = 1.0 - 2.0 * down
        total += (spins * weights[part, None]).T @ spins
    return total
