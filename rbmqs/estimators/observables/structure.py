"""Structure factor at the momenta of a lattice, and the staggered magnetisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from rbmqs.estimators.error_bars import statistics
from rbmqs.estimators.local import mean_and_error
from rbmqs.estimators.observables.modes import mode_powers
from rbmqs.estimators.stats import Stats

if TYPE_CHECKING:
    from hamiltonians import Lattice, SpinHamiltonian, UnitCell
    from rbmqs.sampling.chains import Samples
    from rbmqs.states.state import VariationalState


@dataclass(frozen=True, eq=False)
class StructureFactor:
    """S(k) = sum_ij exp(i k.(r_j - r_i)) <sigma_i sigma_j> / N in Pauli units, one-sigma errors.

    Parameters
    ----------
    wave_vectors : float array (n_k, d)
        k, in units of 1 / lattice constant.
    zz, zz_error : float array (n_k,)
        Of the z components.
    spin, spin_error : float array (n_k,) or None
        Of the scalar products: x, y and z added up; three times `zz` in a singlet.
    """

    wave_vectors: np.ndarray
    zz: np.ndarray
    zz_error: np.ndarray
    spin: np.ndarray | None = None
    spin_error: np.ndarray | None = None

    @property
    def peak(self) -> np.ndarray:
        """Wave vector of the largest value, whole spins where they are known."""
        return self.wave_vectors[np.argmax(self.zz if self.spin is None else self.spin)]

    def to_dict(self) -> dict[str, Any]:
        """JSON-able form: nested lists by name."""
        return {k: None if v is None else v.tolist() for k, v in vars(self).items()}


def structure_factor(
    psi: VariationalState,
    hamiltonian: SpinHamiltonian,
    samples: Samples,
    wave_vectors: ArrayLike | None = None,
    *,
    spin: bool = True,
    progress: bool = False,
) -> StructureFactor:
    """Static structure factor.

    Parameters
    ----------
    psi, hamiltonian, samples
        The wavefunction and configurations drawn from it; the lattice gives the positions.
    wave_vectors : array (n_k, d), optional
        In units of 1 / lattice constant; by default those of `all_wave_vectors`.
    spin, progress : bool
        As in `rbmqs.estimators.observables.mode_powers`.

    Raises
    ------
    ValueError
        A lattice without positions; wave vectors of another dimension.
    """
    lattice = hamiltonian.lattice
    if lattice is None:
        raise ValueError("a structure factor needs a lattice, got a Hamiltonian without one")
    k = all_wave_vectors(lattice) if wave_vectors is None else np.asarray(wave_vectors)
    modes = plane_waves(lattice, k)
    powers = mode_powers(psi, hamiltonian, samples, modes, spin=spin, progress=progress)
    columns = [array for name in powers for array in mean_and_error(powers[name])]
    return StructureFactor(k, *columns)


def plane_waves(lattice: Lattice, wave_vectors: np.ndarray) -> np.ndarray:
    """exp(i k.r_j) / sqrt(N), complex (n_k, N)."""
    _cell_of(lattice)
    positions = np.asarray(lattice.positions)
    if wave_vectors.ndim != 2 or wave_vectors.shape[1] != positions.shape[1]:
        raise ValueError(
            f"wave_vectors must have shape (n, {positions.shape[1]}) on the {lattice.name}, "
            f"got {wave_vectors.shape}"
        )
    return np.exp(1j * wave_vectors @ positions.T) / np.sqrt(lattice.n_sites)


def all_wave_vectors(lattice: Lattice) -> np.ndarray:
    """All wave vectors of a cluster in units of 1 / lattice constant, shape (n_cells, d).

    The phases k.a_j are multiples of 2 pi / L_j in (-pi, pi], in the order of `numpy.fft`, along
    open directions too; those of a cluster given by vectors are its `momenta`. With several sites
    in a cell the structure factor is not periodic in k: add reciprocal lattice vectors for more
    zones.

    Raises
    ------
    ValueError
        A graph, which has no positions.
    """
    vectors = np.asarray(_cell_of(lattice).vectors)
    if lattice.shape is None:
        phases = lattice.momenta()
    else:
        sizes = np.array(lattice.shape)
        numbers = np.indices(lattice.shape).reshape(len(sizes), -1).T
        phases = 2 * np.pi * np.where(2 * numbers > sizes, numbers - sizes, numbers) / sizes
    return np.linalg.solve(vectors, phases.T).T


def staggered_magnetisation(
    psi: VariationalState,
    hamiltonian: SpinHamiltonian,
    samples: Samples,
    *,
    spin: bool = True,
    progress: bool = False,
) -> dict[str, Stats]:
    """Squared staggered magnetisation per site, <(sum_i (+-1) sigma_i / N)^2>, Pauli units.

    Parameters
    ----------
    psi, hamiltonian, samples
        The wavefunction and configurations drawn from it, on a bipartite lattice.
    spin, progress : bool
        As in `rbmqs.estimators.observables.mode_powers`.

    Returns
    -------
    dict
        "zz" and "spin", the latter with x, y and z added up: divide it by four for S = sigma / 2.

    Raises
    ------
    ValueError
        A lattice without two sublattices.
    """
    if hamiltonian.lattice is None:
        raise ValueError("a staggered magnetisation needs a lattice, got a Hamiltonian without")
    signs = (1.0 - 2.0 * hamiltonian.lattice.sublattices()) / hamiltonian.n_sites
    powers = mode_powers(psi, hamiltonian, samples, signs, spin=spin, progress=progress)
    return {name: statistics(values[:, :, 0]) for name, values in powers.items()}


def _cell_of(lattice: Lattice) -> UnitCell:
    if lattice.cell is None:
        raise ValueError(f"wave vectors need a lattice with a unit cell, got the {lattice.name}")
    return lattice.cell
