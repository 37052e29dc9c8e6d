"""Runs with random restarts, which `test_restarts_on_ranks.py` starts in one process and on ranks.

python restart_work.py DIRECTORY NAME...
"""

import hashlib
import json
import sys
from itertools import groupby
from pathlib import Path

import numpy as np

import rbmqs
from hamiltonians import chain, heisenberg, ising
from hamiltonians.utils.ranks import launched_ranks
from rbmqs.vmc.extensions.multistart import restart_energies

LENGTH, CUT = 8, 5
ISING = ising(chain(6), h=1.0)
TIED = {"alpha": 1, "tied": "translations", "n_restarts": 4, "n_iterations": 4 * LENGTH + 3}
RING = heisenberg(chain(6), total_sz=0, marshall=True)
PROJECTED = {"alpha": 1, "project": "symmetric", "n_restarts": 2, "n_iterations": 20}
COMM = launched_ranks()


def cut(record, state):
    """Stops a run in the middle of its second restarts, or of its first ones."""
    return record.iteration == LENGTH + CUT


def run(hamiltonian, **options):
    sampling = {"n_samples": 64, "n_chains": 8, "n_final_samples": 256, "summation": False}
    options = sampling | {"seed": 5, "restart_iterations": LENGTH, "progress": False} | options
    return rbmqs.ground_state(hamiltonian, comm=COMM, **options)


RUNS = {
    "tied": lambda directory: run(ISING, **TIED),
    "again": lambda directory: run(ISING, **TIED),
    "replicas": lambda directory: run(ISING, **TIED | {"n_replicas": 2}),
    "projected": lambda directory: run(RING, **PROJECTED),
    "cut": lambda directory: run(ISING, **TIED, output=directory / "cut", callback=cut),
    "resumed": lambda directory: rbmqs.resume(directory / "cut", progress=False, comm=COMM),
    "short": lambda directory: run(ISING, **TIED | {"max_seconds": 1e-3}),
    "limited": lambda directory: run(
        RING, **PROJECTED | {"restart_iterations": 5000, "n_iterations": 10500}, max_seconds=4.0
    ),
}  # fmt: skip


def found(name, directory):
    result = RUNS[name](directory)
    records = result.history
    assert len({r.iteration for r in records}) == len(records)
    energy = result.estimate.energy
    return {
        "restarts": restart_energies(records, result.settings),
        "iterations": [
            sum(1 for _ in group) for _, group in groupby(r.iteration // LENGTH for r in records)
        ],
        "numbers": [record.iteration for record in records],
        "n_restarts": result.settings.n_restarts,
        "mean": energy.mean.real,
        "error": energy.error_of_mean,
        "digest": hashlib.sha256(np.ascontiguousarray(result.psi.flat).tobytes()).hexdigest(),
        "files": sorted(path.name for path in directory.glob("cut/restart-*")),
    }


def main():
    directory, *names = sys.argv[1:]
    results = {name: found(name, Path(directory)) for name in names}
    if COMM is None or COMM.rank == 0:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
