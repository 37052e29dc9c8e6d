"""The lowest states of a Hamiltonian one after another, each orthogonal to those below it.

Each is a run of its own (`rbmqs.runs.run`), to which the states before it add penalties
(`rbmqs.vmc.extensions.states_below`): log, checkpoint, resume and verdict are those of any run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from hamiltonians.models.hamiltonian import SpinHamiltonian
from hamiltonians.utils.checks import flag, instance, number, positive_int
from hamiltonians.utils.files import goes_on_without
from hamiltonians.utils.locks import locked
from rbmqs.estimators.observables.overlap import state_fidelity
from rbmqs.estimators.stats import Stats
from rbmqs.runs.prepare import PreparedRun, prepare, split_keywords, with_keywords
from rbmqs.runs.result import RESULT, RunResult
from rbmqs.runs.resume import CHECKPOINT, read_run
from rbmqs.runs.run import go_on, new_directory, run
from rbmqs.runs.signs import KNOWN
from rbmqs.states.rotated import RotatedState, unrotated
from rbmqs.states.state import VariationalState
from rbmqs.utils.interrupts import pass_on
from rbmqs.utils.json_files import write_json
from rbmqs.vmc.extensions.states_below import remembered
from rbmqs.vmc.full_summation import Summation, common_symmetry
from rbmqs.vmc.settings import RunSettings

N_SAMPLES = 4096  # an iteration: equations are noisier next to nodes, which lowest states lack
MARGIN = 2.0  # J, by which lower states are raised above the one that is looked for
# Of the diagonal of S where excited states are sampled. Next to their nodes small eigenvalues hold
# noise, which the usual shift, falling to 1e-3, lets into the steps: the third level of a chain of
# 10 in random fields was left 0.18 too high by 1024 samples, with 0.03 it is 0.011, with 0.1 0.006.
SAMPLED_SHIFT = 0.03
SAME = 0.01  # fidelity of two states that are to be orthogonal
SEPARATED = 3.0  # error bars by which a state may lie below the one before it


@dataclass(frozen=True, eq=False)
class ExcitedStates:
    """The lowest states of a Hamiltonian.

    Parameters
    ----------
    runs : tuple of RunResult
        One of each state, from the lowest on.
    margin : float
        In units of J.
    directory : Path or None
    """

    runs: tuple[RunResult, ...]
    margin: float
    directory: Path | None = None

    @property
    def states(self) -> tuple[VariationalState, ...]:
        """The wavefunctions, in the basis of the Hamiltonian that was given."""
        return tuple(found.psi for found in self.runs)

    @property
    def energies(self) -> np.ndarray:
        """Energies in Pauli units, float64 (n_states,)."""
        return np.array([found.energy.mean.real for found in self.runs])

    @property
    def errors(self) -> np.ndarray:
        """One-sigma errors of the energies."""
        return np.array([found.energy.error_of_mean for found in self.runs])

    @property
    def gaps(self) -> np.ndarray:
        """Energies above that of the first state."""
        return self.energies - self.energies[0]

    @property
    def gap_errors(self) -> np.ndarray:
        """One-sigma errors of the gaps; zero for the first."""
        found = np.hypot(self.errors, self.errors[0])
        found[0] = 0.0
        return found

    @property
    def exact(self) -> np.ndarray:
        """Exact energies, nan where none is known, float64 (n_states,)."""
        known = [found.reference for found in self.runs]
        return np.array([np.nan if reference is None else reference.energy for reference in known])

    @cached_property
    def fidelities(self) -> dict[tuple[int, int], Stats]:
        """|<psi_j|psi_k>|^2 with its error for each pair j < k of states with a final estimate."""
        done = [found.estimate for found in self.runs]
        return {
            (j, k): state_fidelity(mine.psi, mine.samples, other.psi, other.samples)
            for k, mine in enumerate(done)
            for j, other in enumerate(done[:k])
            if mine is not None and other is not None
        }

    @property
    def status(self) -> tuple[str, ...]:
        """Reasons not to trust the states, a sentence each; empty where there are none."""
        found = [
            f"state {k}: {sentence}"
            for k, result in enumerate(self.runs)
            for sentence in result.status
        ]
        for (j, k), fidelity in self.fidelities.items():
            if fidelity.mean.real - SEPARATED * fidelity.error_of_mean > SAME:
                found.append(
                    f"states {j} and {k} have the fidelity {fidelity.mean.real:.2g}: take a "
                    f"larger margin than {self.margin:g} J, or more iterations"
                )
        errors = np.hypot(self.errors[1:], self.errors[:-1])
        for k in (np.flatnonzero(np.diff(self.energies) < -SEPARATED * errors) + 1).tolist():
            found.append(
                f"state {k} lies below state {k - 1}, which was not the lowest: take other seeds "
                f"or more iterations"
            )
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a file."""
        return {
            "format": "rbmqs-excited-states",
            "hamiltonian": self.runs[0].hamiltonian.name,
            "margin": self.margin,
            "energies": [found.energy.to_dict() for found in self.runs],
            "gaps": self.gaps.tolist(),
            "gap_errors": self.gap_errors.tolist(),
            "exact": [None if np.isnan(e) else e for e in self.exact.tolist()],
            "fidelities": [
                {"states": list(pair), **found.to_dict()} for pair, found in self.fidelities.items()
            ],
            "status": list(self.status),
        }

    def __str__(self) -> str:
        titles = ("state", 5), ("energy", 22), ("gap", 16), ("exact", 14), ("largest fidelity", 17)
        lines = [self.runs[0].hamiltonian.name, " ".join(f"{t:>{width}}" for t, width in titles)]
        for k, result in enumerate(self.runs):
            pairs = [f.mean.real for pair, f in self.fidelities.items() if pair[1] == k]
            lines.append(
                f"{k:>5} {self.energies[k]:>13.5f} +- {result.energy.error_of_mean:.0e} "
                f"{self.gaps[k]:>8.5f} +- {self.gap_errors[k]:.0e} {self.exact[k]:>14.6f} "
                f"{max(pairs, default=0.0):>17.1e}"
            )
        status = self.status or ("all checks passed",)
        return "\n".join([*lines, *(f"{'status':<14} {sentence}" for sentence in status)])

    __repr__ = __str__


def excited_states(
    hamiltonian: SpinHamiltonian,
    n_states: int = 2,
    *,
    margin: float = MARGIN,
    psi: Sequence[VariationalState] | None = None,
    signs: Any = KNOWN,
    settings: RunSettings | None = None,
    output: str | Path | None = None,
    resume: bool = False,
    progress: bool = True,
    **keywords: Any,
) -> ExcitedStates:
    """The lowest states of a Hamiltonian in its sector, by penalties on overlaps.

    >>> excited_states(heisenberg(chain(14)).with_total_sz(0), 3, alpha=4)

    Parameters
    ----------
    hamiltonian : SpinHamiltonian
    n_states : int
        With the ground state.
    margin : float
        In units of J (`SpinHamiltonian.coupling_scale`), by which each lower state is raised above
        the one that is looked for; it must exceed what the energy falls by in an iteration.
    psi : sequence of VariationalState, optional
        Where each state starts; random parameters by default.
    signs, settings, progress, **keywords
        As in `rbmqs.ground_state`, by default with 4096 samples, and where they are sampled with a
        `diag_shift` of 0.03 for all states but the first. Parameters must be complex: positive
        states overlap.
    output : path, optional
        Directory for a run of each state, `state0`, `state1`, ..., and `result.json`.
    resume : bool
        Go on with the states in `output`, with the same Hamiltonian and settings; only
        `n_iterations` and `max_seconds` may be others.

    Returns
    -------
    ExcitedStates

    Raises
    ------
    TypeError, ValueError
        Arguments that are wrong or do not fit.
    KeyboardInterrupt
        Ctrl-C; its `result` has the states so far.
    """
    instance("hamiltonian", hamiltonian, SpinHamiltonian)
    positive_int("n_states", n_states, minimum=2)
    number("margin", margin, above=0)
    if n_states > hamiltonian.dimension:
        raise ValueError(
            f"n_states must be at most {hamiltonian.dimension}, the dimension of the sector, "
            f"got {n_states}"
        )
    if psi is not None and len(psi) != n_states:
        raise ValueError(f"psi must hold {n_states} states to start with, got {len(psi)}")
    if flag("resume", resume) and (output is None or not (Path(output) / "state0").exists()):
        raise ValueError(f"output must be a directory with states to resume, got {output}")
    ansatz, options = split_keywords(keywords)
    settings = with_keywords(settings or RunSettings(), options)
    if settings.sampling.n_samples is None:
        settings = replace(settings, sampling=replace(settings.sampling, n_samples=N_SAMPLES))
    prepared = [
        _prepared(hamiltonian, ansatz, settings, None if psi is None else psi[k], signs, k)
        for k in range(n_states)
    ]
    summation = None if _alike(prepared) else False
    is_usual = settings.optimiser.diag_shift is None
    runs: list[RunResult] = []
    with new_directory(output) as directory:
        for k, (H, start, wanted) in enumerate(prepared):
            if summation is not None:
                wanted = replace(wanted, sampling=replace(wanted.sampling, summation=summation))
            if k > 0 and is_usual and Summation.wanted(H, start, wanted.sampling) is None:
                optimiser = replace(wanted.optimiser, diag_shift=SAMPLED_SHIFT)
                wanted = replace(wanted, optimiser=optimiser)
            energies = [(e.energy.mean.real - H.trace) / H.coupling_scale for e in runs]
            lower = remembered([_worked_with(found) for found in runs], energies, margin)
            own = None if directory is None else directory / f"state{k}"
            if resume and own is not None and (own / CHECKPOINT).exists():
                runs.append(_gone_on(own, H, wanted, progress))
            else:
                with new_directory(own) as place:
                    runs.append(
                        run(H, start, wanted, directory=place, progress=progress, remembered=lower)
                    )
            if runs[-1].interrupted is not None:
                break
        result = ExcitedStates(tuple(runs), margin, directory)
        if directory is not None:
            with goes_on_without(directory / RESULT):
                write_json(directory / RESULT, result.to_dict())
    pass_on(runs[-1].interrupted, result)
    return result


def _gone_on(
    directory: Path, hamiltonian: SpinHamiltonian, wanted: RunSettings, progress: bool
) -> RunResult:
    """The run of a state from where it was left."""
    with locked(directory):
        _, _, settings = read_run(directory, hamiltonian)
        n, limit = wanted.n_iterations, wanted.max_seconds
        if replace(settings, n_iterations=n, max_seconds=limit) != wanted:
            raise ValueError(f"{directory} belongs to another run: its settings are not the same")
        return go_on(directory, hamiltonian, n, limit, None, progress, None, None)


def _prepared(
    hamiltonian: SpinHamiltonian,
    ansatz: Mapping[str, Any],
    settings: RunSettings,
    start: VariationalState | None,
    signs: Any,
    k: int,
) -> PreparedRun:
    """The run of a state, whose seed is its own."""
    found = prepare(hamiltonian, ansatz, replace(settings, seed=settings.seed + k), start, signs)
    up = found.psi.hilbert.configurations(np.zeros((1, found.psi.n_sites), int))
    if not np.iscomplexobj(found.psi.log_psi(up)):
        raise ValueError(
            f"psi must have complex parameters (dtype=complex), got a {type(found.psi).__name__} "
            f"that is positive: no two positive states are orthogonal"
        )
    return found


def _alike(prepared: Sequence[PreparedRun]) -> bool:
    """Whether one configuration stands for the same orbit in all states, as sums require."""
    symmetries = [common_symmetry(H, psi) for H, psi, _ in prepared]
    sectors = [psi.sector for _, psi, _ in prepared if hasattr(psi, "sector")]
    first = symmetries[0]
    return all(
        np.array_equal(s.group.permutations, first.group.permutations)
        and s.spin_inversion == first.spin_inversion
        for s in symmetries
    ) and all(
        np.array_equal(s.characters, sectors[0].characters)
        and s.spin_inversion == sectors[0].spin_inversion
        for s in sectors
    )


def _worked_with(found: RunResult) -> VariationalState:
    """The state of a run in the basis in which it worked."""
    if isinstance(found.psi, RotatedState):
        return found.psi.base if found.signs is not None else found.psi
    return found.psi if found.signs is None else unrotated(found.psi, found.signs.inverse)
