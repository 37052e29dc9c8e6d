"""Kernels of the classical machines against NumPy and against published vectors."""

import numpy as np
import pytest
from on_threads import on_one_and_two_threads
from scipy import sparse
from scipy.special import expit
from scipy.stats import chi2, kstest

from rbmqs.boltzmann.core import units
from rbmqs.boltzmann.core.annealing import log_ratio_row
from rbmqs.boltzmann.core.ascent import ascend
from rbmqs.boltzmann.core.philox import four_words
from rbmqs.boltzmann.core.rows import sum_rows
from rbmqs.boltzmann.linalg import multiply, one_pool
from rbmqs.boltzmann.rows import Rows
from rbmqs.core.blas import address
from rbmqs.core.panels import plain_product

STREAM = np.array([11, 22, 1], dtype=np.uint64)


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [  # known answers of Random123's philox4x32-10
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        (
            (0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2,
            (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
        ),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)  # fmt: skip
def test_philox_known_answers(counter, key, words):
    numbers = [np.uint64(x) for x in (*counter, *key)]
    assert tuple(int(w) for w in four_words(*numbers)) == words


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_probabilities(dtype):
    x = np.linspace(-120, 120, 4001).astype(dtype).reshape(1, -1)
    expected = expit(x.astype(float))
    bias = np.zeros(x.shape[1], dtype)
    units.mean_units(x, bias, dtype(1))
    normal = expected > 1e-36 if dtype is np.float32 else expected > 1e-300
    error = np.abs(x - expected)[normal] / expected[normal]
    assert error.max() < (4e-7 if dtype is np.float32 else 1e-13)
    assert np.all((x >= 0) & (x <= 1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_samples_have_their_probabilities(dtype):
    """2000 draws of 300 units: the sum of squared deviations is chi-squared."""
    rng = np.random.default_rng(1)
    inputs = rng.normal(scale=2, size=300).astype(dtype)
    x = np.tile(inputs, (2000, 1))
    units.sample_units(x, np.zeros(300, dtype), dtype(1), STREAM)
    assert set(np.unique(x)) == {0, 1}
    p = expit(inputs.astype(float))

    def statistic(q):
        return np.sum((x.sum(axis=0) - 2000 * q) ** 2 / (2000 * q * (1 - q)))

    assert 1e-4 < chi2.sf(statistic(p), 300) < 1 - 1e-4
    assert chi2.sf(statistic(expit(1.1 * inputs.astype(float))), 300) < 1e-6


def test_uniform_numbers():
    out = np.empty((50, 203))
    units.uniform_units(out, STREAM)
    assert kstest(out.ravel(), "uniform").pvalue > 1e-3
    again = np.empty_like(out)
    units.uniform_units(again, STREAM + np.array([0, 0, 1], np.uint64))
    assert abs(np.corrcoef(out.ravel(), again.ravel())[0, 1]) < 0.04


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sum_softplus(dtype):
    rng = np.random.default_rng(0)
    x, bias = rng.normal(scale=30, size=(5, 301)).astype(dtype), rng.normal(size=301).astype(dtype)
    expected = np.logaddexp(0, 0.7 * (x.astype(float) + bias)).sum(axis=1)
    got = units.sum_softplus(x, bias, dtype(0.7))
    assert got == pytest.approx(expected, rel=1e-6 if dtype is np.float32 else 1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 8, 9, 513, 20_001])
@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_products_of_any_number_of_extreme_factors(dtype, n, factor):
    factors, terms = np.full(n, factor, dtype), np.ones(n, dtype)
    got = units.log_product_and_sum(factors, terms)
    assert got == pytest.approx(n * (np.log(factor) + 1), rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("start", "stop"), [(0.0, 1.0), (0.3, 0.31), (1.0, 0.9)])
def test_log_ratio(dtype, start, stop):
    rng = np.random.default_rng(0)
    x, bias = rng.normal(scale=20, size=333).astype(dtype), rng.normal(size=333).astype(dtype)
    y = x.astype(float) + bias
    expected = np.sum(np.logaddexp(0, stop * y) - np.logaddexp(0, start * y))
    got = log_ratio_row(x, bias, dtype(start), dtype(stop), np.empty((2, 333), dtype))
    assert got == pytest.approx(expected, rel=3e-5 if dtype is np.float32 else 1e-12)


@pytest.mark.parametrize("shape", [(100, 784, 500), (500, 3, 784), (1, 5, 2), (3, 1, 1)])
@pytest.mark.parametrize("transposes", [(False, False), (True, False), (False, True)])
def test_products(shape, transposes):
    n, k, m = shape
    rng = np.random.default_rng(0)
    a = rng.standard_normal((k, n) if transposes[0] else (n, k))
    b = rng.standard_normal((m, k) if transposes[1] else (k, m))
    out = rng.standard_normal((n, m))
    product = (a.T if transposes[0] else a) @ (b.T if transposes[1] else b)
    expected = 0.5 * product + 0.25 * out
    with one_pool():
        multiply(a, b, out, transpose_a=transposes[0], transpose_b=transposes[1], alpha=0.5,
                 beta=0.25)  # fmt: skip
    assert out == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [1, 7, 100, 300])
def test_products_of_few_rows(dtype, rows):
    """Columns from 70 on of 200, 130 numbers a sum; 300 rows go by BLAS."""
    rng = np.random.default_rng(rows)
    a, b = (rng.standard_normal(n).astype(dtype) for n in ((rows, 130), (130, 200)))
    out = np.full((rows, 140), np.nan, dtype)
    plain_product(address("gemm", dtype), a, b, 70, 199, out[:, 3:132])
    exact = a.astype(float) @ b[:, 70:199].astype(float)
    bound = 130 * np.finfo(dtype).eps * (abs(a) @ abs(b[:, 70:199]))
    assert (abs(out[:, 3:132] - exact) < bound).all()
    assert np.isnan(out[:, [2, 132]]).all()


@pytest.mark.parametrize("momentum", [0.0, 0.7])
@pytest.mark.parametrize("decay", [(0.0, 0.0), (0.01, 0.02)])
@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("thin", [False, True])
def test_ascent(momentum, decay, centred, thin):
    """One step against the formula in the kernel's docstring."""
    from rbmqs.core.blas import address

    rng = np.random.default_rng(2)
    data, hidden, model, model_hidden = (rng.random(s) for s in ((7, 9), (7, 5), (4, 9), (4, 5)))
    mu, lam, dv, dh = (rng.random(n) if centred else np.zeros(n) for n in (9, 5, 9, 5))
    weights, velocity = rng.standard_normal((9, 5)), rng.standard_normal((9, 5))
    entries = (np.empty(0, np.int32),) * 2
    if thin:
        data = (data < 0.3) * 1.0
        ones = sparse.csr_matrix(data)
        entries = ones.indptr, ones.indices
    gradient = data.T @ hidden / 7 - model.T @ model_hidden / 4
    gradient -= np.outer(mu, dh) + np.outer(dv, lam)
    gradient -= decay[1] * weights + decay[0] * np.sign(weights)
    kept = momentum * velocity if momentum else 0
    expected = weights + kept + 0.1 * gradient
    if not centred:
        mu, lam = np.empty(0), np.empty(0)
    velocity = velocity if momentum else np.zeros((0, 0))
    rows = data[:0] if thin else data
    ascend(address("gemm", np.float64), rows, entries, hidden, model, model_hidden, (mu, lam),
           (dv, dh), (0.1, momentum), decay, velocity, weights)  # fmt: skip
    assert weights == pytest.approx(expected, abs=1e-12)


def test_sums_of_rows():
    rng = np.random.default_rng(3)
    rows = sparse.csr_matrix(rng.random((11, 40)) < 0.1)
    weights, out = rng.random((40, 7)), np.empty((11, 7))
    sum_rows((rows.indptr, rows.indices), weights, out)
    assert out == pytest.approx(rows.toarray() @ weights, abs=1e-12)


def test_rows_are_gathered_from_both_forms():
    dense = (np.random.default_rng(0).random((30, 17)) < 0.3).astype(np.uint8)
    numbers = np.array([3, 3, 29, 0])
    for rows in (Rows(dense), Rows(sparse.csr_matrix(dense))):
        assert np.array_equal(rows.take(numbers, np.float32), dense[numbers])
        assert rows.mean() == pytest.approx(dense.mean(axis=0))
        assert len(rows) == 30


def test_threads_do_not_change_a_byte():
    from rbmqs.boltzmann import BernoulliRBM

    X = (np.random.default_rng(0).random((300, 400)) < 0.3).astype(np.uint8)

    def fitted() -> bytes:
        rbm = BernoulliRBM(300, n_iter=2, random_state=1).fit(X)
        return rbm.components_.tobytes() + rbm.sample(4, n_steps=3).tobytes()

    one, two = on_one_and_two_threads(fitted)
    assert one == two
