"""MNIST, grey values divided by 255: errors of classifiers on the test images.

Rates, epochs and dropout were chosen by trials that trained on the first 50 000 images and looked
at the errors on the 10 000 others of the training set; three settings of the stack were tested.
"""

import time

import numpy as np

from rbmqs.boltzmann import ClassificationRBM, DeepBeliefClassifier, datasets

COMMON = {"momentum": 0.9, "batch_size": 100, "random_state": 1}


def discriminative(quick):
    """500 hidden units, log p(y | x) alone."""
    return run(ClassificationRBM(500, objective="discriminative", learning_rate=0.2,
                                 n_iter=2 if quick else 40, **COMMON))  # fmt: skip


def hybrid(quick):
    """1500 hidden units, log p(y | x) + 0.01 log p(x, y), pixels drawn anew in every step."""
    return run(ClassificationRBM(1500, objective="hybrid", generative_weight=0.01,
                                 learning_rate=0.3, draw_inputs=True, n_iter=1 if quick else 60,
                                 verbose=1, **COMMON))  # fmt: skip


def stacked(quick):
    """1000 and 500 hidden units stacked by CD-1, then backpropagation with dropout."""
    return run(DeepBeliefClassifier(
        (1000, 500), n_iter=1 if quick else 5, learning_rate=0.02, finetune_rate=0.2, dropout=0.25,
        input_dropout=0.2, finetune_n_iter=1 if quick else 40, **COMMON,
    ))  # fmt: skip


def run(model):
    """Errors in percent on 10 000 training images and on those kept from it."""
    train, test = (datasets.read_mnist(part) for part in ("train", "test"))
    rows, unseen = (part.images.astype(np.float32) / 255 for part in (train, test))
    started = time.perf_counter()
    model.fit(rows, train.labels)
    seconds = time.perf_counter() - started
    errors = {
        "train": 100 * (1 - model.score(rows[:10_000], train.labels[:10_000])),
        "test": 100 * (1 - model.score(unseen, test.labels)),
    }
    print(model)
    print(f"error {errors['test']:.2f} % on 10 000 test images, {errors['train']:.2f} % on 10 000 "
          f"training images, {seconds:.0f} s", flush=True)  # fmt: skip
    return errors | {"seconds": seconds, "model": repr(model)}
