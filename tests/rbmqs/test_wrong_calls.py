"""Wrong calls of public functions: a named exception in one line, at once, with little memory."""

import time

import networkx
import numpy as np
import psutil
import pytest
import scipy.sparse

import hamiltonians as hm
import rbmqs
from hamiltonians import Sector, X, Z, chain, heisenberg, ising
from hamiltonians.convert import from_networkx, from_quspin, from_scipy, to_quspin, to_scipy
from rbmqs import sr
from rbmqs.boltzmann import BernoulliRBM, LayeredRBM
from rbmqs.dynamics import as_complex
from rbmqs.runs.resume import read_run
from rbmqs.sampling.chains import Samples
from rbmqs.sampling.metropolis import MetropolisSampler
from rbmqs.studies import (
    extrapolate_sizes,
    extrapolate_variance,
    make_executor,
    run_study,
    study_from_table,
)

NAN = float("nan")
SPINS_ONE = hm.heisenberg(chain(4), spin=1, total_sz=0)
H, H6 = ising(chain(8)), heisenberg(chain(6), total_sz=0)
PSI, PSI6 = rbmqs.RBM.random(8, seed=1), rbmqs.RBM.random(6, seed=1)
UP = np.ones((2, 4, 8), np.int8)
S, S6 = Samples(UP, 1.0), Samples(UP[..., :6].copy(), 1.0)
RUN = {"n_iterations": 1, "progress": False}
VECTOR, GRID = np.ones(256), np.full((3, 3), NAN)
ring = networkx.cycle_graph(4)

CALLS = [
    # Pauli sums and Hamiltonians
    lambda: X(-1),
    lambda: X(1.5),
    lambda: X("0"),
    lambda: X(True),
    lambda: hm.PauliSum.from_strings({"XQ": 1}),
    lambda: hm.PauliSum.from_strings({"X": 1, "XX": 1}),
    lambda: hm.PauliSum.from_terms([(NAN, [(0, "X")])]),
    lambda: hm.PauliSum.from_terms([("a", [])]),
    lambda: hm.PauliSum.from_matrix(np.eye(3), [0]),
    lambda: hm.PauliSum.from_matrix(np.eye(4), [0, 0]),
    lambda: hm.spin_hamiltonian(1j * X(0)),
    lambda: hm.spin_hamiltonian("X"),
    lambda: hm.spin_hamiltonian(X(3), 2),
    lambda: hm.spin_hamiltonian(X(0), 2, total_sz=0),
    lambda: hm.spin_hamiltonian(Z(0), 2, total_sz=0.5),
    lambda: hm.spin_hamiltonian(Z(0), 0),
    lambda: ising(8),
    lambda: ising(chain(8), h=NAN),
    lambda: ising(chain(8), J=np.ones(3)),
    lambda: heisenberg(chain(8), total_sz=9),
    lambda: heisenberg(chain(8), signs="nonsense"),
    lambda: hm.model("nonsense", chain(4)),
    lambda: hm.model("ising", chain(4), g=1),
    lambda: H + H6,
    # lattices
    lambda: chain(0),
    lambda: chain(2.5),
    lambda: chain("8"),
    lambda: hm.from_edges([]),
    lambda: hm.from_edges([[0, 0]]),
    lambda: hm.from_edges([[0, 1], [1, 0]]),
    lambda: hm.from_edges([[0, 1, 2]]),
    lambda: hm.from_edges([[0, 5]], 3),
    lambda: hm.from_edges([[0, 1.5]]),
    lambda: chain(8).bonds(9),
    lambda: chain(8).bonds(0),
    # exact
    lambda: hm.ground_state(H, k=0),
    lambda: hm.ground_state(H, k=257),
    lambda: hm.ground_state(H, 1.5),
    lambda: hm.ground_state(H, seed=-1),
    lambda: hm.low_spectrum(H, seed=0.5),
    lambda: hm.ground_state(H, checkpoint="run.npz", stop=5),
    lambda: hm.thermal(H, []),
    lambda: rbmqs.evolve(
        SPINS_ONE, rbmqs.SpinRBM.random(4, 1), [0.0, 0.1], observables={"z": Z(0)}
    ),
    lambda: hm.full_spectrum(H, vectors="no"),
    lambda: hm.low_spectrum(H, 0),
    lambda: hm.evolve(H, VECTOR[:3], [1.0]),
    lambda: hm.evolve(H, VECTOR, [NAN]),
    lambda: hm.evolve(H, VECTOR, ["a"]),
    lambda: hm.evolve(H, VECTOR, [1.0], n_vectors=1),
    lambda: hm.expectation(VECTOR[:5], Z(0), Sector(8)),
    lambda: hm.expectation(0 * VECTOR, Z(0), Sector(8)),
    lambda: hm.entanglement_entropy(VECTOR, [9]),
    lambda: hm.entanglement_entropy(VECTOR, [0, 0]),
    lambda: hm.entanglement_entropy(VECTOR[:5], [0]),
    lambda: hm.entanglement_entropy(VECTOR, [0], order=-1),
    lambda: Sector(8, 0).rank([255]),
    lambda: Sector(8).spins_to_states(np.zeros((1, 8))),
    lambda: Sector(8).spins_to_states(np.ones((1, 7))),
    lambda: Sector(0),
    lambda: Sector(8, 0.5),
    # converters
    lambda: from_scipy(np.eye(3), units="pauli"),
    lambda: from_scipy(np.eye(4), units="S"),
    lambda: from_scipy("matrix", units="pauli"),
    lambda: from_scipy(np.array([[0, 1], [0, 0]]), units="pauli"),
    lambda: from_scipy(scipy.sparse.eye(6), units="pauli"),
    lambda: to_scipy("H", units="pauli"),
    lambda: from_quspin([["zz", [[1.0, 0]]]], pauli=True),
    lambda: from_quspin([["n", [[1.0, 0]]]], pauli=True),
    lambda: from_quspin("zz", pauli=True),
    lambda: from_quspin([["z", [[1.0, 0]]]], pauli=2),
    lambda: to_quspin(3, pauli=True),
    lambda: from_networkx(networkx.DiGraph([(0, 1)]), operators="pauli", weight=["ZZ"]),
    lambda: from_networkx(networkx.MultiGraph([(0, 1)]), operators="pauli", weight=["ZZ"]),
    lambda: from_networkx(ring, operators="pauli", weight=["Q"]),
    lambda: from_networkx(ring, operators="x"),
    lambda: from_networkx([(0, 1)], operators="pauli"),
    # states and estimates of other sizes
    lambda: rbmqs.RBM.random(0),
    lambda: rbmqs.RBM.random(8, alpha=NAN),
    lambda: rbmqs.RBM.random(8, alpha=-1),
    lambda: rbmqs.RBM.random(8, n_hidden=1.5),
    lambda: rbmqs.RBM.random(8, dtype=int),
    lambda: PSI.log_psi(np.ones((1, 7), np.int8)),
    lambda: PSI.log_psi(np.zeros((1, 8), np.int8)),
    lambda: PSI.with_flat(np.ones(3)),
    lambda: PSI.state_vector(Sector(6)),
    lambda: PSI.overlap(VECTOR[:5], Sector(8)),
    lambda: rbmqs.expect(PSI6, H, S, Z(0)),
    lambda: rbmqs.expect(PSI, H, S6, Z(0)),
    lambda: rbmqs.expect(PSI6, H6, S, Z(0)),
    lambda: rbmqs.expect(PSI, H, S, Z(8)),
    lambda: rbmqs.expect(PSI6, H6, S6, Z(0)),
    lambda: rbmqs.expect(PSI, H, S, "Z"),
    lambda: rbmqs.correlations(PSI6, H, S),
    lambda: rbmqs.correlations(PSI, H, S6),
    lambda: rbmqs.renyi_entropy(PSI6, H, S, [0]),
    lambda: rbmqs.renyi_entropy(PSI, H, S, [9]),
    lambda: rbmqs.renyi_entropy(PSI, H, S, [0, 0]),
    lambda: rbmqs.structure_factor(PSI6, H, S),
    lambda: rbmqs.structure_factor(PSI, H, S, np.ones((1, 5))),
    lambda: rbmqs.fidelity(PSI, S, VECTOR[:4], Sector(8)),
    lambda: rbmqs.fidelity(PSI6, S, VECTOR, Sector(8)),
    lambda: rbmqs.fidelity(PSI, S6, VECTOR, Sector(8)),
    lambda: rbmqs.measure(PSI6, H),
    lambda: rbmqs.measure(PSI, H, n_samples=0),
    lambda: rbmqs.measure(PSI, "H"),
    lambda: PSI.sample(0),
    lambda: PSI.sample(1.5),
    lambda: rbmqs.lanczos_step(PSI6, H, S),
    lambda: rbmqs.lanczos_step(PSI, H, S, max_samples=1),
    lambda: MetropolisSampler.for_hamiltonian(H, n_chains=0),
    lambda: MetropolisSampler.for_hamiltonian(H, "jump"),
    # runs
    lambda: rbmqs.ground_state("H", **RUN),
    lambda: rbmqs.evolve(H, PSI, np.ones((2, 2))),
    lambda: rbmqs.ground_state(H, psi=PSI6, **RUN),
    lambda: rbmqs.ground_state(H, alpha=1, n_replicas=10**6, **RUN),
    lambda: rbmqs.ground_state(H, alpha="2", **RUN),
    lambda: rbmqs.ground_state(H, nonsense=1, **RUN),
    lambda: rbmqs.ground_state(H, learning_rate=-1, **RUN),
    lambda: rbmqs.ground_state(H, n_samples=3, **RUN),
    lambda: rbmqs.ground_state(H, solver="magic", **RUN),
    lambda: rbmqs.ground_state(H, kind="magic", **RUN),
    lambda: rbmqs.ground_state(H, n_iterations=-1, progress=False),
    lambda: rbmqs.ground_state(H, seed=-1, **RUN),
    lambda: rbmqs.ground_state(H, project="nonsense", **RUN),
    lambda: rbmqs.ground_state(H, tied="nonsense", **RUN),
    lambda: rbmqs.ground_state(H, alpha=1, comm="world", **RUN),
    lambda: rbmqs.resume("no-such-run", comm=3),
    lambda: hm.ground_state(H, comm=3),
    lambda: hm.low_spectrum(H, 2, comm=3),
    # values of several lines, kinds that Python compares, and sizes that nothing may try
    lambda: chain(4, periodic=GRID),
    lambda: heisenberg(chain(4), total_sz=GRID),
    lambda: heisenberg(chain(4), signs=GRID),
    lambda: rbmqs.RBM.random(4, GRID),
    lambda: rbmqs.RBM.random(4, seed=H),
    lambda: rbmqs.RBM.random(4, stddev=1j),
    lambda: rbmqs.measure(PSI, H, seed=H),
    lambda: rbmqs.OptimiserSettings(learning_rate=GRID),
    lambda: rbmqs.choose_signs(H6, alpha=GRID, n_iterations=1),
    lambda: rbmqs.v_score(-1.0, H, 4),
    lambda: rbmqs.v_score(None, 1.0, 4),
    lambda: rbmqs.v_score(-1.0, 1.0, 4, "x"),
    lambda: hm.ground_state(H, memory_limit="x"),
    lambda: hm.full_spectrum(H, memory_limit=[]),
    lambda: hm.compile_connections(Z(0), None),
    lambda: hm.observable_connections(Z(0), "x"),
    lambda: hm.heisenberg_chain_energy(10**12),
    lambda: hm.ising_chain_energy(10**12),
    lambda: Sector(10**12, 0),
    lambda: Sector(10**12, 5 * 10**11 - 1).configurations(),
    lambda: hm.PauliSum.from_strings([("X", 1)]),
    lambda: run_study(None, "out"),
    lambda: LayeredRBM(10**12, visible="gaussian", hidden="gaussian").fit(np.ones((4, 3))),
    lambda: BernoulliRBM(10**12).fit(np.ones((4, 3))),
    lambda: hm.LocalSpace(4, None),
    lambda: hm.automorphism_group(None, [(0, 1)]),
    lambda: hm.automorphism_group(4, np.inf),
    lambda: hm.ising_chain_dynamics(10**12, [0.0], h=1.0, initial_h=1.0),
    lambda: hm.PauliSum.from_matrix(np.eye(2), None),
    lambda: Sector(6).rank(-1),
    lambda: Sector(6).states_to_spins([-1]),
    lambda: hm.bond_sum(np.eye(4), None),
    lambda: hm.bit_connections(None),
    lambda: hm.ground_sector(None),
    lambda: hm.ground_state(H).state(1),
    lambda: from_quspin(None, pauli=True),
    lambda: rbmqs.JastrowRBM(None, PSI),
    lambda: PSI.local_values(GRID, H.connections, False),
    lambda: PSI.local_values(UP[0], None, False),
    lambda: PSI.overlap(VECTOR, None),
    lambda: as_complex(None),
    lambda: make_executor(n_processes=10**12),
    lambda: study_from_table(None),
    lambda: extrapolate_sizes([4, 6, 8, 10], None, [0.1] * 4),
    lambda: extrapolate_variance([0.2, 0.1], [-1.0, -1.1], 0.1),
    lambda: sr.choose_solver(None),
    lambda: sr.solve(None, np.ones(4), 0.1),
    lambda: sr.solve(PSI.jacobian(UP[0]), np.ones(4), None),
    lambda: read_run(None, 150),
]


@pytest.mark.parametrize("number", range(len(CALLS)))
def test_wrong_calls(number):
    process, began = psutil.Process(), time.perf_counter()
    before = process.memory_info().rss
    with pytest.raises((TypeError, ValueError)) as caught:
        CALLS[number]()
    assert time.perf_counter() - began < 2
    assert process.memory_info().rss - before < 2**26
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) > 10
    # An exception from inside names operands or attributes instead of an argument.
    for inside in (
        "unsupported operand",
        "has no attribute",
        "could not be broadcast",
        "object is",
    ):
        assert inside not in text
