"""Sections of `dynamics.py` that sample: quenches against exact and published curves."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import rbmqs
from hamiltonians import (
    Lattice,
    PauliSum,
    Sector,
    SpinHamiltonian,
    SymmetrySector,
    Z,
    chain,
    evolve,
    expectation,
    ground_state,
    heisenberg,
    ising,
    product_state,
    square,
    xxz,
    xyz,
)
from hamiltonians.exact.orbits import OrbitBasis
from hamiltonians.operators.bits import permute_bits
from rbmqs import SymmetricRBM
from rbmqs.dynamics import product_state as product_wavefunction


@dataclass(frozen=True)
class Effort:
    """What a sampled evolution costs.

    Parameters
    ----------
    n_features : int
        Of the tied weights; alpha = M / N where the group is that of translations.
    n_samples : int
        In the equations of a step.
    n_observable_samples : int
        At each of the times.
    tolerance : float
        Of a step.
    options : mapping
        Others of `rbmqs.evolve`.
    """

    n_features: int
    n_samples: int = 4096
    n_observable_samples: int = 65536
    tolerance: float = 1e-3
    options: Mapping[str, Any] = field(default_factory=dict)

    def evolved(self, H: SpinHamiltonian, start: Any, times: np.ndarray) -> tuple[Any, float]:
        """The evolution, and its seconds of the processor."""
        started = time.process_time()
        result = rbmqs.evolve(
            H, start, times, integrator="rk23", tolerance=self.tolerance, progress=False,
            n_samples=self.n_samples, n_observable_samples=self.n_observable_samples,
            **self.options,
        )  # fmt: skip
        return result, time.process_time() - started


def compared(result: Any, exact: Mapping[str, np.ndarray], seconds: float) -> dict[str, Any]:
    """Largest deviations from curves, how many error bars they are, and what the records say."""
    n = len(result.times)
    found: dict[str, Any] = {
        "reached": float(result.times[-1]),
        "seconds": result.seconds,
        "cpu_seconds": seconds,
        "n_steps": len(result.records),
        "integrated_r2": result.integrated_r2,
        "largest_drift_in_errors": float(max(abs(r.drift) for r in result.records)),
        "times": result.times.tolist(),
        "status": list(result.status),
    }
    for name, curve in exact.items():
        deviation, error = result.values(name) - curve[:n], result.errors(name)
        within = abs(deviation) <= 2 * error
        found |= {
            f"{name}_largest": float(abs(deviation).max()),
            f"{name}_within_two_errors": float(within.mean()),
            f"{name}_deviation": deviation.tolist(),
            f"{name}_error": error.tolist(),
        }
    return found


def ising_quench(
    n: int, before: float, after: float, effort: Effort, times: np.ndarray
) -> dict[str, Any]:
    """A quench of the field from the ground state, against free fermions."""
    lattice = chain(n)
    form = SymmetricRBM.random(
        lattice.translation_group(), effort.n_features, hidden_bias=False, stddev=0.02, seed=1
    )
    ground = rbmqs.ground_state(
        ising(lattice, h=before, J=-1.0), psi=form, n_iterations=500, n_samples=2048,
        progress=False,
    )  # fmt: skip
    result, seconds = effort.evolved(ising(lattice, h=after, J=-1.0), ground, times)
    return compared(result, {name: result.exact[name] for name in ("mx", "zz")}, seconds)


def xxz_quench(n: int, delta: float, effort: Effort, times: np.ndarray) -> dict[str, Any]:
    """From the ground state of the Heisenberg chain to another anisotropy.

    The reference is 1/N^2 extrapolation of exact evolution of shorter rings, at whose light cone it
    is good to 1e-4; see `xxz_reference`.
    """
    lattice = chain(n)
    form = SymmetricRBM.random(
        lattice.translation_group(), effort.n_features, hidden_bias=False, stddev=0.02, seed=1
    )
    before = heisenberg(lattice, total_sz=0, marshall=True)
    ground = rbmqs.ground_state(before, psi=form, n_iterations=800, n_samples=2048, progress=False)
    after = xxz(lattice, delta=delta, total_sz=0, marshall=True)
    result, seconds = effort.evolved(after, ground, times)
    return compared(result, {"zz": xxz_reference(n, delta, times)}, seconds)


def xxz_reference(n: int, delta: float, times: np.ndarray) -> np.ndarray:
    """<Z Z> of a bond at N sites, extrapolated in 1 / N^2 from exact rings of up to 24 sites."""
    sizes = [k for k in (18, 20, 22, 24) if k < n] or [n]
    curves = [_exact_ring(k, delta, times) for k in sizes]
    basis = np.vander(1 / np.array(sizes, float) ** 2, len(sizes))
    return np.vander([1 / n**2], len(sizes))[0] @ np.linalg.solve(basis, np.array(curves))


def _exact_ring(n: int, delta: float, times: np.ndarray) -> np.ndarray:
    """<Z Z> of a bond of a ring; in the Marshall basis the ground state has all symmetries."""
    lattice = chain(n)
    before, after = (xyz(lattice, -1.0, -1.0, d, total_sz=0) for d in (1.0, delta))
    sector = full_symmetry(lattice)
    start = ground_state(before, symmetry=sector).vector
    zz = bond_correlation(after, sector)
    return np.array([zz @ abs(v) ** 2 for v in evolve(after, start, times, symmetry=sector)])


def full_symmetry(lattice: Lattice) -> SymmetrySector:
    """What has all symmetries of the lattice and is even under inversion of all spins."""
    group = lattice.space_group()
    return SymmetrySector(group, np.ones(group.order, complex), 1)


def bond_correlation(H: SpinHamiltonian, sector: SymmetrySector) -> np.ndarray:
    """Mean of Z_i Z_j over the bonds of the lattice, for each representative of a sector."""
    n_down = None if H.total_sz is None else round(H.n_sites / 2 - H.total_sz)
    basis = OrbitBasis(H.n_sites, n_down, sector)
    states = permute_bits(basis.listed[0], np.argsort(basis.site_order))
    spins = Sector(H.n_sites, H.total_sz).states_to_spins(states)
    assert H.lattice is not None
    i, j = H.lattice.bonds().T
    found: np.ndarray = (spins[:, i] * spins[:, j]).mean(axis=1)
    return found


def neel_quench(n: int, effort: Effort, times: np.ndarray) -> dict[str, Any]:
    """The Neel state under the Heisenberg chain: staggered magnetisation, times of H / 4.

    The Neel state along x, turned on every other site, is all spins along +x: chains sample a
    uniform |psi|^2 at first, where that along z is one configuration, and the weights are tied over
    all translations. The exact curve is of the Neel state along z.
    """
    turned = xyz(chain(n), Jx=-1.0, Jy=-1.0, Jz=1.0)
    form = SymmetricRBM.random(
        turned.lattice.translation_group(), n_features=effort.n_features, hidden_bias=False
    )
    start = product_wavefunction(form, "+x")
    result, seconds = effort.evolved(turned, start, times / 4)
    H, sector = heisenberg(chain(n), total_sz=0), Sector(n, 0)
    staggered = PauliSum.sum((-1) ** i * Z(i) / n for i in range(n))
    vectors = evolve(H, product_state("neel", sector), times / 4)
    exact = np.array([expectation(v, staggered, sector) for v in vectors])
    exact *= np.sign(exact[0])
    return compared(result, {"mx": exact}, seconds)


def square_quench(side: int, effort: Effort, times: np.ndarray) -> dict[str, Any]:
    """All spins along +x to a tenth of the critical field, against the exact curve.

    That of 5x5 stands for 10x10: it agrees with infinite lattices (iPEPS) to 1e-4 up to t = 0.9.
    """
    lattice, h = square(side), 0.3044
    form = SymmetricRBM.random(
        lattice.translation_group(), n_features=effort.n_features, hidden_bias=False
    )
    start = product_wavefunction(form, "+x")
    result, seconds = effort.evolved(ising(lattice, h=h, J=-1.0), start, times)
    return compared(result, {"mx": exact_square(min(side, 5), h, times)}, seconds)


def exact_square(side: int, h: float, times: np.ndarray) -> np.ndarray:
    """m_x of the square from all spins along +x, in the sector of all symmetries."""
    H = ising(square(side), h=h, J=-1.0)
    sector = full_symmetry(H.lattice)
    sizes = OrbitBasis(H.n_sites, None, sector).listed[1].astype(float)
    start = np.sqrt(sizes / sizes.sum())
    zz = bond_correlation(H, sector)
    bonds_a_site = len(H.lattice.bonds()) / H.n_sites
    vectors = evolve(H, start, times, symmetry=sector)
    correlation = np.array([zz @ abs(v) ** 2 for v in vectors])
    return 1.0 - bonds_a_site * correlation / h  # the energy stays that of the start, -h a site
