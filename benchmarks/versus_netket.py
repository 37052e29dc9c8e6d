"""rbmqs against NetKet: same system, parameters, chains, samples, sweep size and discarded sweeps.

    python benchmarks/versus_netket.py                    # four systems, 20 minutes
    python benchmarks/versus_netket.py --quick            # one small system, under a minute
    python benchmarks/versus_netket.py --case "ising chain 80" --json r.json --chart r.png
    python benchmarks/versus_netket.py --model heisenberg --lattice square --length 6 --alpha 8

Needs the extra `netket`. Both libraries run in this process, in turn; the table holds medians.
NetKet runs at the best of the settings tried here: 16 chains, or 64 with fewer discarded sweeps
each; its own operators or Pauli strings; local energies padded or by its experimental packed
kernel; minSR with the Jacobian stored or on the fly, and SR over parameters where these are few.
The settings that won are printed. rbmqs runs with its defaults.

* sampling: 1008 samples, tables of the new parameters included;
* local energies: of these samples, the hidden units' state included;
* reconfiguration: gradient and solve, for NetKet all of an update less its local energies;
* iteration: all of it, measured by itself;
* start to first iteration: a fresh process, all it compiles cached by an earlier one (kernels of
  rbmqs by Numba; for NetKet jax's persistent cache, off by default, is on; a row without it
  follows). The 100 sweeps of thermalisation of rbmqs are included, NetKet does none;
* peak memory: of that process.

Beside the ratio of medians stands that of the fastest calls, which other programs on the machine
disturb less.

The last lines compare log psi and local energies on the same samples, and mean energies of
independent samples.
"""

from __future__ import annotations

import argparse
import gc
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from cases import LATTICES, MODELS, STDDEV, Case
from choice import chosen
from first_iteration import in_fresh_process
from host import host_line
from netket_side import NetKet, Settings, packages, tuned
from timing import bar_chart, median, seconds, write_record
from workload import DIAG_SHIFT, LEARNING_RATE, Prepared, run_settings

import rbmqs
from rbmqs.estimators.error_bars import statistics
from rbmqs.runs.netket import parameters_to_netket
from rbmqs.sampling.chains import Samples
from rbmqs.sr import solve
from rbmqs.utils.threads import single_threaded_blas

CASES = [
    Case("ising", "chain", 80, 4),
    Case("heisenberg", "chain", 80, 4),
    Case("heisenberg", "square", 10, 4),
    Case("ising", "chain", 20, 2),
]
QUICK = Case("ising", "chain", 10, 1, n_samples=512)
OURS_PER_ROUND = 5  # one NetKet call stands against several of ours, which are short
SLOW_ITERATION = 3.0  # seconds of a NetKet iteration from which two rounds must do
LARGEST_DIFFERENCE = 1e-10
LARGEST_Z = 4.0  # one false alarm in 16,000


@dataclass
class Outcome:
    """What one case gave: seconds (or MB) of both libraries by row, and the agreement."""

    case: Case
    settings: Settings
    tried: dict[str, dict[str, float]]
    rows: dict[str, dict[str, float]] = field(default_factory=dict)
    agreement: dict[str, float] = field(default_factory=dict)

    def add(self, row: str, ours: list[float], netket: list[float]) -> None:
        """A row of the table: medians, their ratio, and the ratio of the fastest."""
        middle, their_middle = median(ours), median(netket)
        self.rows[row] = {
            "rbmqs": middle,
            "netket": their_middle,
            "ratio": their_middle / middle,
            "ratio of fastest": min(netket) / min(ours),
        }


class Ours:
    """The stages of an iteration of rbmqs, on new parameters each time as in a run."""

    def __init__(self, case: Case, stddev: float) -> None:
        self.prepared = Prepared(case, stddev)
        self.psi = self.prepared.psi
        self.iterations = rbmqs.iterate(
            self.prepared.hamiltonian, self.psi, run_settings(case), sampler=self.prepared.sampler
        )

    def times(self) -> dict[str, float]:
        """Seconds of each stage and of the whole iteration."""
        p = self.prepared
        psi = p.psi = self.psi.with_flat(self.psi.flat)  # without the tables of the last call
        times = {}
        with single_threaded_blas():
            times["sampling"] = seconds(p.sample)
            samples = p.sample()
            cache = psi.prepare(samples.flat)
            energies = rbmqs.local_energies(psi, p.hamiltonian, samples, cache).ravel()
            times["local energies"] = seconds(
                lambda: rbmqs.local_energies(psi, p.hamiltonian, samples)
            )
            times["reconfiguration"] = seconds(
                lambda: psi.with_flat(
                    psi.flat
                    - LEARNING_RATE
                    * solve(psi.jacobian(samples.flat, cache), energies, DIAG_SHIFT).direction
                )
            )
        times["iteration"] = seconds(lambda: next(self.iterations))
        return times


def netket_times(side: NetKet) -> dict[str, float]:
    """The same of NetKet; its update contains local energies, which are taken off."""
    times = {"sampling": seconds(side.sample), "local energies": seconds(side.local_energies)}
    times["reconfiguration"] = seconds(side.update) - times["local energies"]
    times["iteration"] = seconds(side.iterate)
    return times


def compare_stages(outcome: Outcome, ours: Ours, side: NetKet, rounds: int | None) -> None:
    """Both in turn, after a warm-up of each."""
    ours.times()
    warm_up = netket_times(side)
    if rounds is None:
        rounds = 2 if warm_up["iteration"] > SLOW_ITERATION else 7
    our_times, their_times = [], []
    for _ in range(rounds):
        their_times.append(netket_times(side))
        our_times += [ours.times() for _ in range(OURS_PER_ROUND)]
    for stage in warm_up:
        outcome.add(
            stage,
            [times[stage] for times in our_times],
            [times[stage] for times in their_times],
        )


def compare_values(ours: Ours, side: NetKet) -> dict[str, float]:
    """Log psi and local energies on NetKet's samples; mean energies of independent samples."""
    p, psi = ours.prepared, ours.psi
    side.sample()
    spins = np.asarray(side.state.samples).astype(np.int8)
    samples = Samples(spins, 1.0)
    our_values = rbmqs.local_energies(psi, p.hamiltonian, samples)
    their_values = side.local_energies()
    log_psi = psi.log_psi(spins) - np.asarray(side.state.log_value(spins))
    log_psi -= psi.n_hidden * np.log(2)  # NetKet has cosh where rbmqs has 2 cosh
    ratios = np.exp(1j * log_psi.imag) if np.iscomplexobj(log_psi) else 1.0
    first = statistics(rbmqs.local_energies(psi, p.hamiltonian, p.sample()))
    second = statistics(their_values)
    error = float(np.hypot(first.error_of_mean, second.error_of_mean))
    return {
        "log psi": float(np.max(np.abs(np.real(log_psi)) + np.abs(ratios - 1.0))),
        "local energies": float(np.max(np.abs(our_values - their_values))),
        "rbmqs energy": float(first.mean.real),
        "netket energy": float(second.mean.real),
        "error of difference": error,
        "error bars apart": abs(float(first.mean.real - second.mean.real)) / error,
    }


def compare_start(outcome: Outcome, repeats: int, variants: list[Settings]) -> None:
    """Warm processes in turn; for NetKet the best of several settings."""
    tasks = [
        {
            "library": "netket",
            "case": asdict(outcome.case),
            "settings": asdict(settings),
            "learning_rate": LEARNING_RATE / 2,
            "diag_shift": DIAG_SHIFT,
        }
        for settings in variants
    ]
    ours_task = {"library": "rbmqs", "case": asdict(outcome.case)}
    with tempfile.TemporaryDirectory() as cache:
        environment = {
            "JAX_COMPILATION_CACHE_DIR": cache,
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        }
        in_fresh_process(ours_task, environment)
        cold = [in_fresh_process(task, environment) for task in tasks]
        ours, theirs = [], []
        for _ in range(repeats):
            theirs.append([in_fresh_process(task, environment) for task in tasks])
            ours.append(in_fresh_process(ours_task, environment))
    for row, name in enumerate(("start to first iteration", "peak memory")):
        by_settings = [[run[k][row] for run in theirs] for k in range(len(tasks))]
        outcome.add(name, [run[row] for run in ours], min(by_settings, key=median))
    uncached = min(elapsed for elapsed, _ in cold)
    outcome.add("start, NetKet not cached", [run[0] for run in ours], [uncached])


def run_case(case: Case, options: argparse.Namespace) -> Outcome:
    """Tune NetKet, then measure both."""
    ours = Ours(case, options.stddev)
    parameters = parameters_to_netket(ours.psi)

    def build(settings: Settings) -> NetKet:
        # NetKet's step is 2 x learning rate x (S + shift)^-1 F
        return NetKet(case, settings, LEARNING_RATE / 2, DIAG_SHIFT, parameters)

    tried: dict[str, dict[str, float]] = {}
    side = build(Settings(n_chains=case.n_chains)) if options.quick else tuned(build, case, tried)
    outcome = Outcome(case, side.settings, tried)
    side.sample()  # thermalise: the tuning has drawn from other states
    outcome.agreement = compare_values(ours, side)
    compare_stages(outcome, ours, side, options.rounds)
    variants = list(dict.fromkeys([side.settings, Settings(n_chains=case.n_chains)]))
    del side, build
    gc.collect()
    compare_start(outcome, 1 if options.quick else 3, variants)
    return outcome


def print_outcome(outcome: Outcome) -> None:
    """Table of one case."""
    print(f"\n{outcome.case.name}, {outcome.case.n_samples} samples")
    print(f"  NetKet{' at its best' if outcome.tried else ''}: {outcome.settings}")
    for stage, times in outcome.tried.items():
        listed = "; ".join(f"{label} {taken:.3g} s" for label, taken in times.items())
        print(f"    tried for {stage}: {listed}")
    print(f"  {'':<26} {'rbmqs':>10} {'NetKet':>10} {'ratio':>8} {'of fastest':>11}")
    for name, row in outcome.rows.items():
        unit = "MB" if name == "peak memory" else "s"
        ours, theirs = (f"{row[library]:.3g} {unit}" for library in ("rbmqs", "netket"))
        ratios = f"{row['ratio']:>8.1f} {row['ratio of fastest']:>11.1f}"
        print(f"  {name:<26} {ours:>10} {theirs:>10} {ratios}")
    a = outcome.agreement
    print(
        f"  same samples: log psi within {a['log psi']:.1e}, local energies within "
        f"{a['local energies']:.1e}\n  independent samples: {a['rbmqs energy']:.4f} and "
        f"{a['netket energy']:.4f}, {a['error bars apart']:.1f} error bars apart",
        flush=True,
    )


def agrees(outcome: Outcome) -> bool:
    """Whether both libraries computed the same thing."""
    a = outcome.agreement
    return (
        max(a["log psi"], a["local energies"]) <= LARGEST_DIFFERENCE
        and a["error bars apart"] <= LARGEST_Z
    )


def chosen_cases(options: argparse.Namespace) -> Iterator[Case]:
    """The listed cases, or the one that the options describe."""
    if options.quick:
        yield QUICK
    elif options.length is not None:
        yield Case(
            options.model,
            options.lattice,
            options.length,
            options.alpha,
            not options.real,
            options.samples,
            options.chains,
        )
    else:
        yield from chosen(CASES, options.case, lambda case: case.name)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one small system, NetKet not tuned")
    parser.add_argument("--case", action="append", help="part of a listed name (repeatable)")
    parser.add_argument("--length", type=int, help="a system of your own, with the next options")
    parser.add_argument("--model", choices=MODELS, default="ising")
    parser.add_argument("--lattice", choices=LATTICES, default="chain")
    parser.add_argument("--alpha", type=float, default=4.0)
    parser.add_argument("--real", action="store_true", help="real parameters")
    parser.add_argument("--samples", type=int, default=1008)
    parser.add_argument("--chains", type=int, default=16)
    parser.add_argument("--stddev", type=float, default=STDDEV, help="of the random parameters")
    parser.add_argument("--rounds", type=int, help="default 7, or 2 where NetKet is slow")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--chart", type=Path, metavar="FILE")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    options = parse(arguments)
    machine = host_line()
    versions = packages()
    print(machine, *(f"{name} {version}" for name, version in versions.items()), sep=", ")
    outcomes = []
    for case in chosen_cases(options):
        outcomes.append(run_case(case, options))
        print_outcome(outcomes[-1])
    record = [asdict(outcome) | {"name": outcome.case.name} for outcome in outcomes]
    write_record(options.json, {"machine": machine, "versions": versions, "cases": record})
    if options.chart:
        ratios = {
            outcome.case.name: {name: row["ratio"] for name, row in outcome.rows.items()}
            for outcome in outcomes
        }
        bar_chart(options.chart, ratios, "rbmqs against NetKet", "NetKet / rbmqs")
    if not all(map(agrees, outcomes)):
        raise SystemExit("the two libraries disagree: the times compare different things")


if __name__ == "__main__":
    main()
