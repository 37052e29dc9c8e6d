"""Whether state, Hamiltonian, samples and sector belong together, asked before a kernel runs.

Kernels trust the shapes that they are given: with a Hamiltonian of more sites than the state they
would read beyond its arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from hamiltonians import Sector, SpinHamiltonian
    from hamiltonians.operators.connections import Connections
    from rbmqs.sampling.chains import Samples
    from rbmqs.states.state import VariationalState


def check_consistent(
    psi: VariationalState,
    samples: Samples,
    *,
    hamiltonian: SpinHamiltonian | None = None,
    connections: Connections | None = None,
    sector: Sector | None = None,
) -> None:
    """Refuse objects of different sizes or sectors, with what was got.

    Raises
    ------
    ValueError
        Different numbers of sites; samples that are not int8 (n_chains, n_draws, N) or lie
        outside the total S_z of the Hamiltonian or the sector.
    """
    spins = samples.spins
    if spins.ndim != 3 or spins.dtype != np.int8:
        raise ValueError(
            f"samples must hold int8 spins (n_chains, n_draws, N), got {spins.dtype} {spins.shape}"
        )
    if not spins.size:
        raise ValueError(f"samples must not be empty, got shape {spins.shape}")
    sizes = {"samples": spins.shape[2]}
    parts = {"the Hamiltonian": hamiltonian, "the operator": connections, "the sector": sector}
    sizes |= {name: part.n_sites for name, part in parts.items() if part is not None}
    for name, n_sites in sizes.items():
        if n_sites != psi.n_sites:
            verb = "have" if name == "samples" else "has"
            raise ValueError(f"{name} {verb} {n_sites} sites, the state {psi.n_sites}")
    for part in (hamiltonian, sector):
        if part is not None and part.total_sz is not None:
            _check_total_sz(samples, part.total_sz)


def _check_total_sz(samples: Samples, total_sz: float) -> None:
    twice = samples.flat.sum(axis=1, dtype=np.int64)
    outside = np.flatnonzero(twice != round(2 * total_sz))
    if len(outside):
        raise ValueError(
            f"samples must lie in the sector total_sz={total_sz:g}, got {len(outside)} of "
            f"{len(twice)} outside, such as total_sz={twice[outside[0]] / 2:g}"
        )
