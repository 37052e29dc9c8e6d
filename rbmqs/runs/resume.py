"""Going on from what a run has saved: with other settings, or as the start of another run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hamiltonians.models.hamiltonian import SpinHamiltonian
from hamiltonians.models.symmetries import find_sector
from hamiltonians.symmetry.rotations import Rotation, rotation_from_description
from hamiltonians.utils.archive import CheckpointError
from hamiltonians.utils.checks import instance
from rbmqs.runs.checkpoint import Checkpoint, load_checkpoint
from rbmqs.runs.old_names import state_in_units_of_couplings
from rbmqs.states.projected_rbm import ProjectedRBM
from rbmqs.states.rbm import RBM
from rbmqs.states.rotated import RotatedState, unrotated
from rbmqs.states.serialization import innermost
from rbmqs.states.state import VariationalState
from rbmqs.utils.tables import flatten, set_path
from rbmqs.vmc.extension import RunContext
from rbmqs.vmc.extensions import extension_kinds
from rbmqs.vmc.extensions.growth import grown
from rbmqs.vmc.run_state import RunState, target_of
from rbmqs.vmc.settings import RunSettings
from rbmqs.vmc.sources import make_sampler

if TYPE_CHECKING:
    from rbmqs.runs.config import Config

CHECKPOINT = "checkpoint.npz"
SETTLED = "settled.npz"  # what a run ended with, where that is not what it is resumed from
_FIXED = ("n_hidden", "n_features", "tied", "visible_bias", "hidden_bias")


def changed_settings(settings: RunSettings, changes: Mapping[str, Any]) -> RunSettings:
    """Settings with some of them changed.

    Parameters
    ----------
    settings : RunSettings
    changes : mapping of str to plain value
        Such as {"optimiser.momentum": 0.5, "sampling.n_samples": 2048, "n_iterations": 900}.

    Raises
    ------
    ValueError
        A name that is not known, with those that are, or a value that is not allowed.
    """
    from rbmqs.runs.config import settings_from_description

    table = settings.describe()
    known = flatten(table, lambda value: "initial" in value)  # schedules are values
    for name, value in changes.items():
        if name not in known:
            raise ValueError(f"unknown setting {name!r}; known: {', '.join(known)}")
        set_path(table, name, value)
    return settings_from_description(table)


def state_for(state: RunState, hamiltonian: SpinHamiltonian, settings: RunSettings) -> RunState:
    """The state with as many chains as the settings say: fresh ones where their number differs."""
    if len(state.chains.spins) == settings.sampling.n_chains:
        return state
    run = RunContext(hamiltonian, settings, make_sampler(hamiltonian, settings.sampling))
    seed = np.random.SeedSequence(settings.seed, spawn_key=(4, state.iteration))
    fresh = run.fresh_chains(state.psi, seed)
    good = state.last_good
    if good is not None:
        good = replace(good, spins=fresh.spins)
    state = replace(state, chains=fresh, last_good=good)
    for kind in extension_kinds(settings):
        state = kind.with_new_chains(state)
    return state


def read_run(
    directory: Path, hamiltonian: SpinHamiltonian | None = None
) -> tuple[Checkpoint, SpinHamiltonian, RunSettings]:
    """Where a run stands, and what it was asked for; errors as in `resume`."""
    from rbmqs.runs.config import hamiltonian_from_description, settings_from_description

    if hamiltonian is not None:
        instance("hamiltonian", hamiltonian, SpinHamiltonian)
    check_holds_run(directory)
    path = directory / CHECKPOINT
    checkpoint = load_checkpoint(path)
    try:
        if hamiltonian is None:
            hamiltonian = hamiltonian_from_description(checkpoint.meta)
        rotation = _own_rotation(checkpoint)
        if rotation is not None and hamiltonian.rotation is None:
            hamiltonian = hamiltonian.rotated(rotation)
        settings = settings_from_description(checkpoint.settings)
        _check_same(path, checkpoint, hamiltonian)
        if "units" not in checkpoint.meta:
            state = state_in_units_of_couplings(checkpoint.state, hamiltonian)
            checkpoint = replace(checkpoint, state=state)
    except CheckpointError:
        raise
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise CheckpointError(f"{path} does not describe a run: {error}") from error
    return checkpoint, hamiltonian, settings


def check_holds_run(directory: Path) -> None:
    """Refuse a directory without a checkpoint."""
    path = directory / CHECKPOINT
    if not path.exists():
        raise FileNotFoundError(f"no checkpoint to resume from: {path} does not exist")


def _check_same(path: Path, checkpoint: Checkpoint, hamiltonian: SpinHamiltonian) -> None:
    expected: Mapping[str, Any] = checkpoint.hamiltonian
    if expected["fingerprint"] != hamiltonian.fingerprint:
        raise CheckpointError(
            f"{path} belongs to another Hamiltonian: {expected['name']!r} "
            f"({expected['fingerprint']}), got {hamiltonian.name!r} ({hamiltonian.fingerprint})"
        )


def _own_rotation(checkpoint: Checkpoint) -> Rotation | None:
    """The rotation that a run took by itself; None for one that was in the given Hamiltonian."""
    rotation = rotation_from_description(checkpoint.hamiltonian)
    return rotation if rotation is not None and rotation.automatic else None


def wavefunction_of(directory: str | Path) -> VariationalState:
    """The wavefunction that a run has saved, to start another run or to measure.

    It is in the basis of the Hamiltonian that was given to the run.

    Parameters
    ----------
    directory : path
        Output of a run, or a checkpoint file itself.

    Returns
    -------
    VariationalState

    Raises
    ------
    FileNotFoundError
        There is no checkpoint.
    CheckpointError
        It cannot be read.
    """
    path = Path(directory)
    if path.is_dir():
        path = path / (SETTLED if (path / SETTLED).exists() else CHECKPOINT)
    if not path.exists():
        raise FileNotFoundError(f"no checkpoint to start from: {path} does not exist")
    checkpoint = load_checkpoint(path)
    state = checkpoint.state
    psi = target_of(state).with_flat(state.psi.flat)
    return unrotated(psi, _own_rotation(checkpoint))


def starting_point(config: Config) -> VariationalState | None:
    """The wavefunction of the run that a configuration starts from, None where it names none.

    With as many hidden units as the configuration asks for, where these are more, and projected
    onto the sector that it names.

    Raises
    ------
    ValueError
        The configuration asks for what the saved wavefunction cannot become.
    """
    if config.start_from is None:
        return None
    ansatz = config.ansatz
    asked = [name for name in _FIXED if getattr(ansatz, name) is not None]
    if asked:
        raise ValueError(
            f"{', '.join(asked)} cannot be given for a saved wavefunction: alpha adds hidden "
            f"units to it, and project projects it"
        )
    psi = wavefunction_of(config.start_from)
    if ansatz.alpha is not None:
        psi = grown(psi, ansatz.alpha, config.run.seed)
    if ansatz.project is not None:
        if isinstance(psi, RotatedState):
            rbm = innermost(psi.base)
            psi = unrotated(rbm if isinstance(rbm, RBM) else rbm.plain, psi.rotation)
        psi = ProjectedRBM(innermost(psi), find_sector(config.hamiltonian(), ansatz.project))
    return psi
