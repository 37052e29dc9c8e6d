"""A run read back from its directory, with its final samples drawn again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rbmqs.estimators.final import final_estimate
from rbmqs.estimators.verdict import Verdict
from rbmqs.runs.checkpoint import load_checkpoint
from rbmqs.runs.log import LOG, read_log
from rbmqs.runs.old_names import with_new_names
from rbmqs.runs.references import reference_of
from rbmqs.runs.result import RESULT, RunResult
from rbmqs.runs.resume import SETTLED, read_run
from rbmqs.runs.signs import in_given_basis
from rbmqs.runs.status import unfinished, verdict_of
from rbmqs.utils.json_files import read_json
from rbmqs.vmc.extensions.multistart import best_so_far
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
    history = read_log(directory / LOG)[1] if (directory / LOG).exists() else []
    saved = _saved(directory / RESULT)
    sampler = make_sampler(hamiltonian, settings.sampling)
    seed = np.random.SeedSequence(settings.seed, spawn_key=(2,))  # that of the final estimate
    n_draws = settings.sampling.n_final_draws
    drawn = final_estimate(hamiltonian, psi, sampler, n_draws, seed, progress)
    known = saved.get("reference")
    reference = reference_of(hamiltonian, psi) if known is None else Reference(**known)
    if "verdict" in saved:
        verdict = Verdict.from_dict(saved["verdict"])
    elif saved:  # of a version that stored its reasons alone
        verdict = verdict_of(history or None, drawn, reference)
    else:
        verdict = unfinished("the run has not ended: resume it")
    given, psi, estimate = in_given_basis(hamiltonian, psi, drawn)
    return RunResult(
        given,
        psi,
        settings,
        tuple(r for r in history if r.iteration < checkpoint.state.iteration),
        estimate,
        reference,
        verdict,
        saved.get("seconds", {}),
        directory=directory,
        compile_seconds=saved.get("compile_seconds", 0.0),
        n_refinement=saved.get("n_refinement", 0),
        solved=hamiltonian,
    )


def _saved(path: Path) -> dict[str, Any]:
    """What a run that has ended wrote, nothing for one that was killed."""
    return with_new_names(read_json(path)) if path.exists() else {}
