"""Thermal averages by typical states: finite-temperature Lanczos over all symmetry sectors.

The trace over a sector of D states is D <r|f(H)|r> for a random vector r, up to an error of
1/sqrt(D Z), and Lanczos' tridiagonal matrix gives <r|f(H)|r> from a few products (Jaklic &
Prelovsek, Phys. Rev. B 49, 5065, 1994). Sectors of few states are diagonalised. Errors are those of
the jackknife over the random vectors.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hamiltonians.exact.diagonalisation import checked_plan, compiled, full_spectrum, normalised
from hamiltonians.exact.memory import sector_dimension
from hamiltonians.exact.spectrum import sz_blocks
from hamiltonians.exact.thick_restart import orthonormal_product
from hamiltonians.models.hamiltonian import SpinHamiltonian
from hamiltonians.models.symmetries import sectors_of
from hamiltonians.utils.brief import Rows, Tabled
from hamiltonians.utils.checks import as_real, instance, integer, short

_DENSE = 256  # states of a sector that is diagonalised: no random vectors, no errors


@dataclass(frozen=True, repr=False)
class Thermal(Tabled):
    """Averages of the whole system in the canonical ensemble, with k_B = 1.

    Attributes
    ----------
    temperatures : float64 array (n,)
        In the units of the Hamiltonian.
    energy, specific_heat, entropy : float64 array (n,)
        <H>, d<H>/dT and log Z + <H>/T.
    susceptibility : float64 array (n,)
        (<M^2> - <M>^2) / T with M the total S_z; NaN where H does not conserve it.
    errors : dict of str to float64 array (n,)
        One standard error of each by its name, from the spread between the vectors: with few of
        them it is itself uncertain, and values lie within one error of the exact ones as often as
        Student's t with n_vectors - 1 degrees of freedom says: 66 % for 10 vectors, 61 % for 4.
    n_vectors : int
        Random vectors for each sector of more than 256 states.
    n_states : int
        Of all sectors.
    """

    temperatures: NDArray[np.float64]
    energy: NDArray[np.float64]
    specific_heat: NDArray[np.float64]
    entropy: NDArray[np.float64]
    susceptibility: NDArray[np.float64]
    errors: dict[str, NDArray[np.float64]]
    n_vectors: int
    n_states: int

    def summary(self) -> tuple[str, Rows]:
        """A row for each temperature."""
        rows = []
        for k, T in enumerate(self.temperatures.tolist()):
            words = [
                f"{name} {getattr(self, name)[k]:.6g} +- {error[k]:.1g}"
                for name, error in self.errors.items()
            ]
            rows.append((f"T = {T:g}", ", ".join(words)))
        return f"{self.n_states} states, {self.n_vectors} random vectors in each sector", rows


def thermal(
    H: SpinHamiltonian,
    temperatures: ArrayLike,
    *,
    n_vectors: int = 10,
    n_krylov: int = 80,
    memory_limit: int | None = None,
    progress: Callable[[str], None] | None = None,
    seed: int = 0,
) -> Thermal:
    """Energy, specific heat, entropy and susceptibility against the temperature.

    Parameters
    ----------
    H : SpinHamiltonian
        Without a ``total_sz`` all sectors are summed; with one, that sector alone.
    temperatures : array, shape (n,)
        Above 0.
    n_vectors : int
        Random vectors for each sector, at least 2.
    n_krylov : int
        Lanczos steps from each.
    memory_limit : int, optional
        Bytes that one sector may take.
    progress : callable, optional
        Gets the label of each sector before it is done.
    seed : int

    Returns
    -------
    Thermal

    Raises
    ------
    TooLargeError
        If a sector needs more memory than the limit.
    TypeError, ValueError
        If a temperature is not a number above 0, or a count is too small.

    Examples
    --------
    >>> thermal(heisenberg(chain(12)), [0.5, 1.0, 2.0]).specific_heat
    """
    instance("H", H, SpinHamiltonian)
    T = np.atleast_1d(as_real("temperatures", temperatures))
    if T.ndim != 1 or len(T) == 0 or not (T > 0).all():
        raise ValueError(f"temperatures must be a list of numbers above 0, got {short(T.tolist())}")
    n_vectors, n_krylov = integer("n_vectors", n_vectors, 2), integer("n_krylov", n_krylov, 2)
    rng, found, n_states = np.random.default_rng(integer("seed", seed, 0)), [], 0
    for block, n_blocks in sz_blocks(H):
        for sector in sectors_of(block):
            size = sector_dimension(block, sector)
            if size == 0:
                continue
            copies = n_blocks * (1 if sector is None else sector.copies)
            n_states += copies * size
            if progress is not None:
                label = "" if sector is None else sector.label
                progress(f"S_z={block.total_sz} {label}".strip())
            if size <= _DENSE:
                levels = full_spectrum(block, symmetry=sector)[None]
                weights = np.full((1, size), float(copies))
            else:
                checked_plan(block, symmetry=sector, memory_limit=memory_limit)
                levels, weights = _sampled(block, sector, n_vectors, n_krylov, rng)
                weights *= copies * size
            sz = np.nan if block.total_sz is None else block.total_sz
            found.append((levels, weights, sz if n_blocks == 1 else 0.0, sz**2))
    moments, lowest = _moments(found, T, n_vectors)
    values = _averages(moments.mean(axis=0), T, lowest)
    n = n_vectors
    left_out = [_averages((moments.sum(0) - moments[r]) / (n - 1), T, lowest) for r in range(n)]
    errors = {
        key: np.sqrt((n - 1) * np.var([one[key] for one in left_out], axis=0)) for key in values
    }
    return Thermal(T, **values, errors=errors, n_vectors=n, n_states=n_states)


def _sampled(
    block: SpinHamiltonian, sector: Any, n_vectors: int, n_krylov: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ritz values and weights of random vectors, shape (n_vectors, n_krylov)."""
    shifted, trace, unit = normalised(block)
    operator = compiled(shifted, sector)
    product = orthonormal_product(operator)
    levels, weights = np.zeros((2, n_vectors, n_krylov))
    for r in range(n_vectors):
        v = rng.normal(size=operator.dimension).astype(operator.dtype)
        if operator.dtype == np.complex128:
            v += 1j * rng.normal(size=operator.dimension)
        energies, first = krylov_levels(product, v, n_krylov)
        levels[r, : len(energies)] = unit * energies + trace
        levels[r, len(energies) :] = unit * energies[0] + trace  # of weight 0
        weights[r, : len(energies)] = first
    return levels, weights


def krylov_levels(
    product: Callable[[NDArray[Any]], NDArray[Any]], v: NDArray[Any], n_krylov: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ritz values from a vector, and their weights in it, which sum to 1."""
    alpha: list[float] = []
    beta: list[float] = []
    before, v = np.zeros_like(v), v / np.linalg.norm(v)
    while True:
        image = product(v)
        alpha.append(float(np.vdot(v, image).real))
        image -= alpha[-1] * v
        if beta:
            image -= beta[-1] * before
        norm = float(np.linalg.norm(image))
        if len(alpha) == min(n_krylov, len(v)) or norm <= 1e-12 * (abs(alpha[-1]) + sum(beta[-1:])):
            break
        beta.append(norm)
        before, v = v, image / norm
    tridiagonal = np.diag(alpha) + np.diag(beta, 1) + np.diag(beta, -1)
    energies, rows = np.linalg.eigh(tridiagonal)
    return energies, rows[0] ** 2


def _moments(found: Any, T: NDArray[np.float64], n_vectors: int) -> tuple[Any, float]:
    """Z and Z times <E>, <E^2>, <M> and <M^2>, energies from the lowest on: (n_vectors, 5, n)."""
    lowest = min(float(levels.min()) for levels, *_ in found)
    total = np.zeros((n_vectors, 5, len(T)))
    for levels, weights, mean_sz, square in found:
        above = levels - lowest
        factors = weights[..., None] * np.exp(-above[..., None] / T)
        parts = [factors, above[..., None] * factors, above[..., None] ** 2 * factors]
        sums = [part.sum(axis=1) for part in parts]
        total += np.stack([*sums, mean_sz * sums[0], square * sums[0]], axis=1)
    return total, lowest


def _averages(
    moments: NDArray[np.float64], T: NDArray[np.float64], lowest: float
) -> dict[str, NDArray[np.float64]]:
    Z, E, square, M, M_square = moments
    energy = E / Z
    return {
        "energy": energy + lowest,
        "specific_heat": (square / Z - energy**2) / T**2,
        "entropy": np.log(Z) + energy / T,
        "susceptibility": (M_square / Z - (M / Z) ** 2) / T,
    }
