"""Renyi-2 entanglement entropy by the swap estimator.

    exp(-S_2(A)) = Tr rho_A^2
                 = < psi(sigma'_A sigma_B) psi(sigma_A sigma'_B) / (psi(sigma) psi(sigma')) >

over independent sigma and sigma' from |psi|^2 (Hastings, Gonzalez, Kallin & Melko, PRL 104,
157201 (2010), arXiv:1001.2335). The Marshall rotation is a product of one-site unitaries, so the
entropy does not depend on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hamiltonians.utils.checks import instance, integer
from hamiltonians.utils.ranks import bounds
from rbmqs.estimators.consistency import check_consistent
from rbmqs.estimators.error_bars import statistics
from rbmqs.estimators.error_propagation import function_statistics
from rbmqs.estimators.stats import Stats

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.sampling.chains import Samples
    from rbmqs.states.state import VariationalState

MAX_RELATIVE_ERROR = 0.2  # of the swap average, beyond which its logarithm has no bar


@dataclass(frozen=True)
class RenyiEntropy:
    """Second Renyi entropy of a region, in units of one (not ln 2).

    Parameters
    ----------
    region : tuple of int
        Sites of A.
    purity : Stats
        Tr rho_A^2, the mean of the swap estimator.
    entropy, error : float
        -ln of it with one-sigma error, bias removed; nan where the purity is not positive.
    status : str
        Empty, or why not to trust the error.
    """

    region: tuple[int, ...]
    purity: Stats
    entropy: float
    error: float
    status: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON-able form."""
        return {**vars(self), "region": list(self.region), "purity": self.purity.to_dict()}


def renyi_entropy(
    psi: VariationalState, hamiltonian: SpinHamiltonian, samples: Samples, region: Iterable[int]
) -> RenyiEntropy:
    """Entanglement entropy of a region with the rest.

    Parameters
    ----------
    psi : VariationalState
    hamiltonian : SpinHamiltonian
        Tells the sector: configurations that swapping takes out of it have amplitude zero.
    samples : Samples
        Drawn from |psi|^2 by two chains or more. The first half of the chains is paired with the
        second, so that the members of a pair are independent.
    region : iterable of int
        Sites of A.

    Returns
    -------
    RenyiEntropy
        In nats.

    Raises
    ------
    ValueError
        A region that is empty, all of the lattice, or has a site that is not there or given
        twice; a single chain.
    """
    check_consistent(psi, samples, hamiltonian=hamiltonian)
    instance("region", region, Iterable)
    sites = checked_region(region, hamiltonian.n_sites)
    swaps = swap_values(psi, samples, sites, fixed_sector=hamiltonian.total_sz is not None)
    purity = statistics(swaps)
    entropy = function_statistics(lambda x: _minus_log(x[..., 0]), swaps[:, :, None])
    relative = purity.error_of_mean / abs(purity.mean.real)
    status = purity.status
    if psi.n_snapshots is not None:
        status = f"the bar leaves out the noise of the {psi.n_snapshots} snapshots behind the state"
    if not status and not relative < MAX_RELATIVE_ERROR:
        status = (
            f"the swap average has a relative error of {relative:.0%}, at most "
            f"{MAX_RELATIVE_ERROR:.0%} wanted: about {(relative / MAX_RELATIVE_ERROR) ** 2:.0f} "
            f"times as many samples, or a smaller region"
        )
    return RenyiEntropy(
        sites, purity, float(entropy.mean.real), float(entropy.error_of_mean), status
    )


def swap_values(
    psi: VariationalState, samples: Samples, sites: tuple[int, ...], *, fixed_sector: bool
) -> np.ndarray:
    """Real part of the swap estimator of each pair, float (n_chains // 2, n_draws).

    Ranks divide the pairs, and hand each other the configurations that theirs are made of.
    """
    half, n_draws, division = samples.n_chains // 2, samples.shape[1], samples.division
    if half < 1:
        raise ValueError("samples must come from two independent chains or more, got 1")
    n_sites, ends = samples.spins.shape[2], [0, half]
    if division is None:
        one, two = (samples.spins[k : k + half].reshape(-1, n_sites) for k in (0, half))
    else:
        ends = bounds(half, division.ranks.comm)
        one, two = (
            division.some_of_all(samples.spins, ends, k).reshape(-1, n_sites) for k in (0, half)
        )
    region = list(sites)
    swapped_one, swapped_two = one.copy(), two.copy()
    swapped_one[:, region], swapped_two[:, region] = two[:, region], one[:, region]
    inside = np.ones(len(one), dtype=bool)
    if fixed_sector:
        inside = one[:, region].sum(axis=1) == two[:, region].sum(axis=1)
    values = np.zeros(len(one))
    if inside.any():
        old, new = (
            psi.log_psi(a[inside]) + psi.log_psi(b[inside])
            for a, b in ((one, two), (swapped_one, swapped_two))
        )
        values[inside] = np.exp(new - old).real
    swaps = values.reshape(-1, n_draws)
    return swaps if division is None else division.ranks.gathered(swaps, np.diff(ends).tolist())


def _minus_log(purity: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(purity > 0, -np.log(purity), np.nan)


def checked_region(region: Iterable[int], n_sites: int) -> tuple[int, ...]:
    """Sites of a region that is neither empty nor all of the lattice."""
    sites = tuple(integer("site of region", site, minimum=0) for site in region)
    if not 0 < len(sites) < n_sites or max(sites) >= n_sites or len(set(sites)) < len(sites):
        raise ValueError(
            f"region must name some of the sites 0 to {n_sites - 1}, not all, each once, "
            f"got {list(sites)}"
        )
    return sites
