"""Checks of every point of a study, made before the first run and reported together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from rbmqs.runs.config import config_from_table, config_problems, known_part
from rbmqs.studies.quenches import evolved_model, output_times, quench_of
from rbmqs.studies.references import listed_reference
from rbmqs.utils.tables import digest

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.runs.config import Config
    from rbmqs.studies.study import Point, ReferenceRule

_ERRORS = (ValueError, TypeError, ArithmeticError, LookupError)


def problems_of(points: list[Point], rule: ReferenceRule) -> list[str]:
    """What is wrong with the points, each sentence once, with the points it concerns."""
    found: dict[str, list[str]] = {}
    hamiltonians: dict[str, SpinHamiltonian] = {}
    for point in points:
        for problem in _point_problems(point, rule, hamiltonians):
            found.setdefault(problem, []).append(point.id)
    return [f"{problem} ({_which(names, len(points))})" for problem, names in found.items()]


def _which(names: list[str], n_points: int) -> str:
    if len(names) == n_points > 1:
        return f"all {n_points} points"
    others = f" and {len(names) - 1} more points" if len(names) > 1 else ""
    return f"point {names[0]}{others}"


def _point_problems(
    point: Point, rule: ReferenceRule, hamiltonians: dict[str, SpinHamiltonian]
) -> Iterator[str]:
    """Problems of one point: unknown keys, and whatever its known part comes to."""
    yield from config_problems(point.run_table)
    table = known_part(point.run_table)
    checks: tuple[Callable[..., Any], ...] = (
        _check_ansatz, _check_sampler, _check_reference, _check_quench
    )  # fmt: skip
    try:
        config = config_from_table(table)
    except _ERRORS as error:
        yield str(error)
        checks = (_check_reference,)  # which needs no more than the system
        table = {key: table[key] for key in ("model", "lattice") if key in table}
        try:
            config = config_from_table(table)
        except _ERRORS:
            return
    try:
        hamiltonian = _hamiltonian(table, config, hamiltonians)
    except _ERRORS as error:
        yield str(error)
        return
    for check in checks:
        try:
            check(point, config, hamiltonian, rule)
        except _ERRORS as error:
            yield str(error)


def _hamiltonian(
    table: dict[str, Any], config: Config, known: dict[str, SpinHamiltonian]
) -> SpinHamiltonian:
    """The Hamiltonian, built once for all points that share it."""
    key = digest([table.get("model"), table.get("lattice")])
    if key not in known:
        known[key] = config.hamiltonian()
    return known[key]


def _check_ansatz(point: Point, config: Config, H: SpinHamiltonian, rule: ReferenceRule) -> None:
    from rbmqs.runs.prepare import prepare

    prepare(H, config.ansatz.options(), config.settings(), signs=config.model.run_signs)


def _check_sampler(point: Point, config: Config, H: SpinHamiltonian, rule: ReferenceRule) -> None:
    from rbmqs.states.state import MAX_STATES
    from rbmqs.vmc.sources import make_sampler

    if config.run.sampling.exact and H.dimension > MAX_STATES:
        raise ValueError(
            f"exact sampling of {H.dimension} states refused, at most {MAX_STATES} allowed"
        )
    make_sampler(H, config.settings().sampling)


def _check_reference(point: Point, config: Config, H: SpinHamiltonian, rule: ReferenceRule) -> None:
    from hamiltonians.exact.memory import check_plan, memory_plan

    if listed_reference(point, H.n_sites, rule) is None and rule.method == "exact":
        check_plan(H, memory_plan(H), None)


def _check_quench(point: Point, config: Config, H: SpinHamiltonian, rule: ReferenceRule) -> None:
    quench = quench_of(point.table)
    if quench is None:
        return
    quench.evolution_settings(config.run.seed)
    quench.quantities(H.n_sites)
    if quench.start is not None:
        from hamiltonians.exact.product_states import spin_directions  # late: loads Numba kernels

        spin_directions(quench.start, H.n_sites)
    evolved_model(config, quench.parameters)
    output_times(quench.until, quench.every)
