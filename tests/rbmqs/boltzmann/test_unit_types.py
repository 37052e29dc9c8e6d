"""Every type of unit against quadrature, every pair of layers against sums and integrals."""

import itertools

import numpy as np
import pytest
from scipy.special import logsumexp

from rbmqs.boltzmann import GaussianRBM, LayeredRBM, SoftmaxRBM
from rbmqs.boltzmann.layers import Harmonium
from rbmqs.boltzmann.learner import RBMLearner, StepOptions
from rbmqs.boltzmann.negative import ExactSum
from rbmqs.boltzmann.randomness import new_stream
from rbmqs.boltzmann.rows import Rows
from rbmqs.boltzmann.unit_types import UNIT_TYPES
from rbmqs.cli.main import main

TYPES = ("bernoulli", "spin", "softmax", "gaussian", "relu", "drelu")
FINITE = {"bernoulli", "spin", "softmax"}
PAIRS = list(itertools.product(TYPES, TYPES))
GRID = np.linspace(-14, 14, 5601)
SEED = np.random.SeedSequence(3)


def layer(kind, seed, learn=True):
    """Three units, one where they are real, with random parameters."""
    units = UNIT_TYPES[kind].at_rest(3 if kind in FINITE else 1, np.float64)
    units.learn = learn
    rng = np.random.default_rng(seed)
    for name, array in units.arrays.items():
        array[...] = rng.normal(size=array.shape) * (0.3 if "log" in name else 0.7)
    return units


def points(units):
    """All states, or the points of a grid, and the logarithm of the volume of each."""
    if not units.is_real:
        states = units.all_states()
        return states, np.zeros(len(states))
    axis = GRID[GRID >= 0] if type(units).__name__ == "ReLUUnits" else GRID
    volume = np.full(len(axis), np.log(GRID[1] - GRID[0]))
    volume[[0, -1]] -= np.log(2)
    return axis[:, None], volume


def random_inputs(units):
    return np.random.default_rng(5).normal(size=(4, len(units.bias)))


@pytest.mark.parametrize("kind", TYPES)
def test_log_sums_means_and_samples_of_a_layer(kind):
    units = layer(kind, 1)
    inputs = random_inputs(units)
    states, volume = points(units)
    logs = units.log_weight(states) + volume + inputs @ units.scaled(states).T
    total = logsumexp(logs, axis=1)
    np.testing.assert_allclose(units.log_sum(inputs.copy()), total, rtol=1e-5)
    p = np.exp(logs - total[:, None])
    np.testing.assert_allclose(units.mean(inputs.copy()), p @ states, atol=2e-5)
    n = 40_000
    drawn = units.sample(np.repeat(inputs[:1], n, axis=0), new_stream(SEED))
    for power in (1, 2, 3):
        exact, square = p[0] @ states**power, p[0] @ states ** (2 * power)
        error = np.sqrt(np.maximum(square - exact**2, 0) / n) + 1e-4
        np.testing.assert_array_less(np.abs((drawn**power).mean(axis=0) - exact), 4.5 * error)


def differences(function, arrays):
    """Central differences of a function of arrays that are changed in place."""
    out = {}
    for name, array in arrays.items():
        flat, change = array.reshape(-1), np.empty(array.size)
        for k in range(array.size):
            at, values = flat[k], []
            for step in (1e-5, -1e-5):
                flat[k] = at + step
                values.append(function())
            flat[k] = at
            change[k] = (values[0] - values[1]) / 2e-5
        out[name] = change.reshape(array.shape)
    return out


def assert_close(found, expected):
    assert found.keys() == expected.keys()
    for name, change in found.items():
        np.testing.assert_allclose(change, expected[name], atol=1e-6, err_msg=name)


@pytest.mark.parametrize("kind", TYPES)
def test_derivatives_of_a_layer(kind):
    units = layer(kind, 1)
    inputs, share = random_inputs(units), np.array([0.1, 0.2, 0.3, 0.4])
    v = units.sample(inputs.copy(), new_stream(SEED))
    found = units.mean_statistics(lambda: inputs, units.mean(inputs.copy()), share)
    assert_close(found, differences(lambda: share @ units.log_sum(inputs.copy()), units.arrays))

    def minus_energy():
        return share @ (units.log_weight(v) + (units.scaled(v) * inputs).sum(axis=1))

    found = units.statistics(v, lambda: inputs, share)
    assert_close(found, differences(minus_energy, units.arrays))


def pair(visible, hidden):
    layers = layer(visible, 7), layer(hidden, 8)
    shape = tuple(len(units.bias) for units in layers)
    weights = 0.4 * np.random.default_rng(2).normal(size=shape)
    return Harmonium(layers[0], weights, layers[1])


def integrated_log_z(machine):
    states, volume = points(machine.visible)
    sent = machine.visible.scaled(states) @ machine.weights
    return logsumexp(machine.visible.log_weight(states) + volume + machine.hidden.log_sum(sent))


@pytest.mark.submission
@pytest.mark.parametrize(("visible", "hidden"), PAIRS)
def test_log_z_of_a_pair_exact_and_annealed(visible, hidden):
    machine = pair(visible, hidden)
    exact = integrated_log_z(machine)
    model = LayeredRBM(visible=visible, hidden=hidden)
    model.rbm_, model.n_features_in_ = machine, len(machine.visible.bias)
    if {visible, hidden} & FINITE or visible == hidden == "gaussian":
        assert model.log_partition() == pytest.approx(exact, abs=1e-4)
    else:
        with pytest.raises(ValueError, match="annealed_log_partition"):
            model.log_partition()
    forward = model.annealed_log_partition(100, 2000, random_state=1)
    assert abs(forward.value - exact) < 5 * forward.error + 2e-3
    if visible == "softmax":
        return  # its estimator takes categories
    drawn = machine.gibbs(np.repeat(machine.visible.sample(random_inputs(machine.visible),
                          new_stream(SEED)), 500, axis=0), new_stream(SEED), 50)  # fmt: skip
    back = model.annealed_log_partition(100, samples=drawn, random_state=1)
    assert back.side == "above"
    assert abs(back.value - exact) < 5 * back.error + 2e-3


@pytest.mark.parametrize(("visible", "hidden"), [p for p in PAIRS if {*p} & FINITE])
def test_the_exact_gradient_of_a_pair(visible, hidden):
    machine = pair(visible, hidden)
    rows = machine.visible.sample(random_inputs(machine.visible), new_stream(SEED))
    options = (StepOptions(), new_stream(SEED), 1)
    learner = RBMLearner(machine, Rows(rows), ExactSum(machine), *options)

    def log_likelihood():
        return machine.log_weight(rows).mean() - machine.log_partition()

    assert_close(learner.gradient(rows), differences(log_likelihood, machine.arrays))


@pytest.mark.parametrize("hidden", TYPES)
@pytest.mark.parametrize("visible", ["bernoulli", "spin", "gaussian", "relu", "drelu"])
def test_every_pair_trains(visible, hidden):
    rng = np.random.default_rng(0)
    rows = np.sign(rng.normal(size=(200, 1)) + 0.5 * rng.normal(size=(200, 4)))
    if visible in ("bernoulli", "relu"):
        rows = (rows + 1) / 2
    elif visible != "spin":
        rows = rows + 0.5 * rng.normal(size=rows.shape)
    model = LayeredRBM(3, visible=visible, hidden=hidden, n_iter=20, batch_size=20, random_state=1)
    model.fit(rows)
    assert not model.status_
    assert model.transform(rows).shape == (200, 3)
    assert np.isfinite(model.free_energy(rows)).all()
    assert model.sample(5, n_steps=3, random_state=1).shape == (5, 4)


def test_columns_of_any_scale_only_shift_the_density():
    mixing = np.array([[1, 0.8, 0], [0, 1, 0.5], [0, 0, 1]])
    rows = np.random.default_rng(4).normal(size=(200, 3)) @ mixing
    scale = np.array([100.0, 1000.0, 10_000.0])
    options = {"n_iter": 30, "dtype": "float64", "random_state": 0, "method": "exact"}
    plain = GaussianRBM(3, **options).fit(rows).log_likelihood(rows)
    scaled = GaussianRBM(3, **options).fit(rows * scale).log_likelihood(rows * scale)
    np.testing.assert_allclose(scaled, plain - np.log(scale).sum(), atol=1e-6)


@pytest.mark.parametrize(
    ("options", "X", "words"),
    [
        ({"hidden": "cubic"}, np.eye(3), "unit type must be one of bernoulli, spin"),
        ({"visible": "spin"}, np.eye(3), "must hold -1 and 1 only"),
        ({"visible": "relu"}, -np.eye(3), "must not be negative"),
        ({"visible": "softmax"}, np.eye(3), "SoftmaxRBM"),
        ({"visible": "gaussian"}, np.ones((3, 2)), "constant"),
    ],
)
def test_bad_types_and_rows(options, X, words):
    with pytest.raises(ValueError, match=words):
        LayeredRBM(2, **options).fit(X)


def test_types_by_import_path_and_in_other_models():
    own = LayeredRBM(2, hidden="rbmqs.boltzmann.rectified:ReLUUnits", n_iter=2).fit(np.eye(3))
    assert (own.transform(np.eye(3)) > 0).all()
    table = np.random.default_rng(0).integers(0, 3, (30, 2))
    assert SoftmaxRBM(2, hidden="spin", n_iter=2).fit(table).transform(table).shape == (30, 2)


@pytest.mark.parametrize("hidden", ["bernoulli", "drelu"])
def test_whole_weights_are_repeated_rows(hidden):
    rows = np.random.default_rng(1).normal(size=(6, 2))
    weights = np.array([1, 2, 0, 1, 3, 1])
    options = {"visible": "bernoulli", "hidden": hidden, "method": "exact", "n_iter": 4,
               "dtype": "float64", "random_state": 0}  # fmt: skip
    rows = (rows > 0) * 1.0
    plain = LayeredRBM(2, **options).fit(np.repeat(rows, weights, axis=0))
    weighted = LayeredRBM(2, **options)
    weighted.fit(rows, sample_weight=weights)
    np.testing.assert_allclose(plain.components_, weighted.components_, atol=5e-3)
    with pytest.raises(ValueError, match="not negative"):
        weighted.fit(rows, sample_weight=-weights)


def test_known_units_stay_and_missing_ones_get_their_mean():
    model = LayeredRBM(visible="gaussian", hidden="bernoulli", random_state=0)
    rows = np.random.default_rng(2).normal(size=(300, 1)) + 0.3 * np.random.default_rng(3).normal(
        size=(300, 3)
    )
    model.set_params(n_components=8, n_iter=60, batch_size=20, method="cd").fit(rows)
    drawn = model.sample_conditional(rows, np.array([True, True, False]), 20, random_state=1)
    np.testing.assert_array_equal(drawn[:, :2], rows[:, :2].astype(np.float32))
    holes = rows.copy()
    holes[:, 2] = np.nan
    filled = model.impute(holes, random_state=1)
    np.testing.assert_allclose(filled[:, :2], rows[:, :2], rtol=1e-6)
    assert np.corrcoef(filled[:, 2], rows[:, 2])[0, 1] > 0.6
    table = np.tile([[0, 1], [2, 0]], (20, 1)).astype(float)
    softmax = SoftmaxRBM(4, n_iter=200, random_state=0, learning_rate=0.3).fit(table)
    table[:2, 1] = np.nan
    means = softmax.impute(table[:2], random_state=0)
    assert means.shape == (2, 5)
    assert means[0, 4] > 0.5 > means[1, 4]


def test_layers_are_saved_and_used_from_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = np.random.default_rng(0).normal(size=(40, 3))
    np.save("data.npy", rows)
    train = "train data.npy --visible gaussian --hidden drelu --units 4 --epochs 2 --seed 1 --quiet"
    assert main([*train.split(), "--output", "m.npz"]) == 0
    model = LayeredRBM.load("m.npz")
    assert model.get_params()["hidden"] == "drelu"
    again = LayeredRBM(4, visible="gaussian", hidden="drelu", n_iter=2, random_state=1).fit(rows)
    np.testing.assert_array_equal(model.free_energy(rows), again.free_energy(rows))
    assert main(["sample", "m.npz", "--rows", "3", "--steps", "5", "--output", "s.npy"]) == 0
    assert np.load("s.npy").shape == (3, 3)
    assert main(["score", "m.npz", "data.npy", "--betas", "50"]) == 0
    assert "log-likelihood (AIS)" in capsys.readouterr().out
