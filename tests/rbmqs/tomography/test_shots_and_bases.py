"""Shots grouped by basis, bases by name and by matrix, and amplitudes in rotated bases."""

import numpy as np
import pytest
from tomography_twins import kron, random_vector

from rbmqs.tomography.bases import (
    UNITARIES,
    Bases,
    all_pauli_bases,
    different_bases,
    haar_random_bases,
    random_pauli_bases,
)
from rbmqs.tomography.rotations import BasisSum, adjoint, rotated
from rbmqs.tomography.shots import Shots

PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


def test_rows_of_a_pauli_unitary_are_the_bras_of_plus_and_minus_one():
    for unitary, matrix in zip(UNITARIES, PAULI, strict=True):
        measured = adjoint(unitary) @ np.diag([1, -1]) @ unitary
        np.testing.assert_allclose(measured, matrix, atol=1e-15)


@pytest.mark.parametrize("n_sites", [1, 3, 6])
def test_a_rotated_vector_is_the_kronecker_product_times_it(n_sites):
    psi = random_vector(n_sites)
    bases = haar_random_bases(n_sites, 3, seed=1)
    found = rotated(psi, bases.unitaries)
    for row, unitaries in zip(found, bases.unitaries, strict=True):
        np.testing.assert_allclose(row, kron(unitaries) @ psi, atol=1e-12)
    back = rotated(found, adjoint(bases.unitaries))
    np.testing.assert_allclose(back, np.tile(psi, (3, 1)), atol=1e-12)


def test_blocks_of_long_vectors_are_joined():
    psi, bases = random_vector(13), random_pauli_bases(13, 2, seed=2)
    found = rotated(psi, bases.unitaries)
    for row, unitaries in zip(found, bases.unitaries, strict=True):
        tensor = psi.reshape((2,) * 13)
        for site, u in enumerate(unitaries):
            tensor = np.moveaxis(np.tensordot(u, tensor, (1, site)), 0, site)
        np.testing.assert_allclose(row, tensor.ravel(), atol=1e-11)


@pytest.mark.parametrize("label", ["ZZZZ", "XZYZ", "XYXY"])
def test_sums_of_a_basis_run_over_its_rotated_sites_only(label):
    unitaries = Bases.of_strings([label]).unitaries[0]
    outcomes = np.random.default_rng(3).choice([-1, 1], (5, 4)).astype(np.int8)
    sums = BasisSum.of(unitaries, outcomes)
    rotated_sites = 4 - label.count("Z")
    assert len(sums.configurations) <= 5 * 2**rotated_sites
    psi, powers = random_vector(4), 2 ** np.arange(3, -1, -1)
    local = psi[(sums.configurations < 0) @ powers]
    expected = (kron(unitaries) @ psi)[(outcomes < 0) @ powers]
    np.testing.assert_allclose(sums.amplitudes(local), expected, atol=1e-13)
    values = random_vector(4)[:5]
    assert np.vdot(sums.back(values), local) == pytest.approx(np.vdot(values, expected))


def test_haar_random_unitaries_are_unitary_and_uniform():
    unitaries = haar_random_bases(20, 500, seed=4).unitaries
    assert np.allclose(unitaries @ adjoint(unitaries), np.eye(2))
    # |U_00|^2 is uniform on (0, 1): mean 1/2, variance 1/12, over 10,000 draws
    weight = np.abs(unitaries[..., 0, 0]) ** 2
    assert abs(weight.mean() - 0.5) < 4 * np.sqrt(1 / 12 / 10_000)
    # phases of U_00 are uniform: QR without Mezzadri's phases leaves them fixed
    phases = np.exp(1j * np.angle(unitaries[..., 0, 0])).mean()
    assert abs(phases) < 4 / np.sqrt(10_000)


def test_bases_of_strings_and_of_their_unitaries_are_the_same():
    bases = Bases.of_strings(["XZY", "zzx", "X Y Y"])
    assert bases.labels == ("XZY", "ZZX", "XYY")
    assert Bases.of_unitaries(bases.unitaries).labels == bases.labels
    turned = bases.unitaries * np.exp(1j * np.arange(2))[:, None]  # phases of rows do not matter
    assert Bases.of_unitaries(turned).labels == bases.labels
    assert haar_random_bases(3, 2).labels == ("", "")
    assert len(all_pauli_bases(3)) == 27
    assert bases.rotated.tolist() == [[True, False, True], [False, False, True], [True] * 3]


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (["XZ", "XQ"], r"bases\[1\] must hold the letters X, Y and Z only, got the letters Q"),
        (["XZ", ""], "an empty string"),
        (["XZ", "XZZ"], r"equally many sites, got lengths \[2, 3\]"),
    ],
)
def test_wrong_strings_are_refused(labels, words):
    with pytest.raises(ValueError, match=words):
        Bases.of_strings(labels)


def test_matrices_that_are_not_unitary_are_refused():
    with pytest.raises(ValueError, match=r"unitary matrices, got .* at basis 0, site 1"):
        Bases.of_unitaries(np.array([[np.eye(2), 2 * np.eye(2)]]))
    with pytest.raises(ValueError, match=r"shape \(n_bases, n_sites, 2, 2\)"):
        Bases.of_unitaries(np.eye(2))


def test_shots_are_grouped_by_basis_and_outcome():
    rng = np.random.default_rng(5)
    strings = np.array(["XZ", "ZZ", "YX"])[rng.integers(3, size=400)]
    outcomes = rng.choice([-1, 1], (400, 2))
    bases, basis = different_bases(strings)
    shots = Shots.of(bases, outcomes, basis)
    assert shots.n_shots == 400
    assert shots.n_distinct == 12
    for k in range(shots.n_distinct):
        same = (strings == bases.labels[shots.basis[k]]) & (outcomes == shots.outcomes[k]).all(1)
        assert same.sum() == shots.counts[k]
    assert shots.shots_of_basis.sum() == 400
    assert (np.diff(shots.basis) >= 0).all()
    assert shots.states[shots.rows(1)].tolist() == [0, 1, 2, 3]
    again = Shots.of(bases, shots.outcomes[::-1], shots.basis[::-1], shots.counts[::-1])
    np.testing.assert_array_equal(again.counts, shots.counts)


def test_shots_held_out_are_a_share_of_each_basis_and_resampling_keeps_the_shots_of_each_basis():
    rng = np.random.default_rng(6)
    bases = random_pauli_bases(4, 3, seed=0)
    shots = Shots.of(bases, rng.choice([-1, 1], (900, 4)), np.repeat([0, 1, 2], 300))
    held = shots.held_out(0.2, rng)
    assert np.bincount(shots.basis, held).tolist() == [60, 60, 60]
    assert (held <= shots.counts).all()
    drawn = shots.resampled_counts(rng)
    assert np.bincount(shots.basis, drawn).tolist() == [300, 300, 300]
    with pytest.raises(ValueError, match=r"fraction must be between 0 and 1, got 1\.5"):
        shots.held_out(1.5, rng)
