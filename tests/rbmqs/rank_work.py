"""What `test_ranks.py` starts on several MPI ranks; the first one prints what it found as JSON."""

import hashlib
import json
from itertools import islice

from mpi4py import MPI
from rank_cases import MODELS, STATES, H, counted, equations, samples_of

import rbmqs
from rbmqs.sr import SOLVERS
from rbmqs.states.factory import initial_wavefunction
from rbmqs.states.jastrow import Jastrow
from rbmqs.utils.ranks import Ranks
from rbmqs.vmc.settings import SamplingSettings
from rbmqs.vmc.sources import make_sampler

COMM = MPI.COMM_WORLD


def digest(array):
    return hashlib.sha256(array.tobytes()).hexdigest()[:16]


def observables():
    """A few numbers of each observable, of the same samples on any number of ranks."""
    psi, other, model = (*(rbmqs.RBM.random(16, seed=k) for k in (1, 2)), MODELS["square"])
    sampler = make_sampler(model, SamplingSettings(n_chains=16), COMM if COMM.size > 1 else None)
    estimate = rbmqs.measure(psi, model, n_samples=512, sampler=sampler)
    structure, renyi = estimate.structure_factor(), estimate.renyi(range(4))
    averaged, dimers = estimate.correlations().by_distance(), estimate.dimers()
    overlap = estimate.fidelity(other)  # of 12,870 states, which are sampled
    return [
        *averaged.spin, *averaged.spin_error, *structure.spin, *structure.spin_error,
        *dimers.connected[0], *dimers.connected_error[0], renyi.entropy, renyi.error,
        overlap.mean.real, overlap.error_of_mean,
    ]  # fmt: skip


def run(hamiltonian, psi, **settings):
    """A short run on all ranks: energies, and the bytes of the parameters it ends with."""
    comm = COMM if COMM.size > 1 else None
    options = {
        "n_samples": 256, "n_chains": 16, "n_iterations": 15, "n_final_samples": 2048,
        "summation": False, "progress": False, "comm": comm, **settings,
    }  # fmt: skip
    result = rbmqs.ground_state(hamiltonian, psi=psi, **options)
    first = [record.energy.mean.real for record in islice(result.history, 8)]
    energy = result.estimate.energy
    return {
        "first": first, "mean": energy.mean.real, "error": energy.error_of_mean,
        "digest": digest(result.psi.flat),
    }  # fmt: skip


def solved():
    """All equations: errors, bytes and messages."""
    found = {}
    with counted() as counts:
        for name in STATES:
            samples = samples_of(name)
            for method in SOLVERS:
                solution, error, traffic = equations(name, method, *samples, Ranks(COMM), counts)
                digested = {"error": error, "digest": digest(solution), "traffic": traffic}
                found[f"{name}, {method}"] = digested
    return found


def main():
    found = {
        "equations": solved(),
        "runs": {
            name: run(model, rbmqs.RBM.random(model.n_sites, alpha=1, seed=2))
            for name, model in MODELS.items()
        },
    }
    found["runs"]["tied"] = run(H, initial_wavefunction(H, 2, tied="translations", alpha=1))
    found["runs"]["jastrow"] = run(H, Jastrow.random(H, seed=2, dtype=float))
    found["runs"]["replicas"] = run(H, rbmqs.RBM.random(12, alpha=1, seed=2), n_replicas=2)
    found["runs"]["sums"] = run(H, rbmqs.RBM.random(12, alpha=1, seed=2), summation=True)
    found["observables"] = observables()
    return found


if __name__ == "__main__":
    found = main()
    if COMM.rank == 0:
        print(json.dumps(found))
