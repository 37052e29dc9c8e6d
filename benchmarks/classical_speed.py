"""Time of an epoch as a multiple of its matrix products, ours and the peers'."""

import statistics
import time

import numpy as np
from scipy import sparse

from rbmqs.boltzmann import BernoulliRBM
from rbmqs.boltzmann.linalg import one_pool

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


def our_updates(method, X, n, n_hidden=HIDDEN):
    """Seconds of each of n updates."""
    rbm = BernoulliRBM(n_hidden, method=method, random_state=1)
    learner = rbm.new_learner(rbm.check_rows(X), seed=1)
    order = np.random.default_rng(0).permutation(X.shape[0])
    batches = np.array_split(order, X.shape[0] // BATCH)
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


def sparse_rows(quick):
    """Milliseconds of an update from dense and from sparse rows of the same ones."""
    rows = {}
    print(f"{'columns x hidden':<18} {'ones':>6} {'method':>7} {'dense ms':>9} {'CSR ms':>9}")
    for n_columns, n_hidden in ((784, 500), (5000, 200), (20_000, 100)):
        for share in (0.002, 0.01, 0.04):
            S = sparse.random(2000, n_columns, share, format="csr", random_state=0)
            S.data[:] = 1
            S = S.astype(np.uint8)
            for method in ("pcd", "cd"):
                found = [
                    1e3 * statistics.median(our_updates(method, X, 5 if quick else 30, n_hidden))
                    for X in (S.toarray(), S)
                ]
                rows[f"{n_columns} x {n_hidden}, {share}, {method}"] = found
                print(f"{n_columns:>8} x {n_hidden:<7} {share:>6.1%} {method:>7} {found[0]:>9.2f} "
                      f"{found[1]:>9.2f}", flush=True)  # fmt: skip
    return rows
