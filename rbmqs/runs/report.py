"""A run in words: energy with its error in both units, reference, diagnostics, status.

Each line is a pair of a label and a text, so that terminal and notebook show the same; a line
without a label goes on with the one before it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hamiltonians.utils.brief import Rows
from rbmqs.estimators.chain_diagnostics import MARGIN
from rbmqs.runs.outcome import Outcome, has_pauli_units
from rbmqs.runs.status import status_lines
from rbmqs.vmc.extensions import extension_lines

if TYPE_CHECKING:
    from hamiltonians import Rotation, SpinHamiltonian
    from rbmqs.estimators.estimate import Estimate
    from rbmqs.vmc.records import StepRecord

_NOTEWORTHY = 0.1  # seconds of compilation from which they are reported


def summary_of(result: Outcome) -> tuple[str, Rows]:
    """What `Tabled.summary` asks for: Hamiltonian and ansatz, then energy to status."""
    h = result.hamiltonian
    what = f"{h.name}: {h.n_sites} sites, {_sector(h)}"
    how = f"{_ansatz(result.psi.describe())}; {result.n_iterations} iterations"
    return f"{what}\n{how}\n", [
        *_energy_lines(result),
        *_reference_lines(result),
        *_sign_lines(result.signs),
        ("V-score", f"{result.v_score:.2e}"),
        ("acceptance", f"{result.acceptance:.2f}"),
        *_start_lines(result.estimate),
        *extension_lines(result.history, result.settings, result.n_refinement),
        *_iteration_lines(result.history),
        *_unit_lines(result.hamiltonian),
        ("time", _time(result)),
        *status_lines(result.verdict),
    ]


def _ansatz(shape: dict[str, Any]) -> str:
    """A sentence on the ansatz from its description."""
    kind = "complex" if shape["dtype"] == "complex128" else "real"
    base = shape.get("base", shape)
    name = "RBM" if base["ansatz"] in ("RBM", "SymmetricRBM") else base["ansatz"]
    units = f"{shape['n_hidden']} hidden units, " if "n_hidden" in shape else ""
    words = f"{name} with {units}{shape['n_parameters']} {kind} parameters"
    if "group_order" in base:
        words += f", tied over {base['group_order']} symmetries"
    if base is not shape:
        words += f", projected onto {shape['sector'] or 'a sector'} by {shape['n_images']} images"
    return words


def _sector(hamiltonian: SpinHamiltonian) -> str:
    if hamiltonian.total_sz is None:
        return "total S_z free"
    return f"total S_z = {hamiltonian.total_sz:g}"


def _energy_lines(result: Outcome) -> Rows:
    energy, n = result.energy, result.hamiltonian.n_sites
    units = [(n, "Pauli units" if has_pauli_units(result.hamiltonian) else "units of S")]
    units += [(4 * n, "S = sigma/2 units")] * result.has_spin_units
    return [
        ("energy" if result.estimate else "energy of the last iteration", str(energy)),
        *(
            ("", f"{energy.mean.real / k:.8f} +- {energy.error_of_mean / k:.1e} per site ({unit})")
            for k, unit in units
        ),
    ]


def _reference_lines(result: Outcome) -> Rows:
    reference = result.reference
    if reference is None:
        return [("reference", "none known for this Hamiltonian and sector")]
    distance = result.difference
    error = math.hypot(result.energy.error_of_mean, reference.uncertainty)
    in_errors = f", {distance / error:+.1f} error bars" if error > 0 else ""
    limit = "; the ansatz or its optimisation is the limit" if distance > 5 * error else ""
    relative = f"{distance:+.2e} = {result.relative_error:+.1e} relative"
    return [
        (
            "published" if reference.kind == "published" else "exact",
            f"{reference.energy:.8f}   ({reference.source})",
        ),
        ("difference", f"{relative}{in_errors}{limit}"),
    ]


def _unit_lines(hamiltonian: SpinHamiltonian) -> Rows:
    """What learning rates are relative to, where it is not 1."""
    unit = hamiltonian.coupling_scale
    return [] if unit == 1 else [("learning rate", f"in units of 1 / J, J = {unit:.4g}")]


def _sign_lines(rotation: Rotation | None) -> Rows:
    """That the run turned spins by itself, and how that is turned off."""
    if rotation is None:
        return []
    n_turned = sum(angle != 0 for angle in rotation.sixths)
    angle = "by pi " if rotation.is_real else ""
    text = f"{rotation.title}: {n_turned} of {len(rotation.sixths)} spins turned {angle}about z"
    return [("signs", f"{text} (signs=None, --signs none: as given)")]


def _time(result: Outcome) -> str:
    seconds = ", ".join(f"{name} {value:.1f} s" for name, value in result.seconds.items())
    if result.compile_seconds > _NOTEWORTHY:
        seconds += f"; compiling kernels took {result.compile_seconds:.1f} s of it, once"
    return seconds


def _iteration_lines(history: Sequence[StepRecord]) -> Rows:
    """What was done in iterations besides drawing samples."""
    if history and history[-1].summed:
        return [("iterations", f"summed over {history[-1].energy.n_draws} configurations")]
    return []


def _start_lines(estimate: Estimate | None) -> Rows:
    """Whether chains from different starts agree, the energy by start if not, and swap rates."""
    if estimate is None:
        return []
    lines = []
    if estimate.comparison is not None:
        verdict = "agree" if estimate.comparison.agrees else "DISAGREE"
        n_bars = estimate.comparison.n_bars
        distance = "" if math.isnan(n_bars) else f" (largest distance {n_bars:.2g} error bars)"
        lines.append(("starts", f"{', '.join(estimate.by_start)}: {verdict}{distance}"))
        if not estimate.comparison.agrees:
            lines += [("", f"{kind}: {energy}") for kind, energy in estimate.by_start.items()]
    if estimate.n_weightless > 0:
        text = (
            f"{estimate.n_weightless} of {estimate.energy.n_chains} chains were where |psi|^2 is "
            f"below e^-{MARGIN:.0f} of the whole, and were reset to others"
        )
        lines.append(("", text))
    if estimate.samples.swap_rates:
        lines.append(("swap rates", " ".join(f"{r:.2f}" for r in estimate.samples.swap_rates)))
    return lines
