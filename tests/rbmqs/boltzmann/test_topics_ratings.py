"""Replicated softmax and ratings: gradients, samples and likelihoods against enumeration."""

import itertools

import numpy as np
import pytest
from derivatives import assert_same_gradient, gradient_of, log_sum_exp, randomise, softplus
from scipy import sparse, stats

from rbmqs.boltzmann import datasets
from rbmqs.boltzmann.baselines import BiasBaseline, MixtureOfUnigrams
from rbmqs.boltzmann.ratings import RatingsRBM
from rbmqs.boltzmann.topics import ReplicatedSoftmax

COUNTS = np.array([[2, 1, 0], [0, 0, 1], [1, 1, 1], [0, 4, 0]])
NAN = np.nan
RATED = np.array([[1, NAN, 3, 2], [NAN, 2, 2, NAN], [3, 3, NAN, NAN], [NAN, NAN, NAN, 1.0]])
OPTIONS = {"dtype": "float64", "n_iter": 1, "random_state": 0, "method": "exact"}


def topics():
    model = ReplicatedSoftmax(3, **OPTIONS).fit(COUNTS)
    randomise(model._learned.arrays, 2)
    return model


def log_document(a, counts):
    length = counts.sum(axis=-1, keepdims=True)
    return counts @ a["word_bias"] + softplus(
        length * a["hidden_bias"] + counts @ a["weights"]
    ).sum(axis=-1)


def sequences(length, vocabulary=3):
    words = np.array(list(itertools.product(range(vocabulary), repeat=length)))
    return np.eye(vocabulary, dtype=int)[words].sum(axis=1)


def test_the_exact_gradient_of_documents():
    """log Z_D by summing over all sequences of D words."""
    model = topics()

    def log_likelihood(a):
        log_z = [log_sum_exp(log_document(a, sequences(n))) for n in COUNTS.sum(axis=1)]
        return (log_document(a, COUNTS).sum() - sum(log_z)) / COUNTS.sum()

    found = model._learned.gradient(sparse.csr_matrix(COUNTS.astype(float)))
    assert_same_gradient(found, gradient_of(log_likelihood, model._learned.arrays))
    for length in (1, 3, 4):
        exact = log_sum_exp(log_document(model._learned.arrays, sequences(length)))
        assert model.log_partition(length).value == pytest.approx(exact, abs=1e-10)


def test_documents_follow_the_enumerated_distribution():
    model = topics()
    p = np.exp(log_document(model._learned.arrays, sequences(3)))
    cells, which = np.unique(sequences(3) @ [16, 4, 1], return_inverse=True)
    p = np.bincount(which, p / p.sum())
    drawn = model.sample(np.full(20_000, 3), n_steps=30, random_state=1) @ [16, 4, 1]
    count = np.array([(drawn == cell).sum() for cell in cells])
    assert stats.chisquare(count, p * len(drawn)).pvalue > 1e-4
    wrong = np.roll(p, 1)
    assert stats.chisquare(count, wrong * len(drawn)).pvalue < 1e-4


def test_annealing_finds_log_z_within_its_error():
    model = topics()
    deviations = []
    for seed in range(10):
        found = model.log_partition(5, "ais", n_runs=200, n_betas=100, random_state=seed)
        deviations.append((found.value - model.log_partition(5, "exact").value) / found.error)
    assert np.abs(deviations).max() < 4  # ten normal numbers: 6e-4
    assert abs(np.mean(deviations)) < 3.3 / np.sqrt(10)


def synthetic_documents(n, seed):
    """60 words of a vocabulary of 60, from five topics in shares of any size."""
    rng = np.random.default_rng(seed)
    words = np.random.default_rng(9).dirichlet(np.full(60, 0.1), 5)
    share = rng.dirichlet(np.full(5, 0.3), n) @ words
    return np.array([rng.multinomial(60, p / p.sum()) for p in share])


def test_topics_beat_mixtures_of_unigrams_of_any_size():
    train, test = synthetic_documents(500, 1), synthetic_documents(200, 2)
    model = ReplicatedSoftmax(10, n_iter=200, batch_size=50, random_state=1)
    found = model.fit(sparse.csr_matrix(train)).perplexity(test)
    baselines = [MixtureOfUnigrams(k).fit(train).perplexity(test) for k in (1, 4, 8, 16, 32)]
    assert found < min(baselines)


def ratings_model(conditional):
    model = RatingsRBM(3, scale=(1, 2, 3), conditional=conditional, l2=0.0, **OPTIONS).fit(RATED)
    randomise(model._learned.arrays, 3)
    return model


def log_user(a, items, levels):
    inputs = a["hidden_bias"] + a["weights"][items, levels].sum(axis=0)
    if "rated_weights" in a:
        inputs = inputs + a["rated_weights"][items].sum(axis=0)
    return a["level_bias"][items, levels].sum() + softplus(inputs).sum()


def log_probability(a, row):
    items = np.flatnonzero(~np.isnan(row))
    every = itertools.product(range(3), repeat=len(items))
    log_z = log_sum_exp(np.array([log_user(a, items, list(levels)) for levels in every]))
    return log_user(a, items, row[items].astype(int) - 1) - log_z


@pytest.mark.parametrize("conditional", [False, True])
def test_the_exact_gradient_of_ratings(conditional):
    model = ratings_model(conditional)
    found = model._learned.gradient(model.checked_rows(RATED))

    def log_likelihood(a):
        return sum(log_probability(a, row) for row in RATED) / len(RATED)

    assert_same_gradient(found, gradient_of(log_likelihood, model._learned.arrays))
    expected = [log_probability(model._learned.arrays, row) for row in RATED]
    np.testing.assert_allclose(model.log_likelihood(RATED), expected, atol=1e-10)


def test_predictions_are_the_exact_conditionals():
    model = ratings_model(True)
    a = model._learned.arrays
    items, levels = np.array([0, 2, 3]), np.array([0, 2, 1])
    inputs = a["hidden_bias"] + (a["weights"][items, levels] + a["rated_weights"][items]).sum(
        axis=0
    )
    p = np.exp(a["level_bias"][1] + softplus(inputs + a["weights"][1]).sum(axis=1))
    found = model.predict_proba(sparse_of(RATED), [0], [1])[0]
    np.testing.assert_allclose(found, p / p.sum(), atol=1e-12)
    assert model.predict(RATED, [0], [1])[0] == pytest.approx(found @ [1, 2, 3])


def sparse_of(table):
    rows, columns = np.nonzero(~np.isnan(table))
    return sparse.csr_matrix((table[rows, columns], (rows, columns)), shape=table.shape)


def test_chains_of_ratings_follow_the_enumerated_distribution():
    """Contrastive divergence's own steps, many of them, on copies of one user."""
    model = ratings_model(True)
    learner, n = model._learned, 20_000
    learner.n_steps = 20
    ratings = model.checked_rows(np.tile(RATED[1], (n, 1)))
    kept = []
    learner._add = lambda out, ratings, share, hidden, sign: kept.append(ratings.levels)
    learner._add_chains({k: v.copy() for k, v in learner.arrays.items()}, ratings)
    cell = kept[0].reshape(n, 2) @ [3, 1]
    rows = [[NAN, 1 + k, 1 + m, NAN] for k in range(3) for m in range(3)]
    p = np.exp([log_probability(learner.arrays, np.array(row)) for row in rows])
    count = np.bincount(cell, minlength=9)
    assert stats.chisquare(count, p * n).pvalue > 1e-4
    assert stats.chisquare(count, np.roll(p, 1) * n).pvalue < 1e-4


@pytest.mark.submission
def test_ratings_beat_the_biases_of_users_and_items():
    known, held_out = datasets.taste_ratings(600, 80, share=0.25)
    model = RatingsRBM(20, n_iter=60, batch_size=50, random_state=1).fit(known)
    assert model.rmse(known, held_out) < 0.95 * BiasBaseline().fit(known).rmse(held_out)


@pytest.mark.parametrize(
    ("X", "words"),
    [
        ([[1, 0], [0, 0]], "document 1 without words"),
        ([[1, -1], [1, 0]], "got -1"),
        ([[1, 0.5], [1, 0]], "got 0.5"),
        ([[1, np.nan], [1, 0]], "NaN"),
        (np.empty((0, 3)), "0 sample"),
    ],
)
def test_bad_documents(X, words):
    with pytest.raises(ValueError, match=words):
        ReplicatedSoftmax(2).fit(X)


@pytest.mark.parametrize(
    ("X", "words"),
    [
        ([[1, 7], [2, 3]], "one of 1, 2, 3, 4, 5, got 7"),
        ([[1, 2.5], [2, 3]], r"got 2\.5"),
        (sparse.csr_matrix((2, 3)), "0 ratings"),
        ([[1, 2]], "2 user"),
        ([[1, np.inf], [1, 2]], "finite"),
        ([1, 2], "2D"),
    ],
)
def test_bad_ratings(X, words):
    with pytest.raises(ValueError, match=words):
        RatingsRBM(2).fit(X)


def test_bad_questions():
    model = ratings_model(True)
    with pytest.raises(ValueError, match="items must lie between 0 and 3, got 4"):
        model.predict(RATED, [0], [4])
    with pytest.raises(ValueError, match="has 3 features"):
        model.transform(RATED[:, 1:])
    with pytest.raises(ValueError, match="ascending"):
        RatingsRBM(scale=(3, 2, 1)).fit(RATED)
    with pytest.raises(ValueError, match="has 2 features"):
        topics().transform([[1, 2]])
    with pytest.raises(ValueError, match="at least 1"):
        topics().sample([0])
