"""Random parameters that a wavefunction starts from."""

from __future__ import annotations

import numpy as np

from hamiltonians.symmetry.groups import SymmetrySector
from hamiltonians.utils.checks import checked_seed

STDDEV = 0.01  # of real and imaginary parts


def small_random(
    shape: tuple[int, ...],
    is_complex: bool,
    seed: int | np.random.SeedSequence,
    stddev: float = STDDEV,
) -> np.ndarray:
    """Normal real and imaginary parts of new parameters."""
    rng = np.random.default_rng(checked_seed("seed", seed))
    real = rng.normal(size=shape)
    return stddev * (real + 1j * rng.normal(size=shape) if is_complex else real)


def projected_stddev(sector: SymmetrySector | None) -> float:
    """Standard deviation of parameters at the start of a wavefunction projected onto a sector.

    Outside the symmetric sector the projection takes away the leading orders in small parameters,
    and what is left of 0.01 is stuck: 12 sites, k = pi, odd, ended up to 49 % high, from 0.1 at
    1e-9.
    """
    return STDDEV if sector is None or sector.is_symmetric else 0.1
