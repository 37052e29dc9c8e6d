"""Wrong calls: every public function with each argument in turn wrong, and every command.

An argument is replaced by values of other kinds; a call may then succeed (what is given may be
allowed) or must raise a TypeError, a ValueError or an OSError of one line, within 2 s and without
taking 64 MiB.
"""

import contextlib
import io
import time
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import hamiltonians as h
import rbmqs
from rbmqs import boltzmann
from rbmqs.cli.main import main
from tests.campaign.rows import Row, figure

N = 6
LATTICE = h.chain(N)
H = h.heisenberg(LATTICE, total_sz=0)
H_FREE = h.ising(LATTICE)
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

WRONG = {
    "None": None, "text": "nonsense", "nan": np.nan, "-1": -1, "2.5": 2.5, "10^12": 10**12,
    "inf": np.inf, "[]": [], "True": True, "object": object(), "complex": 1j,
    "array of NaN": np.full((3, 3), np.nan), "longer array": np.ones(7), "text array": ["a", "b"],
    "other H": h.heisenberg(h.chain(8), total_sz=0), "other psi": rbmqs.RBM.random(9, alpha=1),
}  # fmt: skip

# Allowed, and long: a default of hundreds of iterations, any number of them, no limit of time.
ENDLESS = {
    (name, label)
    for name in (
        "n_iterations",
        "max_seconds",
        "settings",
        "n_samples",
        "n_final_samples",
        "n_iter",
    )
    for label in ("None", "inf", "10^12")
}

COMMANDS = [
    "ground-state", "ground-state isin --length 6", "ground-state ising --length x",
    "ground-state ising --length -3", "ground-state ising --length 1000000000",
    "ground-state ising --length 6 --alpha -1", "ground-state ising --length 6 --alpha 1e9",
    "ground-state ising --length 6 --chains 0", "ground-state ising --length 6 --chains 1000000000",
    "ground-state ising --length 6 --iterations -1", "ground-state ising --length 6 --move fly",
    "ground-state ising --length 6 --samples nan", "ground-state ising --length 6 --field nan",
    "ground-state heisenberg --length 6 --total-sz 0.3",
    "ground-state heisenberg --length 5 --total-sz 0", "ground-state --config no-such.toml",
    "ground-state heisenberg --lattice moon --length 4",
    "ground-state ising --length 6 --optimiser magic", "resume no-such-run",
    "resume no-such-run --iterations x", "exact", "exact isin --length 6",
    "exact ising --length 60", "exact ising --length 6 --states 0",
    "exact ising --length 6 --states 1000000", "exact heisenberg --length 6 --total-sz 99",
    "compare nothing --length 4", "compare ising --length -1", "lanczos no-such-run",
    "train no-such.npy --output m.npz", "train", "sample no-such.npz", "score no-such.npz x.npy",
    "score", "study run no-such.toml", "study check no-such.toml", "study status no-such",
    "study", "report no-such-run", "report", "info --nonsense", "nonsense",
]  # fmt: skip


@contextlib.contextmanager
def silence() -> Iterator[io.StringIO]:
    """Keep what is printed, and no warning."""
    said = io.StringIO()
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(said),
        np.errstate(all="ignore"),
    ):
        warnings.simplefilter("ignore")
        yield said


def fault_of(call: Callable[[], Any]) -> str:
    """Empty where a call behaves as the docstring of this file says."""
    tracemalloc.start()
    begun, problem, refused = time.perf_counter(), "", False
    try:
        with silence():
            call()
    except (TypeError, ValueError, OSError) as error:
        refused = True
        if "\n" in str(error) or not str(error):
            problem = f"message of {len(str(error).splitlines())} lines"
        elif raised_inside(error):
            problem = f"raised by a library, not by us: {error}"
    except BaseException as error:
        problem = f"{type(error).__name__}: {str(error)[:80]}"
    seconds, peak = time.perf_counter() - begun, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    if refused and not problem:  # what is allowed may take its time
        problem = f"{seconds:.0f} s" if seconds > 2 else ""
        problem += f" {peak / 2**20:.0f} MiB" if peak > 2**26 else ""
    return problem


def raised_inside(error: BaseException) -> bool:
    """Whether the last frame is of NumPy or Numba, or the text is Python's own."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    file = "" if trace is None else trace.tb_frame.f_code.co_filename
    texts = ("object has no attribute", "not subscriptable", "unsupported operand", "not iterable",
             "could not be broadcast", "cannot be interpreted",
             "not supported between")  # fmt: skip
    return "site-packages" in file or any(text in str(error) for text in texts)


def wrong_calls(quick: bool) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Names and calls."""
    count = 0
    for function, good in GOOD.items():
        for argument in good:
            for label, value in WRONG.items():
                if (argument, label) in ENDLESS:
                    continue
                count += 1
                if not quick or count % 12 == 0:
                    yield (
                        f"{function.__qualname__}({argument}={label})",
                        lambda f=function, g=good | {argument: value}: f(**g),
                    )


def fault_of_command(command: str) -> str:
    """Empty where a command ends with status 2 and a line that names the mistake."""
    with silence() as said:
        try:
            status = main(command.split())
        except SystemExit as error:
            status = int(error.code or 0)
        except BaseException as error:
            return f"rbmqs {command}: {type(error).__name__}: {error}"
    lines = said.getvalue().strip().splitlines()
    if status == 2 and lines and lines[-1].startswith("rbmqs"):
        return ""
    return f"rbmqs {command}: status {status}, {lines[-1:]}"


@figure("calls")
def calls(quick: bool) -> Row:
    """How many wrong calls are met by one line, in time."""
    bad, n = [], 0
    for name, call in wrong_calls(quick):
        n += 1
        problem = fault_of(call)
        bad += [f"{name}: {problem}"] if problem else []
    commands = COMMANDS[::4] if quick else COMMANDS
    bad += [problem for command in commands if (problem := fault_of_command(command))]
    total = n + len(commands)
    return Row(
        "wrong calls are met by one line",
        f"{len(GOOD)} public functions with each argument wrong in {len(WRONG)} ways, "
        f"{len(commands)} commands: TypeError, ValueError or OSError of ours, below 64 MiB",
        f"{total - len(bad)} of {total}", "all", not bad, tuple(bad),
    )  # fmt: skip
