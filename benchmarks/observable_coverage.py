"""How often do two error bars cover the exact value of each observable?

A fixed wavefunction is sampled again and again by fresh chains, and every observable is compared
with its exact value from the state vector. "fast" chains decorrelate within a few draws. "slow"
ones are those of random weights on a frustrated ring of 16 spins: in `short` chains tau is a good
part of a chain and the bars must be refused, in `long` ones there are more than 50 tau.

For each observable: the share of estimates for which the status is empty, the two-sigma coverage
among them (95.4 % is right), and that of all. An array counts element by element, and is trusted
or refused as a whole. Learnt states come from fresh snapshots each time: their bars contain the
noise of the data.

    python benchmarks/observable_coverage.py --quick
    python benchmarks/observable_coverage.py --json coverage.json
"""

# Not coverage.py: Numba imports a package of that name where it finds one.

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from timing import write_record

from hamiltonians import PauliSum, Sector, SpinHamiltonian, X, Z, chain, ising, j1j2
from hamiltonians.lattices.geometry import all_wave_vectors, plane_waves
from hamiltonians.operators.matrices import sparse_matrix
from rbmqs import RBM
from rbmqs.estimators.estimate import Estimate
from rbmqs.sampling.metropolis import MetropolisSampler

Values = dict[str, tuple[Any, Any, str]]  # observable -> values, error bars, status


@dataclass(frozen=True)
class Case:
    """A wavefunction and how it is sampled."""

    name: str
    hamiltonian: SpinHamiltonian
    psi: RBM
    n_draws: int
    n_discard: int


@dataclass(frozen=True)
class Cell:
    """Coverage of one observable in one case."""

    case: str
    observable: str
    estimates: int
    trusted: float
    coverage_trusted: float | None
    coverage: float


def cases(quick: bool) -> list[Case]:
    """Fast chains, and slow ones too short and long enough."""
    fast, slow = ising(chain(8), h=1.0), j1j2(chain(16), J2=0.5, total_sz=0)
    gentle = RBM.random(8, 1, seed=5, stddev=0.25)
    rough = RBM.random(16, 1, seed=1, stddev=0.3)
    found = [Case("fast", fast, gentle, 256, 200), Case("slow, short", slow, rough, 1024, 4000)]
    return found if quick else [*found, Case("slow, long", slow, rough, 2**14, 4000)]


def measured(estimate: Estimate, region: range) -> Values:
    """Every observable with its bars."""
    correlations, structure = estimate.correlations(), estimate.structure_factor()
    averaged, dimers = correlations.by_distance(), estimate.dimers()
    renyi, energy = estimate.renyi(region), estimate.energy
    upper = np.triu_indices(estimate.hamiltonian.n_sites, 1)
    pairs = {
        f"{c} of pairs": (
            getattr(correlations, c)[upper],
            getattr(correlations, f"{c}_error")[upper],
            correlations.status,
        )
        for c in ("xx", "zz")
    }
    return pairs | {
        "energy": (energy.mean.real, energy.error_of_mean, energy.status),
        "zz by distance": (averaged.zz, averaged.zz_error, averaged.status),
        "spin by distance": (averaged.spin, averaged.spin_error, averaged.status),
        "structure factor zz": (structure.zz, structure.zz_error, structure.status),
        "structure factor spin": (structure.spin, structure.spin_error, structure.status),
        "bonds": (dimers.means, dimers.means_error, dimers.status),
        "dimers": (dimers.products, dimers.products_error, dimers.status),
        "connected dimers": (dimers.connected, dimers.connected_error, dimers.status),
        "purity": (renyi.purity.mean.real, renyi.purity.error_of_mean, renyi.purity.status),
        "Renyi entropy": (renyi.entropy, renyi.error, renyi.status),
    }


def exact(case: Case, region: range) -> dict[str, Any]:
    """The same from the state vector."""
    H, sector = case.hamiltonian, Sector(case.hamiltonian.n_sites, case.hamiltonian.total_sz)
    vector, n = case.psi.state_vector(sector), H.n_sites

    def applied(terms: PauliSum) -> Any:
        return sparse_matrix(terms, n, H.total_sz) @ vector

    def mean(terms: PauliSum) -> float:
        return float(np.vdot(vector, applied(terms)).real)

    spins = sector.states_to_spins(sector.basis_states()).astype(float)
    zz = (spins.T * abs(vector) ** 2) @ spins
    exchange = np.zeros((2, n, n))
    for i, j in zip(*np.triu_indices(n, 1), strict=True):
        xx, yy = (PauliSum.from_terms([(1.0, ((int(i), c), (int(j), c)))]) for c in ("X", "Y"))
        both = mean(xx + yy)
        exchange[:, i, j] = exchange[:, j, i] = (
            (both / 2, both / 2) if H.total_sz is not None else (mean(xx), mean(yy))
        )
    xx, yy = exchange + np.eye(n)
    spin, upper = xx + yy + zz, np.triu_indices(n, 1)
    distances = np.minimum(upper[1] - upper[0], n - upper[1] + upper[0])
    averages = {
        name: np.array([table[upper][distances == r].mean() for r in range(1, n // 2 + 1)])
        for name, table in (("zz", zz), ("spin", spin))
    }
    modes = plane_waves(H.lattice, all_wave_vectors(H.lattice))
    bonds = np.unique(np.sort(H.lattice.bonds(), axis=1), axis=0)
    images = [
        applied(PauliSum.from_terms((1.0, ((i, c), (j, c))) for c in "XYZ"))
        for i, j in bonds.tolist()
    ]
    products = np.array([[np.vdot(a, b).real for b in images] for a in images])
    means = np.array([np.vdot(vector, image).real for image in images])
    full = np.zeros(2**n, complex)
    full[sector.basis_states()] = vector
    matrix = full.reshape(2 ** len(region), -1)  # site 0 is the leading factor
    purity = float(np.sum(np.linalg.svd(matrix, compute_uv=False) ** 4))
    return {
        "xx of pairs": xx[upper],
        "zz of pairs": zz[upper],
        "energy": mean(H.terms),
        "zz by distance": averages["zz"],
        "spin by distance": averages["spin"],
        "structure factor zz": np.einsum("ki,ij,kj->k", modes.conj(), zz, modes).real,
        "structure factor spin": np.einsum("ki,ij,kj->k", modes.conj(), spin, modes).real,
        "bonds": means,
        "dimers": products,
        "connected dimers": products - np.outer(means, means),
        "purity": purity,
        "Renyi entropy": -np.log(purity),
    }


def estimates(case: Case, replicas: int, region: range) -> Iterator[Values]:
    """Observables of fresh chains."""
    sampler = MetropolisSampler.for_hamiltonian(case.hamiltonian, n_chains=16)
    for seed in range(replicas):
        chains = sampler.start(seed)
        samples, _ = sampler.sample(case.psi, chains, case.n_draws, n_discard=case.n_discard)
        yield measured(Estimate(case.psi, case.hamiltonian, samples), region)


def learnt_estimates(replicas: int, n_shots: int) -> Iterator[tuple[Values, dict[str, float]]]:
    """Observables of wavefunctions learnt from fresh snapshots, and those of the ground state."""
    from hamiltonians import ground_state
    from rbmqs import train_wavefunction

    H, sector = ising(chain(8), h=1.0, J=-1.0), Sector(8)
    vector = ground_state(H).vector
    spins = sector.states_to_spins(sector.basis_states())
    n = H.n_sites
    operators = {
        "m_x": PauliSum.sum(X(i) for i in range(n)) / n,
        "nearest zz": PauliSum.sum(Z(i) * Z((i + 1) % n) for i in range(n)) / n,
        "farthest zz": PauliSum.sum(Z(i) * Z((i + 4) % n) for i in range(n)) / n,
    }
    truth = {
        name: float(np.vdot(vector, sparse_matrix(o, n, None) @ vector).real)
        for name, o in operators.items()
    }
    for seed in range(replicas):
        rows = np.random.default_rng(seed).choice(len(spins), n_shots, p=vector**2)
        psi, _ = train_wavefunction(spins[rows], 8, random_state=seed)
        found = {name: psi.expect(o, n_samples=20_000, seed=seed) for name, o in operators.items()}
        yield {k: (s.mean.real, s.error_of_mean, s.status) for k, s in found.items()}, truth


def cells(name: str, found: list[Values], truth: dict[str, Any]) -> list[Cell]:
    """Coverage by observable."""
    rows = []
    for observable, value in truth.items():
        inside, trusted = [], []
        for values in found:
            mean, error, status = values[observable]
            slack = 2 * np.asarray(error) + 1e-12 * np.max(np.abs(value))
            inside.append(np.mean(np.abs(np.asarray(mean) - value) <= slack))
            trusted.append(not status)
        kept = np.array(inside)[np.array(trusted)]
        among = float(kept.mean()) if len(kept) else None
        share = float(np.mean(trusted))
        rows.append(Cell(name, observable, len(found), share, among, float(np.mean(inside))))
    return rows


def measured_case(case: Case, replicas: int) -> list[dict[str, Any]]:
    """Coverage of all observables of a case, a table each."""
    region = range(case.hamiltonian.n_sites // 4)
    found = list(estimates(case, replicas, region))
    return [asdict(cell) for cell in cells(case.name, found, exact(case, region))]


def learnt_case(replicas: int) -> list[dict[str, Any]]:
    """The same of learnt states."""
    pairs = list(learnt_estimates(replicas, 2000))
    return [asdict(cell) for cell in cells("learnt", [v for v, _ in pairs], pairs[0][1])]


def table(rows: list[dict[str, Any]]) -> None:
    """A row for each observable."""
    for row in rows:
        among = row["coverage_trusted"]
        print(
            f"{row['case']:12s} {row['observable']:22s} {row['estimates']:5d} "
            f"{100 * row['trusted']:8.0f} %  {'  -  ' if among is None else f'{100 * among:5.1f}'} "
            f"{100 * row['coverage']:8.1f}", flush=True,
        )  # fmt: skip


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="short chains, fewer estimates")
    parser.add_argument("--replicas", type=int, help="estimates of each (default 200, quick 40)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table to FILE too")
    options = parser.parse_args(arguments)
    replicas = options.replicas or (40 if options.quick else 200)
    print("two-sigma coverage in %: of the trusted estimates, and of all")
    print(f"{'case':12s} {'observable':22s} {'':5s} {'trusted':>10s}  {'then':>5s} {'all':>8s}")
    rows = []
    for case in cases(options.quick):
        rows += (found := measured_case(case, replicas))
        table(found)
    rows += (found := learnt_case(replicas // 4 if options.quick else replicas))
    table(found)
    write_record(options.json, {"cells": rows})


if __name__ == "__main__":
    main()
