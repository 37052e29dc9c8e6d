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


def _with_error(name: str, unit: str, meaning: str, how: str = "") -> tuple[Column, Column]:
    """A measured value, and the column of its error."""
    error = Column(f"{name}_error", float, unit, f"one sigma{how}")
    return Column(name, float, unit, meaning), error


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
    *_with_error(
        "energy_zero_variance",
        _J,
        "energy extrapolated to zero variance",
        ", half of the correction included",
    ),
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
    *_with_error("m_x", "", "transverse magnetisation per site <sum sigma^x> / N"),
    *_with_error("abs_m_z", "", "<|m|>, m = sum sigma^z / N"),
    *_with_error("m_z_squared", "", "<m^2>"),
    *_with_error("binder", "", "1 - <m^4> / (3 <m^2>^2)", ", jackknife"),
    *_with_error("m_s_squared", "", "<m_s^2>, m_s the staggered m; bipartite lattices"),
    *_with_error("binder_s", "", "1 - <m_s^4> / (3 <m_s^2>^2)", ", jackknife"),
    Column("converged", bool, "", "whether there is no reason not to trust the energy"),
    Column("status", str, "", "reasons not to trust it, in sentences"),
    Column("optimisation", str, "", "settled, still falling, stuck, unfinished or measured"),
    Column("error_bar", str, "", "trustworthy, heavy-tailed (with a bounded bias) or refused"),
    Column("accuracy", str, "", "accurate, far or unknown"),
    Column("quench_time", float, "1/Pauli", "last time of the evolution of a point with [quench]"),
    *_with_error("quench_energy", _J, "energy then, of H at that time"),
    *_with_error("quench_m_x", "", "transverse magnetisation per site then"),
    *_with_error("quench_m_z", "", "<sum sigma^z> / N then"),
    *_with_error("quench_zz", "", "mean of <sigma^z sigma^z> over the bonds then"),
    *_with_error("quench_echo", "", "fidelity with the start then"),
    *_with_error("quench_fidelity", "", "fidelity with the state at the time before"),
    *_with_error("quench_renyi2", "", "Renyi-2 entropy of the region then"),
    Column("quench_largest_r2", float, "", "largest relative error of the equations, r^2"),
    Column("quench_integrated_r2", float, "", "integral of r^2 over time in units of 1 / J"),
    Column("quench_step_errors", float, "", "estimated errors of all steps, added up"),
    Column("quench_status", str, "", "reasons not to trust the evolution, in sentences"),
    Column("seconds", float, "s", "wall-clock time since the last start", True),
    Column("seconds_per_iteration", float, "s", "wall-clock time of one iteration", True),
)
BY_NAME = {column.name: column for column in COLUMNS}


def markdown() -> str:
    """The schema as a Markdown table."""
    rows = [f"| `{c.name}` | {c.kind.__name__} | {c.unit} | {c.meaning} |" for c in COLUMNS]
    return "\n".join(["| column | type | unit | meaning |", "|---|---|---|---|", *rows])
