"""From what is asked for to what a run works on: the one way into Python, command line and studies.

`prepare` decides what was left open (the signs of the ground state where they are known, the
density that `growth` starts with, the number of random restarts), makes the initial wavefunction
and hands all of it to `rbmqs.runs.run.run`. Settings by keyword (`with_keywords`) are read here
too, so that each setting has one name everywhere.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hamiltonians.utils.checks import short
from hamiltonians.utils.memory import power_text, require_memory
from rbmqs.estimators.consistency import check_kinds
from rbmqs.runs.signs import KNOWN, NONE, with_signs
from rbmqs.states.classical_order import with_classical_order
from rbmqs.states.factory import AnsatzSpec
from rbmqs.states.rotated import RotatedState
from rbmqs.states.state import VariationalState
from rbmqs.tomography.learnt import LearntRBM
from rbmqs.vmc.extensions.distance_shift import DistanceShift
from rbmqs.vmc.extensions.multistart import with_restarts
from rbmqs.vmc.settings import OptimiserSettings, RunSettings, SamplingSettings

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian

_ANSATZ = tuple(AnsatzSpec().options())
_PARTS = {"sampling": SamplingSettings, "optimiser": OptimiserSettings}


class PreparedRun(NamedTuple):
    """Everything that decides the result of a run."""

    hamiltonian: SpinHamiltonian
    psi: VariationalState
    settings: RunSettings


def prepare(
    hamiltonian: SpinHamiltonian,
    ansatz: Mapping[str, Any],
    settings: RunSettings,
    start: VariationalState | None = None,
    signs: Any = KNOWN,
) -> PreparedRun:
    """The initial wavefunction of a run, and its settings with nothing left open.

    Parameters
    ----------
    hamiltonian : SpinHamiltonian
    ansatz : mapping
        Options of `rbmqs.states.factory.AnsatzSpec`; those that are None are open.
    settings : RunSettings
    start : VariationalState, optional
        Start here instead of at random parameters; `ansatz` is then not looked at, and there is
        one start only unless the settings name a number of restarts.
    signs : str, list of int, or None
        See `rbmqs.runs.signs.with_signs`; a wavefunction to start with has its own.

    Returns
    -------
    PreparedRun
        Its Hamiltonian and wavefunction in the basis of the signs.

    Raises
    ------
    ValueError
        An ansatz that does not suit the Hamiltonian, a density beside another in `growth`, or
        signs beside a wavefunction.
    """
    check_kinds(hamiltonian=hamiltonian)
    if start is not None:
        return PreparedRun(*_started(hamiltonian, start, signs), settings)
    spec = AnsatzSpec.from_options(ansatz)
    n_sites = hamiltonian.n_sites
    require_memory(n_sites**2, f"what joins two of {power_text(n_sites)} sites (model, lattice)")
    hamiltonian, project = with_signs(hamiltonian, signs, spec.project)
    spec = replace(spec, project=project)
    if settings.growth:
        spec = replace(spec, alpha=_first_density(settings.growth[0], spec))
    psi = spec.create(hamiltonian, settings.seed)
    # Where the shift depends on distances, weights to far-off sites start smaller.
    shift, n_samples = DistanceShift.of(hamiltonian, settings), settings.sampling.n_samples_of(psi)
    random = shift.falling_with_distance(psi, n_samples)
    order = np.random.SeedSequence(settings.seed, spawn_key=(9,))
    psi = with_classical_order(random, hamiltonian, order)
    if psi is not random and settings.n_restarts is None:
        # Restarts without the projection find no more than the order: triangular 6x6 stood after
        # 60 s at 1.0e-2 and 0.9e-2 without them, at 3.6e-2 and 1.8e-2 with them.
        settings = replace(settings, n_restarts=1)
    return PreparedRun(hamiltonian, psi, with_restarts(settings, psi))


def _started(
    hamiltonian: SpinHamiltonian, start: VariationalState, signs: Any
) -> tuple[SpinHamiltonian, VariationalState]:
    """A wavefunction to start with, without the phases of a basis around it, and without a past."""
    if not (signs is None or (isinstance(signs, str) and signs in (KNOWN, NONE))):
        raise ValueError(f"signs must be left out where psi is given, got {short(signs)}")
    if isinstance(start, RotatedState) and hamiltonian.rotation is None:
        rotation = replace(start.rotation, automatic=True)
        return hamiltonian.rotated(rotation), start.base
    return hamiltonian, start.plain() if isinstance(start, LearntRBM) else start


def _first_density(first: float, spec: AnsatzSpec) -> float:
    """The density that `growth` starts with, which is not asked for twice."""
    for name in ("alpha", "n_hidden", "n_features"):
        value = getattr(spec, name)
        if value is not None and (name, value) != ("alpha", first):
            raise ValueError(
                f"growth starts with alpha = {first:g}: give no other alpha, n_hidden or "
                f"n_features, got {name} = {value!r}"
            )
    return first


def setting_names() -> dict[str, str]:
    """The part of the settings that each name belongs to: "" for the run itself."""
    names = {f.name: "" for f in fields(RunSettings) if f.name not in _PARTS}
    return names | {f.name: part for part, kind in _PARTS.items() for f in fields(kind)}


def with_keywords(settings: RunSettings, keywords: Mapping[str, Any]) -> RunSettings:
    """Settings with some replaced by name, whichever part they belong to; None leaves one alone.

    Raises
    ------
    TypeError
        A name that no setting has, with the nearest ones that there are.
    """
    places = setting_names()
    changes: dict[str, dict[str, Any]] = {}
    for name, value in keywords.items():
        if name not in places:
            raise TypeError(f"unknown setting {name!r}; {nearest(name, places)}")
        if value is not None:
            changes.setdefault(places[name], {})[name] = value
    parts = {
        part: replace(getattr(settings, part), **values) for part, values in changes.items() if part
    }
    return replace(settings, **parts, **changes.get("", {}))


def split_keywords(keywords: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Keywords of the ansatz, and those of settings."""
    ansatz = {name: value for name, value in keywords.items() if name in _ANSATZ}
    return ansatz, {name: value for name, value in keywords.items() if name not in _ANSATZ}


def with_every_keyword(function: Callable[..., Any]) -> inspect.Signature:
    """The signature of a function whose `**keywords` are the ansatz and settings, all named."""
    signature = inspect.signature(function)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    taken = set(signature.parameters)
    named = [name for name in (*_ANSATZ, *setting_names()) if name not in taken]
    kind = inspect.Parameter.KEYWORD_ONLY
    return signature.replace(
        parameters=[*own, *(inspect.Parameter(name, kind, default=None) for name in named)]
    )


def nearest(name: str, known: Mapping[str, Any]) -> str:
    """A hint at what may have been meant: the most similar names, or all of them."""
    similar = difflib.get_close_matches(name, known, n=3)
    return f"did you mean {' or '.join(similar)}?" if similar else f"known: {', '.join(known)}"
