"""The signs that a run takes: those known for its ground state, a rule, or none.

A run works in the basis of these signs, where its ground state is positive or nearly so. What it
returns, wavefunction and Hamiltonian, is in the basis that was given: `in_given_basis`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hamiltonians.models.known_signs import connects_all, known_signs, sign_sites
from hamiltonians.models.sign_rules import rules_of, sign_rotation
from hamiltonians.models.symmetries import SYMMETRIC, find_sector, turned_sector
from rbmqs.estimators.estimate import Estimate
from rbmqs.states.rotated import unrotated
from rbmqs.states.state import VariationalState

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from hamiltonians.symmetry.groups import SymmetrySector

KNOWN, NONE = "known", "none"
N_SIGNS = 1024  # samples whose signs are compared with those of the ground state
MEAN_SIGN = 0.5


def with_signs(
    hamiltonian: SpinHamiltonian, signs: Any, project: str | SymmetrySector | None
) -> tuple[SpinHamiltonian, str | SymmetrySector | None]:
    """The Hamiltonian in the basis of the signs, and the sector to project onto in that basis.

    Parameters
    ----------
    hamiltonian : SpinHamiltonian
        One that is rotated already keeps its basis where nothing else is asked for.
    signs : str, list of int, or None
        "known" for the signs that a ground state surely has, where there are such; "none" or None
        for the basis as it is; else a sign rule or the sites to turn by pi.
    project : str, SymmetrySector or None
        In the basis of `hamiltonian`. "symmetric" stands for the sector of the positive state.

    Raises
    ------
    TypeError, ValueError
        A sign rule that does not exist, signs of a Hamiltonian that is rotated already, or a
        sector that a rule mixes with others.
    """
    if signs is None or (isinstance(signs, str) and signs == NONE):
        return hamiltonian, project
    is_default = isinstance(signs, str) and signs == KNOWN
    if is_default and hamiltonian.rotation is not None:
        return hamiltonian, project
    if is_default:
        rotation = known_signs(hamiltonian).rotation
    else:
        found = sign_rotation(signs, hamiltonian.n_sites, hamiltonian.lattice)
        rotation = replace(found, automatic=True)
    if rotation is None:
        return hamiltonian, project
    if project is None or (isinstance(project, str) and project == SYMMETRIC):
        return hamiltonian.rotated(rotation), project
    sector = turned_sector(find_sector(hamiltonian, project), rotation, hamiltonian)
    if sector is not None:
        return hamiltonian.rotated(rotation), sector
    if is_default:  # the basis is left as it is: a sector need not hold the ground state
        return hamiltonian, project
    raise ValueError(f"project must be left out with signs {signs!r}, which mix it with others")


def in_given_basis(
    hamiltonian: SpinHamiltonian, psi: VariationalState, estimate: Estimate | None
) -> tuple[SpinHamiltonian, VariationalState, Estimate | None]:
    """Hamiltonian, wavefunction and estimate without a rotation that a run took by itself."""
    rotation = hamiltonian.rotation
    if rotation is None or not rotation.automatic:
        return hamiltonian, psi, estimate
    given, state = hamiltonian.unrotated(), unrotated(psi, rotation)
    if estimate is not None:
        estimate = replace(estimate, psi=state, hamiltonian=given)
    return given, state, estimate


def positive_as_known(estimate: Estimate) -> bool:
    """Whether a state has the signs that the ground state is known to have (Perron & Frobenius).

    Excited states of the same sector are orthogonal to it, and have not. Ranks that divide the
    samples ask together.
    """
    hamiltonian = estimate.hamiltonian
    minus = sign_sites(hamiltonian)
    if minus is None or not connects_all(hamiltonian):
        return False
    samples = estimate.samples
    _, spins = samples.chosen(np.arange(0, samples.n_all, max(samples.n_all // N_SIGNS, 1)))
    lowered = hamiltonian.local_space.levels(spins)[:, minus].sum(axis=1)
    phases = estimate.psi.log_psi(spins).imag + np.pi * lowered
    mean = samples.mean(np.exp(1j * phases))
    return mean is not None and abs(mean) > MEAN_SIGN


def sign_advice(hamiltonian: SpinHamiltonian) -> str:
    """What may be done about the signs of a state that is no ground state; empty if they are known.

    Parameters
    ----------
    hamiltonian : SpinHamiltonian
        In the basis in which a run worked.
    """
    known = known_signs(hamiltonian)
    rules = ", ".join(rules_of(hamiltonian.lattice)) or "a list of sites"
    if known.rotation is not None and hamiltonian.rotation is None:
        named = ", marshall=True" if known.rotation.rule == "marshall" else ""
        return f"the known signs, which signs=None turned off (signs='known'{named}; --signs known)"
    if hamiltonian.rotation is not None and (known.rotation is not None or known.obstacle):
        title = hamiltonian.rotation.title
        return f"signs other than the {title} (signs=, --signs: none, {rules})"
    if known.obstacle:
        reason = f"the signs are not known: {known.obstacle}"
        return f"a sign rule, as {reason} (signs=, --signs: auto, {rules})"
    return ""
