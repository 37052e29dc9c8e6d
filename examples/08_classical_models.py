"""
The relatives of the RBM
========================

Labels, stacks, real numbers, words, ratings, exact likelihoods.
"""

# %% [markdown]
# scikit-learn's digits (8 x 8 pixels of 0 to 16, divided by 16) where it is installed; without it
# bars-and-stripes, whose two classes are the directions.

# %%
from pathlib import Path

import numpy as np

from rbmqs.boltzmann import (
    NADE,
    BernoulliRBM,
    BoltzmannMachine,
    ClassificationRBM,
    DeepBeliefClassifier,
    DeepBoltzmannMachine,
    GaussianRBM,
    RatingsRBM,
    ReplicatedSoftmax,
    SoftmaxRBM,
    baselines,
    datasets,
    plotting,
)

OUTPUT = Path("output")
OUTPUT.mkdir(exist_ok=True)


def labelled_data():
    """Rows in [0, 1], labels, and which rows are for testing."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        rows = datasets.bars_and_stripes(6).rows[1:-1].astype(float)
        labels = (rows.reshape(-1, 6, 6).std(axis=1).sum(axis=1) == 0).astype(int)
        return rows, labels, np.arange(len(rows)) % 4 == 0
    rows, labels = load_digits(return_X_y=True)
    return rows / 16, labels, np.arange(len(rows)) % 4 == 0


rows, labels, test = labelled_data()
train = ~test

# %% [markdown]
# Labels beside the pixels (discriminative and hybrid training), and a stack of RBMs that is
# fine-tuned by backpropagation.

# %%
options = {"n_iter": 30, "batch_size": 20, "learning_rate": 0.2, "momentum": 0.5, "random_state": 1}
for objective in ("discriminative", "hybrid"):
    model = ClassificationRBM(100, objective=objective, generative_weight=0.1, **options)
    accuracy = model.fit(rows[train], labels[train]).score(rows[test], labels[test])
    print(f"classification RBM, {objective}: test error {1 - accuracy:.1%}")
stack = DeepBeliefClassifier(
    (100, 50), n_iter=20, batch_size=20, learning_rate=0.05, momentum=0.9, finetune_n_iter=40,
    finetune_rate=0.1, dropout=0.2, random_state=1,
).fit(rows[train], labels[train])  # fmt: skip
print(f"stack, fine-tuned: test error {1 - stack.score(rows[test], labels[test]):.1%}")

# %% [markdown]
# Exact likelihoods on a set whose optimum is known: -2.599302 nats a row.

# %%
bars = datasets.bars_and_stripes(3).rows
nade = NADE(30, n_iter=1000, batch_size=16, learning_rate=0.3, random_state=1).fit(bars)
pairs = BoltzmannMachine(method="exact", n_iter=300, learning_rate=0.2, random_state=1).fit(bars)
rbm = BernoulliRBM(16, random_state=1).fit(bars)
print("bars and stripes 3x3, nats a row:")
print(f"    NADE {nade.score(bars):.3f}, RBM {rbm.log_likelihood(bars).mean():.3f}")
print(f"    no hidden units {pairs.score_samples(bars).mean():.3f}")
plotting.filters(rbm, OUTPUT / "08_classical_models.png")
deep = DeepBoltzmannMachine((16, 8), n_iter=500, batch_size=16, pretrain_n_iter=100, random_state=1)
bound = deep.fit(bars).score_samples(bars).mean()
print(f"deep Boltzmann machine of 16 + 8 hidden units: at least {bound:.3f} nats a row")

# %% [markdown]
# Real columns and categories: the RBM against columns that know nothing of each other.

# %%
rng = np.random.default_rng(1)
real = rng.choice([-2.0, 2.0], (500, 1)) * [1, -1, 1] + rng.normal(size=(500, 3))
gauss = GaussianRBM(6, n_iter=150, batch_size=50, learning_rate=0.02, random_state=1).fit(real)
independent = -0.5 * (np.log(2 * np.pi * real.var(axis=0)) + 1).sum()
print(f"real columns: {gauss.log_likelihood(real).mean():.2f}, independent {independent:.2f} nats")
kinds = (rng.integers(0, 3, (500, 1)) + np.arange(3)) % 3
softmax = SoftmaxRBM(6, n_iter=150, batch_size=50, learning_rate=0.2, random_state=1).fit(kinds)
print(f"categories: {softmax.log_likelihood(kinds).mean():.2f}, independent {-3 * np.log(3):.2f}")

# %% [markdown]
# Topics in the docstrings of numpy and scipy, held-out perplexity (lower is better), exact.

# %%
documents = datasets.docstrings(n_words=500)
held_out = np.arange(documents.counts.shape[0]) % 5 == 0
known, unseen = documents.counts[~held_out], documents.counts[held_out]
topics = ReplicatedSoftmax(8, n_iter=100, random_state=1).fit(known)
plain = [baselines.MixtureOfUnigrams(k).fit(known).perplexity(unseen) for k in (1, 8)]
print(
    f"perplexity: 8 hidden units {topics.perplexity(unseen):.0f}, unigrams {plain[0]:.0f}, "
    f"mixture of 8 unigrams {plain[1]:.0f}"
)
for unit in np.argsort(-topics.components_, axis=1)[:3, :6]:
    print("   ", ", ".join(documents.words[unit]))

# %% [markdown]
# Ratings 1 to 5 of users with tastes, of which a fifth is known.

# %%
ratings = datasets.taste_ratings(600, 100)
rbm = RatingsRBM(20, n_iter=60, batch_size=50, random_state=1).fit(ratings.known)
biases = baselines.BiasBaseline().fit(ratings.known)
print(
    f"held-out ratings: RMSE {rbm.rmse(ratings.known, ratings.held_out):.3f}, "
    f"biases of users and items {biases.rmse(ratings.held_out):.3f}"
)
assert rbm.rmse(ratings.known, ratings.held_out) < biases.rmse(ratings.held_out)
