"""Shots drawn from a state in any basis: against exact probabilities, exactly and beyond."""

import numpy as np
import pytest
from scipy.stats import chisquare

import rbmqs
from hamiltonians import Sector, chain, ground_state, heisenberg
from rbmqs.tomography import drawing
from rbmqs.tomography.bases import haar_random_bases
from rbmqs.tomography.rotations import rotated


def p_values(shots, vector):
    """Chi-squared p-values of the outcomes by basis; cells of fewer than five shots are joined."""
    found = []
    for basis, unitaries in enumerate(shots.bases.unitaries):
        p = np.abs(rotated(vector, unitaries)) ** 2
        rows = shots.rows(basis)
        counts = np.bincount(shots.states[rows], shots.counts[rows], len(p))
        expected = p / p.sum() * counts.sum()
        few = expected < 5
        assert not counts[expected < 1e-9].any()
        if few.all():
            continue
        joined = [np.append(x[~few], x[few].sum()) for x in (counts, expected)]
        keep = joined[1] > 0
        found.append(chisquare(joined[0][keep], joined[1][keep]).pvalue)
    return found


PSI = rbmqs.RBM.random(4, 2, seed=3, stddev=0.5)


@pytest.mark.parametrize("exact", [True, False])
def test_outcomes_have_the_probabilities_of_the_rotated_state(exact, monkeypatch):
    if not exact:
        monkeypatch.setattr(drawing, "EXACT_SITES", 0)
    vector = PSI.state_vector(Sector(4))
    pauli = PSI.sample_in(["XZYZ", "YYXZ", "ZZZZ", "XXXX"], 4000, seed=1)
    haar = PSI.sample_in(haar_random_bases(4, 2, seed=5), 4000, seed=2)
    # six p-values, uniform: all above 1e-4 but once in 1,700 seeds
    assert min(p_values(pauli, vector) + p_values(haar, vector)) > 1e-4
    wrong = np.conj(vector)  # a sign of Y that is wrong is seen
    assert min(p_values(pauli, wrong)) < 1e-10


@pytest.mark.parametrize("exact", [True, False])
def test_amplitudes_outside_a_sector_count_as_zero(exact, monkeypatch):
    if not exact:
        monkeypatch.setattr(drawing, "EXACT_SITES", 0)
    sector = Sector(4, 0)
    vector = np.zeros(16, complex)
    vector[sector.basis_states()] = PSI.state_vector(sector)
    shots = PSI.sample_in(["ZZZZ", "XXZZ"], 4000, total_sz=0, seed=3)
    assert min(p_values(shots, vector)) > 1e-4
    assert not shots.outcomes[shots.rows(0)].sum(axis=1).any()


def test_shots_of_an_exact_state_give_its_correlations():
    exact = ground_state(heisenberg(chain(8), total_sz=0))
    bases = ["XXXXXXXX", "ZZZZZZZZ"]
    shots = drawing.shots_of_vector(exact.expanded(), bases, 20_000, total_sz=0, seed=4)
    for basis in range(2):
        rows = shots.rows(basis)
        pair = shots.outcomes[rows, 0].astype(int) * shots.outcomes[rows, 1]
        mean = shots.counts[rows] @ pair / 20_000
        assert abs(mean - exact.energy / 8 / 3) < 4 / np.sqrt(20_000)


def test_many_sites_are_measured_where_few_of_them_are_rotated():
    psi = rbmqs.RBM.random(40, 1, seed=1, stddev=0.01)
    shots = psi.sample_in("X" * 6 + "Z" * 34, 256, seed=1)
    # nearly a product of states along x: six sites give +1, the others either
    assert (shots.outcomes[:, :6] == 1).mean() > 0.99
    assert abs(shots.outcomes[:, 6:].mean()) < 4 / np.sqrt(256 * 34)


@pytest.mark.parametrize(
    ("bases", "n_shots", "words"),
    [
        ("XZ", 10, "bases must name 4 sites, got 2"),
        ("XZQZ", 10, "must hold the letters X, Y and Z only"),
        ("XZZZ", 0, "n_shots must be at least 1, got 0"),
        (np.eye(2), 10, r"bases must have shape \(n_bases, n_sites, 2, 2\)"),
    ],
)
def test_wrong_calls_of_sample_in_are_refused(bases, n_shots, words):
    with pytest.raises(ValueError, match=words):
        PSI.sample_in(bases, n_shots)


def test_too_many_rotated_sites_are_refused():
    with pytest.raises(ValueError, match="rotate at most 16 of more than 18 sites, got 20"):
        rbmqs.RBM.random(20, seed=0).sample_in("X" * 20)
