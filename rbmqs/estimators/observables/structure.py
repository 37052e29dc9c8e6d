"""Structure factor at the momenta of a lattice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from hamiltonians.lattices.geometry import all_wave_vectors, plane_waves
from hamiltonians.utils.brief import Rows
from rbmqs.estimators.consistency import check_kinds
from rbmqs.estimators.many_series import SeriesStats, series_statistics
from rbmqs.estimators.observables.arrays import ArraysWithErrors
from rbmqs.estimators.observables.modes import mode_powers
from rbmqs.estimators.snapshot_noise import SnapshotNoise

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.sampling.chains import Samples
    from rbmqs.states.state import VariationalState


@dataclass(frozen=True, eq=False, repr=False)
class StructureFactor(ArraysWithErrors):
    """S(k) = sum_ij exp(i k.(r_j - r_i)) <sigma_i sigma_j> / N with one-sigma errors.

    In Pauli units for spins 1/2; sigma is S for others.

    Parameters
    ----------
    wave_vectors : float array (n_k, d)
        k, in units of 1 / lattice constant.
    zz, zz_error : float array (n_k,)
        Of the z components.
    spin, spin_error : float array (n_k,) or None
        Of the scalar products: x, y and z added up; three times `zz` in a singlet.
    status : str
        Empty, or which error bar is the least to be trusted, and why.
    """

    wave_vectors: np.ndarray
    zz: np.ndarray
    zz_error: np.ndarray
    spin: np.ndarray | None = None
    spin_error: np.ndarray | None = None
    status: str = ""

    @property
    def peak(self) -> np.ndarray:
        """Wave vector of the largest value, whole spins where they are known."""
        return self.wave_vectors[np.argmax(self.zz if self.spin is None else self.spin)]

    def described(self) -> tuple[str, Rows]:
        """The largest values."""
        values, errors = (self.zz, self.zz_error)
        if self.spin is not None and self.spin_error is not None:
            values, errors = self.spin, self.spin_error
        places = {k: np.round(self.wave_vectors[k], 4).tolist() for k in np.argsort(-values)[:8]}
        return f"structure factor at {len(self.wave_vectors)} wave vectors; largest values", [
            (f"k = {place}", f"{values[k]:.5g} +- {errors[k]:.1g}") for k, place in places.items()
        ]


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

    Returns
    -------
    StructureFactor

    Raises
    ------
    ValueError
        A lattice without positions; wave vectors of another dimension.
    """
    check_kinds(psi=psi, hamiltonian=hamiltonian, samples=samples)
    lattice = hamiltonian.lattice
    if lattice is None:
        raise ValueError("a structure factor needs a lattice, got a Hamiltonian without one")
    k = all_wave_vectors(lattice) if wave_vectors is None else np.asarray(wave_vectors)
    modes = plane_waves(lattice, k)
    powers = mode_powers(psi, hamiltonian, samples, modes, spin=spin, progress=progress)
    noise = SnapshotNoise(psi, samples)
    zz = _of_modes("zz", powers["zz"], k, noise, samples)
    if not spin:
        return StructureFactor(k, zz.mean, zz.error, status=zz.status)
    total = _of_modes("spin", powers["spin"], k, noise, samples)

    def of_spins(state: VariationalState, draws: Samples) -> np.ndarray:
        return mode_powers(state, hamiltonian, draws, modes, spin=True)["spin"][0].T

    total = total._replace(error=np.hypot(total.error, noise.bias(of_spins)))
    status = zz.status or total.status
    return StructureFactor(k, zz.mean, zz.error, total.mean, total.error, status)


def _of_modes(
    name: str,
    powers: np.ndarray,
    wave_vectors: np.ndarray,
    noise: SnapshotNoise,
    samples: Samples,
) -> SeriesStats:
    def label(k: int) -> str:
        return f"{name} at k = {np.round(wave_vectors[k], 4).tolist()}"

    found = series_statistics(powers, label, samples.division)
    return found._replace(error=noise.added_to(found.error, powers))
