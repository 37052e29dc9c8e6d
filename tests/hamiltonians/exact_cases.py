"""Exact diagonalisations as each of several MPI ranks does them, and as one process does.

mpirun -n K python exact_cases.py FILE
"""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import hamiltonians as hm
from hamiltonians.exact import checkpoints
from hamiltonians.exact.ground_sector import ground_sector
from hamiltonians.utils.ranks import launched_ranks, together

RING = hm.heisenberg(hm.chain(12), total_sz=0)


def spiral(n_sites, total_sz=None):
    """A chain whose matrix elements are complex and whose bonds all differ."""
    terms = [
        (1 + 0.1 * i) * (hm.X(i) * hm.Y(j) - hm.Y(i) * hm.X(j)) + 0.3 * hm.Z(i) * hm.Z(j)
        for i, j in zip(range(n_sites), [*range(1, n_sites), 0], strict=True)
    ]
    terms += [0.05 * i * hm.Z(i) for i in range(n_sites)]
    terms += [hm.X(0) * hm.X(1) * hm.X(n_sites - 1)] if total_sz is None else []
    return hm.spin_hamiltonian(sum(terms[1:], terms[0]), n_sites=n_sites, total_sz=total_sz)


def numbers(comm=None):
    """Energies and expectation values of many kinds of sectors, by name."""
    found = {}

    def add(name, result, *observables):
        found[name] = [*result.energies, result.dimension, *result.residuals.clip(1e-7)]
        found[name] += [complex(result.expect(o)).real for o in observables]
        if result.vectors is not None:
            found[name] += result.correlations().ravel().tolist()
            found[name].append(float(np.abs(result.expanded()).sum()))

    staggered = hm.Z(0) * hm.Z(1) + hm.X(0) * hm.X(3) + 2j * hm.Y(1) * hm.Y(2)
    add("ring", hm.ground_state(RING, comm=comm), RING.terms, staggered)
    add("several", hm.ground_state(RING, 2, comm=comm), staggered)
    add("free", hm.ground_state(hm.ising(hm.chain(11), h=0.7), comm=comm), hm.X(4))
    add("complex", hm.ground_state(spiral(10), vectors=False, comm=comm))
    add("complex sector", hm.ground_state(spiral(11, 0.5), comm=comm), hm.Z(2))
    large = hm.heisenberg(hm.chain(18), total_sz=0)
    sector = ground_sector(large)
    add("symmetric", hm.ground_state(large, symmetry=sector, comm=comm), hm.Z(0) * hm.Z(1))
    ring = hm.heisenberg(hm.chain(16), total_sz=0)
    momentum = next(s for s in ring.lattice.sectors() if not s.is_real)
    add("momentum", hm.ground_state(ring, 1, symmetry=momentum, comm=comm), hm.Z(0) * hm.Z(1))
    few = hm.heisenberg(hm.chain(40), total_sz=19)
    add("few states", hm.ground_state(few, comm=comm), hm.Z(0))
    spectrum = hm.low_spectrum(hm.heisenberg(hm.chain(8)), 2, comm=comm)
    found["spectrum"] = spectrum.energies.tolist()
    with pytest.raises(hm.TooLargeError, match="would take"):
        hm.ground_state(RING, memory_limit=1000, comm=comm)
    return {name: np.array(values).tolist() for name, values in found.items()}


class Enough(Exception):
    """A run is cut here."""


def cut(path, comm=None):
    """Leave a checkpoint behind of the 12th product."""
    checkpoints.Checkpoint.save_if_due = checkpoints.Checkpoint.save

    def stop(n_products, energy, residual):
        if n_products > 12:
            raise Enough

    with pytest.raises(Enough):
        hm.ground_state(RING, vectors=False, checkpoint=path, progress=stop, comm=comm)


def continued(path, comm=None):
    """Products that are left of a run that was cut, and its energy."""
    seen = []
    result = hm.ground_state(
        RING, vectors=False, checkpoint=path, progress=lambda *x: seen.append(x[0]), comm=comm
    )
    return [seen[0], result.n_products, result.energy]


def fails_on_last(comm):
    """What the ranks raise where one of them cannot write."""

    def work():
        if comm.rank == comm.size - 1:
            raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        together(work, comm)


def main(folder):
    """All of it on ranks; the first writes what it found."""
    comm = launched_ranks()
    found = {"numbers": numbers(comm)}
    fails_on_last(comm)
    if (folder / "cut-before").exists():
        found["continued"] = continued(folder / "cut-before", comm)
    cut(folder / f"cut-{comm.size}", comm)
    if comm.rank == 0:
        (folder / f"found-{comm.size}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
