"""`rbmqs.reconstruct`: from shots in any bases to a wavefunction."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from hamiltonians.utils.checks import choice, flag, instance, positive_int
from rbmqs.states.rbm import RBM
from rbmqs.states.state import VariationalState
from rbmqs.tomography.conventions import (
    order_warning,
    target_warning,
    unmeasured_sites,
    unmeasured_strings,
)
from rbmqs.tomography.files import ReconstructionFiles
from rbmqs.tomography.fit import FitRecord, FitState
from rbmqs.tomography.formats import Convention, as_shots
from rbmqs.tomography.functionals import target_array
from rbmqs.tomography.learnt import LearntRBM
from rbmqs.tomography.likelihood import EXACT_SITES
from rbmqs.tomography.mixed import N_STARTS, reconstruct_mixed
from rbmqs.tomography.objective import ExactObjective, Objective
from rbmqs.tomography.reading import read_shots
from rbmqs.tomography.readout import FIRST_ERROR, confusion_matrices
from rbmqs.tomography.result import Reconstruction
from rbmqs.tomography.sampled import SampledObjective
from rbmqs.tomography.schedule import DONE, FitSettings, Progressed, Schedule
from rbmqs.tomography.shots import Shots
from rbmqs.tomography.starts import MODELS, hidden_units_of
from rbmqs.utils.interrupts import Interrupts, pass_on
from rbmqs.utils.progress import Progress
from rbmqs.utils.threads import single_threaded_blas

OPTIMISERS = ("natural", "adam")
MIXED = "mixed"
METHODS = ("auto", "exact", "sampled")
_STARTS = ((2**17, 8), (2**23, 3))  # amplitudes in all bases up to which there are so many starts


def reconstruct(
    shots: Any,
    bases: Any = None,
    *,
    model: str = "auto",
    psi: VariationalState | None = None,
    n_hidden: int | str = "auto",
    readout: Any = None,
    target: Any = None,
    up: int = 0,
    site_0: str | None = None,
    basis_site_0: str | None = None,
    incomplete: bool = False,
    held_out: float = 0.1,
    n_starts: int | str = "auto",
    n_iter: int = 300,
    optimiser: str = "natural",
    learning_rate: float = 0.02,
    method: str = "auto",
    seed: int = 0,
    output: str | Path | None = None,
    resume: bool = False,
    max_seconds: float | None = None,
    progress: bool = False,
) -> Reconstruction:
    """The wavefunction of highest likelihood for measured shots.

    Parameters
    ----------
    shots, bases
        Bits, spins, strings, counts or tables with Pauli strings or unitaries, as of
        `rbmqs.tomography.formats.as_shots`; a file, as of `rbmqs.tomography.reading.read_shots`;
        `Shots`.
    model : {"auto", "positive", "complex", "amplitude-phase", "mixed"}
        An RBM with real parameters, one with complex ones, or two real ones for amplitude and
        phase; "auto" takes a positive one for shots in the z basis and a complex one for others.
        "mixed" is a purified RBM, of `rbmqs.tomography.mixed.reconstruct_mixed`, whose size the
        shots decide; of what follows it takes n_hidden, readout, target, conventions and seed.
    psi : VariationalState, optional
        Where to start, instead of random parameters: any ansatz, symmetric, projected, yours. Sites
        beyond those of the shots are traced over (a purification).
    n_hidden : int or "auto"
        Hidden units; "auto" doubles them for as long as shots that are held out gain by it.
    readout : optional
        Readout errors: one for all sites, one a site, matrices P(read | true), or "learn".
    target : optional
        A state that the shots should come from, for fidelities in the report and a check of the
        convention: a vector (2^N,), a wavefunction.
    up : {0, 1}
        The bit of the +1 eigenvector.
    site_0, basis_site_0 : {"left", "right"}, optional
        Which end of outcomes and of bases is site 0; left by default, in results of Qiskit right.
    incomplete : bool
        Go on where bases do not determine the phases of the state.
    held_out : float
        Fraction of each basis that training does not see, for the time to stop and the number of
        hidden units; the last stage fits all shots. 0 for none.
    n_starts : int or "auto"
        Random starts, the likeliest of which goes on after 20 steps. One where psi is given.
    n_iter : int
        Steps at most of each stage.
    optimiser : {"natural", "adam"}
    learning_rate : float
        Of Adam.
    method : {"auto", "exact", "sampled"}
        Sums over all configurations, up to 20 sites by default, or samples.
    seed : int
    output : str or Path, optional
        Directory for checkpoint, log and result.
    resume : bool
        Go on with the reconstruction in `output`.
    max_seconds : float, optional
        Save and return after this long.
    progress : bool
        Whether to show it.

    Returns
    -------
    Reconstruction
        The state, the course of the fit, goodness of fit, answers with errors.

    Raises
    ------
    TypeError, ValueError
        Whatever does not fit, in one line, before any work.
    """
    data = _shots_of(shots, bases, up, site_0, basis_site_0)
    if psi is not None:
        instance("psi", psi, VariationalState)
        if psi.n_sites < data.n_sites:
            raise ValueError(f"psi must have {data.n_sites} sites as the shots, got {psi.n_sites}")
    choice("model", model, ("auto", *MODELS, MIXED))
    if model == "auto":
        model = "complex" if data.bases.rotated.any() else "positive"
    choice("optimiser", optimiser, OPTIMISERS)
    learns = isinstance(readout, str) and bool(choice("readout", readout, ("learn",)))
    errors = FIRST_ERROR if learns else readout
    confusion = None if errors is None else confusion_matrices(errors, data.n_sites)
    if model == MIXED and (psi is not None or learns):
        what = "readout='learn'" if psi is None else "psi"
        raise ValueError(f"model 'mixed' takes no {what}")
    if n_hidden == "auto" and held_out == 0 and psi is None and model != MIXED:
        raise ValueError("n_hidden must be given where no shots are held out")
    settings = FitSettings(
        model,
        None if n_hidden == "auto" else positive_int("n_hidden", n_hidden),
        _n_starts(n_starts, data, model),
        held_out,
        n_iter,
        learning_rate if optimiser == "adam" else None,
        learns,
        seed,
        max_seconds,
    )
    goal = None if target is None else target_array(target, data.n_sites)
    if not flag("incomplete", incomplete) and settings.model != "positive":
        _check_determined(data, psi, settings.model == MIXED)
    n_ancillas = 0 if psi is None else psi.n_sites - data.n_sites
    choice("method", method, METHODS)
    warnings = [order_warning(data)]
    if goal is not None and goal.ndim == 1:
        warnings.append(target_warning(data, goal))
    started = time.perf_counter()
    with (
        single_threaded_blas(),
        ReconstructionFiles.opened(output, resume, data, settings, psi) as files,
        Interrupts() as interrupts,
        Progress(settings.n_iter, show=progress, unit="step") as bar,
    ):

        def save(found: Progressed) -> None:
            record = found.history[-1]
            files.save(found)
            bar.advance(
                min(record.iteration, settings.n_iter),
                f"{record.stage}, {record.n_hidden} hidden units: {record.log_likelihood:.5f}",
            )

        if settings.model == MIXED:
            found = files.saved or _mixed(data, settings, confusion)
        else:
            schedule = Schedule(
                _objective(data, n_ancillas, method, seed), settings, psi, confusion, save,
                lambda: interrupts.must_stop(started, max_seconds),
            )  # fmt: skip
            found = schedule.run(files.saved)
        result = Reconstruction(
            _learnt(found.fit.psi, data, confusion),
            data,
            found.fit.confusion,
            found.history,
            "; ".join(filter(None, [*warnings, found.status, _unfinished(found)])),
            goal,
            time.perf_counter() - started,
            interrupts.received,
        )
        files.finish(found, result)
    pass_on(interrupts.received, result)
    return result


def _shots_of(
    shots: Any, bases: Any, up: int, site_0: str | None, basis_site_0: str | None
) -> Shots:
    """From a file or from objects."""
    if isinstance(shots, Path) or (isinstance(shots, str) and Path(shots).suffix):
        return read_shots(shots, bases, up=up, site_0=site_0, basis_site_0=basis_site_0)
    return as_shots(shots, bases, Convention(up, site_0 or "left", basis_site_0))


def _n_starts(n_starts: int | str, shots: Shots, model: str) -> int:
    """As asked for, or by the amplitudes in all bases."""
    if not isinstance(n_starts, str):
        return positive_int("n_starts", n_starts)
    choice("n_starts", n_starts, ("auto",))
    size = len(shots.bases) << shots.n_sites
    return N_STARTS if model == MIXED else next((n for limit, n in _STARTS if size <= limit), 1)


def _check_determined(shots: Shots, psi: VariationalState | None, is_mixed: bool) -> None:
    """Refuse bases that leave phases open, where the state may have any.

    A mixed state needs every Pauli string. A pure one is nearly always told by fewer, but not
    without all three directions of every site.
    """
    if psi is not None and not psi.is_complex and np.isrealobj(psi.log_psi(shots.outcomes[:1])):
        return
    missing = unmeasured_sites(shots.bases)
    if not missing and is_mixed:
        missing = unmeasured_strings(shots.bases, shots.n_sites)
    if missing:
        shown = ", ".join(missing[:4]) + (f" and {len(missing) - 4} more" if missing[4:] else "")
        raise ValueError(
            f"bases do not determine the state, never measured: {shown}; measure them, take "
            f"model='positive' for a state without phases, or incomplete=True"
        )


def _objective(shots: Shots, n_ancillas: int, method: str, seed: int) -> Objective:
    """Full sums where they are affordable or asked for, else samples."""
    n_sites = shots.n_sites + n_ancillas
    if method == "exact" and n_sites > EXACT_SITES + 4:
        raise ValueError(f"method 'exact' takes at most {EXACT_SITES + 4} sites, got {n_sites}")
    if method == "sampled" or (method == "auto" and n_sites > EXACT_SITES):
        if n_ancillas:
            raise ValueError("method 'sampled' takes no ancillas: give psi as many sites as shots")
        return SampledObjective(shots, seed)
    return ExactObjective(shots, n_ancillas, seed)


def _mixed(shots: Shots, settings: FitSettings, confusion: np.ndarray | None) -> Progressed:
    """The purification of highest likelihood, with the course of its fit."""
    n_hidden, n_starts = settings.n_hidden, settings.n_starts
    state, maximum = reconstruct_mixed(
        shots, n_hidden=n_hidden, confusion=confusion, n_starts=n_starts, seed=settings.seed
    )
    psi = state.purification
    history = tuple(
        FitRecord(MIXED, hidden_units_of(psi), k, total / shots.n_shots, None, 0.0)
        for k, total in enumerate(maximum.history)
    )
    status = "" if maximum.converged else "the mixed state has not converged: raise n_starts"
    return Progressed(DONE, FitState(psi, confusion), history=history, status=status)


def _learnt(psi: VariationalState, shots: Shots, confusion: np.ndarray | None) -> VariationalState:
    """A positive RBM of z shots knows how many there were, for their noise in error bars."""
    if type(psi) is not RBM or psi.is_complex or confusion is not None:
        return psi
    if shots.bases.rotated.any() or not (psi.has_visible_bias and psi.has_hidden_bias):
        return psi
    arrays = psi.visible_bias, psi.hidden_bias, psi.weights
    return LearntRBM(*arrays, n_snapshots=shots.n_shots)


def _unfinished(found: Progressed) -> str:
    return "" if found.stage == DONE else "stopped before the end: go on with resume=True"
