"""Rows of numbers between 0 and 1, and rows that count unequally, in `BernoulliRBM`."""

import numpy as np
import pytest
from scipy import sparse

from rbmqs.boltzmann import BernoulliRBM
from rbmqs.boltzmann.data import unit_matrix
from rbmqs.boltzmann.files import read_table
from rbmqs.boltzmann.ratings_learner import rating_matrix

GREY = np.random.default_rng(0).random((40, 6))
BITS = (GREY > 0.5) * 1.0
SHORT = {"n_iter": 3, "random_state": 0, "dtype": "float64"}


def free_energy(rbm, v):
    inputs = v @ rbm.components_.T + rbm.intercept_hidden_
    return -(v @ rbm.intercept_visible_) - np.logaddexp(0, inputs).sum(axis=1)


@pytest.mark.parametrize("method", ["pcd", "cd", "exact"])
def test_grey_rows_are_probabilities(method):
    rbm = BernoulliRBM(4, method=method, **SHORT).fit(GREY)
    np.testing.assert_allclose(rbm.free_energy(GREY), free_energy(rbm, GREY), rtol=1e-12)
    thin = BernoulliRBM(4, method=method, **SHORT).fit(sparse.csr_matrix(GREY))
    np.testing.assert_allclose(thin.components_, rbm.components_, rtol=1e-10)


def test_scores_of_grey_rows_turn_units_over_as_scikit_learn_does():
    rbm = BernoulliRBM(4, **SHORT).fit(GREY)
    expected = np.zeros(len(GREY))
    for i in range(6):
        turned = GREY.copy()
        turned[:, i] = 1 - turned[:, i]
        expected -= np.logaddexp(0, free_energy(rbm, GREY) - free_energy(rbm, turned))
    np.testing.assert_allclose(rbm.score_samples(GREY), expected, rtol=1e-10)
    almost = np.clip(BITS, 1e-12, 1)  # takes the general way, beside the one for 0 and 1
    np.testing.assert_allclose(rbm.score_samples(BITS), rbm.score_samples(almost), rtol=1e-9)


def test_bits_stay_bytes_and_the_callers_matrix_stays_as_it_is():
    assert unit_matrix(BITS, None).dtype == np.uint8
    assert unit_matrix(GREY, None).dtype == np.float64
    X = sparse.csr_matrix((np.ones(3), [2, 0, 1], [0, 2, 3]), shape=(2, 3))
    BernoulliRBM(2, n_iter=1).fit(X)
    assert X.indices.tolist() == [2, 0, 1]


def test_an_item_rated_twice_is_refused_in_every_format():
    twice = sparse.coo_matrix(([1.0, 2.0, 1.0], ([0, 0, 1], [1, 1, 0])), shape=(2, 2))
    with pytest.raises(ValueError, match="twice"):
        rating_matrix(twice)
    csr = sparse.csr_matrix(([1.0, 2.0, 0.0], [1, 0, 1], [0, 2, 3]), shape=(2, 2))
    assert rating_matrix(csr).data.tolist() == [2.0, 1.0, 0.0]
    assert csr.indices.tolist() == [1, 0, 1]


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_whole_weights_are_repeated_rows(form):
    """One mini-batch and the exact sum: a weight is then exactly a number of copies."""
    weights = np.arange(40) % 3
    options = {"method": "exact", "batch_size": 200, "centred": True, **SHORT}
    X = np.vstack([BITS, np.zeros((1, 6))])
    repeated = np.repeat(X, [*weights, 1], axis=0)
    weighted = BernoulliRBM(4, **options).fit(form(X), sample_weight=[*weights, 1])
    plain = BernoulliRBM(4, **options).fit(form(repeated))
    np.testing.assert_allclose(weighted.components_, plain.components_, rtol=1e-9)


@pytest.mark.parametrize(
    ("weight", "words"),
    [(np.ones(3), "shape"), (-np.ones(40), "not negative"), (np.zeros(40), "above zero"),
     (np.full(40, np.nan), "finite")],
)  # fmt: skip
def test_bad_weights(weight, words):
    with pytest.raises(ValueError, match=words):
        BernoulliRBM(2).fit(BITS, sample_weight=weight)


def test_equal_weights_change_nothing():
    plain, weighted = (BernoulliRBM(3, **SHORT) for _ in range(2))
    plain.fit(BITS)
    weighted.fit(BITS, sample_weight=np.full(40, 2.0))
    np.testing.assert_array_equal(plain.components_, weighted.components_)


def test_numpy_integers_are_saved(tmp_path):
    path = tmp_path / "run.npz"
    rbm = BernoulliRBM(np.int64(3), n_iter=np.int64(2), random_state=np.int64(1))
    rbm.fit(BITS, checkpoint=path)
    assert BernoulliRBM.load(path).get_params() == rbm.get_params()


def test_a_byte_order_mark_is_no_title(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("1,0\n0,1\n", encoding="utf-8-sig")
    assert read_table(path).tolist() == [[1, 0], [0, 1]]


def test_the_digits_pipeline_of_scikit_learn():
    """Only the import changes; our RBM leaves the logistic regression at least as good."""
    pytest.importorskip("sklearn")
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import BernoulliRBM as Theirs
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import minmax_scale

    X, y = load_digits(return_X_y=True)
    X = minmax_scale(X, feature_range=(0, 1))
    options = {"n_components": 100, "learning_rate": 0.06, "n_iter": 10, "verbose": False}
    score = {}
    for kind in (Theirs, BernoulliRBM):
        rbm = kind(random_state=0)
        for name, value in options.items():  # as scikit-learn's example does
            setattr(rbm, name, value)
        last = LogisticRegression(solver="newton-cg", tol=0.01)
        pipeline = Pipeline([("rbm", rbm), ("logistic", last)]).fit(X[:1400], y[:1400])
        score[kind] = pipeline.score(X[1400:], y[1400:])
        assert rbm.components_.shape == (100, 64)
        assert rbm.intercept_hidden_.shape == (100,)
        assert rbm.gibbs(X[:5]).shape == (5, 64)
        rbm.partial_fit(X[:10])
        assert rbm.score_samples(X[:5]).shape == (5,)
    assert score[BernoulliRBM] >= score[Theirs]
