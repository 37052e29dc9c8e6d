"""Fidelity with a known vector from samples, where `overlap` would need the full vector of psi."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from rbmqs.estimators.error_propagation import function_statistics
from rbmqs.estimators.stats import Stats

if TYPE_CHECKING:
    from hamiltonians import Sector
    from rbmqs.sampling.chains import Samples
    from rbmqs.states.state import VariationalState


def fidelity(psi: VariationalState, samples: Samples, vector: ArrayLike, sector: Sector) -> Stats:
    """F = |<v|psi>|^2 / (<v|v> <psi|psi>) = |<r>|^2 / <|r|^2>, r = v(sigma)/psi(sigma).

    Its error vanishes with 1 - F. Where psi is small and v is not, r is large and rare: well below
    one, trust the exact `psi.overlap` more.

    Parameters
    ----------
    psi : Wavefunction
    samples : Samples
        Drawn from |psi|^2.
    vector : array (dimension,)
        In the basis in which psi lives: that of the Hamiltonian's `terms`, so
        `hamiltonians.ground_state(H).vector` fits as it is.
    sector : Sector
        Of the vector.

    Raises
    ------
    ValueError
        A vector of another length, or samples outside the sector.
    """
    vector = np.asarray(vector)
    if vector.shape != (sector.dimension,):
        raise ValueError(f"vector must have shape ({sector.dimension},), got {vector.shape}")
    values = vector[sector.rank(sector.spins_to_states(samples.flat))]
    log_psi = psi.log_psi(samples.flat)
    # Any multiple of r serves; this one has values of order one.
    ratios = values * np.exp(np.median(log_psi.real) - log_psi) / np.abs(vector).max()
    series = np.stack([ratios.real, ratios.imag, abs(ratios) ** 2], axis=1)
    return function_statistics(_fidelity, series.reshape(*samples.shape, 3))


def _fidelity(means: np.ndarray) -> np.ndarray:
    return (means[..., 0] ** 2 + means[..., 1] ** 2) / means[..., 2]
