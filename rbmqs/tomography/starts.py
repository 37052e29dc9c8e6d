"""Where fits start: random wavefunctions, with phases of the sites read off the shots.

Where phases are a sum over sites, psi = |psi| exp(i sum_i phi_i sigma_i / 2) as in Marshall's sign
rule, the correlation <sigma+_i sigma-_j> has the phase phi_j - phi_i. The leading eigenvector of
the matrix of these correlations, measured by X and Y on both sites, gives the phases of all sites
at once (angular synchronisation: Singer, arXiv:0905.3174).
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from rbmqs.states.amplitude_phase import AmplitudePhaseRBM
from rbmqs.states.rbm import RBM
from rbmqs.states.state import VariationalState
from rbmqs.tomography.shots import Shots

STDDEV = 0.1  # of random parameters; 0.01 stays on the plateau around the uniform state
# Spread of log psi by added hidden units, at most: that of five units of ten sites with STDDEV.
# With 20 more units of 20 sites at STDDEV itself a fidelity of 0.987 fell below 0.76.
ADDED = 0.22
MODELS = ("positive", "complex", "amplitude-phase")


def random_state(model: str, n_sites: int, n_hidden: int, seed: int) -> VariationalState:
    """A random wavefunction of a model."""
    options: dict[str, Any] = {"n_hidden": n_hidden, "seed": seed, "stddev": STDDEV}
    if model == "amplitude-phase":
        return AmplitudePhaseRBM.random(SimpleNamespace(n_sites=n_sites), **options)
    return RBM.random(n_sites, dtype=float if model == "positive" else complex, **options)


def with_phases(psi: VariationalState, phases: np.ndarray) -> VariationalState | None:
    """psi times exp(i sum_i phases_i sigma_i / 2); None where its parameters do not allow that."""
    n = len(phases)
    angles = np.zeros(psi.n_sites)
    angles[:n] = phases / 2
    if isinstance(psi, RBM) and psi.is_complex and psi.has_visible_bias:
        return replace(psi, visible_bias=psi.visible_bias + 1j * angles)
    if isinstance(psi, AmplitudePhaseRBM) and psi.phase.has_visible_bias:
        phase = replace(psi.phase, visible_bias=psi.phase.visible_bias + angles)
        return replace(psi, phase=phase)
    return None


def hidden_units_of(psi: VariationalState) -> int:
    """M, of the amplitude where there is a phase too; 0 for wavefunctions without hidden units."""
    found = psi.amplitude if isinstance(psi, AmplitudePhaseRBM) else psi
    return int(getattr(found, "n_hidden", 0))


def grown(psi: VariationalState, n_hidden: int, seed: int) -> VariationalState:
    """psi with more hidden units, whose parameters are random: nearly the same wavefunction."""
    if isinstance(psi, AmplitudePhaseRBM):
        parts = enumerate((psi.amplitude, psi.phase))
        return AmplitudePhaseRBM(*(_grown(part, n_hidden, seed + k) for k, part in parts))
    assert isinstance(psi, RBM)
    return _grown(psi, n_hidden, seed)


def _grown(psi: RBM, n_hidden: int, seed: int) -> RBM:
    more = n_hidden - psi.n_hidden
    # log cosh theta is theta^2 / 2, of spread N stddev^2 for each unit
    stddev = min(STDDEV, float(np.sqrt(ADDED / (psi.n_sites * np.sqrt(more)))))
    added = RBM.random(
        psi.n_sites, n_hidden=more, seed=seed, stddev=stddev, dtype=psi.weights.dtype.type
    )
    return replace(
        psi,
        hidden_bias=np.append(psi.hidden_bias, added.hidden_bias * psi.has_hidden_bias),
        weights=np.concatenate([psi.weights, added.weights], axis=1),
    )


def phases_of_sites(shots: Shots) -> np.ndarray | None:
    """Phases phi (N,) that explain correlations of X and Y; None where none were measured."""
    if not shots.bases.are_pauli:
        return None
    pairs = pair_correlations(shots)
    # 4 <sigma+_i sigma-_j> = <XX> + <YY> + i (<YX> - <XY>)
    matrix = pairs[0, 0] + pairs[1, 1] + 1j * (pairs[1, 0] - pairs[0, 1])
    np.fill_diagonal(matrix, 0)
    if not matrix.any():
        return None
    leading = np.linalg.eigh(matrix)[1][:, -1]
    return np.angle(leading[0]) - np.angle(leading)


def pair_correlations(shots: Shots) -> np.ndarray:
    """<P_i Q_j> for P and Q among X, Y, Z, float64 (3, 3, N, N), zero where none was measured."""
    letters, n = shots.bases.letters, shots.n_sites
    sums, counts = np.zeros((2, 3, 3, n, n))
    i, j = np.indices((n, n))
    for basis in range(len(shots.bases)):
        rows = shots.rows(basis)
        spins, many = shots.outcomes[rows].astype(float), shots.counts[rows]
        first, second = letters[basis][i], letters[basis][j]
        sums[first, second, i, j] += (spins * many[:, None]).T @ spins
        counts[first, second, i, j] += many.sum()
    return sums / np.maximum(counts, 1)
