"""Models, states and equations of the tests of ranks, which are processes or threads."""

import threading
from collections import defaultdict
from contextlib import contextmanager
from unittest.mock import patch

import numpy as np

import rbmqs
from hamiltonians import chain, heisenberg, ising, j1j2, square, xxz
from rbmqs.sr import costs, solve, solvers
from rbmqs.sr.equations import GramEquations
from rbmqs.states.factory import initial_wavefunction
from rbmqs.states.jastrow import Jastrow

N_SAMPLES = 400
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


def samples_of(name):
    """Configurations and local energies of a state, the same on all ranks."""
    psi = STATES[name]
    sampler = rbmqs.MetropolisSampler.for_hamiltonian(H, n_chains=N_SAMPLES)
    samples, _ = sampler.sample(psi, sampler.start(1), 1, n_discard=20)
    return samples.flat, rbmqs.local_energies(psi, H, samples).ravel()


@contextmanager
def counted():
    """Refinements behind Cholesky, and exact products, of each rank: by thread."""
    refined, rounds = defaultdict(list), defaultdict(int)
    direct, times = solvers.solve_positive, GramEquations.times

    def watched(*arguments):
        found = direct(*arguments)
        refined[threading.get_ident()].append(found.n_iterations)
        return found

    def product(*arguments):
        rounds[threading.get_ident()] += 1
        return times(*arguments)

    with patch.object(solvers, "solve_positive", watched), \
            patch.object(GramEquations, "times", product):  # fmt: skip
        yield refined, rounds


def equations(name, method, spins, energies, ranks, counts):
    """The direction that ranks find, its error, and what they sent against the model, by part."""
    psi, (refined, rounds), comm = STATES[name], counts, ranks.comm
    exact = solve(psi.jacobian(spins), energies, SHIFT, "sample-space").direction
    refined[threading.get_ident()], rounds[threading.get_ident()] = [], 0
    ends = np.arange(comm.size + 1) * N_SAMPLES // comm.size
    mine = slice(*ends[comm.rank : comm.rank + 2].tolist())
    jacobian = psi.jacobian(spins[mine]).over(ranks)
    problem = solvers.problem_of(jacobian, SHIFT)
    found = solve(jacobian, energies[mine], SHIFT, method)
    n_rounds, n_refined = rounds[threading.get_ident()], refined[threading.get_ident()]
    n_iterations = found.n_iterations or (n_refined[0] if n_refined else None)
    sent = {
        part: np.sum(comm.allgather(count), axis=0) / comm.size
        for part, count in sorted(ranks.traffic.items())
    }
    expected = costs.parts_of(method, problem, n_iterations, n_rounds) if comm.size > 1 else {}
    traffic = {
        part: [sent[part].tolist(), [count.messages, count.sent]]
        for part, count in expected.items()
        if count.messages
    }
    error = np.linalg.norm(found.direction - exact) / np.linalg.norm(exact)
    return found.direction, error, traffic
