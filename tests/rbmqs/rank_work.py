"""What `test_ranks.py` starts on several MPI ranks; the first one prints what it found as JSON.

python rank_work.py [states]
"""

import hashlib
import json
import sys
from itertools import islice

import numpy as np
from mpi4py import MPI

import rbmqs
from hamiltonians import chain, heisenberg, ising, j1j2, square, xxz
from rbmqs.sr import SOLVERS, costs, solve, solvers
from rbmqs.sr.equations import GramEquations
from rbmqs.states.factory import initial_wavefunction
from rbmqs.states.jastrow import Jastrow
from rbmqs.utils.ranks import Ranks
from rbmqs.vmc.settings import SamplingSettings
from rbmqs.vmc.sources import make_sampler

COMM = MPI.COMM_WORLD
SHIFT = 1e-3
H = heisenberg(chain(12), total_sz=0, marshall=True)
STATES = {
    "rbm": rbmqs.RBM.random(12, alpha=2, seed=1, stddev=0.3),
    "real rbm": rbmqs.RBM.random(12, alpha=2, seed=1, stddev=0.3, dtype=float),
    "jastrow": Jastrow.random(H, seed=1, dtype=complex),
    "tied": initial_wavefunction(H, 1, tied="translations", alpha=1),
}
MODELS = {
    "Heisenberg": H,
    "Ising": ising(chain(12), h=1.0),
    "XXZ": xxz(chain(12), delta=0.5, total_sz=0, marshall=True),
    "J1-J2": j1j2(chain(12), J2=0.2, total_sz=0, marshall=True),
    "square": heisenberg(square(4), total_sz=0, marshall=True),
}


def digest(array):
    return hashlib.sha256(array.tobytes()).hexdigest()[:16]


def equations(name, method):
    """The solution over ranks: its error, its bytes, and its messages against the model's."""
    psi, ranks = STATES[name], Ranks(COMM)
    sampler = rbmqs.MetropolisSampler.for_hamiltonian(H, n_chains=400)
    samples, _ = sampler.sample(psi, sampler.start(1), 1, n_discard=20)
    energies = rbmqs.local_energies(psi, H, samples).ravel()
    exact = solve(psi.jacobian(samples.flat), energies, SHIFT, "sample-space").direction
    mine = slice(*(np.arange(COMM.size + 1) * 400 // COMM.size)[COMM.rank :][:2].tolist())
    own = samples.flat[mine]
    jacobian = psi.jacobian(own).over(ranks)
    problem, refined, rounds = solvers.problem_of(jacobian, SHIFT), [], []
    direct, times = solvers.solve_positive, GramEquations.times

    def watched(*arguments):
        found = direct(*arguments)
        refined.append(found.n_iterations)
        return found

    def counted(*arguments):
        rounds.append(1)
        return times(*arguments)

    solvers.solve_positive, GramEquations.times = watched, counted
    found = solve(jacobian, energies[mine], SHIFT, method)
    solvers.solve_positive, GramEquations.times = direct, times
    n_iterations = found.n_iterations or (refined[0] if refined else None)
    sent = {
        part: np.sum(COMM.allgather(counts), axis=0) / COMM.size
        for part, counts in sorted(ranks.traffic.items())
    }
    expected = costs.parts_of(method, problem, n_iterations, len(rounds)) if COMM.size > 1 else {}
    traffic = {
        part: [sent[part].tolist(), [count.messages, count.sent]]
        for part, count in expected.items()
        if count.messages
    }
    error = np.linalg.norm(found.direction - exact) / np.linalg.norm(exact)
    return {"error": error, "digest": digest(found.direction), "traffic": traffic}


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


def of_states():
    """Runs of the five models with two states more, which need more time."""
    return {
        f"{name}, {kind}": run(model, psi, n_iterations=8)
        for name, model in MODELS.items()
        for kind, psi in (
            ("jastrow", Jastrow.random(model, seed=2, dtype=float)),
            ("tied", initial_wavefunction(model, 2, tied="translations", alpha=1)),
        )
    }


def main():
    found = {
        "equations": {
            f"{name}, {method}": equations(name, method) for name in STATES for method in SOLVERS
        },
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
    found = {"runs": of_states()} if sys.argv[1:] else main()
    if COMM.rank == 0:
        print(json.dumps(found))
