"""A table with the numbers of exactly solvable chains plus noise, made without a run."""

import numpy as np

from hamiltonians import ising_chain_energy
from rbmqs.studies.schema import COLUMNS
from rbmqs.studies.table import Table, from_rows

FIELDS = (0.6, 0.8, 1.0, 1.2, 1.4)
AXES = ("lattice.length", "model.parameters.h")


def ising_table(sizes=(4, 6, 8, 10), alphas=(1, 2), seed=0) -> Table:
    """Points of the Ising chain, with errors of the size that they are said to have."""
    rng = np.random.default_rng(seed)
    rows = []
    for n in sizes:
        for h in FIELDS:
            for alpha in alphas:
                rows.append(_row(n, h, alpha, rng))
    axes = (*AXES, "ansatz.alpha") if len(alphas) > 1 else AXES
    return from_rows(rows, axes, {"study": "synthetic"})


def _row(n: int, h: float, alpha: float, rng) -> dict:
    exact, error = ising_chain_energy(n, h), 1e-3 * n
    variance = 0.02 * n / alpha
    energy = exact + 0.3 * variance + error * rng.normal()
    values = {
        "id": f"length={n}_h={h}_alpha={alpha}",
        "model": "ising",
        "hamiltonian": f"Ising, chain of {n}, h={h}",
        "n_sites": n,
        "n_hidden": alpha * n,
        "alpha": float(alpha),
        "seed": 1,
        "energy": energy,
        "energy_error": error,
        "energy_per_site": energy / n,
        "energy_per_site_error": error / n,
        "variance": variance,
        "energy_zero_variance": energy - 0.3 * variance,
        "energy_zero_variance_error": error,
        "reference": exact,
        "reference_uncertainty": 1e-12,
        "reference_kind": "free fermions",
        "relative_error": (energy - exact) / abs(exact),
        "v_score": n * variance / energy**2,
        "r_hat": 1.0,
        "tau": 1.5,
        "acceptance": 0.4,
        "m_z_squared": 0.5 / h,
        "m_z_squared_error": 0.01,
        "binder": 0.6 / h,
        "binder_error": 0.01,
        "converged": True,
        "status": "",
        "seconds": 1.0,
        "seconds_per_iteration": 0.01,
    }
    settings = {"lattice.length": n, "model.parameters.h": h, "ansatz.alpha": alpha}
    return settings | {column.name: values.get(column.name) for column in COLUMNS}
