import time

import numpy as np
import pytest
from test_matrices import awkward_conserving_sum
from textbook import matrix

from hamiltonians import (
    Sector,
    TooLargeError,
    X,
    Y,
    Z,
    chain,
    expectation,
    full_spectrum,
    ground_state,
    heisenberg,
    ising,
    memory_needed,
    spin_hamiltonian,
    square,
)


@pytest.mark.parametrize("total_sz", [None, 0, 1])
def test_lanczos_finds_the_dense_energies(total_sz):
    H = spin_hamiltonian(awkward_conserving_sum(12), total_sz=total_sz)
    H = H if total_sz is not None else ising(chain(10, False), h=0.8, hz=0.2)
    result = ground_state(H, k=3)
    np.testing.assert_allclose(result.energies, full_spectrum(H)[:3], atol=1e-9)
    assert result.n_products > 0
    assert (result.residuals < 1e-8).all()
    assert result.vectors.shape == (H.dimension, 3)


def test_small_sectors_are_solved_densely():
    H = heisenberg(chain(8), total_sz=0)
    result = ground_state(H, k=2)
    assert result.n_products == 0
    np.testing.assert_allclose(result.energies, full_spectrum(H)[:2], atol=1e-11)
    np.testing.assert_allclose(np.linalg.norm(result.vectors, axis=0), 1)
    assert result.energy == result.energies[0]
    assert (result.dimension, result.total_sz) == (70, 0)


def test_the_seed_decides_the_vector():
    H = ising(chain(10))
    first, second = (ground_state(H, seed=4).vector for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_expectation_is_that_of_the_textbook_matrix():
    rng = np.random.default_rng(0)
    v = rng.normal(size=16) + 1j * rng.normal(size=16)
    for observable in (X(0) * Y(1) + Z(3), X(0) + 1j * Z(2), 1j * Z(1)):
        textbook = np.vdot(v, matrix(observable, 4) @ v) / np.vdot(v, v)
        assert expectation(v, observable, Sector(4)) == pytest.approx(textbook)
    assert isinstance(expectation(v, Z(0), Sector(4)), float)


def test_expectation_in_a_sector_of_terms_that_leave_it():
    vector = ground_state(heisenberg(chain(4), total_sz=0)).vector
    assert expectation(vector, X(0), Sector(4, 0)) == 0
    xx, zz = (expectation(vector, P(0) * P(1), Sector(4, 0)) for P in (X, Z))
    assert xx == pytest.approx(zz)


@pytest.mark.parametrize(
    "H", [ising(chain(64)), heisenberg(chain(80), total_sz=0), ising(chain(1000)), ising(chain(48))]
)
def test_what_does_not_fit_is_refused_at_once(H):
    start = time.perf_counter()
    for solve in (ground_state, full_spectrum):
        with pytest.raises(TooLargeError, match=r"got 64|got 80|got 1000|would take .* of memory"):
            solve(H)
    assert time.perf_counter() - start < 20  # a busy machine; the solution would take days


def test_refusal_states_bytes_and_the_sector_that_helps():
    H = heisenberg(square(4))
    with pytest.raises(
        TooLargeError, match=r"would take 0.0\d+ GB .* available are 1e-06 GB; .*total_sz=0"
    ):
        ground_state(H, memory_limit=1000)
    with pytest.raises(TooLargeError) as error:
        ground_state(H.with_total_sz(0), memory_limit=1000)
    assert "total_sz=" not in str(error.value)
    assert "\n" not in str(error.value)


def test_memory_needed_is_an_integer():
    assert memory_needed(ising(chain(20)), k=2) > memory_needed(ising(chain(20))) > 3 * 2**20 * 8
    assert isinstance(memory_needed(ising(chain(300))), int)
