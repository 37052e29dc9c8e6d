"""The columns of a study's table. This list is the schema: files and documents are made from it."""

from __future__ import annotations

from typing import NamedTuple


class Column(NamedTuple):
    """One column: its name, type, unit and meaning; `timing` marks what no seed decides."""

    name: str
    kind: type
    unit: str
    meaning: str
    timing: bool = False


_J = "Pauli"  # energies of H written in Pauli matrices

COLUMNS = (
    Column("id", str, "", "name of the point and of its directory in points/"),
    Column("model", str, "", "name of the model, 'pauli' for a sum of the user's own terms"),
    Column("hamiltonian", str, "", "full name with lattice and couplings"),
    Column("n_sites", int, "", "number of sites N"),
    Column("total_sz", float, "hbar", "sector of total S_z; empty when free"),
    Column("n_hidden", int, "", "hidden units M"),
    Column("alpha", float, "", "M / N"),
    Column("n_parameters", int, "", "variational parameters, complex ones counted once"),
    Column("n_iterations", int, "", "iterations done"),
    Column("seed", int, "", "seed of the run"),
    Column("energy", float, _J, "final estimate of the total energy"),
    Column("energy_error", float, _J, "its one-sigma statistical error"),
    Column("energy_per_site", float, _J, "energy / N"),
    Column("energy_per_site_error", float, _J, "energy_error / N"),
    Column("energy_per_site_spin", float, "spin", "the same for S = sigma / 2; spin models only"),
    Column("energy_per_site_spin_error", float, "spin", "its one-sigma statistical error"),
    Column("variance", float, "Pauli^2", "variance of the local energy"),
    Column("energy_zero_variance", float, _J, "energy extrapolated to zero variance"),
    Column("energy_zero_variance_error", float, _J, "one sigma, half of the correction included"),
    Column("reference", float, _J, "energy to compare with"),
    Column("reference_uncertainty", float, _J, "its error"),
    Column("reference_kind", str, "", "exact diagonalisation, free fermions, published, ..."),
    Column("reference_source", str, "", "where it is from"),
    Column("relative_error", float, "", "(energy - reference) / |reference|"),
    Column("v_score", float, "", "N variance / energy^2"),
    Column("r_hat", float, "", "agreement of the chains, near 1"),
    Column("tau", float, "draws", "autocorrelation time, 1 for independent draws"),
    Column("ess", float, "draws", "effective sample size"),
    Column("acceptance", float, "", "share of proposals accepted"),
    Column("m_x", float, "", "transverse magnetisation per site <sum sigma^x> / N"),
    Column("m_x_error", float, "", "one sigma"),
    Column("abs_m_z", float, "", "<|m|>, m = sum sigma^z / N"),
    Column("abs_m_z_error", float, "", "one sigma"),
    Column("m_z_squared", float, "", "<m^2>"),
    Column("m_z_squared_error", float, "", "one sigma"),
    Column("binder", float, "", "1 - <m^4> / (3 <m^2>^2)"),
    Column("binder_error", float, "", "one sigma, jackknife"),
    Column("m_s_squared", float, "", "<m_s^2>, m_s the staggered m; bipartite lattices"),
    Column("m_s_squared_error", float, "", "one sigma"),
    Column("binder_s", float, "", "1 - <m_s^4> / (3 <m_s^2>^2)"),
    Column("binder_s_error", float, "", "one sigma, jackknife"),
    Column("converged", bool, "", "whether there is no reason not to trust the energy"),
    Column("status", str, "", "reasons not to trust it, in sentences"),
    Column("optimisation", str, "", "settled, still falling, stuck, unfinished or measured"),
    Column("error_bar", str, "", "trustworthy, heavy-tailed (with a bounded bias) or refused"),
    Column("accuracy", str, "", "accurate, far or unknown"),
    Column("seconds", float, "s", "wall-clock time since the last start", True),
    Column("seconds_per_iteration", float, "s", "wall-clock time of one iteration", True),
)
BY_NAME = {column.name: column for column in COLUMNS}


def markdown() -> str:
    """The schema as a Markdown table."""
    rows = [f"| `{c.name}` | {c.kind.__name__} | {c.unit} | {c.meaning} |" for c in COLUMNS]
    return "\n".join(["| column | type | unit | meaning |", "|---|---|---|---|", *rows])
