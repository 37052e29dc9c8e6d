"""The Bernoulli RBM as users meet it: training, sampling, files, scikit-learn's contract."""

import pickle

import numpy as np
import pytest
from classical_twins import enumerated_gradient, random_machine, states, visible_probabilities
from scipy import sparse
from scipy.stats import chi2

from rbmqs.boltzmann import BernoulliRBM, datasets
from rbmqs.boltzmann.fused_learner import BinaryLearner
from rbmqs.boltzmann.learner import RBMLearner, StepOptions
from rbmqs.boltzmann.negative import ExactSum
from rbmqs.boltzmann.randomness import new_stream
from rbmqs.boltzmann.rows import Rows
from rbmqs.boltzmann.training import DivergenceWarning

BARS = datasets.bars_and_stripes(3)
X = BARS.rows


def with_parameters(machine, **keywords):
    """A fitted estimator that holds this machine."""
    n, m = machine.weights.shape
    rbm = BernoulliRBM(m, n_iter=1, **keywords).fit(np.eye(n, dtype=int)[:, :n])
    rbm.rbm_ = machine
    return rbm


@pytest.fixture(scope="module")
def trained():
    return BernoulliRBM(16, n_iter=300, random_state=1).fit(X)


@pytest.mark.parametrize("kind", [RBMLearner, BinaryLearner])
@pytest.mark.parametrize("shape", [(5, 3), (3, 5)])
def test_exact_update_is_the_enumerated_gradient(shape, kind):
    machine = random_machine(*shape, seed=4)
    before = {n: getattr(machine, n).copy() for n in ("weights", "visible_bias", "hidden_bias")}
    rows = (np.random.default_rng(0).random((12, shape[0])) < 0.4).astype(np.uint8)
    expected = enumerated_gradient(machine, rows)
    stream = new_stream(np.random.SeedSequence(0))
    learner = kind(machine, Rows(rows), ExactSum(machine), StepOptions(), stream, 12)
    learner.update(np.arange(12), 0.1)
    for name, start in before.items():
        step = (getattr(machine, name) - start) / 0.1
        assert step == pytest.approx(expected[name], abs=1e-10)


def test_centred_gradient_ascends_the_same_likelihood():
    """To first order a centred step and a plain one raise the likelihood: both are ascents."""
    for centred in (False, True):
        machine = random_machine(5, 4, scale=0.3, seed=2)
        rows = (np.random.default_rng(1).random((30, 5)) < 0.7).astype(np.uint8)
        numbers = rows @ (1 << np.arange(5)[::-1])
        before = np.log(visible_probabilities(machine)[numbers]).mean()
        options = StepOptions(centred=centred), new_stream(np.random.SeedSequence(0)), 30
        learner = BinaryLearner(machine, Rows(rows), ExactSum(machine), *options)
        learner.update(np.arange(30), 0.05)
        after = np.log(visible_probabilities(machine)[numbers]).mean()
        assert after > before + 1e-4


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gibbs_chains_have_the_distribution(dtype):
    """20 000 chains of 60 steps from one state; a wrong bias must be seen."""
    machine = random_machine(4, 3, seed=5, dtype=np.dtype(dtype).type)
    rbm = with_parameters(machine, dtype=dtype, random_state=3)
    rows = rbm.sample(20_000, n_steps=60, start=np.zeros((1, 4), int))
    counts = np.bincount(rows @ np.array([8, 4, 2, 1]), minlength=16)
    expected = 20_000 * visible_probabilities(machine)
    assert chi2.sf(np.sum((counts - expected) ** 2 / expected), 15) > 1e-4
    other = random_machine(4, 3, seed=5)
    other.visible_bias[0] += 0.3
    wrong = 20_000 * visible_probabilities(other)
    assert chi2.sf(np.sum((counts - wrong) ** 2 / wrong), 15) < 1e-6


def test_clamped_chains_have_the_conditional_distribution():
    machine = random_machine(4, 3, seed=6)
    rbm = with_parameters(machine, random_state=1)
    start = np.tile([1, 0, 0, 0], (20_000, 1))
    rows = rbm.sample_conditional(start, np.array([True, False, False, True]), n_steps=60)
    assert np.all(rows[:, 0] == 1)
    assert np.all(rows[:, 3] == 0)
    fits = [k for k, v in enumerate(states(4)) if v[0] == 1 and v[3] == 0]
    p = visible_probabilities(machine)[fits]
    counts = np.bincount(rows @ np.array([8, 4, 2, 1]), minlength=16)[fits]
    expected = 20_000 * p / p.sum()
    assert chi2.sf(np.sum((counts - expected) ** 2 / expected), 3) > 1e-4


def test_missing_values_are_filled_with_their_probability():
    machine = random_machine(4, 3, seed=6)
    rbm = with_parameters(machine, random_state=1)
    row = np.tile([1.0, np.nan, 0.0, 1.0], (500, 1))
    p = visible_probabilities(machine)
    expected = p[0b1101] / (p[0b1101] + p[0b1001])
    filled = rbm.impute(row, n_steps=100)
    assert filled[:, 1].mean() == pytest.approx(expected, abs=0.01)
    assert np.all(filled[:, [0, 2, 3]] == [1, 0, 1])


@pytest.mark.submission
@pytest.mark.parametrize("method", ["auto", "exact", "pcd", "cd", "pt", "ptt"])
def test_every_method_learns(method):
    rbm = BernoulliRBM(32, method=method, random_state=1, n_iter=600, learning_rate=0.3).fit(X)
    independent = 9 * np.log(0.5)
    assert rbm.log_likelihood(X).mean() > independent + 0.3
    assert rbm.training_.history[-1].rate < 0.06


@pytest.mark.submission
@pytest.mark.parametrize(
    "options",
    [
        {"momentum": 0.5}, {"l1": 1e-3}, {"l2": 1e-2}, {"centred": True}, {"schedule": "cosine"},
        {"sparsity_target": 0.1}, {"schedule": "constant"}, {"n_gibbs_steps": 3}, {"n_chains": 7},
    ],
    ids=str,
)  # fmt: skip
def test_options(options):
    rbm = BernoulliRBM(8, method="pcd", n_iter=300, learning_rate=0.1, random_state=0, **options)
    plain = BernoulliRBM(8, method="pcd", n_iter=300, learning_rate=0.1, random_state=0)
    rbm.fit(X), plain.fit(X)
    assert np.isfinite(rbm.components_).all()
    assert not np.array_equal(rbm.components_, plain.components_)
    if "l2" in options or "l1" in options:
        assert np.abs(rbm.components_).sum() < np.abs(plain.components_).sum()
    if "sparsity_target" in options:
        assert rbm.transform(X).mean() < plain.transform(X).mean()


@pytest.mark.slow
@pytest.mark.parametrize("data", [datasets.bars_and_stripes(3), datasets.labelled_shifter(4)],
                         ids=lambda data: data.name)  # fmt: skip
def test_default_recipe_comes_within_five_percent(data):
    values = [
        BernoulliRBM(random_state=seed).fit(data.rows).log_likelihood(data.rows).mean()
        for seed in range(3)
    ]
    assert data.optimum * 1.05 < np.mean(values) <= data.optimum + 1e-6


@pytest.mark.submission
@pytest.mark.parametrize(("method", "short"), [("pcd", 0.15), ("cd", 0.4)])
def test_sampled_methods_stand_few_rows(method, short):
    # 16 patterns; with the rate of large sets they ended 29 and 1.4 optima below the optimum.
    rbm = BernoulliRBM(20, method=method, random_state=0).fit(X)
    assert rbm.log_likelihood(X).mean() > (1 + short) * BARS.optimum


def test_sparse_rows_are_the_same_rows(trained):
    S = sparse.csr_matrix(X)
    assert trained.transform(S) == pytest.approx(trained.transform(X), abs=1e-6)
    assert trained.free_energy(S) == pytest.approx(trained.free_energy(X), abs=1e-5)
    fits = [BernoulliRBM(8, n_iter=20, method="pcd", random_state=1).fit(D) for D in (S, X)]
    assert np.array_equal(fits[0].components_, fits[1].components_)


@pytest.mark.parametrize("options", [{}, {"centred": True}, {"momentum": 0.5, "l2": 0.1}], ids=str)
def test_thin_rows_make_the_same_steps(options):
    """With few ones the products with data go by the ones: the same sums in another order."""
    thin = (np.random.default_rng(1).random((60, 200)) < 0.04).astype(np.uint8)
    settings = {"method": "pcd", "dtype": "float64", "learning_rate": 0.05, "random_state": 2}
    fits = [BernoulliRBM(8, **settings, **options) for _ in range(2)]
    for start in (0, 20, 40):
        for rbm, rows in zip(fits, (thin, sparse.csr_matrix(thin)), strict=True):
            rbm.partial_fit(rows[start : start + 20])
    assert fits[1].components_ == pytest.approx(fits[0].components_, abs=1e-12)
    assert fits[1].intercept_visible_ == pytest.approx(fits[0].intercept_visible_, abs=1e-12)


@pytest.mark.submission
def test_contrastive_divergence_learns_from_thin_rows():
    """Blocks of ten ones: sampled hidden units of sparse data see which block is on."""
    rows = sparse.csr_matrix(np.kron(np.eye(25), np.ones((24, 10))))
    rbm = BernoulliRBM(
        30, method="cd", n_iter=300, learning_rate=0.3, batch_size=10, random_state=1
    ).fit(rows)
    assert np.abs(rbm.reconstruct(rows) - rows.toarray()).mean() < 0.01


def test_probabilities_are_normalised(trained):
    everything = states(9)
    assert np.exp(trained.log_likelihood(everything)).sum() == pytest.approx(1, abs=1e-9)
    hidden = (trained.transform(X) > 0.5).astype(int)
    assert np.all(trained.log_joint(X, hidden) <= trained.log_likelihood(X) + 1e-9)
    assert trained.score(X) == pytest.approx(trained.score_samples(X).mean())


def test_seeds_repeat_and_differ():
    a, b, c = (BernoulliRBM(8, n_iter=30, method="pcd", random_state=s).fit(X) for s in (1, 1, 2))
    assert np.array_equal(a.components_, b.components_)
    assert not np.array_equal(a.components_, c.components_)


@pytest.mark.parametrize("method", ["pcd", "cd", "pt", "ptt", "exact"])
def test_resumed_run_is_the_uninterrupted_one(method, tmp_path):
    """Runs of a constant rate, since a schedule knows its end, checked every 50 epochs."""
    keywords = {
        "method": method, "random_state": 1, "schedule": "constant", "learning_rate": 0.1,
        "batch_size": 10,
    }  # fmt: skip
    path = tmp_path / "run.npz"
    whole = BernoulliRBM(8, n_iter=200, **keywords).fit(X)
    BernoulliRBM(8, n_iter=100, **keywords).fit(X, checkpoint=path)
    resumed = BernoulliRBM(n_iter=200).resume(path, X)
    assert np.array_equal(whole.components_, resumed.components_)
    assert [r.figures for r in whole.training_.history] == [
        r.figures for r in resumed.training_.history
    ]
    with pytest.raises(ValueError, match="other data"):
        BernoulliRBM().resume(path, X[:-1])


def test_saved_machine_is_the_same(trained, tmp_path):
    path = tmp_path / "model.npz"
    trained.save(path)
    loaded = BernoulliRBM.load(path)
    assert np.array_equal(loaded.transform(X), trained.transform(X))
    assert loaded.get_params() == trained.get_params()
    assert np.array_equal(pickle.loads(pickle.dumps(trained)).sample(3), trained.sample(3))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match="not a readable checkpoint"):
        BernoulliRBM.load(path)


def test_divergence_keeps_the_last_good_parameters():
    rbm = BernoulliRBM(4, learning_rate=1e7, method="cd", n_iter=500)
    with pytest.warns(DivergenceWarning, match="lower learning_rate"):
        rbm.fit(X)
    assert np.isfinite(rbm.components_).all()
    assert np.abs(rbm.components_).max() < 1e3
    assert "diverged in epoch" in rbm.training_.status


def test_time_limit():
    rbm = BernoulliRBM(16, method="pcd", max_seconds=0.5, n_iter=10**6).fit(X)
    assert 0.4 < rbm.training_.seconds < 5
    assert rbm.training_.history[-1].rate < 0.3 * rbm.training_.history[0].rate


def test_validation_gap_is_recorded():
    rbm = BernoulliRBM(8, n_iter=50).fit(X[:12], validation=X[12:])
    assert "free-energy gap" in rbm.training_.history[-1].figures


def test_partial_fit_learns():
    rbm = BernoulliRBM(8, method="pcd", learning_rate=0.1, random_state=0)
    for _ in range(800):
        rbm.partial_fit(X)
    assert rbm.log_likelihood(X).mean() > 9 * np.log(0.5) + 0.2
    assert rbm.partial_fit(X[:1]).n_features_in_ == 9


def test_pipeline_and_grid_search():
    pytest.importorskip("sklearn")
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline

    y = np.arange(len(X)) >= len(X) // 2
    model = make_pipeline(BernoulliRBM(8, n_iter=30, random_state=0), LogisticRegression())
    assert model.fit(X, y).predict(X).shape == (16,)
    search = GridSearchCV(BernoulliRBM(n_iter=5), {"n_components": [2, 4]}, cv=2)
    assert search.fit(X).best_params_["n_components"] in (2, 4)


BAD_FITS = [
    ({}, np.full((3, 2), 1.5), "must lie between 0 and 1, got 1.5 in row 0, column 0 and 5 more"),
    ({}, [[0, 1], [1, -1]], "got -1 in row 1, column 1"),
    ({}, [[0, np.nan], [1, 0]], "X must be finite, got NaN"),
    ({}, np.zeros((0, 3)), "0 sample"),
    ({}, np.zeros((1, 3)), r"1 sample\(s\) .* minimum of 2"),
    ({}, np.zeros((3, 0)), r"0 feature\(s\)"),
    ({}, np.zeros(3), "must be 2D"),
    ({}, [["a", "b"], ["c", "d"]], "real numbers"),
    ({}, np.zeros((3, 2), complex), "Complex data not supported"),
    ({}, sparse.csr_matrix([[0, 2.0], [1, 0]]), "got 2 in row 0, column 1"),
    ({"n_components": 0}, X, "n_components must be at least 1, got 0"),
    ({"n_components": 2.5}, X, "n_components must be an integer"),
    ({"learning_rate": -1}, X, "learning_rate must be greater than 0, got -1"),
    ({"learning_rate": "fast"}, X, "learning_rate must be one of auto, got 'fast'"),
    ({"momentum": 1.0}, X, "momentum must be below 1"),
    ({"batch_size": 0}, X, "batch_size must be at least 1"),
    ({"n_iter": 0}, X, "n_iter must be at least 1"),
    ({"n_iter": "many"}, X, "n_iter must be one of auto"),
    ({"method": "sgd"}, X, "method must be one of auto, pcd, cd, pt, ptt, exact, got 'sgd'"),
    ({"schedule": "step"}, X, "schedule must be one of"),
    ({"dtype": "float16"}, X, "dtype must be one of float32, float64"),
    ({"l2": np.nan}, X, "l2 must be finite"),
    ({"sparsity_target": 1.5}, X, "sparsity_target must be below 1"),
    ({"max_seconds": 0}, X, "max_seconds must be greater than 0"),
    ({"random_state": -1}, X, "random_state must be at least 0"),
    ({"random_state": "x"}, X, "random_state must be an integer"),
    ({"n_temperatures": 1}, X, "n_temperatures must be at least 2"),
    ({"method": "exact", "n_components": 100}, np.eye(100), "would average"),
]  # fmt: skip


@pytest.mark.parametrize(("keywords", "data", "reason"), BAD_FITS)
def test_bad_input_is_one_line(keywords, data, reason):
    with pytest.raises((ValueError, TypeError), match=reason) as caught:
        BernoulliRBM(**keywords).fit(data)
    assert "\n" not in str(caught.value)


def test_misuse_of_a_fitted_machine(trained):
    with pytest.raises(ValueError, match="not fitted yet"):
        BernoulliRBM().transform(X)
    with pytest.raises(ValueError, match="X has 4 features, but BernoulliRBM is expecting 9"):
        trained.transform(np.zeros((2, 4)))
    with pytest.raises(ValueError, match="n_steps must be at least 1"):
        trained.gibbs(X, n_steps=0)
    with pytest.raises(ValueError, match="known must be booleans"):
        trained.sample_conditional(X, np.zeros(9))
    with pytest.raises(ValueError, match="Invalid parameter"):
        trained.set_params(speed=1)
    wide = with_parameters(random_machine(30, 30, scale=0.1))
    with pytest.raises(ValueError, match="use ais"):
        wide.log_likelihood(np.zeros((1, 30)))
