"""Sections of `dynamics.py` that sum over all states: exact but for rounding."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

import rbmqs
from hamiltonians import Sector, SpinHamiltonian, chain, evolve, heisenberg, ising
from rbmqs import RBM, SymmetricRBM
from rbmqs.dynamics.batches import SummedBatch
from rbmqs.dynamics.equations import solve
from rbmqs.dynamics.integrators import METHODS
from rbmqs.vmc.full_summation import Summation
from rbmqs.vmc.settings import SamplingSettings

SUMMED: Mapping[str, Any] = {"summation": True, "progress": False}
FEATURES = {6: 4, 10: 8, 12: 18, 14: 40}  # by sites: enough for an infidelity of 1e-6 at t = 2


def velocity(quick: bool) -> dict[str, Any]:
    """Distance of the velocity from the exact projected one, relative to |(H - E) psi|."""
    sizes = (6,) if quick else (10, 12, 14)
    cases = {f"ising_{n}": ising(chain(n), h=1.0, J=-1.0) for n in sizes}
    n = 6 if quick else 12
    cases[f"heisenberg_{n}"] = heisenberg(chain(n), total_sz=0)
    return {name: _distance_of_velocity(H) for name, H in cases.items()}


def _distance_of_velocity(H: SpinHamiltonian) -> float:
    psi = RBM.random(H.n_sites, 1, seed=3, stddev=0.3)
    summation = Summation.wanted(H, psi, SamplingSettings(summation=True))
    assert summation is not None
    found = solve(SummedBatch(summation).at(psi, H), False, 1e-13)
    sector = Sector(H.n_sites, H.total_sz)
    vector = psi.state_vector(sector)
    tangents = psi.log_derivatives(sector.configurations()) * vector[:, None]
    tangents -= np.outer(vector, vector.conj() @ tangents)
    right = H.to_sparse() @ vector
    right = -1j * (right - vector * np.vdot(vector, right))
    basis, values, _ = np.linalg.svd(tangents, full_matrices=False)
    basis = basis[:, values > 1e-7 * values.max()]
    exact = basis @ (basis.conj().T @ right)
    return float(np.linalg.norm(tangents @ found.velocity - exact) / np.linalg.norm(right))


def orders(quick: bool) -> dict[str, float]:
    """Order of each integrator, from steps of a size and of half of it."""
    n = 4 if quick else 8
    lattice = chain(n)
    psi = SymmetricRBM.random(lattice.translation_group(), 1, seed=2, stddev=0.4)
    H, sector = ising(lattice, h=1.0, J=-1.0), Sector(n, None)

    def end(integrator: str, step: float) -> np.ndarray:
        result = rbmqs.evolve(
            H, psi, [0.0, 0.2], integrator=integrator, step=step, max_step=step, cutoff=1e-13,
            observables={}, tolerance=1e9, **SUMMED,
        )  # fmt: skip
        return result.psi.state_vector(sector)

    exact, found = end("rk45", 2e-3), {}
    for name, method in METHODS.items():
        steps = (0.0125, 0.00625) if method.order > 2 else (0.005, 0.0025)
        coarse, fine = (_distance(end(name, step), exact) for step in steps)
        found[name] = float(np.log2(coarse / fine))
    return found


def _distance(vector: np.ndarray, other: np.ndarray) -> float:
    """Norm of the difference of two states, phases left aside."""
    overlap = np.vdot(other, vector)
    return float(np.linalg.norm(vector - other * overlap / abs(overlap)))


def summed(quick: bool) -> dict[str, Any]:
    """Infidelity with the exact evolution of the same start, h = 0.5 to 1, to t = 2."""
    if quick:
        return {"ising_6": _summed_quench(6, 0.2)}
    return {f"ising_{n}": _summed_quench(n, 2.0) for n in (10, 12, 14)}


def _summed_quench(n: int, until: float) -> dict[str, float]:
    """Features tied over rotations and reflections of the ring, so that no parameter is wasted."""
    lattice, sector = chain(n), Sector(n, None)
    psi = SymmetricRBM.random(
        lattice.space_group(), n_features=FEATURES[n], hidden_bias=False, stddev=0.1, seed=1
    )
    before, after = ising(lattice, h=0.5, J=-1.0), ising(lattice, h=1.0, J=-1.0)
    ground = rbmqs.evolve(
        before, psi, [0.0, 10.0], imaginary=True, tolerance=3e-3, cutoff=1e-7, max_step=1.0,
        **SUMMED,
    )  # fmt: skip
    started = time.process_time()
    result = rbmqs.evolve(after, ground.psi, [0.0, until], cutoff=1e-11, **SUMMED)
    exact = evolve(after, ground.psi.state_vector(sector), [until])[0]
    return {
        "n_features": FEATURES[n],
        "infidelity": 1 - result.psi.overlap(exact, sector),
        "integrated_r2": result.integrated_r2,
        "n_steps": len(result.records),
        "cpu_seconds": time.process_time() - started,
    }
