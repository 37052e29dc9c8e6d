"""Models of counts and of ratings against simple baselines on held-out data."""

import warnings

import numpy as np

from rbmqs.boltzmann import RatingsRBM, ReplicatedSoftmax, baselines, datasets


def topics(quick):
    """Perplexity of 50 docstrings of NumPy and SciPy that were not trained on; exact log Z."""
    warnings.simplefilter("ignore")  # deprecated names are asked for their docstrings too
    counts = datasets.docstrings().counts
    order = np.random.default_rng(0).permutation(counts.shape[0])
    test, train = counts[order[:50]], counts[order[50:]]
    found = {
        f"mixture of {k} unigrams": baselines.MixtureOfUnigrams(k).fit(train).perplexity(test)
        for k in (1, 12, 50, 100)
    }
    model = ReplicatedSoftmax(
        6 if quick else 12, n_iter=20 if quick else 200, random_state=1, verbose=1
    ).fit(train)  # fmt: skip
    return printed("perplexity", found | {"replicated softmax": model.perplexity(test)})


def ratings(quick):
    """Root mean square error on held-out ratings of `datasets.taste_ratings`."""
    known, held_out = datasets.taste_ratings(300 if quick else 2000, 200)
    model = RatingsRBM(30, n_iter=100, batch_size=50, random_state=1).fit(known)
    biases = baselines.BiasBaseline().fit(known)
    return printed("rms error", {"user and item biases": biases.rmse(held_out),
                                 "ratings RBM": model.rmse(known, held_out)})  # fmt: skip


def printed(what, figures):
    """The figures, one a line."""
    for name, value in figures.items():
        print(f"{what:<12} {name:<24} {value:>9.4g}", flush=True)
    return figures
