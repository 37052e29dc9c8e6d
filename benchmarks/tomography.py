"""States from measured shots: fidelities and times, beside published figures.

    python benchmarks/tomography.py [SECTION ...] [--data FOLDER] [--quick] [--json FILE]

All sections without any named; those that need `--data`, a folder of published shots (QuCumber's
tutorials, ions, photons, a transmon pair), are left out without it.

t1          QuCumber's first tutorial: 10 sites, 10,000 z shots. QuCumber 0.9898 in 87 s
t2          its second: two sites, five bases. QuCumber 0.99281 in 49 s, maximum 0.99287
ghz         four sites with a phase, 27 and 81 bases of 100 shots, the worst of ten seeds
heisenberg  ring of 12, signs hidden, 50 random Pauli bases of 2,000 shots: fidelity and energy
            after three minutes at most
heisenberg_20  ring of 20, twenty minutes
others      states that no setting was chosen on: W, random matrix products, Ising, thermal
sampled     gradients by samples against full sums, in standard errors
mixed, ions, coverage, hybrid  mixed states and error bars, of `benchmarks/tomography_mixed.py`
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tomography_mixed as mixed
from timing import write_record

import hamiltonians as hm
import rbmqs
from rbmqs.tomography.bases import all_pauli_bases, random_pauli_bases
from rbmqs.tomography.drawing import shots_of_probabilities, shots_of_vector
from rbmqs.tomography.functionals import pauli_means, pauli_products
from rbmqs.tomography.objective import ExactObjective
from rbmqs.tomography.reading import read_shots, read_target
from rbmqs.tomography.rotations import rotated
from rbmqs.tomography.sampled import SampledObjective
from rbmqs.tomography.shots import Shots

Record = dict[str, Any]


def qucumber(folder: Path, shots: str, bases: str | None, target: str) -> Record:
    """Fidelity and seconds of one of QuCumber's data sets, kernels loaded by a first short fit."""
    where = folder / "qucumber"
    data = read_shots(where / shots, None if bases is None else where / bases)
    goal = read_target(where / target)
    rbmqs.reconstruct(data, n_hidden=1, n_starts=1, n_iter=2)
    started = time.perf_counter()
    found = rbmqs.reconstruct(data, target=goal)
    seconds = time.perf_counter() - started
    return {"fidelity": found.fidelity(), "seconds": seconds, "n_hidden": found.psi.n_hidden}


def first_tutorial(folder: Path, quick: bool) -> Record:
    """T1."""
    return qucumber(folder, "tfim1d_data.txt", None, "tfim1d_psi.txt")


def second_tutorial(folder: Path, quick: bool) -> Record:
    """T2."""
    return qucumber(folder, "qubits_train.txt", "qubits_train_bases.txt", "qubits_psi.txt")


def ghz(quick: bool) -> Record:
    """The worst fidelity of ten seeds, by the number of bases."""
    target = np.zeros(16, complex)
    target[[0, 15]] = np.sqrt(0.5), np.sqrt(0.5) * np.exp(0.7j)
    record: Record = {}
    for n_bases in (27, 81):
        chosen = np.sort(np.random.default_rng(n_bases).choice(81, n_bases, replace=False))
        shots = shots_of_vector(target, all_pauli_bases(4)[chosen], 100, seed=1)
        seeds = range(2 if quick else 10)
        found = [rbmqs.reconstruct(shots, target=target, seed=seed) for seed in seeds]
        record[f"worst_{n_bases}_bases"] = min(result.fidelity() for result in found)
    return record


def heisenberg(n_sites: int, quick: bool, max_seconds: float) -> Record:
    """A Heisenberg ring, whose Marshall signs the model is not told, in so much time."""
    n_sites = 8 if quick else n_sites
    H = hm.heisenberg(hm.chain(n_sites))
    exact = hm.ground_state(H, 1, vectors=True)
    vector = np.zeros(2**n_sites)
    sector = hm.Sector(n_sites, H.total_sz)
    vector[sector.basis_states().astype(int)] = np.ravel(exact.vectors)
    bases = random_pauli_bases(n_sites, 50, seed=3)
    shots = shots_of_vector(vector, bases, 200 if quick else 2000, seed=1)
    started, processor = time.perf_counter(), time.process_time()
    found = rbmqs.reconstruct(shots, target=vector, progress=True, max_seconds=max_seconds)
    seconds, processor = time.perf_counter() - started, time.process_time() - processor
    energy = pauli_means(found.vector[None], H.terms, n_sites)[0].real
    return {
        "fidelity": found.fidelity(),
        "relative_energy_error": float(1 - energy / exact.energies[0]),
        "seconds": seconds,
        "processor_seconds": processor,
        "n_hidden": found.psi.n_hidden,
        "n_steps": len(found.history),
        "status": found.status,
    }


def others(quick: bool) -> Record:
    """Fidelities of states, sizes and numbers of shots that no setting was chosen on."""
    n = 4 if quick else 7
    w = np.zeros(2**n)
    w[2 ** np.arange(n)] = 1
    rng = np.random.default_rng(5)
    tensors = rng.normal(size=(2, n, 2, 2, 2))  # bond dimension two
    product = np.ones((1, 2))
    for a in tensors[0] + 1j * tensors[1]:
        product = np.einsum("xl,lsr->xsr", product, a).reshape(-1, 2)
    states = {"w": w, "matrix_product": product[:, 0]}
    for h in (0.5, 2.0):
        states[f"ising_{h}"] = hm.ground_state(hm.ising(hm.chain(n), h=h)).expanded().ravel()
    record: Record = {}
    for name, vector in states.items():
        for n_shots in (100, 700):
            shots = shots_of_vector(vector, random_pauli_bases(n, 40, seed=7), n_shots, seed=8)
            found = rbmqs.reconstruct(shots, target=vector)
            record[f"{name}_{n_shots}"] = found.fidelity(), found.psi.n_hidden, len(found.history)
    matrix = pauli_products(np.eye(8), hm.ising(hm.chain(3), h=0.7).terms, 3).real
    energies, axes = np.linalg.eigh(matrix)
    thermal = (axes * np.exp(-0.5 * (energies - energies[0]))) @ axes.T
    for n_shots in (100, 700):
        shots = mixed_shots(thermal, n_shots)
        found = rbmqs.reconstruct(shots, model="mixed", target=thermal)
        record[f"thermal_{n_shots}"] = found.fidelity()
    return record


def mixed_shots(rho: np.ndarray, n_shots: int) -> Shots:
    """Shots of a density matrix in all Pauli bases."""
    bases = all_pauli_bases(len(rho).bit_length() - 1)
    weights, axes = np.linalg.eigh(rho / np.trace(rho))
    turned = rotated(axes.T, bases.unitaries[:, None])
    parts = np.einsum("k,bkx->bx", np.maximum(weights, 0), abs(turned) ** 2)
    return shots_of_probabilities(bases, iter(parts), n_shots, np.random.default_rng(9))


def sampled(quick: bool) -> Record:
    """Distance of the mean of sampled gradients from the exact one, in standard errors along it.

    Components are correlated, so that a mean over all of them is no better a test.
    """
    n_sites, n_seeds = (6, 4) if quick else (10, 16)
    psi, other = (rbmqs.RBM.random(n_sites, stddev=0.3, seed=seed) for seed in (3, 4))
    target = other.state_vector(hm.Sector(n_sites))
    shots = shots_of_vector(target, random_pauli_bases(n_sites, 4, seed=1), 200, seed=1)
    exact = ExactObjective(shots).slope(psi, shots.counts).force
    found = [SampledObjective(shots, seed).slope(psi, shots.counts) for seed in range(n_seeds)]
    forces = np.array([slope.force for slope in found])
    along = (forces.conj() @ exact).real / np.linalg.norm(exact)
    error = along.std(ddof=1) / np.sqrt(n_seeds)
    return {
        "deviation_in_errors": float((along.mean() - np.linalg.norm(exact)) / error),
        "relative_error": float(np.linalg.norm(forces.std(axis=0)) / np.linalg.norm(exact)),
    }


def table(rows: list[mixed.Row]) -> Record:
    """Rows of the figures of mixed states."""
    return {label: {"value": value, "limit": limit} for label, value, limit in rows}


def published_mixed(folder: Path, quick: bool) -> Record:
    """QuCumber's third tutorial, the transmon pair and the photons."""
    rows = mixed.noisy_pair(folder, 100)
    if quick:
        return table([rows])
    return table(
        [rows, mixed.noisy_pair(folder, 1000), *mixed.transmon(folder), *mixed.photons(folder)]
    )


SECTIONS: dict[str, Callable[[bool], Record]] = {
    "ghz": ghz,
    "heisenberg": lambda quick: heisenberg(12, quick, 175.0),
    "heisenberg_20": lambda quick: heisenberg(20, quick, 1180.0),
    "others": others,
    "sampled": sampled,
    "coverage": lambda quick: table(mixed.coverage(4 if quick else 200)),
    "hybrid": lambda quick: table(mixed.hybrid()),
}
WITH_DATA: dict[str, Callable[[Path, bool], Record]] = {
    "t1": first_tutorial,
    "t2": second_tutorial,
    "mixed": published_mixed,
    "ions": lambda folder, quick: table(mixed.ions(folder)),
}


def main() -> None:
    """Run sections and print what they found."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("sections", nargs="*", metavar="SECTION")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="of published shots")
    parser.add_argument("--quick", action="store_true", help="small versions")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    known = [*WITH_DATA, *SECTIONS]
    if unknown := set(options.sections) - set(known):
        parser.error(f"SECTION must be among {', '.join(known)}, got {', '.join(sorted(unknown))}")
    record: Record = {}
    for name in options.sections or known:
        if name in WITH_DATA:
            if options.data is None or not options.data.exists():
                print(f"{name}: left out, needs --data", flush=True)
                continue
            record[name] = WITH_DATA[name](options.data, options.quick)
        else:
            record[name] = SECTIONS[name](options.quick)
        print(f"{name}: {json.dumps(record[name])}", flush=True)
    write_record(options.json, record)


if __name__ == "__main__":
    main()
