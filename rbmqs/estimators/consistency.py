"""Whether state, Hamiltonian, samples and sector belong together, asked before a kernel runs.

Kernels trust the shapes that they are given: with a Hamiltonian of more sites than the state they
would read beyond its arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from rbmqs.sampling.chains import Samples
    from rbmqs.states.state import VariationalState


# What a thing is called, and members that tell it from others: states may come from outside.
_KINDS = {
    "psi": ("a variational state", ("n_sites", "log_psi")),
    "hamiltonian": ("a SpinHamiltonian", ("n_sites", "terms", "connections")),
    "samples": ("Samples", ("spins", "flat")),
    "connections": ("Connections", ("n_sites", "_fields")),
    "observable": ("a PauliSum", ("n_sites_needed",)),
    "sector": ("a Sector", ("n_sites", "total_sz", "dimension")),
}


def check_kinds(**arguments: Any) -> None:
    """Refuse arguments of another kind than their names tell."""
    for name, value in arguments.items():
        title, members = _KINDS[name]
        if not all(hasattr(value, member) for member in members):
            raise TypeError(f"{name} must be {title}, got {type(value).__name__}")


def check_consistent(psi: VariationalState, samples: Samples, **parts: Any) -> None:
    """Refuse objects of other kinds, of different sizes or sectors, with what was got.

    Parameters
    ----------
    **parts
        Those of hamiltonian, connections and sector that are used together.

    Raises
    ------
    TypeError
        Objects of another kind.
    ValueError
        Different numbers of sites; samples that are not int8 (n_chains, n_draws, N) or lie
        outside the total S_z of the Hamiltonian or the sector.
    """
    check_kinds(psi=psi, samples=samples, **parts)
    spins = samples.spins
    if spins.ndim != 3 or spins.dtype != np.int8:
        raise ValueError(
            f"samples must hold int8 spins (n_chains, n_draws, N), got {spins.dtype} {spins.shape}"
        )
    if not spins.size:
        raise ValueError(f"samples must not be empty, got shape {spins.shape}")
    titles = {"hamiltonian": "the Hamiltonian", "connections": "the operator"}
    sizes = {"samples": spins.shape[2]}
    sizes |= {titles.get(name, f"the {name}"): part.n_sites for name, part in parts.items()}
    for name, n_sites in sizes.items():
        if n_sites != psi.n_sites:
            verb = "have" if name == "samples" else "has"
            raise ValueError(f"{name} {verb} {n_sites} sites, the state {psi.n_sites}")
    for part in parts.values():
        if getattr(part, "total_sz", None) is not None:
            _check_total_sz(samples, part.total_sz)


def check_undivided(samples: Samples, what: str) -> None:
    """Refuse samples that are divided between MPI ranks.

    Raises
    ------
    ValueError
    """
    if samples.division is not None:
        raise ValueError(
            f"samples of {what} must be those of one process, got those of one of several MPI "
            f"ranks: measure the saved run without mpirun (rbmqs.load)"
        )


def _check_total_sz(samples: Samples, total_sz: float) -> None:
    twice = samples.flat.sum(axis=1, dtype=np.int64)
    outside = np.flatnonzero(twice != round(2 * total_sz))
    if len(outside):
        raise ValueError(
            f"samples must lie in the sector total_sz={total_sz:g}, got {len(outside)} of "
            f"{len(twice)} outside, such as total_sz={twice[outside[0]] / 2:g}"
        )
