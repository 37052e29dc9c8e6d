"""A run read back from its directory, with its final samples drawn again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rbmqs.estimators.final import final_estimate
from rbmqs.estimators.verdict import Verdict
from rbmqs.runs.checkpoint import Checkpoint, load_checkpoint
from rbmqs.runs.log import LOG, missing_iterations, read_log
from rbmqs.runs.old_names import with_new_names
from rbmqs.runs.references import reference_of
from rbmqs.runs.result import RESULT, RunResult
from rbmqs.runs.resume import CHECKPOINT, SETTLED, read_run
from rbmqs.runs.signs import in_given_basis
from rbmqs.runs.status import incomplete, unfinished, verdict_of
from rbmqs.utils.json_files import DamagedError, read_json
from rbmqs.vmc.extensions.multistart import best_so_far
from rbmqs.vmc.records import StepRecord
from rbmqs.vmc.run_state import target_of
from rbmqs.vmc.sources import make_sampler

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian


def load(
    directory: str | Path, hamiltonian: SpinHamiltonian | None = None, *, progress: bool = True
) -> RunResult:
    """The result of a finished or interrupted run, to read, measure and plot.

    The final samples are not kept on disk: they are drawn again with the seed of the run. A run
    that has no final estimate, because it was interrupted or killed, is measured where it stands.

    Parameters
    ----------
    directory : path
    hamiltonian : SpinHamiltonian, optional
        Must be the one of the run; needed only for Hamiltonians built from your own terms.
    progress : bool
        Show a progress bar of the samples on standard error.

    Returns
    -------
    RunResult

    Raises
    ------
    FileNotFoundError
        No checkpoint in the directory.
    CheckpointError
        The checkpoint cannot be read, or belongs to another Hamiltonian.
    """
    from hamiltonians import Reference

    directory = Path(directory)
    checkpoint, hamiltonian, settings = read_run(directory, hamiltonian)
    refined = (directory / SETTLED).exists()
    if refined:
        settled = load_checkpoint(directory / SETTLED).state
        psi = target_of(settled).with_flat(settled.psi.flat)
    else:
        psi = best_so_far(checkpoint.state, settings).psi
    files = read_files(directory, checkpoint)
    saved = files.result
    sampler = make_sampler(hamiltonian, settings.sampling)
    seed = np.random.SeedSequence(settings.seed, spawn_key=(2,))  # that of the final estimate
    n_draws = settings.sampling.n_final_draws
    drawn = final_estimate(hamiltonian, psi, sampler, n_draws, seed, progress)
    known = saved.get("reference")
    reference = reference_of(hamiltonian, psi) if known is None else Reference(**known)
    if "verdict" in saved:
        verdict = Verdict.from_dict(saved["verdict"])
    elif saved:  # of a version that stored its reasons alone
        verdict = verdict_of(files.history or None, drawn, reference)
    else:
        verdict = unfinished("the run has not ended: resume it")
    given, psi, estimate = in_given_basis(hamiltonian, psi, drawn)
    return RunResult(
        given,
        psi,
        settings,
        files.history,
        estimate,
        reference,
        incomplete(verdict, files.missing),
        saved.get("seconds", {}),
        directory=directory,
        compile_seconds=saved.get("compile_seconds", 0.0),
        n_refinement=saved.get("n_refinement", 0),
        n_iterations=checkpoint.state.iteration,
        run_id=str(checkpoint.meta.get("run_id", "")),
        solved=hamiltonian,
    )


class RunFiles(NamedTuple):
    """Log and result that belong to the checkpoint of a run.

    Attributes
    ----------
    history : tuple of StepRecord
        Iterations before the checkpoint.
    result : dict
        What result.json holds; empty where there is none of the checkpoint's iteration.
    missing : list of str
        A sentence on each part that is missing.
    """

    history: tuple[StepRecord, ...]
    result: dict[str, Any]
    missing: list[str]


def read_files(directory: Path, checkpoint: Checkpoint | None = None) -> RunFiles:
    """Log and result of a run, compared with its checkpoint.

    Raises
    ------
    DamagedError, CheckpointError
        A file was changed, or belongs to another run.
    """
    header: dict[str, Any] = {}
    records: list[StepRecord] = []
    result: dict[str, Any] = {}
    if (directory / LOG).exists():
        header, records = read_log(directory / LOG)
    if (directory / RESULT).exists():
        result = with_new_names(read_json(directory / RESULT))
    if checkpoint is None and not (directory / CHECKPOINT).exists():
        return RunFiles(tuple(records), result, [])  # nothing to compare with
    checkpoint = checkpoint or load_checkpoint(directory / CHECKPOINT)
    n_done, run_id = checkpoint.state.iteration, checkpoint.meta.get("run_id")
    for name, found in ((LOG, header), (RESULT, result)):
        if run_id is not None and found.get("run_id", run_id) != run_id:
            raise DamagedError(f"{directory / name} belongs to another run than {CHECKPOINT}")
    missing = missing_iterations(records, n_done)
    # Before there was a run_id, the result counted the lines of the log.
    counts = "run_id" in result or not missing
    if counts and result.get("n_iterations", n_done) != n_done:
        missing.append(
            f"{RESULT} is of iteration {result['n_iterations']}, {CHECKPOINT} of {n_done}"
        )
        result = {}
    return RunFiles(tuple(r for r in records if r.iteration < n_done), result, missing)
