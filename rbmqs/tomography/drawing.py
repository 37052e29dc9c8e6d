"""Synthetic shots: outcomes of a state measured in any product basis.

A rotation of some sites leaves the distribution of the others as it is. So the sites that are
measured along z are drawn from |psi|^2 first; given them, the k rotated sites are in a state of 2^k
amplitudes, which is rotated and drawn from exactly. No chain runs on rotated amplitudes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hamiltonians.operators.sectors import Sector
from hamiltonians.utils.checks import positive_int, short
from rbmqs.estimators.drawing import BLIND_SWEEPS, sampler_of_sector
from rbmqs.sampling.metropolis import MetropolisSampler
from rbmqs.states.state import VariationalState
from rbmqs.tomography.bases import Bases
from rbmqs.tomography.rotations import BasisSum, rotated
from rbmqs.tomography.shots import Shots

EXACT_SITES = 18  # up to which the whole state vector is rotated
ROTATED_SITES = 16  # at most, where it is not
_CHAINS, _THINNING = 64, 10  # sweeps between configurations that count as independent
_AT_ONCE = 2**18  # amplitudes in memory


def bases_of(bases: Any, n_sites: int | None = None) -> Bases:
    """Bases from one string, several strings, unitaries, or `Bases` themselves.

    Parameters
    ----------
    bases : str, sequence of str, array (n_bases, N, 2, 2), or Bases
    n_sites : int, optional

    Returns
    -------
    Bases

    Raises
    ------
    TypeError, ValueError
        As of `Bases`; another number of sites than `n_sites`.
    """
    if isinstance(bases, str):
        bases = [bases]
    if not isinstance(bases, Bases):
        if isinstance(bases, Sequence) and all(isinstance(label, str) for label in bases):
            bases = Bases.of_strings(bases)
        else:
            array = np.asarray(bases)
            bases = Bases.of_unitaries(array[None] if array.ndim == 3 else array)
    if n_sites is not None and bases.n_sites != n_sites:
        raise ValueError(f"bases must name {n_sites} sites, got {bases.n_sites}")
    return bases


def sample_in(
    psi: VariationalState,
    bases: Any,
    n_shots: int = 1000,
    *,
    total_sz: float | None = None,
    seed: int = 0,
) -> Shots:
    """Outcomes of measurements of a state in product bases.

    Parameters
    ----------
    psi : VariationalState
    bases : str, sequence of str, complex array (n_bases, N, 2, 2), or Bases
        Such as "XZY", site 0 first.
    n_shots : int
        Of each basis.
    total_sz : float, optional
        Sector of psi, outside of which its amplitudes are taken as zero.
    seed : int

    Returns
    -------
    Shots
        Independent draws up to 18 sites. Beyond, Metropolis chains give the sites measured along
        z, ten sweeps apart, and the others are drawn exactly.

    Raises
    ------
    TypeError, ValueError
        Wrong bases; more than 18 sites of which more than 16 are rotated in a basis.
    """
    bases, n_shots = bases_of(bases, psi.n_sites), positive_int("n_shots", n_shots)
    rng = np.random.default_rng(seed)
    if psi.n_sites <= EXACT_SITES:
        vector = psi.state_vector(Sector(psi.n_sites, total_sz))
        return shots_of_vector(vector, bases, n_shots, total_sz=total_sz, seed=rng)
    most = int(bases.rotated.sum(axis=1).max())
    if most > ROTATED_SITES:
        name = bases.name(int(bases.rotated.sum(axis=1).argmax()))
        raise ValueError(
            f"bases must rotate at most {ROTATED_SITES} of more than {EXACT_SITES} sites, "
            f"got {most} in {short(name)}"
        )
    configurations = _configurations(psi, n_shots * len(bases), total_sz, rng)
    rows = np.split(configurations, len(bases))
    drawn = [
        _redrawn(psi, unitaries, spins, total_sz, rng)
        for unitaries, spins in zip(bases.unitaries, rows, strict=True)
    ]
    return Shots.of(bases, np.concatenate(drawn), np.repeat(np.arange(len(bases)), n_shots))


def shots_of_vector(
    vector: np.ndarray,
    bases: Any,
    n_shots: int,
    *,
    total_sz: float | None = None,
    seed: int | np.random.Generator = 0,
) -> Shots:
    """Independent outcomes of a state vector, such as one of exact diagonalisation.

    Parameters
    ----------
    vector : array (dimension,)
        Normalised or not, in the order of `hamiltonians.Sector(n_sites, total_sz)`.
    bases, n_shots, total_sz
        As of `sample_in`.
    seed : int or Generator

    Returns
    -------
    Shots
    """
    bases, rng = bases_of(bases), np.random.default_rng(seed)
    sector = Sector(bases.n_sites, total_sz)
    if np.shape(vector) != (sector.dimension,):
        raise ValueError(f"vector must have shape ({sector.dimension},), got {np.shape(vector)}")
    amplitudes = np.zeros(2**bases.n_sites, complex)
    amplitudes[sector.basis_states()] = vector
    parts = (np.abs(rotated(amplitudes, u)) ** 2 for u in bases.unitaries)
    return shots_of_probabilities(bases, parts, n_shots, rng)


def shots_of_probabilities(
    bases: Bases, probabilities: Any, n_shots: int, rng: np.random.Generator
) -> Shots:
    """Independent outcomes from the probabilities (2^N,) of each basis, normalised or not.

    Parameters
    ----------
    bases : Bases
    probabilities : iterable of array (2^N,)
        One for each basis.
    n_shots : int
        Of each basis.
    rng : numpy.random.Generator

    Returns
    -------
    Shots
    """
    states, counts = [], []
    for p in probabilities:
        drawn = rng.multinomial(n_shots, p / p.sum())
        states.append(np.flatnonzero(drawn))
        counts.append(drawn[states[-1]])
    basis = np.repeat(np.arange(len(bases)), [len(s) for s in states])
    spins = Sector(bases.n_sites).states_to_spins(np.concatenate(states))
    return Shots.of(bases, spins, basis, np.concatenate(counts))


def _configurations(
    psi: VariationalState, n: int, total_sz: float | None, rng: np.random.Generator
) -> np.ndarray:
    """Configurations (n, N) drawn from |psi|^2, in random order."""
    seed = int(rng.integers(2**63))
    sampler = sampler_of_sector(psi.hilbert, total_sz, _CHAINS)
    if isinstance(sampler, MetropolisSampler):
        sampler = replace(sampler, sweep_size=_THINNING * psi.n_sites)
    n_draws = max(4, -(-n // _CHAINS))
    samples, _ = sampler.sample(psi, sampler.start(seed), n_draws, n_discard=BLIND_SWEEPS)
    return rng.permutation(samples.flat)[:n]


def _redrawn(
    psi: VariationalState,
    unitaries: np.ndarray,
    spins: np.ndarray,
    total_sz: float | None,
    rng: np.random.Generator,
) -> np.ndarray:
    """Spins (n, N) drawn along z with their rotated sites drawn anew in their basis."""
    sums = BasisSum.of(unitaries, spins)
    size = 2 ** len(sums.unitaries)
    pattern = sums.places // size
    order = np.argsort(pattern, kind="stable")
    ends = np.searchsorted(pattern[order], np.arange(len(sums.configurations) // size + 1))
    out = np.empty_like(spins)
    at_once = max(1, _AT_ONCE // size)
    for start in range(0, len(ends) - 1, at_once):
        stop = min(start + at_once, len(ends) - 1)
        candidates = sums.configurations[start * size : stop * size]
        log_psi = psi.log_psi(candidates).reshape(-1, size)
        if total_sz is not None:
            outside = candidates.sum(axis=1, dtype=np.int64) != round(2 * total_sz)
            log_psi = np.where(outside.reshape(-1, size), -np.inf, log_psi)
        amplitudes = np.exp(log_psi - log_psi.real.max(axis=1, keepdims=True))
        cumulative = np.cumsum(np.abs(rotated(amplitudes, sums.unitaries)) ** 2, axis=1)
        rows = order[ends[start] : ends[stop]]
        of_row = pattern[rows] - start
        for row, k in zip(rows, of_row, strict=True):
            chosen = np.searchsorted(cumulative[k], rng.random() * cumulative[k, -1])
            out[row] = candidates[k * size + min(chosen, size - 1)]
    return out
