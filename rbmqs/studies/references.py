"""The energy that a point is compared with, by the study's rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hamiltonians.utils.checks import short
from rbmqs.studies.expressions import evaluate
from rbmqs.utils.tables import flatten

if TYPE_CHECKING:
    from hamiltonians import Reference, SpinHamiltonian, SymmetrySector
    from rbmqs.studies.study import Point, ReferenceRule


def reference_of(
    point: Point,
    hamiltonian: SpinHamiltonian,
    rule: ReferenceRule,
    best: Reference | None,
    sector: SymmetrySector | None = None,
) -> Reference | None:
    """Reference energy of a point.

    Parameters
    ----------
    best : Reference or None
        `hamiltonians.best_reference` of the point, known already from its run.
    sector : SymmetrySector, optional
        That the wavefunction is projected onto.
    """
    listed = listed_reference(point, hamiltonian.n_sites, rule)
    if listed is not None:
        return listed
    if rule.method == "exact" and (best is None or best.kind != "exact diagonalisation"):
        return _diagonalised(hamiltonian, sector)
    return None if rule.method == "none" else best


def listed_reference(point: Point, n_sites: int, rule: ReferenceRule) -> Reference | None:
    """The first of the study's own values that matches the point, or None.

    Raises
    ------
    ValueError
        An expression without a value.
    """
    from hamiltonians import Reference

    settings = flatten(point.table) | point.derived
    for values in rule.values:
        if any(settings.get(path) != wanted for path, wanted in _where(values).items()):
            continue
        energy, error = (
            n_sites * _number(values.get(key, 0.0), settings)
            for key in ("energy_per_site", "uncertainty")
        )
        return Reference(energy, values["source"], "published", error)
    return None


def _where(values: dict[str, Any]) -> dict[str, Any]:
    where = values.get("where", {})
    if not isinstance(where, dict):
        raise ValueError(f"where in [[reference.values]] must be a table, got {short(where)}")
    return flatten(where)


def _number(value: Any, settings: dict[str, Any]) -> float:
    return float(evaluate(value, settings) if isinstance(value, str) else value)


def _diagonalised(hamiltonian: SpinHamiltonian, sector: SymmetrySector | None) -> Reference:
    from hamiltonians import Reference, ground_state

    result = ground_state(hamiltonian, symmetry=sector)
    source = f"exact diagonalisation, dimension {result.dimension}"
    error = max(float(result.residuals[0]), 1e-12 * hamiltonian.size_of(result.energy))
    return Reference(result.energy, source, "exact diagonalisation", error)
