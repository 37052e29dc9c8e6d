"""Faults of physical meaning, planted one at a time in a copy of the package: which tests see them.

Each is one line changed, with the files of tests that should turn red (a `-k` expression may
follow). Faults of the sampling kernels are in `tests/rbmqs/test_sampler.py` (MUTANTS there).
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.campaign.rows import ROOT, Parts, Row, figure


@dataclass(frozen=True)
class Fault:
    """A planted fault.

    Parameters
    ----------
    name : str
    file : str
    old, new : str
        Text, found exactly once in the file, and what takes its place.
    tests : str
        Arguments of pytest.
    """

    name: str
    file: str
    old: str
    new: str
    tests: str


UNNOTICED = "tests/rbmqs/test_once_unnoticed.py"
H_TESTS, R_TESTS = "tests/hamiltonians", "tests/rbmqs"
FAULTS = [
    Fault("positive phase from sampled hidden units", "rbmqs/boltzmann/fused_learner.py",
          "return data.phase(n) if thin is None",
          "return data.phase(n)._replace(hidden=data.hidden[:n]) if thin is None",
          f"{UNNOTICED} -k data_side"),
    Fault("V-score without Tr H / 2^N", "rbmqs/estimators/estimate.py",
          "self.hamiltonian.n_sites, self.hamiltonian.trace", "self.hamiltonian.n_sites, 0.0",
          f"{UNNOTICED} -k v_score"),
    Fault("no burn-in of final chains", "rbmqs/estimators/final.py",
          "discarded = 0 if parts else n_discard", "discarded = 0", f"{UNNOTICED} -k final_chains"),
    Fault("no burn-in before starts are compared", "rbmqs/estimators/equilibration.py",
          "PROBE_DRAWS, n_discard=n_sweeps)", "PROBE_DRAWS, n_discard=0)",
          f"{UNNOTICED} -k final_chains"),
    Fault("alarm for imaginary energies 100 times laxer", "rbmqs/estimators/doubts.py",
          "size > 5 * energy.error_of_imag", "size > 500 * energy.error_of_imag",
          f"{UNNOTICED} -k imaginary"),
    Fault("random starts all at zero magnetisation", "rbmqs/sampling/chains.py",
          "return rng.choice(np.array([1, -1], dtype=np.int8), size=n_sites)", "total_sz = 0.0",
          f"{UNNOTICED} -k magnetisation"),
    Fault("pair products turned over without a sign", "rbmqs/states/pair_product.py",
          "ordered[signs < 0] *= (-1) ** (self.n_sites // 2)", "ordered[signs < 0] *= 1",
          f"{R_TESTS}/test_pair_product.py -k sum_over"),
    Fault("characters of pair products not conjugate", "rbmqs/states/pair_product.py",
          "np.conj(characters[kept]) / len(kept)", "characters[kept] / len(kept)",
          f"{R_TESTS}/test_pair_product.py -k sum_over"),
    Fault("second projection of thick restarts dropped", "hamiltonians/exact/thick_restart.py",
          "residual = search.orthogonal(image, locked, V[: j + 1])", "residual = image / norm",
          f"{UNNOTICED} -k thick"),
    Fault("field along -x has the sign of +x", "hamiltonians/models/named.py",
          '-site_terms(lattice, "X", spin, h=h)', 'site_terms(lattice, "X", spin, h=h)',
          f"{H_TESTS}/test_models.py -k ising"),
    Fault("y terms of the exchange missing", "hamiltonians/models/named.py",
          'terms = [bond_terms(lattice, pair, spin=spin, J=J) for pair in ("XX", "YY", "ZZ")]',
          'terms = [bond_terms(lattice, pair, spin=spin, J=J) for pair in ("XX", "ZZ")]',
          f"{H_TESTS}/test_models.py"),
    Fault("J2 on nearest neighbours", "hamiltonians/models/named.py",
          "pair, 2, spin, J2=J2)", "pair, 1, spin, J2=J2)", f"{H_TESTS}/test_models.py"),
    Fault("error bars without autocorrelation", "rbmqs/estimators/error_bars.py",
          "math.sqrt(variance * tau / size)", "math.sqrt(variance / size)",
          f"{R_TESTS}/test_statistics.py"),
    Fault("error bars without Student's quantile", "rbmqs/estimators/error_bars.py",
          "* _two_sigma_quantile(freedom) / 2", "* 1.0", f"{R_TESTS}/test_statistics.py"),
    Fault("V-score without the number of sites", "rbmqs/estimators/stats.py",
          "return float(n_sites * variance", "return float(variance",
          f"{R_TESTS}/test_statistics.py -k v_score"),
    Fault("a step against the descent", "rbmqs/vmc/optimisers.py",
          "psi.flat - rate * solution.direction", "psi.flat + rate * solution.direction",
          f"{R_TESTS}/test_optimisers.py"),
    Fault("metric limit of steps ignored", "rbmqs/vmc/optimisers.py",
          "if rate * solution.metric_norm > settings.max_step:", "if False:",
          f"{R_TESTS}/test_optimisers.py -k metric"),
    Fault("Adam without the correction of its first means", "rbmqs/vmc/optimisers.py",
          "return mean / (1 - decay**n) / size, kept", "return mean / size, kept",
          f"{R_TESTS}/test_optimisers.py -k first_step"),
    Fault("shift of the kernel form not times n", "rbmqs/sr/solvers.py",
          "found = solve_positive(matrix, self._right, n * diag_shift)",
          "found = solve_positive(matrix, self._right, diag_shift)",
          f"{R_TESTS}/test_reconfiguration.py"),
    Fault("conjugate forgotten in the Gram matrix's images", "rbmqs/states/rows.py",
          "values @ np.conj(self.tanh)", "values @ self.tanh",
          f"{R_TESTS}/test_reconfiguration.py"),
    Fault("rises of the energy never undone", "rbmqs/vmc/step.py",
          "if trouble:", "if False:", f"{R_TESTS}/test_run.py {R_TESTS}/test_optimisers.py"),
    Fault("1/t schedules fall twice as fast", "rbmqs/utils/schedules.py",
          "1.0 + iteration / self.timescale", "1.0 + 2 * iteration / self.timescale",
          f"{R_TESTS}/test_schedules_settings.py"),
    Fault("new hidden units are not small", "rbmqs/vmc/extensions/growth.py",
          "hidden_bias=np.append(rbm.hidden_bias, new[0] * rbm.has_hidden_bias)",
          "hidden_bias=np.append(rbm.hidden_bias, 1e3 * new[0] * rbm.has_hidden_bias)",
          f"{R_TESTS}/test_growth.py"),
    Fault("half of the chains paired with themselves", "rbmqs/estimators/observables/renyi.py",
          "reshape(-1, n_sites) for k in (0, half))\n", "reshape(-1, n_sites) for k in (0, 0))\n",
          f"{R_TESTS}/test_renyi.py"),
    Fault("amplitudes outside of the sector count", "rbmqs/estimators/local.py",
          "return local_estimators(psi, connections, samples, fixed_sector=fixed)",
          "return local_estimators(psi, connections, samples)",
          f"{UNNOTICED} -k out_of_the_sector"),
    Fault("observables not rotated with the sign rule", "rbmqs/estimators/local.py",
          "rotated = hamiltonian.rotate_observable(observable)", "rotated = observable",
          f"{UNNOTICED} -k sign_rule"),
    Fault("the ladder's betas evenly spaced in the exponent's inverse",
          "rbmqs/sampling/replica_exchange.py",
          "np.arange(self.n_replicas) / (self.n_replicas - 1))",
          "np.arange(self.n_replicas) / self.n_replicas)", f"{R_TESTS}/test_replica.py"),
    Fault("chains share one stream", "rbmqs/sampling/chains.py",
          "spawn_key=(*root.spawn_key, chain))", "spawn_key=root.spawn_key)",
          f"{R_TESTS}/test_sampler.py -k 'chains or random'"),
    Fault("upper bound at the mean instead of its limit", "rbmqs/estimators/lanczos/bounds.py",
          'return Bound(limits[1], "upper"', 'return Bound(limits[0], "upper"',
          f"{R_TESTS}/test_bounds.py"),
    Fault("weights of the rows squared", "rbmqs/boltzmann/fused_learner.py",
          "hidden *= weights[:, None]", "hidden *= weights[:, None] ** 2",
          f"{R_TESTS}/boltzmann -k weight"),
    Fault("model's side of the biases forgotten", "rbmqs/boltzmann/fused_learner.py",
          "dv = data.visible_mean - model.visible_mean", "dv = data.visible_mean",
          f"{R_TESTS}/boltzmann/test_bernoulli.py"),
    Fault("sparsity target pushes away", "rbmqs/boltzmann/fused_learner.py",
          "hidden += cost * (target - self._activity)",
          "hidden -= cost * (target - self._activity)",
          f"{R_TESTS}/boltzmann -k sparsity"),
    Fault("Lanczos without the previous vector", "hamiltonians/exact/lanczos.py",
          "alpha = H.multiply(x, y, s, last * self.previous_scale)",
          "alpha = H.multiply(x, y, s, 0.0 * last)", f"{H_TESTS}/test_lanczos.py"),
    Fault("residual of a recurrence always zero", "hamiltonians/exact/lanczos.py",
          "abs(self.beta[-1] * rows[-1, 0])", "0.0", f"{H_TESTS}/test_lanczos.py"),
    Fault("basis states weighed alike in symmetric sectors", "hamiltonians/exact/thick_restart.py",
          "root = np.sqrt(H.weights.astype(np.float64))", "root = np.zeros(0)",
          f"{H_TESTS}/test_symmetric.py {H_TESTS}/test_exact.py"),
    Fault("random ups one site to the right", "rbmqs/sampling/chains.py",
          "spins[: round(n_sites / 2 + total_sz)] = 1", "spins[: round(n_sites / 2)] = 1",
          f"{R_TESTS}/test_sampler.py -k sector"),
]  # fmt: skip
QUICK = ("V-score without Tr H / 2^N", "field along -x has the sign of +x")


def survives(fault: Fault, copy: Path) -> str:
    """Empty where a test fails with the fault; else what happened."""
    path = copy / fault.file
    text = path.read_text()
    if text.count(fault.old) != 1:
        return f"{fault.name}: its line stands {text.count(fault.old)} times in {fault.file}"
    path.write_text(text.replace(fault.old, fault.new))
    try:
        done = subprocess.run(
            f"{sys.executable} -m pytest -q -x -p no:cacheprovider -m 'not slow' {fault.tests}",
            shell=True,
            cwd=copy,
            env=os.environ | {"PYTHONPATH": str(copy)},
            capture_output=True,
            text=True,
            timeout=1200,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return ""
    finally:
        path.write_text(text)
    if done.returncode == 1:
        return ""
    return f"{fault.name}: {done.stdout.strip().splitlines()[-1]}"


@figure("mutants")
def mutants(quick: bool, parts: Parts) -> Row:
    """How many planted faults turn a test red."""
    chosen = [fault for fault in FAULTS if fault.name in QUICK] if quick else FAULTS
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        ignored = shutil.ignore_patterns(".git", ".venv", "*.pyc")
        shutil.copytree(ROOT, copy, ignore=ignored)
        found = [parts(fault.name, survives, fault, copy) for fault in chosen]
    survivors = list(filter(None, found))
    return Row(
        "planted faults turn tests red",
        f"{len(chosen)} faults, one line each, each with the tests that should notice it",
        f"{len(chosen) - len(survivors)} of {len(chosen)} noticed", "all",
        not survivors, tuple(survivors),
    )  # fmt: skip
