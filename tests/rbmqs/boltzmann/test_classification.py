"""Classification RBM and fine-tuned stack: gradients, conditionals, samples, digits, bad input."""

import pickle

import numpy as np
import pytest
from derivatives import assert_same_gradient, gradient_of, log_sum_exp, randomise, softplus, states
from scipy import sparse, stats
from sklearn.datasets import load_digits

from rbmqs.boltzmann.belief_network import DeepBeliefNetwork
from rbmqs.boltzmann.classification import ClassificationRBM
from rbmqs.boltzmann.classification_learner import Batch, Joint, drawn_units
from rbmqs.boltzmann.finetuning import DeepBeliefClassifier, NetworkLearner
from rbmqs.boltzmann.linalg import one_pool
from rbmqs.boltzmann.randomness import new_stream

D, C, M = 4, 3, 3
X = np.random.default_rng(0).random((7, D))
Y = np.array([0, 1, 2, 0, 1, 2, 2])
OPTIONS = {"dtype": "float64", "n_iter": 1, "random_state": 0}


def model_with(**options):
    model = ClassificationRBM(M, **OPTIONS, **options).fit(X, Y)
    randomise(model._learned.arrays, 1)
    return model


def log_joint(a, x, y):
    """log of the unnormalised p(x, y), one row each."""
    inputs = x @ a["weights"] + a["class_weights"][y] + a["hidden_bias"]
    return x @ a["visible_bias"] + a["class_bias"][y] + softplus(inputs).sum(axis=1)


def every_pair():
    x = np.repeat(states(D), C, axis=0)
    return x, np.tile(np.arange(C), 2**D)


class ExactChains:
    """The model side of the learner replaced by the exact average over all (x, y)."""

    def __init__(self, arrays):
        self.arrays = arrays

    def __call__(self, batch, probability, share):
        x, y = every_pair()
        log_p = log_joint(self.arrays, x, y)
        p = np.exp(log_p - log_sum_exp(log_p))
        one_hot = np.eye(C)[y]
        inputs = x @ self.arrays["weights"] + one_hot @ self.arrays["class_weights"]
        hidden = 1 / (1 + np.exp(-inputs - self.arrays["hidden_bias"]))
        return Joint(x.astype(float), one_hot, hidden, p * share.sum())


def objective(a, labels, shares):
    total = 0
    log_z = log_sum_exp(log_joint(a, *every_pair()))
    for x, y in zip(X, labels, strict=True):
        each = log_joint(a, np.tile(x, (C, 1)), np.arange(C))
        if y < 0:
            total = total + shares.unlabelled * (log_sum_exp(each) - log_z)
        else:
            total = total + shares.discriminative * (each[y] - log_sum_exp(each))
            total = total + shares.generative * (each[y] - log_z)
    return total / len(X)


@pytest.mark.parametrize("kind", ["discriminative", "generative", "hybrid"])
def test_the_gradient_of_each_objective(kind):
    """Rows without labels and inputs between 0 and 1 (as energies) included."""
    model = model_with(objective=kind, generative_weight=0.3, unlabelled_weight=0.2)
    learner = model._learned
    learner.model_side = ExactChains(learner.arrays)
    labels = np.array([0, 1, -1, 0, 2, -1, 2])
    found = learner.gradient(Batch(X, labels))
    expected = gradient_of(lambda a: objective(a, labels, learner.shares), learner.arrays)
    assert_same_gradient(found, expected)


def test_the_purely_discriminative_gradient_needs_no_chains():
    learner = model_with(objective="discriminative")._learned
    found = learner.gradient(Batch(X, Y))
    expected = gradient_of(lambda a: objective(a, Y, learner.shares), learner.arrays)
    assert np.abs(expected.pop("visible_bias")).max() < 1e-15
    assert_same_gradient(found, expected)


def test_centred_steps_are_plain_ones_of_shifted_inputs():
    """x W + c = (x - mu) W + c': a step of (W, c) is one of (W, c')."""
    model = model_with(objective="discriminative")
    learner, mu = model._learned, X.mean(axis=0)
    np.testing.assert_allclose(learner.offset, mu)
    before = {name: array.copy() for name, array in learner.arrays.items()}

    def shifted(a):
        plain = a | {"hidden_bias": a["hidden_bias"] - mu @ a["weights"]}
        return objective(plain, Y, learner.shares)

    start = before | {"hidden_bias": before["hidden_bias"] + mu @ before["weights"]}
    slope = gradient_of(shifted, start)
    learner.step(Batch(X, Y), 0.01)
    after = {name: start[name] + 0.01 * slope[name] for name in start}
    after["hidden_bias"] -= mu @ after["weights"]
    assert_same_gradient(learner.arrays, after)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_drawn_units_have_their_probabilities(kind):
    probability = np.tile([0.0, 0.1, 0.5, 0.9, 1.0], (4000, 1))
    stream = new_stream(np.random.SeedSequence(3))
    drawn = [drawn_units(kind(probability), stream) for _ in range(2)]
    for units in (u.toarray() if kind is sparse.csr_array else u for u in drawn):
        p = probability[0]
        assert set(np.unique(units)) == {0.0, 1.0}
        # Five cells at 4.5 deviations: false positives in one of 30 000 runs.
        assert (abs(units.mean(axis=0) - p) <= 4.5 * np.sqrt(p * (1 - p) / len(units))).all()
    assert (drawn[0] != drawn[1]).sum() > 0


def test_drawing_inputs_of_0_and_1_changes_nothing():
    rows = np.round(X)
    options = OPTIONS | {"objective": "discriminative", "n_iter": 5}
    plain = ClassificationRBM(M, **options).fit(rows, Y)
    drawn = ClassificationRBM(M, draw_inputs=True, **options).fit(rows, Y)
    assert np.array_equal(plain.components_, drawn.components_)
    grey = [ClassificationRBM(M, draw_inputs=d, **options).fit(X, Y) for d in (False, True)]
    assert not np.array_equal(grey[0].components_, grey[1].components_)


def test_conditionals_are_those_of_the_joint_distribution():
    model = model_with()
    a = model._learned.arrays
    joint = np.array([log_joint(a, X, np.full(len(X), y)) for y in range(C)]).T
    expected = np.exp(joint) / np.exp(joint).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(X), expected, atol=1e-12)
    np.testing.assert_allclose(model.predict_proba(sparse.csr_matrix(X)), expected, atol=1e-12)


def p_value_of_samples(model, log_p):
    x, y = model.sample(20_000, n_steps=30, random_state=2)
    cell = (x @ 2 ** np.arange(D)[::-1]).astype(int) * C + y
    count = np.bincount(cell, minlength=len(log_p))
    p = np.exp(log_p - log_sum_exp(log_p))
    return stats.chisquare(count, p * count.sum()).pvalue


def test_samples_follow_the_enumerated_joint_distribution():
    model = model_with()
    log_p = log_joint(model._learned.arrays, *every_pair())
    assert p_value_of_samples(model, log_p) > 1e-4
    model._learned.arrays["class_bias"][0] += 0.3  # a broken twin must fail
    assert p_value_of_samples(model, log_p) < 1e-4


def network(dropout=0.0):
    rng = np.random.default_rng(3)
    sizes = [(D, 5), (5, 4), (4, C)]
    arrays = {}
    for k, (n, m) in enumerate(sizes):
        arrays[f"weights_{k}"], arrays[f"bias_{k}"] = rng.normal(size=(n, m)), rng.normal(size=m)
    options = DeepBeliefClassifier()
    return NetworkLearner(arrays, np.array([1, 2, 0, 0], np.uint64), options, dropout, dropout)


def forward(a, layers, masks=(1, 1, 1)):
    below = X * masks[0]
    for k in range(2):
        below = masks[k + 1] / (1 + np.exp(-(below @ a[f"weights_{k}"] + a[f"bias_{k}"])))
    return below @ a["weights_2"] + a["bias_2"]


def log_probability(a, masks=(1, 1, 1)):
    scores = forward(a, 3, masks)
    return sum(row[y] - log_sum_exp(row) for row, y in zip(scores, Y, strict=True)) / len(X)


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_backpropagation(dropout):
    learner = network(dropout)
    masks = [layer.mask for layer in learner._forward(X)]
    learner.stream[2] = 0  # the same masks again
    found = learner.gradient(Batch(X, Y))
    expected = gradient_of(lambda a: log_probability(a, masks), learner.arrays)
    assert_same_gradient(found, expected)


def digits():
    rows, labels = load_digits(return_X_y=True)
    test = np.arange(len(rows)) % 4 == 0
    rows = rows / 16
    return rows[~test], labels[~test], rows[test], labels[test]


@pytest.mark.submission
@pytest.mark.parametrize(
    ("options", "bound"),
    [({"objective": "discriminative"}, 0.955), ({"objective": "hybrid"}, 0.955),
     ({"objective": "generative", "learning_rate": 0.1}, 0.91)],
)  # fmt: skip
def test_digits_are_recognised(options, bound):
    train, labels, test, expected = digits()
    options = {"learning_rate": 0.2, "momentum": 0.5, "generative_weight": 0.1} | options
    model = ClassificationRBM(100, n_iter=30, batch_size=20, random_state=1, **options)
    assert model.fit(train, labels).score(test, expected) >= bound
    assert pickle.loads(pickle.dumps(model)).score(test, expected) >= bound


def test_rows_without_labels_help():
    train, labels, test, expected = digits()
    labels = labels.copy()
    labels[100:] = -1
    options = {"n_iter": 20, "batch_size": 50, "learning_rate": 0.1, "random_state": 1}
    some = ClassificationRBM(100, unlabelled=-1, unlabelled_weight=0.3, objective="hybrid",
                             generative_weight=0.3, **options).fit(train, labels)  # fmt: skip
    options |= {"n_iter": 200}
    few = ClassificationRBM(100, objective="discriminative", **options)
    assert some.score(test, expected) > few.fit(train[:100], labels[:100]).score(test, expected)


def test_a_fine_tuned_stack_recognises_digits():
    train, labels, test, expected = digits()
    model = DeepBeliefClassifier(
        (100, 50), n_iter=20, batch_size=20, learning_rate=0.05, momentum=0.9, finetune_n_iter=40,
        finetune_rate=0.1, dropout=0.2, random_state=1,
    ).fit(train, labels)  # fmt: skip
    assert model.score(test, expected) >= 0.96
    assert model.transform(test).shape == (len(test), 50)
    assert np.isin(model.sample(5, 10, random_state=1), (0, 1)).all()


def test_samples_of_a_stack_follow_its_generative_model():
    rows = states(3)[[0, 0, 7, 3]]
    model = DeepBeliefNetwork((3, 2), **OPTIONS).fit(rows)
    for k, machine in enumerate(model.rbms_):
        randomise(machine.arrays, k)
    bottom, top = model.rbms_
    with one_pool():
        middle = np.exp(top.log_weight(states(3).astype(float)))
        mean = bottom.visible_mean(states(3).astype(float))
    each = np.prod(np.where(states(3)[:, None] == 1, mean, 1 - mean), axis=2)
    probability = each @ (middle / middle.sum())
    drawn = model.sample(20_000, n_steps=30, random_state=4).astype(int) @ [4, 2, 1]
    count = np.bincount(drawn, minlength=8)
    assert stats.chisquare(count, probability * count.sum()).pvalue > 1e-4
    wrong = np.roll(probability, 1)
    assert stats.chisquare(count, wrong * count.sum()).pvalue < 1e-4


@pytest.mark.parametrize(
    ("rows", "labels", "words"),
    [
        (X, Y[:-1], "got 6 for 7 rows"),
        (X, np.zeros(7), "at least 2 classes"),
        (X * 2, Y, "between 0 and 1"),
        (X, Y + 0.5, "continuous"),
        (X, [np.nan] * 7, "NaN"),
        (X * np.nan, Y, "NaN"),
        (X[:0], Y[:0], "0 sample"),
        (X, None, "y is None"),
    ],
)
@pytest.mark.parametrize("kind", [ClassificationRBM, DeepBeliefClassifier])
def test_bad_input(kind, rows, labels, words):
    with pytest.raises(ValueError, match=words):
        kind(**OPTIONS).fit(rows, labels)


def test_bad_options_columns_and_classes():
    model = model_with()
    with pytest.raises(ValueError, match="has 2 features"):
        model.predict(X[:, :2])
    with pytest.raises(ValueError, match="label 5, which is none of"):
        model.partial_fit(X, np.full(7, 5))
    with pytest.raises(ValueError, match="objective must be one of"):
        ClassificationRBM(objective="best").fit(X, Y)
    with pytest.raises(TypeError, match="draw_inputs must be true or false, got 'no'"):
        ClassificationRBM(draw_inputs="no").fit(X, Y)
    with pytest.raises(ValueError, match="must name all classes"):
        ClassificationRBM().partial_fit(X, Y)
    with pytest.raises(ValueError, match="dropout must be below 1"):
        DeepBeliefClassifier(dropout=1.0).fit(X, Y)
    with pytest.raises(ValueError, match="one hidden layer at least"):
        DeepBeliefNetwork(()).fit(X)
