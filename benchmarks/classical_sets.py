"""Small sets with known optima: exact log-likelihood after training and along it."""

import time
from pathlib import Path

import numpy as np

from rbmqs.boltzmann import BernoulliRBM, datasets, learner

FIGURE = Path(__file__).parent.parent / "docs" / "gallery" / "classical_curves.png"
RECIPES = {
    "default": {},
    "CD-1": {"method": "cd"},
    "persistent CD-1": {"method": "pcd", "n_gibbs_steps": 1},
    "parallel tempering": {"method": "pt"},
    "trajectory tempering": {"method": "ptt"},
}


def data_sets():
    """The sets of the acceptance figures."""
    return [datasets.bars_and_stripes(3), datasets.bars_and_stripes(4),
            datasets.labelled_shifter(4)]  # fmt: skip


def small(quick):
    """Default recipe: mean over 10 seeds of the exact log-likelihood, percent short of the best."""
    seeds = range(2 if quick else 10)
    print(f"{'set':<24} {'mean':>9} {'optimum':>9} {'short %':>8} {'worst %':>8} {'seconds':>8}")
    rows = {}
    for data in data_sets()[: 1 if quick else 3]:
        started = time.perf_counter()
        values = [
            BernoulliRBM(random_state=seed).fit(data.rows).log_likelihood(data.rows).mean()
            for seed in seeds
        ]
        seconds = (time.perf_counter() - started) / len(seeds)
        mean, worst = (100 * (v / data.optimum - 1) for v in (np.mean(values), np.min(values)))
        print(f"{data.name:<24} {np.mean(values):>9.4f} {data.optimum:>9.4f} {mean:>8.2f} "
              f"{worst:>8.2f} {seconds:>8.1f}", flush=True)  # fmt: skip
        rows[data.name] = [float(v) for v in values]
    return rows


def curves(quick):
    """Exact log-likelihood along training by each method, drawn into docs/gallery."""
    learner.EXACT_BELOW = 16  # every check sums over the visible states
    found = {}
    for data in data_sets()[: 1 if quick else 3]:
        found[data.name] = {"optimum": data.optimum}
        for name, keywords in RECIPES.items():
            rbm = BernoulliRBM(random_state=0, **keywords)
            if quick:
                rbm.set_params(n_iter=300)
            history = rbm.fit(data.rows).training_.history
            points = history[:: max(1, len(history) // 100)] + history[-1:]
            found[data.name][name] = [
                (r.epoch, r.seconds, r.figures["log-likelihood"]) for r in points
            ]
            print(f"{data.name:<24} {name:<22} {history[-1].figures['log-likelihood']:>9.4f} "
                  f"{history[-1].seconds:>8.1f} s", flush=True)  # fmt: skip
    if not quick:
        draw(found)
    return found


def draw(found):
    """How far below the optimum each method is after so many updates (one an epoch here)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.4), layout="constrained")
    axes = figure.subplots(1, len(found))
    for axis, (name, series) in zip(axes, found.items(), strict=True):
        for recipe in RECIPES:
            epochs, _, values = np.array(series[recipe]).T
            axis.loglog(epochs, series["optimum"] - values, label=recipe, lw=1.2)
        axis.set_title(name, fontsize=10)
        axis.set_xlabel("updates")
    axes[0].set_ylabel("nats a row below the optimum")
    axes[-1].legend(frameon=False, fontsize=7)
    figure.savefig(FIGURE, dpi=150)
