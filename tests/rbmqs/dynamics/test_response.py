"""Levels and strengths in the tangent space, against exact spectra."""

import numpy as np
import pytest

import hamiltonians as hm
import rbmqs
from rbmqs.cli.main import main
from rbmqs.dynamics.response import rows_and_h_rows


def exact_strengths(H, wave_vector):
    """Energies and |<n|S_k|0>|^2 of all states: the naive twin."""
    energies, vectors = np.linalg.eigh(H.to_sparse().toarray())
    sector = hm.Sector(H.n_sites, H.total_sz)
    spins = sector.states_to_spins(sector.basis_states())
    S = spins @ np.exp(-1j * wave_vector * np.arange(H.n_sites)) / H.n_sites**0.5
    return energies, abs(vectors.conj().T @ (S * vectors[:, 0])) ** 2


@pytest.fixture(scope="module")
def saturated():
    """A chain of 8 with 320 parameters, of which 69 would do."""
    H = hm.heisenberg(hm.chain(8), total_sz=0)
    return H, rbmqs.ground_state(H, alpha=4, n_iterations=250, progress=False)


def test_a_saturated_state_has_the_whole_spectrum_and_all_strengths(saturated):
    H, run = saturated
    response = rbmqs.linear_response(H, run)
    for wave_vector in (np.pi / 4, np.pi):
        energies, strengths = exact_strengths(H, wave_vector)
        np.testing.assert_allclose(response.energies, energies, atol=1e-6)
        found = response.structure_factor(wave_vector)
        frequencies = np.linspace(0, 20, 41)
        exact = [
            (0.3 / np.pi / ((w - energies[1:] + energies[0]) ** 2 + 0.09)) @ strengths[1:]
            for w in frequencies
        ]
        np.testing.assert_allclose(response.spectrum(found, frequencies, 0.3), exact, atol=1e-5)
    assert response.share(hm.PauliSum.sum(hm.X(i) * hm.X(i + 1) for i in range(7))) > 1 - 1e-6
    assert response.gap == pytest.approx(energies[1] - energies[0], abs=1e-6)


@pytest.mark.submission
def test_a_tied_state_of_14_sites_has_the_levels_of_its_sector():
    """80 orbits, 252 parameters."""
    H = hm.heisenberg(hm.chain(14), total_sz=0)
    run = rbmqs.ground_state(
        H, tied="space-group", n_features=18, n_iterations=200, n_restarts=1, progress=False
    )
    response = rbmqs.linear_response(H, run)
    exact = hm.low_spectrum(H, 40).states
    for energy in response.energies[:4]:
        assert min(abs(energy - np.array([s.energy for s in exact]))) < 1e-3
    assert response.energies[0] == pytest.approx(min(s.energy for s in exact), abs=1e-4)


def test_levels_of_a_state_that_is_not_saturated_lie_above_the_exact_ones():
    H = hm.ising(hm.chain(8), h=1.2)
    psi = rbmqs.ground_state(H, alpha=1, n_iterations=100, progress=False).psi
    energies = np.linalg.eigvalsh(H.to_sparse().toarray())
    response = rbmqs.linear_response(H, psi, summation=True)
    assert np.all(response.energies >= energies[: len(response.energies)] - 1e-9)
    # One flipped spin on the polarised side: well within this tangent space.
    assert response.excitations[0] == pytest.approx(energies[1] - energies[0], abs=0.02)


def test_rows_of_h_acting_on_derivatives_are_those_of_matrices():
    H = hm.xxz(hm.chain(6), delta=0.4)
    psi = rbmqs.RBM.random(6, 1, stddev=0.3, seed=3)
    sector = hm.Sector(6)
    spins = sector.states_to_spins(sector.basis_states())
    rows, moved = rows_and_h_rows(H, psi, spins)
    amplitudes = psi.state_vector(sector)
    expected = H.to_sparse() @ (rows * amplitudes[:, None]) / amplitudes[:, None]
    np.testing.assert_allclose(moved, expected, atol=1e-9)
    np.testing.assert_array_equal(rows, psi.log_derivatives(spins))


def test_sampled_levels_agree_within_their_errors():
    """The sum rule of S(k) and the two lowest levels of a polarised chain, 4096 samples, seed 0."""
    H = hm.ising(hm.chain(8), h=2.0)
    run = rbmqs.ground_state(H, alpha=1, n_iterations=150, progress=False)
    whole = rbmqs.linear_response(H, run, summation=True)
    found = rbmqs.linear_response(H, run, summation=False, n_samples=4096)
    assert np.all(found.errors[:3] > 0)
    assert abs(found.excitations[0] - whole.excitations[0]) < 5 * found.errors[1] + 0.02
    total = found.structure_factor(np.pi).sum()
    assert total == pytest.approx(whole.structure_factor(np.pi).sum(), rel=0.1)


def test_command(tmp_path, capsys):
    run = "ground-state ising --length 6 --field 1.5 --alpha 1 --iterations 60 --quiet --output"
    assert main([*run.split(), str(tmp_path / "run")]) == 0
    capsys.readouterr()
    command = ["response", str(tmp_path / "run"), "--wave-vector", "3.14159265"]
    assert main([*command, "--output", str(tmp_path / "response.json")]) == 0
    out = capsys.readouterr().out
    assert "levels in the tangent space" in out
    assert "structure factor" in out
    assert (tmp_path / "response.json").exists()
    assert main([*command, "--cutoff", "2"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


WRONG = [
    (lambda H, psi: rbmqs.linear_response(H, 3), TypeError, "psi must be a VariationalState"),
    (lambda H, psi: rbmqs.linear_response(H, rbmqs.RBM.random(5)), ValueError, "psi has 5 sites"),
    (lambda H, psi: rbmqs.linear_response(H, psi, cutoff=1.0), ValueError, "cutoff must lie in"),
    (lambda H, psi: rbmqs.linear_response(hm.aklt(hm.chain(8)), psi), ValueError, "hamiltonian"),
    (
        lambda H, psi: rbmqs.linear_response(H, psi).structure_factor([1.0, 2.0]),
        ValueError,
        "wave_vector must have 1 components",
    ),
    (
        lambda H, psi: rbmqs.linear_response(H, psi).spectrum(np.ones(2), [1.0], 0.0),
        ValueError,
        "width must be",
    ),
]


@pytest.mark.parametrize(("call", "kind", "message"), WRONG)
def test_wrong_arguments_are_refused_in_one_line(call, kind, message):
    H = hm.ising(hm.chain(4))
    with pytest.raises(kind) as error:
        call(H, rbmqs.RBM.random(4, 1))
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)
