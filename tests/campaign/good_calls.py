"""A good call of every public function and class: what `calls.py` spoils, one argument each.

Nothing is left out: `test_good_calls.py` holds the list against the packages' own.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import networkx
import numpy as np

import hamiltonians as h
import rbmqs
from hamiltonians import convert
from rbmqs import boltzmann, dynamics, sr, studies

N = 6
LATTICE = h.chain(N)
H = h.heisenberg(LATTICE, total_sz=0)
H_FREE = h.ising(LATTICE)
H_ONE = h.heisenberg(h.chain(4), spin=1)
PSI = rbmqs.RBM.random(N, alpha=1, seed=0, stddev=0.2)
SAMPLER = rbmqs.MetropolisSampler.for_hamiltonian(H, n_chains=4)
SAMPLES, _ = SAMPLER.sample(PSI, SAMPLER.start(1), 8)
SECTOR = h.Sector(N, 0)
VECTOR = np.full(20, 20**-0.5)
STATE = {"psi": PSI, "hamiltonian": H, "samples": SAMPLES}
SHORT = {"n_iterations": 2, "n_samples": 32, "n_final_samples": 32, "progress": False}
ROWS = (np.random.default_rng(0).random((30, 8)) < 0.5).astype(float)

GOOD: dict[Callable[..., Any], dict[str, Any]] = {
    rbmqs.ground_state: {"hamiltonian": H, "alpha": 1, "seed": 0, "max_seconds": 1} | SHORT,
    rbmqs.iterate: {"hamiltonian": H, "psi": PSI},
    rbmqs.measure: {"psi": PSI, "hamiltonian": H, "n_samples": 16, "n_chains": 4, "seed": 0},
    rbmqs.expect: STATE | {"observable": h.Z(0)},
    rbmqs.correlations: STATE,
    rbmqs.dimer_correlations: STATE | {"bonds": [[0, 1], [2, 3]], "component": "zz"},
    rbmqs.energy_variance: STATE,
    rbmqs.lanczos_step: STATE | {"max_samples": 8},
    rbmqs.local_energies: STATE,
    rbmqs.magnetisations: STATE,
    rbmqs.renyi_entropy: STATE | {"region": [0, 1]},
    rbmqs.staggered_magnetisation: STATE | {"spin": False},
    rbmqs.structure_factor: STATE | {"wave_vectors": [[0.0]], "spin": False},
    rbmqs.fidelity: {"psi": PSI, "samples": SAMPLES, "vector": VECTOR, "sector": SECTOR},
    rbmqs.grown: {"psi": PSI, "alpha": 2, "seed": 0, "stddev": 0.01},
    rbmqs.statistics: {"values": np.ones((2, 8)).cumsum(axis=1)},
    rbmqs.v_score: {"energy": -1.0, "variance": 0.1, "n_sites": 4, "e_infinity": 0.0},
    rbmqs.variational_upper_bound: {"energy": -1.0, "confidence": 0.9},
    rbmqs.weinstein_lower_bound: {"state": (-1.0, 0.1), "first_excited": 0.0, "confidence": 0.9},
    rbmqs.temple_lower_bound: {"state": (-1.0, 0.1), "first_excited": 0.0, "confidence": 0.9},
    rbmqs.load: {"directory": "no-such-run"},
    rbmqs.resume: {"directory": "no-such-run", "n_iterations": 3, "max_seconds": 1.0},
    rbmqs.read_log: {"path": "no-such-log"},
    rbmqs.wavefunction_of: {"directory": "no-such-run"},
    rbmqs.train_wavefunction: {"spins": 2 * ROWS - 1, "n_hidden": 2, "n_iter": 1},
    rbmqs.choose_signs: {"hamiltonian": H, "alpha": 1, "n_seeds": 2, "n_iterations": 2,
                         "candidates": ["marshall"], "progress": False},
    rbmqs.Schedule: {"initial": 0.1, "decay": "inverse", "timescale": 10.0, "final": 0.0},
    rbmqs.SamplingSettings: {"n_samples": 16, "n_chains": 4, "move": "flip", "sweep_size": 4,
                             "n_replicas": 1, "beta_min": 0.1, "exact": False},
    rbmqs.OptimiserSettings: {"learning_rate": 0.1, "diag_shift": 0.01, "max_step": 0.1,
                              "momentum": 0.5},
    rbmqs.RunSettings: {"n_iterations": 3, "seed": 0, "growth": (), "n_restarts": 1},
    rbmqs.MetropolisSampler: {"n_sites": 6, "total_sz": None, "move": "flip", "n_chains": 4,
                              "sweep_size": 6},
    rbmqs.ExactSampler: {"sector": SECTOR, "n_chains": 4},
    rbmqs.ReplicaExchangeSampler: {"moves": SAMPLER, "n_replicas": 2, "beta_min": 0.1},
    rbmqs.RBM: {"visible_bias": np.zeros(4), "hidden_bias": np.zeros(2),
                "weights": np.zeros((4, 2))},
    rbmqs.SpinRBM: {"visible_bias": np.zeros((4, 2)), "hidden_bias": np.zeros(2),
                    "weights": np.zeros((4, 2, 2)), "spin": 1},
    rbmqs.SpinRBM.random: {"hamiltonian": 4, "alpha": 1, "spin": 1, "seed": 0, "stddev": 0.1},
    rbmqs.RBM.random: {"n_sites": 4, "alpha": 1, "seed": 0, "stddev": 0.1},
    rbmqs.Jastrow: {"couplings": np.zeros(6)},
    h.chain: {"length": 4, "periodic": True},
    h.ladder: {"length": 4, "n_legs": 2, "periodic": True},
    h.square: {"length": 4, "periodic": True},
    h.rectangle: {"width_x": 4, "width_y": 3, "periodic": True},
    h.triangular: {"shape": 3, "periodic": True},
    h.honeycomb: {"shape": 3, "periodic": True},
    h.tilted_square: {"a": 2, "b": 2},
    h.from_edges: {"edges": [(0, 1)], "n_sites": 3},
    h.ising: {"lattice": LATTICE, "h": 1.0, "J": 1.0, "hz": 0.0},
    h.heisenberg: {"lattice": LATTICE, "J": 1.0, "total_sz": 0, "signs": "marshall"},
    h.xxz: {"lattice": LATTICE, "J": 1.0, "delta": 0.5, "total_sz": 0},
    h.xyz: {"lattice": LATTICE, "Jx": 1.0, "Jy": 1.0, "Jz": 1.0},
    h.j1j2: {"lattice": LATTICE, "J1": 1.0, "J2": 0.5, "total_sz": 0},
    h.model: {"name": "ising", "lattice": LATTICE, "h": 1.0},
    h.X: {"site": 0},
    h.spin_hamiltonian: {"terms": h.Z(0), "n_sites": 2, "total_sz": None},
    h.Sector: {"n_sites": 4, "total_sz": 0},
    h.ground_state: {"H": H, "k": 1, "vectors": True, "tolerance": 1e-8, "memory_limit": 10**9},
    h.full_spectrum: {"H": H, "vectors": False, "memory_limit": 10**9},
    h.low_spectrum: {"H": H, "k": 1, "memory_limit": 10**9},
    h.memory_needed: {"H": H, "k": 1},
    h.memory_plan: {"H": H, "k": 1, "vectors": True, "limit": 10**9},
    h.expectation: {"vector": VECTOR, "observable": h.Z(0), "sector": SECTOR},
    h.entanglement_entropy: {"state": VECTOR, "sector": SECTOR, "sites": [0, 1]},
    h.entanglement_spectrum: {"state": VECTOR, "sector": SECTOR, "sites": [0, 1]},
    h.thermal: {"H": H, "temperatures": [1.0], "n_vectors": 2, "n_krylov": 10, "seed": 0},
    h.dynamical_correlation: {"H": H, "operator": h.Z(0), "n_krylov": 10, "seed": 0},
    h.level_statistics: {"energies": np.arange(20.0) ** 2, "middle": 0.5},
    h.SpinSector: {"space": H_ONE.local_space, "total_sz": 0},
    h.average_sign: {"amplitudes": VECTOR},
    h.best_reference: {"H": H, "max_dimension": 100},
    h.heisenberg_chain_energy: {"n_sites": 8},
    h.ising_chain_energy: {"n_sites": 8, "h": 1.0},
    h.compile_connections: {"terms": h.Z(0), "n_sites": 2},
    h.observable_connections: {"observable": h.Z(0), "n_sites": 2},
    h.symmetry_group: {"hamiltonian": H, "max_order": 100},
    h.with_smallest_sz: {"H": H},
    h.rules_of: {"lattice": LATTICE},
}  # fmt: skip
for estimator in ("BernoulliRBM", "GaussianRBM", "NADE", "SoftmaxRBM"):
    model = getattr(boltzmann, estimator)

    def fit(X: Any, *, of: Any = model, **options: Any) -> None:
        """Train a small model."""
        of(**options).fit(X)

    fit.__name__ = f"{estimator}.fit"
    GOOD[fit] = {"X": ROWS, "n_components": 2, "n_iter": 1, "learning_rate": 0.1, "batch_size": 8}


FIELD = h.DrivenHamiltonian(lambda t: h.ising(LATTICE, h=1.0 + t))
FULL = np.full(2**N, 2.0 ** (-N / 2))
SOLVED, ESTIMATE = h.ground_state(H), rbmqs.Estimate(PSI, H, SAMPLES)
GROUP, CELL = LATTICE.translation_group(), LATTICE.cell
JACOBIAN = PSI.jacobian(SAMPLES.flat)
QUICK = {
    "n_samples": 64,
    "step": 0.01,
    "integrator": "heun",
    "progress": False,
    "n_observable_samples": 64,
    "max_step": 0.1,
    "tolerance": 1e-3,
    "max_r2": None,
}
TIMES = [0.0, 0.01]
STUDY = {
    "model": {"name": "ising", "parameters": {"h": 1.0}},
    "lattice": {"kind": "chain", "length": 4},
    "run": {"n_iterations": 2},
}
REAL = rbmqs.RBM.random(N, alpha=1, dtype=float, seed=0)
MODEL = boltzmann.BernoulliRBM(2, n_iter=1, random_state=0).fit(ROWS)

GOOD |= {
    rbmqs.evolve: {"H": H_FREE, "psi": PSI, "times": TIMES, "observables": {"mx": h.X(0)},
                   "echo": False, "fidelity": False, "renyi": [0], "seed": 0} | QUICK,
    rbmqs.EvolutionSettings: {"imaginary": False, "integrator": "rk45", "tolerance": 1e-5,
                              "step": 0.01, "max_step": 0.1, "cutoff": 1e-8, "min_snr": 0.0,
                              "max_r2": 0.1, "n_observable_samples": 64, "seed": 0},
    rbmqs.Estimate: STATE,
    rbmqs.JastrowRBM: {"jastrow": rbmqs.Jastrow(np.zeros(15) + 0j), "rbm": PSI},
    rbmqs.PairProductRBM: {"pairing": np.ones(1) + 0j, "rbm": PSI, "pairs": -np.eye(N, dtype=int),
                           "signs": np.ones((N, N)), "sector": None},
    rbmqs.SymmetricRBM: {"visible_bias": np.zeros(1), "hidden_bias": np.zeros(1),
                         "weights": np.zeros((N, 1)), "group": GROUP},
    rbmqs.ProjectedRBM: {"base": PSI, "sector": GROUP.sectors()[0]},
    PSI.expect: {"operator": h.Z(0), "n_samples": 16, "seed": 0},
    PSI.measure: {"hamiltonian": H, "n_samples": 16, "seed": 0},
    PSI.sample: {"n_samples": 16, "seed": 0},
    PSI.overlap: {"vector": VECTOR, "sector": SECTOR},
    PSI.log_psi: {"sigma": SAMPLES.flat},
    PSI.log_derivatives: {"sigma": SAMPLES.flat},
    PSI.local_values: {"sigma": SAMPLES.flat, "connections": H.connections,
                       "fixed_sector": True},
    PSI.state_vector: {"sector": SECTOR},
    PSI.with_parameters: {"parameters": PSI.parameters},
    PSI.with_flat: {"flat": PSI.flat},
    ESTIMATE.expect: {"observable": h.Z(0)},
    ESTIMATE.renyi: {"sites": [0, 1], "order": 2},
    ESTIMATE.structure_factor: {"wave_vectors": [[0.0]], "spin": False},
    ESTIMATE.fidelity: {"other": VECTOR, "sector": SECTOR, "seed": 1},
    ESTIMATE.dimers: {"bonds": [[0, 1], [2, 3]], "component": "zz"},
    dynamics.product_state: {"psi": PSI, "directions": "+z", "infidelity": 1e-4, "noise": 0.0,
                             "seed": 0},
    dynamics.as_complex: {"psi": PSI},
    dynamics.read_evolution_log: {"path": "no-such-log"},
    sr.solve: {"jacobian": JACOBIAN, "local_energies": np.ones(32), "diag_shift": 0.01,
               "method": "dense"},
    sr.choose_solver: {"jacobian": JACOBIAN},
    studies.collect: {"root": "no-such-study"},
    studies.load_arrays: {"root": "no-such-study", "point_id": "a"},
    studies.load_history: {"root": "no-such-study", "point_id": "a"},
    studies.load_quench: {"root": "no-such-study", "point_id": "a"},
    studies.load_wavefunction: {"root": "no-such-study", "point_id": "a"},
    studies.load_table: {"path": "no-such-table.csv"},
    studies.read_study: {"path": "no-such.toml"},
    studies.write_report: {"root": "no-such-study"},
    studies.study_from_table: {"table": STUDY, "name": "study"},
    studies.run_study: {"study": studies.study_from_table(STUDY), "output": "out",
                        "n_threads": 1, "progress": False},
    studies.make_executor: {"kind": "local", "n_processes": 1, "n_threads": 1},
    studies.extrapolate_sizes: {"n_sites": [4, 6, 8, 10], "energy": [-1.0, -1.2, -1.3, -1.35],
                                "error": [0.01] * 4},
    studies.extrapolate_variance: {"variance": [0.3, 0.2, 0.1], "energy": [-1.0, -1.1, -1.2],
                                   "error": [0.01] * 3},
    rbmqs.AmplitudePhaseRBM: {"amplitude": REAL, "phase": REAL},
    rbmqs.excited_states: {"hamiltonian": H, "n_states": 2, "margin": 2.0, "alpha": 1} | SHORT,
    rbmqs.linear_response: {"hamiltonian": H, "psi": PSI, "n_samples": 64, "n_chains": 4,
                            "cutoff": 1e-6, "seed": 0},
    rbmqs.spectral_function: {"hamiltonian": H_FREE, "psi": PSI, "coefficients": [1.0] * N,
                              "times": [0.0, 0.01, 0.02], "kick": 0.05, "seed": 0} | QUICK,
    rbmqs.reconstruct: {"shots": (1 - 2 * ROWS[:, :4]).astype(int), "bases": "ZZZZ",
                        "n_hidden": 2, "held_out": 0.1, "n_starts": 1, "n_iter": 2, "seed": 0},
    rbmqs.read_shots: {"path": "no-such-shots.csv"},
    h.Y: {"site": 0}, h.Z: {"site": 0}, h.Sp: {"site": 0, "spin": 0.5},
    h.Sm: {"site": 0, "spin": 1}, h.Sx: {"site": 0, "spin": 1}, h.Sy: {"site": 0, "spin": 1},
    h.Sz: {"site": 0, "spin": 1.5}, h.spin_dot: {"i": 0, "j": 1, "spin": 1},
    h.aklt: {"lattice": LATTICE, "J": 1.0, "total_sz": 0, "signs": None},
    h.bilinear_biquadratic: {"lattice": LATTICE, "angle": 0.3, "J": 1.0, "spin": 1},
    h.blume_capel: {"lattice": LATTICE, "J": 1.0, "D": 0.2, "h": 0.1, "spin": 1},
    h.long_range_ising: {"lattice": LATTICE, "alpha": 3.0, "h": 1.0, "J": 1.0, "spin": 0.5},
    h.long_range_xy: {"lattice": LATTICE, "alpha": 3.0, "J": 1.0, "hz": 0.1},
    h.rydberg: {"lattice": LATTICE, "rabi": 1.0, "detuning": 0.2, "radius": 1.1, "blockade": True},
    h.connected: {"connections": H_ONE.connections, "sigma": np.zeros((2, 4), np.int8),
                  "space": H_ONE.local_space},
    h.DrivenHamiltonian: {"H": lambda t: H},
    h.LocalSpace: {"n_sites": 4, "values": (1, -1)},
    h.SymmetryGroup: {"permutations": GROUP.permutations},
    h.SymmetryGroup.generated: {"permutations": [[1, 2, 0]], "max_order": 10},
    h.unit_cell: {"vectors": [[1.0, 0.0], [0.0, 1.0]], "basis": [[0.0, 0.0]]},
    h.from_cell: {"cell": replace(CELL, name="mine"), "shape": 4, "periodic": True},
    h.automorphism_group: {"n_sites": 4, "bonds": [(0, 1), (1, 2)], "max_order": 100},
    h.bond_sum: {"matrix": np.diag([1.0, -1.0, -1.0, 1.0]), "lattice": LATTICE, "shell": 1},
    h.ground_sector: {"H": H},
    h.evolve: {"H": H, "vector": VECTOR, "times": TIMES},
    h.loschmidt_echo: {"H": H, "vector": VECTOR, "times": TIMES},
    h.product_state: {"directions": "+x", "sector": h.Sector(N)},
    h.ising_chain_dynamics: {"n_sites": 8, "times": TIMES, "h": 1.0, "initial_h": 0.5},
    h.bit_connections: {"connections": H.connections},
    h.PauliSum.from_strings: {"strings": {"XX": 1.0}},
    h.PauliSum.from_matrix: {"matrix": np.eye(2), "sites": [0]},
    LATTICE.bonds: {"shell": 1},
    LATTICE.translation_sector: {"k": 0},
    LATTICE.sector: {"k": 0},
    H.with_signs: {"signs": "marshall"},
    H.with_total_sz: {"value": 1},
    H.rotate_observable: {"observable": h.Z(0)},
    SECTOR.states_to_spins: {"states": SECTOR.basis_states()},
    SECTOR.rank: {"states": SECTOR.basis_states()},
    SECTOR.spins_to_states: {"spins": SAMPLES.flat},
    SOLVED.expect: {"observable": h.Z(0), "state": 0},
    SOLVED.correlations: {"state": 0},
    SOLVED.state: {"number": 0},
    convert.from_scipy: {"matrix": np.eye(4), "units": "pauli"},
    convert.from_quspin: {"static": [["zz", [[1.0, 0, 1]]]], "pauli": True},
    convert.from_networkx: {"graph": networkx.path_graph(4), "operators": "spin", "weight": ["ZZ"]},
    MODEL.transform: {"X": ROWS}, MODEL.score: {"X": ROWS}, MODEL.score_samples: {"X": ROWS},
    MODEL.sample: {"n_samples": 3}, MODEL.gibbs: {"X": ROWS}, MODEL.impute: {"X": ROWS},
    MODEL.partial_fit: {"X": ROWS}, MODEL.save: {"path": "no-such-folder/m.npz"},
}  # fmt: skip
for lattice, lengths in {
    h.checkerboard: (4, 4), h.kagome: (2, 2), h.shuriken: (2, 2), h.cubic: (3, 3, 3),
    h.pyrochlore: (2, 2, 2),
}.items():  # fmt: skip
    GOOD[lattice] = {"shape": lengths, "periodic": False}
