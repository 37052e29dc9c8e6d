"""A run in words: energy with its error in both units, reference, diagnostics, status."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rbmqs.estimators.chain_weights import MARGIN
from rbmqs.vmc.extensions.multistart import restart_energies

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.estimators.final import Estimate
    from rbmqs.runs.result import RunResult
    from rbmqs.vmc.records import StepRecord

_NOTEWORTHY = 0.1  # seconds of compilation from which they are reported
_SPIN_MODELS = ("heisenberg", "xxz", "xyz", "j1j2")


def report(result: RunResult) -> str:
    """Lines for the terminal."""
    h = result.hamiltonian
    lines = [
        f"{h.name}: {h.n_sites} sites, {_sector(h)}",
        f"{_rbm(result.psi.describe())}; {len(result.history)} iterations",
        "",
        *_energy_lines(result),
        *_reference_lines(result),
        *_diagnostic_lines(result),
        *_status_lines(result),
    ]
    return "\n".join(lines)


def _rbm(shape: dict[str, Any]) -> str:
    """A sentence on the ansatz from its description."""
    kind = "complex" if shape["dtype"] == "complex128" else "real"
    base = shape.get("base", shape)
    words = f"RBM with {shape['n_hidden']} hidden units, {shape['n_parameters']} {kind} parameters"
    if "group_order" in base:
        words += f", tied over {base['group_order']} symmetries"
    if base is not shape:
        words += f", projected onto {shape['sector'] or 'a sector'} by {shape['n_images']} images"
    return words


def has_spin_units(hamiltonian: SpinHamiltonian) -> bool:
    """Whether energies are also quoted in S = sigma / 2: two-spin couplings without a field."""
    spec = hamiltonian.spec
    if spec is None or spec.model not in _SPIN_MODELS:
        return False
    return all(len(string) in (0, 2) for string in hamiltonian.terms.terms)


def _sector(hamiltonian: SpinHamiltonian) -> str:
    if hamiltonian.total_sz is None:
        return "total S_z free"
    return f"total S_z = {hamiltonian.total_sz:g}"


def _energy_lines(result: RunResult) -> list[str]:
    energy, n = result.energy, result.hamiltonian.n_sites
    label = "energy" if result.estimate else "energy of the last iteration"
    per_site = f"{energy.mean.real / n:.8f} +- {energy.error_of_mean / n:.1e} per site"
    lines = [f"{label:<14} {energy}", f"{'':<14} {per_site} (Pauli units)"]
    if has_spin_units(result.hamiltonian):
        lines.append(
            f"{'':<14} {energy.mean.real / n / 4:.8f} +- {energy.error_of_mean / n / 4:.1e} "
            f"per site (S = sigma/2 units)"
        )
    return lines


def _reference_lines(result: RunResult) -> list[str]:
    reference = result.reference
    if reference is None:
        return ["reference      none known for this Hamiltonian and sector"]
    distance = result.energy.mean.real - reference.energy
    error = math.hypot(result.energy.error_of_mean, reference.uncertainty)
    in_errors = f", {distance / error:+.1f} error bars" if error > 0 else ""
    kind = "published" if reference.kind == "published" else "exact"
    limit = "; the ansatz or its optimisation is the limit" if distance > 5 * error else ""
    return [
        f"{kind:<14} {reference.energy:.8f}   ({reference.source})",
        f"{'difference':<14} {distance:+.2e} = {result.relative_error:+.1e} relative{in_errors}"
        f"{limit}",
    ]


def _diagnostic_lines(result: RunResult) -> list[str]:
    seconds = ", ".join(f"{name} {value:.1f} s" for name, value in result.seconds.items())
    if result.compile_seconds > _NOTEWORTHY:
        seconds += f"; compiling kernels took {result.compile_seconds:.1f} s of it, once"
    acceptance = result.estimate.acceptance if result.estimate else result.history[-1].acceptance
    return [
        f"{'V-score':<14} {result.v_score:.2e}",
        f"{'acceptance':<14} {acceptance:.2f}",
        *_start_lines(result.estimate),
        *_restart_lines(restart_energies(result.history, result.settings), _tried_plain(result)),
        *_iteration_lines(result.history),
        *_refinement_lines(result.n_refinement),
        f"{'time':<14} {seconds}",
    ]


def _iteration_lines(history: Sequence[StepRecord]) -> list[str]:
    """What was done in iterations besides drawing samples."""
    if history and history[-1].summed:
        return [f"{'iterations':<14} summed over {history[-1].energy.n_draws} configurations"]
    lines = []
    n_corrected = sum(record.n_outlying > 0 for record in history)
    if n_corrected:
        lines.append(
            f"{'probes':<14} were outlying in {n_corrected} iterations, which lowered |psi| there"
        )
    n_left_out = sum(record.n_stuck > 0 for record in history)
    if n_left_out:
        lines.append(
            f"{'stuck chains':<14} were left out of {n_left_out} iterations, with their energies"
        )
    return lines


def _tried_plain(result: RunResult) -> bool:
    """Whether restarts were held without the projection of the machine."""
    plain = result.psi.restart_state is not result.psi
    return plain and bool(result.history) and not result.history[-1].summed


def _restart_lines(energies: Sequence[float], tried_plain: bool) -> list[str]:
    """Energies of the random starts, of which the lowest went on."""
    if not energies:
        return []
    found = ", ".join(f"{energy:.4f}" for energy in energies)
    how = ", projected" if tried_plain else ""
    return [f"{'restarts':<14} {found}: the lowest went on{how}"]


def _refinement_lines(n_iterations: int) -> list[str]:
    if n_iterations == 0:
        return []
    return [f"{'refinement':<14} {n_iterations} iterations with fresh chains that were stuck"]


def _start_lines(estimate: Estimate | None) -> list[str]:
    """Whether the kinds of start agree, the energy by kind where they do not, and swap rates."""
    lines = []
    if estimate is not None and estimate.comparison is not None:
        verdict = "agree" if estimate.comparison.agrees else "DISAGREE"
        distance = f"largest distance {estimate.comparison.n_bars:.2g} error bars"
        lines.append(f"{'starts':<14} {', '.join(estimate.by_start)}: {verdict} ({distance})")
        if not estimate.comparison.agrees:
            lines += [f"{'':<14} {kind}: {energy}" for kind, energy in estimate.by_start.items()]
    if estimate is not None and estimate.n_weightless > 0:
        lines.append(
            f"{'':<14} {estimate.n_weightless} of {estimate.energy.n_chains} chains had stayed "
            f"where |psi|^2 is below e^-{MARGIN:.0f} of the whole, and went on from others"
        )
    if estimate is not None and estimate.samples.swap_rates:
        rates = " ".join(f"{rate:.2f}" for rate in estimate.samples.swap_rates)
        lines.append(f"{'swap rates':<14} {rates}")
    return lines


def _status_lines(result: RunResult) -> list[str]:
    if result.converged:
        return [f"{'status':<14} converged"]
    return [f"{'status':<14} NOT CONVERGED", *(f"  - {sentence}" for sentence in result.status)]
