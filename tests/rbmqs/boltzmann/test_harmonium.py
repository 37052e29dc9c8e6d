"""Softmax and Gaussian visible units: gradients, samples, likelihoods against enumeration."""

import itertools

import numpy as np
import pytest
from derivatives import assert_same_gradient, gradient_of, log_sum_exp, randomise, softplus, states
from scipy import stats

from rbmqs.boltzmann.gaussian import GaussianRBM
from rbmqs.boltzmann.softmax import SoftmaxRBM

SIZES = (3, 2, 4)


def all_categories():
    return np.array(list(itertools.product(*map(range, SIZES))))


def encoded(table):
    return np.hstack([np.eye(k)[table[:, i]] for i, k in enumerate(SIZES)])


def softmax_model(seed=1, scale=0.7):
    model = SoftmaxRBM(4, n_categories=SIZES, method="exact", dtype="float64", n_iter=1,
                       random_state=0).fit(all_categories())  # fmt: skip
    randomise(model.rbm_.arrays, seed, scale)
    return model


def gaussian_model(seed=1):
    rows = np.random.default_rng(0).normal(size=(12, 3))
    model = GaussianRBM(4, method="exact", dtype="float64", n_iter=1, random_state=0).fit(rows)
    randomise(model.rbm_.arrays, seed)
    return model, rows


def gradient_at(model, rows):
    data = model.rbm_.statistics(model.checked_rows(rows))
    own = model.rbm_.exact_statistics()
    return {name: data[name] - own[name] for name in data}


def log_weight(a, v):
    return v @ a["visible_bias"] + softplus(v @ a["weights"] + a["hidden_bias"]).sum(axis=1)


def test_the_exact_gradient_of_softmax_units():
    model = softmax_model()
    table = all_categories()[[0, 5, 5, 17, 23]]
    every = encoded(all_categories())

    def log_likelihood(a):
        return log_weight(a, encoded(table)).mean() - log_sum_exp(log_weight(a, every))

    found = gradient_at(model, table)
    assert_same_gradient(found, gradient_of(log_likelihood, model.rbm_.arrays))


def test_the_exact_gradient_of_gaussian_units():
    model, rows = gaussian_model()

    def log_likelihood(a):
        """Mixture of 2^M normal densities with weights from the integral over v."""
        variance, h = np.exp(a["visible_log_variance"]), states(4)
        mean = a["visible_bias"] + h @ a["weights"].T
        log_width = 0.5 * np.log(2 * np.pi * variance).sum()
        prior = h @ a["hidden_bias"] + log_width
        prior = prior + ((mean**2 - a["visible_bias"] ** 2) / (2 * variance)).sum(axis=1)
        prior = prior - log_sum_exp(prior)
        square = ((rows[:, None] - mean) ** 2 / (2 * variance)).sum(axis=2)
        joint = prior - log_width - square
        return sum(log_sum_exp(row) for row in joint) / len(rows)

    arrays = model.rbm_.arrays
    found = gradient_at(model, rows)
    assert_same_gradient(found, gradient_of(log_likelihood, arrays))
    assert model.log_likelihood(rows).mean() == pytest.approx(log_likelihood(arrays).real, abs=1e-9)


def test_softmax_likelihoods_sum_to_one():
    model = softmax_model()
    assert np.exp(model.log_likelihood(all_categories())).sum() == pytest.approx(1, abs=1e-12)


def p_value_of_softmax_samples(model, probability):
    drawn = model.sample(20_000, n_steps=30, random_state=5)
    cell = np.ravel_multi_index(tuple(drawn.T), SIZES)
    count = np.bincount(cell, minlength=len(probability))
    return stats.chisquare(count, probability * count.sum()).pvalue


def test_softmax_samples_follow_the_enumerated_distribution():
    model = softmax_model(scale=0.5)
    probability = np.exp(model.log_likelihood(all_categories()))
    assert p_value_of_softmax_samples(model, probability) > 1e-4
    model.rbm_.hidden_bias[0] += 0.6  # a broken twin must fail
    assert p_value_of_softmax_samples(model, probability) < 1e-4


def test_gaussian_samples_have_the_moments_of_the_mixture():
    model, _ = gaussian_model()
    machine = model.rbm_
    _, h, probability = machine.states()
    mean = machine.arrays["visible_bias"] + h @ machine.weights.T
    first = probability @ mean
    spread = probability @ (mean - first) ** 2 + model.variance_
    drawn = model.sample(20_000, n_steps=50, random_state=3)
    error = np.sqrt(spread / len(drawn))
    np.testing.assert_array_less(np.abs(drawn.mean(axis=0) - first), 4 * error)
    np.testing.assert_allclose(drawn.var(axis=0), spread, rtol=0.06)


def test_training_raises_the_likelihood():
    rng = np.random.default_rng(4)
    rows = rng.choice([-2.0, 2.0], (400, 1)) * [1, -1, 1] + rng.normal(size=(400, 3))
    model = GaussianRBM(6, n_iter=400, batch_size=50, learning_rate=0.02, random_state=1)
    normal = stats.multivariate_normal(rows.mean(axis=0), np.diag(rows.var(axis=0)))
    assert model.fit(rows).log_likelihood(rows).mean() > normal.logpdf(rows).mean() + 0.8
    table = (rng.integers(0, 3, (400, 1)) + np.arange(3)) % 3
    softmax = SoftmaxRBM(6, n_iter=150, batch_size=50, learning_rate=0.2, random_state=1)
    assert softmax.fit(table).log_likelihood(table).mean() > -2.0  # independent columns: -3.3


def test_the_result_depends_on_the_seed_alone():
    table = all_categories()
    first, again, other = (SoftmaxRBM(5, n_iter=3, random_state=s).fit(table) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.components_, again.components_)
    assert not np.array_equal(first.components_, other.components_)
    model = SoftmaxRBM(5, random_state=1)
    assert np.isfinite(model.partial_fit(table).partial_fit(table).components_).all()


@pytest.mark.parametrize(
    ("X", "words"),
    [
        ([[0, 1.5], [1, 0]], "got 1.5 in row 0, column 1"),
        ([[0, -1], [1, 0]], "got -1"),
        ([[0, np.nan], [1, 0]], "NaN"),
        (np.empty((0, 3)), "0 sample"),
        ([0, 1], "must be 2D"),
    ],
)
def test_bad_categories(X, words):
    with pytest.raises(ValueError, match=words):
        SoftmaxRBM(2).fit(X)


def test_bad_options_and_columns():
    model = softmax_model()
    with pytest.raises(ValueError, match=r"category 3 in row 0, column 0.*0 to 2"):
        model.transform([[3, 0, 0]])
    with pytest.raises(ValueError, match="has 2 features"):
        model.transform([[0, 0]])
    with pytest.raises(ValueError, match="at most 25 units"):
        SoftmaxRBM(26, n_iter=1).fit(np.eye(27)).log_partition()
    with pytest.raises(ValueError, match="method must be one of"):
        SoftmaxRBM(2, method="adam").fit([[0, 1], [1, 0]])
    with pytest.raises(ValueError, match="column 1 of X is constant"):
        GaussianRBM(2).fit([[0.0, 1], [1, 1]])
    with pytest.raises(TypeError, match="n_components must be an integer"):
        GaussianRBM(2.5).fit([[0.0, 1], [1, 2]])
