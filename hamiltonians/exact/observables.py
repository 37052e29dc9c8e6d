"""Expectation values and correlations of vectors from exact diagonalisation."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hamiltonians.exact.few_states import operator_on
from hamiltonians.operators.level_connections import check_sites_of
from hamiltonians.operators.local_space import LocalSpace
from hamiltonians.operators.pauli import PauliString, PauliSum
from hamiltonians.operators.sectors import Sector
from hamiltonians.operators.spin import SpinOperator, as_spin_operator
from hamiltonians.operators.spin_sectors import AnySector, SpinSector, sector_of
from hamiltonians.utils.checks import instance
from hamiltonians.utils.ranks import sum_of, sum_of_arrays

_AT_ONCE = 2**16  # states whose spins are spelt out at a time


class SolvedStates(Protocol):
    """What expectation values ask of a result of exact diagonalisation."""

    @property
    def operator(self) -> Any:
        """The operator that was diagonalised, with its basis."""

    @property
    def sector(self) -> Any:
        """All configurations with the total S_z."""

    @property
    def symmetry(self) -> Any:
        """Symmetry sector of the states, or None."""

    def state(self, number: int) -> NDArray[Any]:
        """A state in that basis."""


def expectation(vector: ArrayLike, observable: Any, sector: AnySector) -> float | complex:
    """<v|O|v> / <v|v> for a vector in the basis of ``sector``.

    Parameters
    ----------
    vector : array, shape (sector.dimension,)
    observable : PauliSum or SpinOperator
    sector : Sector or SpinSector

    Returns
    -------
    float or complex
        Complex only if the observable is not Hermitian.

    Raises
    ------
    ValueError
        If the vector is zero or does not have the dimension of the sector.
    """
    _check_observable(observable, sector)
    v = np.ascontiguousarray(vector)
    if v.shape != (sector.dimension,):
        raise ValueError(f"vector must have shape ({sector.dimension},), got {v.shape}")
    return _expectation(v, observable, sector, None)


def _expectation(v: NDArray[Any], observable: Any, sector: AnySector, comm: Any) -> float | complex:
    norm = sum_of(float(np.vdot(v, v).real), comm)
    if not norm > 0:
        raise ValueError(f"vector must have a positive norm, got {norm}")
    return _mean_of_parts(observable, lambda part: _mean(v, operator_on(sector, part, comm)) / norm)


def _check_observable(observable: Any, sector: AnySector) -> None:
    if isinstance(sector, SpinSector):
        check_sites_of(as_spin_operator(observable), sector.space)
        return
    instance("sector", sector, Sector)
    instance("observable", observable, PauliSum)


def expect(result: SolvedStates, observable: Any, state: int = 0) -> float | complex:
    """See `ExactResult.expect`."""
    column = np.ascontiguousarray(result.state(state))
    _check_observable(observable, result.sector)
    if result.symmetry is None:
        operator = result.operator
        return _expectation(column, observable, operator.sector, operator.comm)
    from hamiltonians.exact.orbit_operators import operator_of_orbits

    basis = result.operator.basis
    amplitudes = column / np.sqrt(basis.listed[1].astype(np.float64))
    averaged = average_over(observable, result.symmetry)
    return _mean_of_parts(
        averaged, lambda part: _mean(amplitudes, operator_of_orbits(basis, part, stored=False))
    )


def correlations(result: SolvedStates, state: int = 0) -> NDArray[np.float64]:
    """See `ExactResult.correlations`."""
    weights = np.abs(result.state(state)) ** 2
    comm, operator = result.operator.comm, result.operator
    basis = getattr(operator, "basis", None)
    if basis is None:
        sector = result.sector
        if sector.is_sparse:
            spins = sector.configurations().astype(np.float64)
            return (spins * weights[:, None]).T @ spins
        states = sector.basis_states() if comm is None else operator.layout.states()
        return sum_of_arrays(_spin_products(states, weights, sector.states_to_spins), comm)
    products = np.empty((basis.n_sites, basis.n_sites))
    order = basis.site_order
    space = basis.space or LocalSpace(basis.n_sites)
    inside = sector_of(LocalSpace.of_spin(basis.n_sites, np.array(space.spins)[order]), None)
    found = _spin_products(basis.listed[0], weights, inside.states_to_spins)
    products[np.ix_(order, order)] = sum_of_arrays(found, comm)
    if space.values != (1, -1):
        products /= 4
    rows = basis.sector.group.permutations
    return np.mean([products[np.ix_(row, row)] for row in rows], axis=0)


def hermitian_parts(observable: Any) -> tuple[Any, Any]:
    """Hermitian A and B of an observable A + i B."""
    adjoint = observable.hermitian_conjugate()
    return 0.5 * (observable + adjoint), -0.5j * (observable - adjoint)


def _mean_of_parts(observable: Any, mean: Any) -> float | complex:
    """Means of the Hermitian and the anti-Hermitian part of an observable."""
    parts = hermitian_parts(observable)
    real, imaginary = (mean(part) if len(part) else 0.0 for part in parts)
    return float(real) if observable.is_hermitian else complex(real, imaginary)


def _mean(v: NDArray[Any], operator: Any) -> float:
    """<v|O|v> of a Hermitian operator."""
    x = v.astype(np.result_type(v.dtype, operator.dtype, np.float64), copy=False)
    return operator.multiply(x, np.zeros_like(x))


def average_over(observable: Any, symmetry: Any) -> Any:
    """Mean of U_g O U_g^-1 over the group, and over turning all spins where it has a parity."""
    rows = np.argsort(symmetry.group.permutations, axis=1).tolist()
    if isinstance(observable, SpinOperator):
        mean = SpinOperator.sum(observable.placed(place) for place in rows) / len(rows)
        return mean if symmetry.spin_inversion is None else (mean + mean.turned_over()) / 2
    total: dict[PauliString, complex] = {}
    for string, value in observable.terms.items():
        changes_sign = sum(letter != "X" for _, letter in string) % 2
        if symmetry.spin_inversion is not None and changes_sign:
            continue
        for place in rows:
            there = tuple(sorted((place[site], letter) for site, letter in string))
            total[there] = total.get(there, 0) + value / len(rows)
    return PauliSum(total)


def _spin_products(
    states: NDArray[np.uint64], weights: NDArray[np.float64], spins_of: Any
) -> NDArray[np.float64]:
    """sum_s weight_s sigma_i(s) sigma_j(s)."""
    total: Any = 0.0
    for first in range(0, max(len(states), 1), _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        spins = spins_of(states[part]).astype(np.float64)
        total = total + (spins * weights[part, None]).T @ spins
    return np.asarray(total)
