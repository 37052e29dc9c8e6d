"""Boltzmann machines without restrictions, deep ones, NADE: everything against enumeration."""

import numpy as np
import pytest
from derivatives import assert_same_gradient, gradient_of, log_sum_exp, randomise, softplus, states
from scipy import sparse, stats

from rbmqs.boltzmann import datasets
from rbmqs.boltzmann.deep_boltzmann import DeepBoltzmannMachine
from rbmqs.boltzmann.general import BoltzmannMachine
from rbmqs.boltzmann.nade import NADE

ROWS = states(3)[[0, 0, 7, 3, 5]].astype(float)
OPTIONS = {"dtype": "float64", "n_iter": 1, "random_state": 0}


def general(n_hidden):
    model = BoltzmannMachine(n_hidden, method="exact", posterior="exact", **OPTIONS).fit(ROWS)
    upper = np.triu(np.random.default_rng(1).normal(size=model.couplings_.shape), 1)
    model.couplings_[...] = upper + upper.T
    model.intercept_[...] = np.random.default_rng(2).normal(size=len(upper))
    return model


def log_weight(a, s):
    return s @ a["bias"] + 0.5 * ((s @ a["couplings"]) * s).sum(axis=1)


@pytest.mark.parametrize("n_hidden", [0, 2])
def test_the_exact_gradient_of_a_general_machine(n_hidden):
    model = general(n_hidden)
    n = 3 + n_hidden

    def log_likelihood(a):
        hidden = states(n_hidden)
        every = [np.hstack([np.tile(row, (len(hidden), 1)), hidden]) for row in ROWS]
        clamped = [log_sum_exp(log_weight(a, rows)) for rows in every]
        return sum(clamped) / len(ROWS) - log_sum_exp(log_weight(a, states(n)))

    learner = model._learned
    expected = gradient_of(log_likelihood, learner.arrays)
    one_sided = expected["couplings"] + expected["couplings"].T  # J_ik and J_ki are one parameter
    np.fill_diagonal(one_sided, 0)
    expected["couplings"] = one_sided
    assert_same_gradient(learner.gradient(ROWS), expected)
    found = model.score_samples(ROWS).mean()
    assert found == pytest.approx(log_likelihood(learner.arrays).real, abs=1e-10)


def p_value(rows, probability):
    count = np.bincount(rows.astype(int) @ [4, 2, 1], minlength=8)
    return stats.chisquare(count, probability * count.sum()).pvalue


@pytest.mark.parametrize("n_hidden", [0, 2])
def test_sweeps_follow_the_enumerated_distribution(n_hidden):
    model = general(n_hidden)
    probability = np.exp(model.score_samples(states(3)))
    assert probability.sum() == pytest.approx(1, abs=1e-12)
    assert p_value(model.sample(20_000, n_steps=60, random_state=1), probability) > 1e-4
    starts = np.repeat(states(3), 2500, axis=0)
    assert p_value(model.gibbs(starts, n_steps=60, random_state=2), probability) > 1e-4
    model.intercept_[0] += 0.3  # a broken twin must fail
    assert p_value(model.sample(20_000, n_steps=60, random_state=1), probability) < 1e-4


def test_general_rbms_learn_what_pairs_cannot_say():
    """Parity of three units: a fully visible machine stays at 3 log 2, hidden units get below."""
    rows = np.tile(states(3)[states(3).sum(axis=1) % 2 == 0], (10, 1))
    options = {"batch_size": 40, "random_state": 1, "method": "exact", "dtype": "float64"}
    visible = BoltzmannMachine(0, n_iter=300, learning_rate=0.2, **options).fit(rows)
    assert visible.score_samples(rows).mean() == pytest.approx(-3 * np.log(2), abs=0.01)
    options |= {"posterior": "exact", "momentum": 0.9, "learning_rate": 0.3}
    hidden = BoltzmannMachine(3, n_iter=1, **options).fit(rows)
    upper = np.triu(np.random.default_rng(2).normal(size=(6, 6)), 1)
    hidden.couplings_[...] = 2 * (upper + upper.T)  # small couplings stay long at the saddle
    for _ in range(500):
        hidden.partial_fit(rows[:4])
    assert hidden.score_samples(rows).mean() > -1.6


def deep():
    model = DeepBoltzmannMachine((2, 3), method="exact", n_mean_field=200, pretrain_n_iter=0,
                                 **OPTIONS).fit(ROWS)  # fmt: skip
    randomise(model._learned.arrays, 4, scale=0.6)
    return model


def deep_log_weight(a, v, h1, h2):
    return (
        v @ a["bias_0"] + h1 @ a["bias_1"] + h2 @ a["bias_2"]
        + ((v @ a["weights_0"]) * h1).sum(axis=-1) + ((h1 @ a["weights_1"]) * h2).sum(axis=-1)
    )  # fmt: skip


def every_layer():
    all_units = states(8)
    return all_units[:, :3], all_units[:, 3:5], all_units[:, 5:]


def test_the_gradient_of_the_mean_field_bound():
    model = deep()
    learner = model._learned
    _, q1, q2 = learner.mean_field(ROWS)

    def entropy(q):
        return -(q * np.log(q) + (1 - q) * np.log(1 - q)).sum(axis=1)

    def bound(a):
        log_z = log_sum_exp(deep_log_weight(a, *every_layer()))
        return (deep_log_weight(a, ROWS, q1, q2) + entropy(q1) + entropy(q2)).mean() - log_z

    assert_same_gradient(learner.gradient(ROWS), gradient_of(bound, learner.arrays))
    found = model.score_samples(ROWS).mean()
    assert found == pytest.approx(bound(learner.arrays).real, abs=1e-10)
    weight = np.exp(deep_log_weight(learner.arrays, *every_layer()))
    exact = np.log([weight[(every_layer()[0] == row).all(axis=1)].sum() for row in ROWS])
    assert (model.score_samples(ROWS) < exact - np.log(weight.sum())).all()


def test_mean_field_is_a_stationary_point_of_the_bound():
    learner = deep()._learned
    layers = learner.mean_field(ROWS)
    best = learner.log_weight_bound(layers)
    rng = np.random.default_rng(0)
    for k in (1, 2):
        moved = list(layers)
        moved[k] = layers[k] + 1e-4 * rng.choice([-1, 1], layers[k].shape)
        assert np.abs(learner.log_weight_bound(moved) - best).max() < 1e-6


def test_layers_follow_the_enumerated_distribution():
    model = deep()
    weight = np.exp(deep_log_weight(model._learned.arrays, *every_layer()))
    probability = np.bincount(every_layer()[0] @ [4, 2, 1], weight) / weight.sum()
    assert p_value(model.sample(20_000, n_steps=40, random_state=1), probability) > 1e-4
    model.biases_[0][0] += 0.3  # a broken twin must fail
    assert p_value(model.sample(20_000, n_steps=40, random_state=1), probability) < 1e-4


def test_deep_rbms_learn():
    rows = np.repeat(np.eye(4), 50, axis=0)
    rows = np.hstack([rows, rows])
    model = DeepBoltzmannMachine((8, 4), n_iter=400, batch_size=50, pretrain_n_iter=50,
                                 learning_rate=0.05, momentum=0.5, random_state=1)  # fmt: skip
    independent = 8 * (0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    assert model.fit(rows).score_samples(rows).mean() > independent + 1.0
    assert model.transform(sparse.csr_matrix(rows)).shape == (200, 4)
    assert np.abs(model.reconstruct(rows) - rows).mean() < 0.2


def nade():
    model = NADE(4, **OPTIONS).fit(ROWS)
    randomise(model._learned.arrays, 5)
    return model


@pytest.mark.submission
def test_the_gradient_of_nade():
    model = nade()
    learner = model._learned

    def log_likelihood(a):
        total, v = 0, ROWS[:, model.order_]
        for i in range(3):
            hidden = 1 / (1 + np.exp(-a["hidden_bias"] - v[:, :i] @ a["weights"][:i]))
            x = a["visible_bias"][i] + hidden @ a["output_weights"][i]
            total = total + (v[:, i] * x - softplus(x)).mean()
        return total

    found = learner.gradient(ROWS)
    assert_same_gradient(found, gradient_of(log_likelihood, learner.arrays))
    assert model.score(ROWS) == pytest.approx(log_likelihood(learner.arrays).real, abs=1e-12)


def test_nade_is_normalised_and_its_samples_are_its_own():
    model = nade()
    probability = np.exp(model.score_samples(states(3)))
    assert probability.sum() == pytest.approx(1, abs=1e-12)
    assert p_value(model.sample(20_000, random_state=1), probability) > 1e-4
    wrong = np.roll(probability, 1)
    assert p_value(model.sample(20_000, random_state=1), wrong) < 1e-4


@pytest.mark.submission
def test_nade_comes_close_to_the_optimum_of_bars_and_stripes():
    data = datasets.bars_and_stripes(3)
    model = NADE(30, n_iter=1000, batch_size=16, learning_rate=0.3, random_state=1)
    assert -2.65 < model.fit(data.rows).score(data.rows) < -2.599302


@pytest.mark.parametrize("kind", [BoltzmannMachine, NADE, DeepBoltzmannMachine])
def test_bad_input(kind):
    for X, words in [
        ([[0, 2], [1, 0]], "0 and 1|between 0 and 1"),
        ([[0, np.nan], [1, 0]], "NaN"),
        (np.empty((0, 2)), "0 sample"),
        ([[0, 1]], "minimum of 2"),
        ([0, 1], "2D"),
    ]:
        with pytest.raises(ValueError, match=words):
            kind().fit(X)
    small = DeepBoltzmannMachine((2,)) if kind is DeepBoltzmannMachine else kind(2)
    small.set_params(n_iter=1, random_state=0).fit(ROWS)
    with pytest.raises(ValueError, match="has 2 features"):
        small.score_samples(ROWS[:, :2])
    with pytest.raises(ValueError, match="not fitted"):
        kind().score_samples(ROWS)


def test_exact_sums_beyond_reach_are_refused():
    rows = np.eye(21)
    with pytest.raises(ValueError, match="at most 20 units, got 21"):
        BoltzmannMachine(method="exact").fit(rows)
    with pytest.raises(ValueError, match="at most 20 units, got 21"):
        DeepBoltzmannMachine((2,), method="exact", pretrain_n_iter=0).fit(rows)
