"""Dynamical correlations by their Chebyshev moments, smoothed by the kernel of Jackson.

With x = (omega - centre) / half_width in (-1, 1) the moments are mu_n = <A0|T_n(X)|A0>, X being
(H - E_0 - centre) / half_width, from T_n+1 = 2 X T_n - T_n-1; two come out of each product, by
T_2n = 2 T_n^2 - 1 (Weisse, Wellein, Alvermann & Fehske, Rev. Mod. Phys. 78, 275, 2006). Unlike the
poles of the continued fraction they suffer no loss of orthogonality, and every frequency has the
same resolution.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike, NDArray

from hamiltonians.exact.lanczos import Operator, subtract
from hamiltonians.utils.brief import Rows, Tabled
from hamiltonians.utils.checks import as_real, integer


@dataclass(frozen=True, repr=False)
class ChebyshevCorrelation(Tabled):
    """S(omega) by its Chebyshev moments.

    Attributes
    ----------
    moments : float64 array (n,)
        mu_n; the first is <A^dagger A>.
    centre, half_width : float
        Of the interval of excitation energies, in the units of the Hamiltonian.
    energy : float
        Of the ground state.
    """

    moments: NDArray[np.float64]
    centre: float
    half_width: float
    energy: float

    @property
    def resolution(self) -> float:
        """Width (one standard deviation) of a pole amid the interval."""
        return float(np.pi * self.half_width / len(self.moments))

    def spectrum(self, frequencies: ArrayLike) -> NDArray[np.float64]:
        """S(omega) of frequencies (n,), float64 (n,), never negative; 0 outside the interval."""
        x = (as_real("frequencies", frequencies) - self.centre) / self.half_width
        inside = np.abs(x) < 1
        smoothed = _jackson(len(self.moments)) * self.moments
        smoothed[1:] *= 2
        root = np.sqrt(np.where(inside, 1 - x**2, 1.0))
        values = chebyshev.chebval(np.where(inside, x, 0.0), smoothed)
        return np.where(inside, values / (np.pi * self.half_width * root), 0.0)

    def moment(self, power: int = 0) -> float:
        """Integral of omega^power S(omega) without smoothing: sum rules, exact up to rounding.

        Parameters
        ----------
        power : int
            Smaller than the number of moments.
        """
        power = integer("power", power, 0)
        if power >= len(self.moments):
            raise ValueError(f"power must be below {len(self.moments)} moments, got {power}")
        weights = chebyshev.chebpow([self.centre, self.half_width], power)
        return float(np.dot(weights, self.moments[: len(weights)]))

    def summary(self) -> tuple[str, Rows]:
        """The interval and its resolution."""
        low, high = self.centre - self.half_width, self.centre + self.half_width
        rows = [("omega", f"{low:.4g} to {high:.4g}, resolution {self.resolution:.3g}")]
        return f"{len(self.moments)} moments, total weight {self.moment():.8g}", rows


def chebyshev_moments(
    H: Operator, start: NDArray[Any], low: float, high: float, n_moments: int
) -> NDArray[np.float64]:
    """mu_n of a vector for a spectrum between ``low`` and ``high``, float64 (n_moments,)."""
    centre, half_width = (high + low) / 2, (high - low) / 2
    none, x, y = start[:0], start.copy(), np.zeros_like(start)
    found: list[float] = []
    norm, scale, beta = subtract(x, 0.0, x, H, none), 1 / half_width, 0.0
    while len(found) < n_moments:
        # y = scale H x - beta y, then minus scale centre x: the next vector, and its products.
        along = H.multiply(x, y, scale, beta) / scale - scale * centre * norm
        above = subtract(x, scale * centre, y, H, none)
        found += [2 * norm - found[0], 2 * along - found[1]] if found else [norm, along]
        scale, beta = 2 / half_width, 1.0
        x, y, norm = y, x, above
    return np.array(found[:n_moments])


def _jackson(n: int) -> NDArray[np.float64]:
    k, q = np.arange(n), np.pi / (n + 1)
    return ((n - k + 1) * np.cos(q * k) + np.sin(q * k) / np.tan(q)) / (n + 1)
