"""Variants of the optimiser on seven models whose ground-state energy is known.

    python benchmarks/optimisers.py --json optimisers.json --figure docs/optimisers.png
    python benchmarks/optimisers.py --quick

Every variant differs from the first one, the defaults, in the options that its name says. All do
the same number of iterations from the same random starts; seconds stand beside, because a step of
one variant may cost more than that of another. Final errors are summed over all states.
"""

import argparse
import json
import statistics
import time
from dataclasses import replace
from pathlib import Path

from choice import chosen
from full_sum import relative_error
from host import host_line
from timing import write_record

import rbmqs
from hamiltonians import chain, heisenberg, ising, j1j2, square, triangular
from rbmqs.utils.schedules import Schedule
from rbmqs.vmc.settings import OptimiserSettings, RunSettings, SamplingSettings

MODELS = {
    "Ising chain 12, h=1": lambda: ising(chain(12), h=1.0),
    "Ising 4x4, h=3": lambda: ising(square(4), h=3.0),
    "Heisenberg chain 12": lambda: heisenberg(chain(12), total_sz=0, marshall=True),
    "Heisenberg chain 12, no sign rule": lambda: heisenberg(chain(12), total_sz=0),
    "Heisenberg 4x4": lambda: heisenberg(square(4), total_sz=0, marshall=True),
    "J1-J2 4x4, J2=0.5": lambda: j1j2(square(4), J2=0.5, total_sz=0, marshall=True),
    "Heisenberg triangular 12": lambda: heisenberg(
        triangular(vectors=[[2, 2], [-2, 4]]), total_sz=0
    ),
}
ALPHA = 2
QUICK = ("Ising chain 12, h=1",)


def optimiser(**changes):
    """The defaults with other options of the optimiser."""
    return lambda settings: replace(settings, optimiser=OptimiserSettings(**changes))


def sampling(**changes):
    """The defaults with other options of sampling."""
    return lambda settings: replace(settings, sampling=SamplingSettings(**changes))


SLOW = Schedule(0.05, "inverse", timescale=300.0)
VARIANTS = {
    "defaults": lambda settings: settings,
    "constant shift 1e-3": optimiser(diag_shift=1e-3),
    "no momentum": optimiser(momentum=0.0),
    "no limit on the step": optimiser(max_step=1e6),
    "no limit on a parameter": optimiser(max_change=1e6),
    "plain (none of the four)": optimiser(
        diag_shift=1e-3, momentum=0.0, max_step=1e6, max_change=1e6
    ),
    "slower fall of the rate": optimiser(learning_rate=SLOW),
    "samples 128 to 1024": sampling(n_first_samples=128),
    "alpha 1, then 2": lambda settings: replace(settings, growth=(1, 2), growth_interval=100),
}


def measure(name, variant, seed, n_iterations):
    """One run: its final error, its seconds and the course of its energy."""
    hamiltonian = MODELS[name]()
    settings = VARIANTS[variant](RunSettings(n_iterations=n_iterations, seed=seed))
    alpha = None if settings.growth else ALPHA
    started = time.perf_counter()
    result = rbmqs.ground_state(hamiltonian, alpha, settings=settings, progress=False)
    if result.interrupted is not None:
        raise SystemExit(128 + result.interrupted)
    exact = result.reference.energy
    return {
        "model": name,
        "variant": variant,
        "seed": seed,
        "relative_error": relative_error(result),
        "v_score": result.v_score,
        "undone": sum(bool(record.status) for record in result.history),
        "seconds": time.perf_counter() - started,
        "status": list(result.status),
        "course": [float(r.energy.mean.real / abs(exact) + 1) for r in result.history],
    }


def table(runs):
    """Median error of each variant on each model, its seconds, and steps undone in all."""
    models = list(dict.fromkeys(run["model"] for run in runs))
    lines = ["| variant | " + " | ".join(models) + " | s/run | undone |"]
    lines.append("|---" * (len(models) + 3) + "|")
    for variant in dict.fromkeys(run["variant"] for run in runs):
        own = [run for run in runs if run["variant"] == variant]
        errors = [median_error([r for r in own if r["model"] == m]) for m in models]
        seconds = statistics.median(run["seconds"] for run in own)
        undone = sum(run["undone"] for run in own)
        lines.append(f"| {variant} | " + " | ".join(errors) + f" | {seconds:.0f} | {undone} |")
    return "\n".join(lines)


def median_error(runs):
    """As the table shows it, empty where there is no run."""
    return f"{statistics.median(r['relative_error'] for r in runs):.1e}" if runs else ""


def figure(path, runs):
    """Relative error of the energy against iteration, one panel for each model."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    models = list(dict.fromkeys(run["model"] for run in runs))
    rows = -(-len(models) // 3)
    drawn, panels = plt.subplots(
        rows, 3, figsize=(12, 3.6 * rows), layout="constrained", squeeze=False
    )
    for panel, model in zip(panels.flat, models, strict=False):
        for number, variant in enumerate(dict.fromkeys(run["variant"] for run in runs)):
            own = [r for r in runs if (r["model"], r["variant"]) == (model, variant)]
            if not own:
                continue
            iterations, errors = course(own)
            style = {"color": "black", "zorder": 3} if number == 0 else {"color": f"C{number - 1}"}
            panel.plot(iterations, errors, label=variant, linewidth=1.2, **style)
        panel.set(title=model, yscale="log", xlabel="iteration", ylabel="relative error")
    for panel in panels.flat[len(models) :]:
        panel.set_axis_off()
    handles, labels = panels[0, 0].get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside lower center", ncols=4)
    drawn.savefig(path, dpi=110)
    plt.close(drawn)


def course(runs, block=10):
    """Middle iterations of blocks and the error of the mean energy in each, median of runs."""
    n_blocks = min(len(run["course"]) for run in runs) // block
    means = [
        [statistics.fmean(run["course"][i * block : (i + 1) * block]) for i in range(n_blocks)]
        for run in runs
    ]
    errors = [statistics.median(abs(mean[i]) for mean in means) for i in range(n_blocks)]
    return [(i + 0.5) * block for i in range(n_blocks)], errors


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one model, one seed, 10 iterations")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--iterations", type=int, default=300)
    parser.add_argument("--model", action="append", help="part of a name (repeatable)")
    parser.add_argument("--variant", action="append", help="part of a name (repeatable)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="record; runs in it are kept")
    parser.add_argument("--figure", type=Path, metavar="FILE")
    options = parser.parse_args()
    seeds, n_iterations = (1, 10) if options.quick else (options.seeds, options.iterations)
    record = {"machine": host_line(), "iterations": n_iterations, "runs": []}
    if options.json and options.json.exists():
        record["runs"] = json.loads(options.json.read_text())["runs"]
    print(record["machine"])
    known = {(run["model"], run["variant"], run["seed"]) for run in record["runs"]}
    for name in chosen(QUICK if options.quick else MODELS, options.model):
        for variant in chosen(VARIANTS, options.variant):
            for seed in range(seeds):
                if (name, variant, seed) in known:
                    continue
                run = measure(name, variant, seed, n_iterations)
                record["runs"].append(run)
                write_record(options.json, record)
                print(f"{name}, {variant}, seed {seed}: {run['relative_error']:.1e}", flush=True)
    print(table(record["runs"]))
    if options.figure:
        figure(options.figure, record["runs"])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
