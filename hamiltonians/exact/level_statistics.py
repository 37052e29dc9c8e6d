"""Statistics of neighbouring levels: chaotic spectra repel them, integrable ones do not."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hamiltonians.utils.brief import Rows, Tabled
from hamiltonians.utils.checks import as_real, number

# Mean ratios of large matrices (Atas, Bogomolny, Giraud & Roux, Phys. Rev. Lett. 110, 084101, 2013)
POISSON, GOE, GUE = 0.38629436, 0.53590, 0.60266
_SAME_LEVEL = 1e-10  # of the width of the spectrum


@dataclass(frozen=True, repr=False)
class LevelStatistics(Tabled):
    """Mean ratio of consecutive spacings.

    Attributes
    ----------
    ratio : float
        Mean of min(s_n, s_n+1) / max(s_n, s_n+1) over the spacings s_n.
    error : float
        One standard error, from the spread of the ratios, whose neighbours hardly depend on each
        other.
    n_ratios : int
    n_degenerate : int
        Spacings left out because they are zero to 1e-10 of the width of the spectrum: many say
        that symmetries are left, which makes any spectrum look integrable.
    """

    ratio: float
    error: float
    n_ratios: int
    n_degenerate: int

    @property
    def nearest(self) -> str:
        """The reference nearest to the ratio: "Poisson", "GOE" or "GUE"."""
        known = {"Poisson": POISSON, "GOE": GOE, "GUE": GUE}
        return min(known, key=lambda name: abs(known[name] - self.ratio))

    def summary(self) -> tuple[str, Rows]:
        """The ratio beside the references."""
        head = f"mean ratio of spacings {self.ratio:.4f} +- {self.error:.4f}"
        rows = [
            ("Poisson", f"{POISSON:.4f}, integrable"),
            ("GOE", f"{GOE:.4f}, chaotic, real matrices"),
            ("GUE", f"{GUE:.4f}, chaotic, complex matrices"),
            ("spacings", f"{self.n_ratios} ratios, {self.n_degenerate} degenerate left out"),
        ]
        return head, rows


def level_statistics(energies: ArrayLike, middle: float = 0.5) -> LevelStatistics:
    """Mean ratio of consecutive spacings of the levels of one symmetry sector.

    Parameters
    ----------
    energies : array, shape (n,)
        All levels of one sector, in any order: those of several together look integrable.
    middle : float
        Share of the levels that counts, in the middle of the spectrum.

    Returns
    -------
    LevelStatistics

    Raises
    ------
    TypeError, ValueError
        Fewer than four different levels there, or levels that are not finite numbers.

    Examples
    --------
    >>> H = heisenberg(chain(9), spin=1, total_sz=1)
    >>> level_statistics(full_spectrum(H, symmetry=H.lattice.sectors(k=0)[0]))
    """
    levels = as_real("energies", energies)
    if levels.ndim != 1:
        raise ValueError(f"energies must have one axis, got shape {levels.shape}")
    middle = number("middle", middle, above=0)
    if middle > 1:
        raise ValueError(f"middle must be at most 1, got {middle}")
    levels = np.sort(levels)
    cut = round(len(levels) * (1 - middle) / 2)
    spacings = np.diff(levels[cut : len(levels) - cut])
    width = levels[-1] - levels[0] if len(levels) else 0.0
    kept = spacings[spacings > _SAME_LEVEL * width]
    if len(kept) < 3:
        raise ValueError(
            f"energies must hold 4 different levels in the middle, got {len(kept) + 1}"
        )
    ratios = np.minimum(kept[1:], kept[:-1]) / np.maximum(kept[1:], kept[:-1])
    error = float(np.std(ratios, ddof=1) / len(ratios) ** 0.5)
    return LevelStatistics(float(ratios.mean()), error, len(ratios), len(spacings) - len(kept))
