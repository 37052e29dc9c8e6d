"""Mixed states from means of Pauli strings with errors."""

from itertools import product

import numpy as np
import pytest

from hamiltonians import PauliSum
from rbmqs.tomography.expectations import Means, mixed_state_of_means
from rbmqs.tomography.functionals import pauli_means

BELL = np.array([1, 0, 0, 1]) / np.sqrt(2)
STRINGS = ["".join(letters) for letters in product("IXYZ", repeat=2)][1:]


def means_of(vector, purity_share, error=0.01):
    found = {}
    for label in STRINGS:
        operator = PauliSum.from_strings({label: 1.0})
        found[label] = (
            purity_share * pauli_means(vector[None], operator, 2)[0].real,
            error,
        )
    return found


def test_exact_means_of_a_mixed_state_give_it_back():
    vector = np.array([1, 0.3j, -0.5, 0.8]) / np.linalg.norm([1, 0.3, 0.5, 0.8])
    mixed, fit = mixed_state_of_means(means_of(vector, 0.7))
    expected = 0.7 * np.outer(vector, vector.conj()) + 0.3 * np.eye(4) / 4
    assert fit.converged
    np.testing.assert_allclose(mixed.density_matrix, expected, atol=1e-4)


def test_means_beyond_one_give_the_nearest_state_and_their_inversion_exceeds_one():
    means = means_of(BELL, 1.02)
    mixed, _ = mixed_state_of_means(means)
    assert 0.99 < mixed.fidelity(BELL) <= 1
    inverted = Means.of(means).inverted(BELL)
    assert inverted.mean == pytest.approx((1 + 3 * 1.02) / 4)
    assert inverted.error == pytest.approx(0.01 * np.sqrt(3) / 4)
    del means["YY"]
    assert np.isnan(Means.of(means).inverted(BELL).mean)


@pytest.mark.parametrize(
    ("means", "words"),
    [
        ({}, "means must name at least one Pauli string"),
        ({"XX": (1.0, 0.1), "X": (0.0, 0.1)}, "same length"),
        ({"XX": 1.0}, r"means\['XX'\] must be \(mean, error\), got 1.0"),
        ({"XX": (1.0, 0.0)}, r"the error of means\['XX'\] must be greater than 0"),
        ({"XX": (np.nan, 0.1)}, r"means\['XX'\] must be finite"),
    ],
)
def test_wrong_means_are_refused(means, words):
    with pytest.raises(ValueError, match=words):
        mixed_state_of_means(means)
