"""Evolution in time: equations, integrators and quenches of the Ising chain against exact ones.

    python benchmarks/dynamics.py [--quick] [--json FILE] [--alpha A] [--samples N]

1. The velocity of the variational principle, summed over all states, against the exact one
   projected on the tangent space.
2. The order of each integrator, by halving steps.
3. A quench from h = 0.5 to 1, summed over all states: infidelity with the exact evolution of the
   same start.
4. The same quench of 40 sites by samples, tied weights, to t = 1.9: largest deviations of m_x and
   of Z Z on a bond from free fermions, where the published weights of Carleo & Troyer, Science 355,
   602 (2017), have 2.2e-2 in both at alpha = 4.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np

import rbmqs
from hamiltonians import Sector, chain, evolve, ising
from rbmqs import RBM, SymmetricRBM
from rbmqs.dynamics.batches import SummedBatch
from rbmqs.dynamics.equations import solve
from rbmqs.dynamics.integrators import METHODS
from rbmqs.vmc.full_summation import Summation
from rbmqs.vmc.settings import SamplingSettings

SUMMED = {"summation": True, "progress": False}


def velocity(n: int) -> dict[str, float]:
    """Distance of the velocity from the exact projected one, relative to |(H - E) psi|."""
    H, psi = ising(chain(n), h=0.7, J=-1.0), RBM.random(n, 1, seed=3, stddev=0.3)
    summation = Summation.wanted(H, psi, SamplingSettings(summation=True))
    found = solve(SummedBatch(summation).at(psi, H), False, 1e-13)
    sector = Sector(n, None)
    vector = psi.state_vector(sector)
    spins = sector.states_to_spins(sector.basis_states())
    tangents = psi.log_derivatives(spins) * vector[:, None]
    tangents -= np.outer(vector, vector.conj() @ tangents)
    right = H.to_sparse() @ vector
    right = -1j * (right - vector * np.vdot(vector, right))
    basis, values, _ = np.linalg.svd(tangents, full_matrices=False)
    basis = basis[:, values > 1e-7 * values.max()]
    exact = basis @ (basis.conj().T @ right)
    distance = np.linalg.norm(tangents @ found.velocity - exact) / np.linalg.norm(right)
    return {"sites": n, "distance": float(distance)}


def orders(n: int) -> dict[str, float]:
    """Order of each integrator, from steps of a size and of half of it, summed over all states."""
    lattice = chain(n)
    psi = SymmetricRBM.random(lattice.translation_group(), 1, seed=2, stddev=0.4)
    H, sector = ising(lattice, h=1.0, J=-1.0), Sector(n, None)

    def end(integrator: str, step: float, **options: float) -> np.ndarray:
        result = rbmqs.evolve(
            H, psi, [0.0, 0.2], integrator=integrator, step=step, max_step=step, cutoff=1e-13,
            observables={}, **SUMMED, **{"tolerance": 1e9, **options},
        )  # fmt: skip
        return result.psi.state_vector(sector)

    exact, found = end("rk45", 2e-3), {}
    for name, method in METHODS.items():
        coarse, fine = (distance(end(name, step), exact) for step in _steps(method))
        found[name] = float(np.log2(coarse / fine))
    return found


def distance(vector: np.ndarray, other: np.ndarray) -> float:
    """Norm of the difference of two states, phases left aside."""
    overlap = np.vdot(other, vector)
    return float(np.linalg.norm(vector - other * overlap / abs(overlap)))


def _steps(method: Any) -> tuple[float, float]:
    return (0.0125, 0.00625) if method.order > 2 else (0.005, 0.0025)


def summed_quench(n: int, n_features: int, until: float) -> dict[str, float]:
    """Infidelity at the end of a quench, from a start made by imaginary time."""
    lattice, sector = chain(n), Sector(n, None)
    psi = SymmetricRBM.random(
        lattice.translation_group(), n_features=n_features, hidden_bias=False, stddev=0.1, seed=1
    )
    before, after = ising(lattice, h=0.5, J=-1.0), ising(lattice, h=1.0, J=-1.0)
    ground = rbmqs.evolve(
        before,
        psi,
        [0.0, 10.0],
        imaginary=True,
        tolerance=3e-3,
        cutoff=1e-7,
        max_step=1.0,
        **SUMMED,
    )
    started = time.process_time()
    result = rbmqs.evolve(after, ground.psi, [0.0, until], cutoff=1e-9, **SUMMED)
    exact = evolve(after, ground.psi.state_vector(sector), [until])[0]
    return {
        "sites": n,
        "alpha": n_features,
        "until": until,
        "infidelity": 1 - result.psi.overlap(exact, sector),
        "integrated_r2": result.records[-1].integrated_r2,
        "steps": len(result.records),
        "cpu_seconds": time.process_time() - started,
    }


def sampled_quench(n: int, alpha: int, n_samples: int, times: np.ndarray) -> dict[str, Any]:
    """Largest deviations from free fermions, in their error bars too, and the time that it took."""
    lattice = chain(n)
    form = SymmetricRBM.random(
        lattice.translation_group(), alpha, hidden_bias=False, stddev=0.02, seed=1
    )
    ground = rbmqs.ground_state(
        ising(lattice, h=0.5, J=-1.0), psi=form, n_iterations=500, n_samples=2048, progress=False
    )
    started, wall = time.process_time(), time.perf_counter()
    result = rbmqs.evolve(
        ising(lattice, h=1.0, J=-1.0), ground, times, integrator="rk23", tolerance=1e-3,
        n_samples=n_samples, n_observable_samples=32768, progress=False,
    )  # fmt: skip
    found: dict[str, Any] = {
        "sites": n,
        "alpha": alpha,
        "samples": n_samples,
        "reached": float(result.times[-1]),
        "wall_seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - started,
        "integrated_r2": result.records[-1].integrated_r2,
        "largest_drift_in_errors": float(max(abs(r.drift) for r in result.records)),
        "times": result.times.tolist(),
        "status": list(result.status),
    }
    for name in ("mx", "zz"):
        deviation = result.values(name) - result.exact[name]
        found |= {
            f"{name}_largest": float(abs(deviation).max()),
            f"{name}_deviation": deviation.tolist(),
            f"{name}_error": result.errors(name).tolist(),
        }
    return found


def main() -> None:
    """Print the figures, and write them where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small chains, short times")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--alpha", type=int, default=4, help="of the sampled quench (4)")
    parser.add_argument("--samples", type=int, default=4096, help="of the sampled quench (4096)")
    args = parser.parse_args()
    small = args.quick
    report: dict[str, Any] = {}

    def show(name: str, found: dict[str, Any]) -> None:
        report[name] = found
        plain = {k: v for k, v in found.items() if not isinstance(v, list)}
        print(f"{name}: " + ", ".join(f"{k} {v:.3g}" for k, v in plain.items()), flush=True)

    show("velocity", velocity(6 if small else 10))
    show("orders", orders(4 if small else 8))
    show("summed quench", summed_quench(6, 3, 0.2) if small else summed_quench(10, 6, 2.0))
    times = np.linspace(0, 0.1, 2) if small else np.linspace(0, 1.9, 20)
    n_samples = 256 if small else args.samples
    show("sampled quench", sampled_quench(14 if small else 40, args.alpha, n_samples, times))
    if args.json:
        with open(args.json, "w") as file:
            json.dump(report, file, indent=1)


if __name__ == "__main__":
    main()
