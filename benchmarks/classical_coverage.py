"""Do annealed estimates of log Z lie within their stated errors of the exact one?"""

import numpy as np

from rbmqs.boltzmann import BernoulliRBM, datasets
from rbmqs.boltzmann.likelihood import ais, base_rate, raise_log_z, reverse_ais

METHODS = ("pcd", "cd", "ptt", "exact")
SIZES = (6, 10, 14, 18)  # hidden units
ESTIMATES = ("forward", "reverse", "RAISE, model", "RAISE, data")


def data_sets():
    """Five sets of 9 to 16 columns."""
    return [
        datasets.bars_and_stripes(3),
        datasets.bars_and_stripes(4),
        datasets.labelled_shifter(4),
        datasets.ising_samples(4, 2.27, 500, random_state=1),
        datasets.ising_samples(3, 1.5, 300, random_state=2),
    ]


def trained_machines(n_iter):
    """20 machines: each set with four sizes, methods and seeds; name, machine, rows."""
    for i, data in enumerate(data_sets()):
        for k, size in enumerate(SIZES):
            method = METHODS[(i + k) % len(METHODS)]
            rbm = BernoulliRBM(size, method=method, n_iter=n_iter, random_state=10 * i + k)
            yield f"{data.name}, {size} hidden, {method}", rbm.fit(data.rows).rbm_, data.rows


def deviations(machine, rows, n_betas, n_runs, seed):
    """(estimate - exact) and stated error of each estimate: array (4, 2)."""
    exact = machine.log_partition()
    rng = np.random.default_rng(seed)
    settings = {"n_betas": n_betas, "base": base_rate(rows), "random_state": seed}
    drawn = exact_draws(machine, n_runs, rng)
    some = rows[rng.permutation(len(rows))[:n_runs]]
    found = (
        ais(machine, n_runs=n_runs, **settings),
        reverse_ais(machine, drawn, **settings),
        raise_log_z(machine, drawn, n_runs=5, **settings),
        raise_log_z(machine, some, n_runs=5, **settings),
    )
    return np.array([[z.value - exact, z.error] for z in found])


def exact_draws(machine, n, rng):
    """Independent rows: reverse annealing is as good as its starts, and this measures the rest."""
    from rbmqs.boltzmann.enumeration import all_states

    rows = all_states(machine.n_visible)
    log_p = machine.in_double().log_weight(rows)
    p = np.exp(log_p - log_p.max())
    return rows[rng.choice(len(p), n, p=p / p.sum())]


def coverage(quick):
    """Share of estimates within stated errors, and of brackets that hold the truth.

    RAISE lies above log Z on average where its rows are drawn from the machine, and may lie far
    above; from data it does so only as far as the machine fits the data.
    """
    n_betas, repeats = (100, 2) if quick else (500, 5)
    rows, total = {}, []
    print(f"{'machine':<44} {'log Z':>8} " + " ".join(f"{n + ' - exact':>20}" for n in ESTIMATES))
    for name, machine, data in trained_machines(50 if quick else "auto"):
        each = np.array([deviations(machine, data, n_betas, 100, s) for s in range(repeats)])
        rows[name], exact = each.tolist(), machine.log_partition()
        total.append(each)
        first = " ".join(f"{d:>+10.4f} +- {e:.4f}" for d, e in each[0])
        print(f"{name:<44} {exact:>8.3f} {first}", flush=True)
    return {"deviations": rows, "coverage": report(np.concatenate(total))}


def report(each):
    """Print and return coverage of (n, 4, 2) deviations."""
    z = each[:, :, 0] / each[:, :, 1]
    found = {}
    for name, column in zip(ESTIMATES, z.T, strict=True):
        within = {k: float(np.mean(np.abs(column) <= k)) for k in (1, 2, 3)}
        found[name] = within | {"mean": float(column.mean())}
        print(f"{name:<12} within 1, 2, 3 errors: " + ", ".join(f"{v:.0%}" for v in within.values())
              + f"; mean of deviation / error {column.mean():+.2f}")  # fmt: skip
    for other, name in enumerate(ESTIMATES[1:], start=1):
        held = [np.mean((z[:, 0] <= k) & (z[:, other] >= -k)) for k in (0, 1, 2)]
        found[name] = [float(h) for h in held]
        print(f"forward and {name:<12} bracket log Z, widened by 0, 1, 2 errors: "
              + ", ".join(f"{h:.0%}" for h in held))  # fmt: skip
    print(f"from {len(z)} estimates of 20 machines")
    return found
