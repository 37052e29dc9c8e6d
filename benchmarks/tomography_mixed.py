"""Mixed states from measured shots against published figures, and how often stated errors cover.

Data: a folder of published shots (`--data`), the layout of which is in its README. What is missing
there is left out. Limits are those of maximum likelihood over all density matrices.

    python benchmarks/tomography_mixed.py --data FOLDER
    python benchmarks/tomography_mixed.py --coverage 200 [--first SEED] [--sampled]
    python benchmarks/tomography_mixed.py --hybrid
"""

from __future__ import annotations

import argparse
import csv
import re
import time
from pathlib import Path
from typing import Any

import numpy as np

from hamiltonians import PauliSum, Sector, X, Z, chain, ground_state, ising, spin_hamiltonian
from rbmqs import RBM
from rbmqs.tomography.answers import Answers
from rbmqs.tomography.bases import Bases, all_pauli_bases
from rbmqs.tomography.drawing import shots_of_vector
from rbmqs.tomography.expectations import Means, mixed_state_of_means
from rbmqs.tomography.functionals import fidelities, pauli_means, target_array
from rbmqs.tomography.hybrid import fit_with_energy
from rbmqs.tomography.mixed import reconstruct_mixed
from rbmqs.tomography.sampled_answers import SampledAnswers
from rbmqs.tomography.scoring import best_fit
from rbmqs.tomography.shots import Shots

Row = tuple[str, float, str]
W = np.array([0, 1, 1, 0]) / np.sqrt(2)
BELL = np.array([1, 0, 0, 1]) / np.sqrt(2)
ION_STATES = ("a1", "a2", "a3", "a4", "b1", "b2", "b3", "b4", "c1", "c2")
ION_WEIGHTS = np.array([0.94 / 8] * 8 + [0.03] * 2)


def shots_of_table(labels: list[str], counts: np.ndarray) -> Shots:
    """Shots from counts (n_bases, 2^N), first letter most significant."""
    n_sites = len(labels[0])
    bits = np.arange(2**n_sites)[:, None] >> np.arange(n_sites - 1, -1, -1) & 1
    spins = np.tile(1 - 2 * bits, (len(labels), 1))
    basis = np.repeat(np.arange(len(labels)), 2**n_sites)
    return Shots.of(Bases.of_strings(labels), spins, basis, counts.ravel())


def noisy_pair(folder: Path, n_shots: int) -> Row:
    """QuCumber's third tutorial: a Bell state, depolarised by one half."""
    stem = folder / "qucumber" / f"N2_W_state_{n_shots}_samples"
    bits = np.loadtxt(f"{stem}_data.txt", dtype=int)
    labels = ["".join(line.split()) for line in Path(f"{stem}_bases.txt").read_text().splitlines()]
    different = sorted(set(labels))
    basis = np.array([different.index(label) for label in labels])
    shots = Shots.of(Bases.of_strings(different), 1 - 2 * bits, basis)
    mixed, _ = reconstruct_mixed(shots)
    target = 0.5 * np.outer(W, W) + 0.125 * np.eye(4)
    limit = {100: "0.9627, QuCumber 0.9656", 1000: "0.9977"}[n_shots]
    return f"T3, {n_shots} shots a basis: fidelity", mixed.fidelity(target), limit


def ion_targets() -> dict[str, np.ndarray]:
    """The ten pure states of arXiv:2510.12457."""
    plus, minus = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
    s = np.diag([1, 1j])
    g = np.kron(np.kron(s, s), np.diag([1, -1]))
    found = {
        "a1": np.kron(plus, BELL),
        "a2": np.kron(minus, np.array([1, 0, 0, -1]) / np.sqrt(2)),
    }
    for name, signs in (("b1", (1, 1, 1, 1)), ("b2", (1, -1, -1, 1))):
        found[name] = np.zeros(8)
        found[name][[0b000, 0b101, 0b010, 0b111]] = np.array(signs) / 2
    for old, new in (("a1", "a3"), ("a2", "a4"), ("b1", "b3"), ("b2", "b4")):
        found[new] = g @ found[old]
    return found | {"c1": np.eye(8)[1], "c2": np.eye(8)[6]}


def ions(folder: Path) -> list[Row]:
    """Twenty three-qubit states of trapped ions, and the mixtures of ten each."""
    tables: dict[tuple[str, str], tuple[list[str], list[list[int]]]] = {}
    for row in csv.DictReader((folder / "ions" / "counts.csv").open()):
        labels, counts = tables.setdefault((row["ions"], row["state"]), ([], []))
        labels.append(row["basis"])
        counts.append([int(row[f"n{k:03b}"]) for k in range(8)])
    targets, states = ion_targets(), {}
    for key, (labels, counts) in tables.items():
        shots = shots_of_table(labels, np.array(counts))
        states[key] = shots, *reconstruct_mixed(shots)
    found = [mixed.fidelity(targets[name]) for (_, name), (_, mixed, _) in states.items()]
    rows: list[Row] = [("ions: mean fidelity of twenty states", float(np.mean(found)), "0.932")]
    vectors = np.array([targets[name] for name in ION_STATES])
    ideal = (vectors.T * ION_WEIGHTS) @ vectors.conj()
    limits = {"024": ("0.9746(15)", "0.2523"), "531": ("0.9870(14)", "0.2545")}
    for triple, (of_fidelity, of_purity) in limits.items():
        drawn = []
        for name in ION_STATES:
            shots, _, fit = states[triple, name]
            drawn.append(Answers(fit.psi, shots, n_draws=60).density_matrices())
        mixtures = np.einsum("s,snij->nij", ION_WEIGHTS, np.array(drawn))
        purities = np.einsum("nij,nji->n", mixtures, mixtures).real
        values = np.array([fidelity_of_matrices(m, ideal) for m in mixtures])
        for name, all_values, limit in (
            ("fidelity", values, of_fidelity), ("purity", purities, of_purity)
        ):  # fmt: skip
            label = f"ions {triple}, mixture: {name}"
            rows.append((label, float(all_values[0]), f"{limit}, bootstrap error here "
                         f"{all_values[1:].std():.4f}"))  # fmt: skip
    return rows


def fidelity_of_matrices(rho: np.ndarray, sigma: np.ndarray) -> float:
    """(Tr (r^1/2 s r^1/2)^1/2)^2."""
    weights, axes = np.linalg.eigh(rho)
    root = axes * np.sqrt(np.maximum(weights, 0))
    inner = np.linalg.eigvalsh(root.conj().T @ sigma @ root)
    return float(np.sqrt(np.maximum(inner, 0)).sum() ** 2)


def transmon(folder: Path) -> list[Row]:
    """Fifteen Pauli means of a Bell state of two transmons."""
    rows: list[Row] = []
    table = list(csv.DictReader((folder / "bell_transmon" / "bell-state-tomography.csv").open()))
    for kind, limit in (("", "0.9935 by linear inversion"), ("raw_", "0.8562")):
        means = {}
        for line in table:
            factors = re.findall(r"([XYZ])(\d)", line["setting"].split(")*")[1])
            by_site = {site: letter for letter, site in factors}
            label = "".join(by_site.get(str(site), "I") for site in range(2))
            means[label] = float(line[f"{kind}expectation"]), float(line[f"{kind}std_err"])
        mixed, _ = mixed_state_of_means(means)
        title = "raw" if kind else "calibrated"
        inverted = Means.of(means).inverted(BELL)
        rows.append((f"transmons, {title}: linear inversion", inverted.mean, limit))
        rows.append((f"transmons, {title}: likeliest state", mixed.fidelity(BELL), limit))
    return rows


def photons(folder: Path) -> list[Row]:
    """Nine bases of a noisy Bell state of two photons."""
    table = list(csv.DictReader((folder / "bell_photons" / "counts.csv").open()))
    counts = np.array([[int(row[f"n{k:02b}"]) for k in range(4)] for row in table])
    mixed, _ = reconstruct_mixed(shots_of_table([row["basis"] for row in table], counts))
    return [
        ("photons: fidelity", mixed.fidelity(W), "0.7971"),
        ("photons: purity", mixed.purity, "0.738, source 0.734(3)"),
    ]


def coverage(n_sets: int, first: int = 0, answers: Any = Answers) -> list[Row]:
    """Of a positive model of four sites, and of a complex one of three."""
    every = list(all_pauli_bases(3).labels)
    return [
        *coverage_of(float, 4, ["ZZZZ", "XXXX"], 1000, n_sets, first, answers),
        *coverage_of(complex, 3, every, 50, n_sets, first, answers),
    ]


def coverage_of(
    kind: type,
    n_sites: int,
    labels: list[str],
    n_shots: int,
    n_sets: int,
    first: int,
    answers_of: Any,
) -> list[Row]:
    """Shares of synthetic sets of shots in which two errors cover the truth, for one model.

    Seeds of the sets begin with `first`. The state is the ground state of an Ising ring and noise,
    so that its fidelity with that is below one; that with itself has no first order.
    """
    H = ising(chain(n_sites), h=1.0)
    target = ground_state(H).expanded().ravel()
    noise = np.random.default_rng(7).normal(size=(2, len(target))) / len(target)
    true = np.abs(target + noise[0]) if kind is float else target + noise[0] + 1j * noise[1]
    true = true.astype(complex) / np.linalg.norm(true)
    operators = {
        "m_x": sum((X(i) for i in range(1, n_sites)), X(0)) / n_sites,
        "m_z": sum((Z(i) for i in range(1, n_sites)), Z(0)) / n_sites,
        "zz": Z(0) * Z(1),
        "energy": H.terms,
    }
    exact = {k: pauli_means(true[None], o, n_sites)[0].real for k, o in operators.items()}
    goals = {"fidelity": target, "fidelity with itself": true}
    for name, goal in goals.items():
        exact[name] = fidelities(true[None], target_array(goal, n_sites), n_sites)[0]
    pulls: dict[str, list[float]] = {name: [] for name in exact}
    for seed in range(first, first + n_sets):
        shots = shots_of_vector(true, labels, n_shots, seed=seed)
        start = RBM.random(n_sites, 2, seed=seed, dtype=kind, stddev=0.3)
        answers = answers_of(best_fit([start], shots).psi, shots, seed=seed)
        found = {name: answers.expect(o) for name, o in operators.items()}
        found |= {name: answers.fidelity(goal) for name, goal in goals.items()}
        for name, answer in found.items():
            pulls[name].append((answer.estimate - exact[name]) / answer.error)
    title = "positive" if kind is float else "complex"
    return [
        (f"coverage, {title}: {name}", float((np.abs(values) < 2).mean()),
         f"0.92 to 0.98; {n_sets} sets, mean pull {np.mean(values):.2f}")
        for name, values in pulls.items()
    ]  # fmt: skip


def hybrid() -> list[Row]:
    """Fidelity from 500 shots of eight sites, from a Hamiltonian off by a fifth, and from both.

    The device is an Ising ring whose couplings and fields are off by 20 %; what is known of it is
    their mean. "Energy" is the exact ground state of that; the other two are one RBM of one start.
    """
    n_sites, rows = 8, []
    nominal = ising(chain(n_sites), h=1.2)
    of_nominal = ground_state(nominal).expanded().ravel()
    for seed in range(1, 6):
        rng = np.random.default_rng(seed)
        bonds = [(1 + 0.2 * rng.normal()) * Z(i) * Z((i + 1) % n_sites) for i in range(n_sites)]
        fields = [-1.2 * (1 + 0.2 * rng.normal()) * X(i) for i in range(n_sites)]
        device = spin_hamiltonian(PauliSum.sum(bonds + fields), n_sites)
        vector = ground_state(device).expanded().ravel()
        shots = shots_of_vector(vector, ["Z" * n_sites, "X" * n_sites], 250, seed=seed)
        starts = [RBM.random(n_sites, n_hidden=4, dtype=float, seed=seed, stddev=0.2)]
        found = {
            weight: fit_with_energy(starts, shots, nominal, weight=weight, max_steps=60)
            for weight in (0.0, "auto")
        }
        shots_alone, both = (f.psi.overlap(vector, Sector(n_sites)) for f in found.values())
        of_energy = abs(of_nominal @ vector) ** 2
        rows.append((f"device {seed}: energy and likelihood", both, f"energy {of_energy:.4f}, "
                     f"likelihood {shots_alone:.4f}, weight {found['auto'].weight:g}"))  # fmt: skip
    return rows


def main() -> None:
    """Print a table of what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, help="folder of published shots")
    parser.add_argument("--coverage", type=int, metavar="SETS")
    parser.add_argument("--sampled", action="store_true", help="coverage of answers by samples")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="of the coverage")
    parser.add_argument("--ions", type=Path, help="that folder, for the ions alone")
    parser.add_argument("--hybrid", action="store_true")
    options = parser.parse_args()
    parts = []
    if options.data:
        parts += [lambda: [noisy_pair(options.data, 100)], lambda: [noisy_pair(options.data, 1000)]]
        parts += [lambda f=f: f(options.data) for f in (transmon, photons)]
        options.ions = options.ions or options.data
    if options.ions:
        parts.append(lambda: ions(options.ions))
    if options.coverage:
        answers = SampledAnswers if options.sampled else Answers
        parts.append(lambda: coverage(options.coverage, options.first, answers))
    if options.hybrid:
        parts.append(hybrid)
    for part in parts:
        started = time.perf_counter()
        for label, value, limit in part():
            print(f"{label:<42} {value:9.5f}   {limit}")
        print(f"{'':<42} {time.perf_counter() - started:8.1f} s", flush=True)


if __name__ == "__main__":
    main()
