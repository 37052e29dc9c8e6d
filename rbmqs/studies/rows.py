"""One row of the table from what a run leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rbmqs.runs.status import FAR_SCORE, joined_reasons
from rbmqs.runs.zero_variance import zero_variance_energy
from rbmqs.vmc.records import stats_from_dict

if TYPE_CHECKING:
    from rbmqs.vmc.records import StepRecord


def row_of(result: dict[str, Any], history: Sequence[StepRecord]) -> dict[str, Any]:
    """Columns of `rbmqs.studies.schema` for one run, without observables and times.

    Parameters
    ----------
    result : dict
        `RunResult.to_dict()`, or what result.json holds.
    history : sequence of StepRecord
        The log.
    """
    hamiltonian, ansatz = result["hamiltonian"], result["ansatz"]
    n_sites = hamiltonian["n_sites"]
    return {
        "model": hamiltonian["model"] or "pauli",
        "hamiltonian": hamiltonian["name"],
        "n_sites": n_sites,
        "total_sz": hamiltonian["total_sz"],
        "n_hidden": ansatz.get("n_hidden"),
        "alpha": ansatz["n_hidden"] / n_sites if "n_hidden" in ansatz else None,
        "n_parameters": ansatz["n_parameters"],
        "n_iterations": result["n_iterations"],
        "seed": result["settings"]["seed"],
        **_energies(result, n_sites, history),
        **_reference(result),
        "v_score": result["v_score"],
        "acceptance": result["acceptance"],
        "converged": result["converged"],
        "status": joined_reasons(result["status"]),
        **{name: part["level"] for name, part in result.get("verdict", {}).items()},
    }


def _energies(
    result: dict[str, Any], n_sites: int, history: Sequence[StepRecord]
) -> dict[str, float | None]:
    stats = stats_from_dict(result["energy"])
    energy, error = float(stats.mean.real), stats.error_of_mean
    score = result["v_score"]
    score = float("nan") if score is None else score
    verdict = result.get("verdict", {})
    is_excited = score <= FAR_SCORE and verdict.get("accuracy", {}).get("level") in (
        "far",
        "unknown",
    )
    extrapolated = zero_variance_energy(history, stats, score, is_excited=is_excited)
    spin = 1 / (4 * n_sites) if result["has_spin_units"] else None
    return {
        "energy": energy,
        "energy_error": error,
        "energy_per_site": energy / n_sites,
        "energy_per_site_error": error / n_sites,
        "energy_per_site_spin": None if spin is None else energy * spin,
        "energy_per_site_spin_error": None if spin is None else error * spin,
        "variance": stats.variance,
        "energy_zero_variance": extrapolated[0],
        "energy_zero_variance_error": extrapolated[1],
        "r_hat": stats.r_hat,
        "tau": stats.tau,
        "ess": stats.ess,
    }


def _reference(result: dict[str, Any]) -> dict[str, Any]:
    reference = result["reference"]
    if reference is None:
        return {}
    return {
        "reference": reference["energy"],
        "reference_uncertainty": reference["uncertainty"],
        "reference_kind": reference["kind"],
        "reference_source": reference["source"],
        "relative_error": result["relative_error"],
    }
