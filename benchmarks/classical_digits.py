"""scikit-learn's digits pipeline with its RBM and with ours: accuracy and seconds.

    python benchmarks/classical_digits.py [--quick] [--json FILE]

The 1,797 digits of `load_digits` and copies moved by one pixel in four directions, scaled to
[0, 1], 100 hidden units, logistic regression on what they make of a row, a fifth held out. Our RBM
runs once with scikit-learn's keywords, once with its own defaults. The last line is the default fit
of the 1,797 digits alone.
"""

import argparse
import time

import numpy as np
from host import host_line
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import BernoulliRBM as TheirRBM
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import minmax_scale
from timing import write_record

from rbmqs.boltzmann import BernoulliRBM

N_COMPONENTS = 100
SHIFTS = ((0, 1), (0, -1), (1, 0), (-1, 0))


def nudged_digits() -> tuple[np.ndarray, np.ndarray]:
    """Rows and labels: every digit, and moved by one pixel up, down, left and right."""
    X, y = load_digits(return_X_y=True)
    padded = np.pad(X.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    moved = [padded[:, 1 + i : 9 + i, 1 + j : 9 + j].reshape(X.shape) for i, j in SHIFTS]
    return minmax_scale(np.concatenate([X, *moved]).astype("float32")), np.tile(y, 5)


def compare(quick: bool) -> dict[str, dict[str, float]]:
    """Held-out accuracy and seconds of the RBM's fit alone, by name."""
    X, y = nudged_digits()
    if quick:
        X, y = X[:1797], y[:1797]
    train, test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)
    theirs = {"n_components": N_COMPONENTS, "learning_rate": 0.06, "n_iter": 10, "random_state": 0}
    cases = {
        "scikit-learn": TheirRBM(**theirs),
        "ours, the same keywords": BernoulliRBM(**theirs),
        "ours, defaults": BernoulliRBM(N_COMPONENTS, random_state=0),
    }
    BernoulliRBM(N_COMPONENTS, n_iter=1).fit(train)  # compiled before the clock starts
    results = {}
    for name, rbm in cases.items():
        started = time.perf_counter()
        rbm.fit(train)
        seconds = time.perf_counter() - started
        last = LogisticRegression(solver="newton-cg", tol=0.01, C=6000.0)
        pipeline = Pipeline([("rbm", rbm), ("logistic", last)])
        last.fit(rbm.transform(train), y_train)
        results[name] = {"accuracy": float(pipeline.score(test, y_test)), "seconds": seconds}
    return results


def main() -> None:
    """Print both side by side."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the digits without moved copies")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    print(host_line())
    results = compare(options.quick)
    started = time.perf_counter()
    BernoulliRBM(N_COMPONENTS, random_state=0).fit(minmax_scale(load_digits().data))
    results["ours, defaults, 1797 digits"] = {"seconds": time.perf_counter() - started}
    for name, figures in results.items():
        print(f"{name:<30}", *(f"{key} {value:.3f}" for key, value in figures.items()))
    write_record(options.json, results)


if __name__ == "__main__":
    main()
