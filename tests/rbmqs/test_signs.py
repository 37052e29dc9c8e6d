"""Runs take the signs that are known; what they return is in the basis that was given."""

import numpy as np
import pytest

import rbmqs
from hamiltonians import (
    PauliSum,
    Rotation,
    Sector,
    X,
    Y,
    Z,
    chain,
    heisenberg,
    ising,
    observable_connections,
    spin_hamiltonian,
)
from hamiltonians import ground_state as exact
from hamiltonians.operators.matrices import sparse_matrix
from rbmqs.cli.main import main
from rbmqs.runs.config import config_from_table
from rbmqs.runs.netket import parameters_to_netket
from rbmqs.states.rotated import RotatedState, unrotated

SHORT = {"n_iterations": 120, "n_samples": 256, "n_final_samples": 2048, "progress": False}
RING = heisenberg(chain(6), total_sz=0)
TWIST = spin_hamiltonian(
    PauliSum.sum(
        X(i) * X(i + 1) + Y(i) * Y(i + 1) + 0.7 * (X(i) * Y(i + 1) - Y(i) * X(i + 1))
        for i in range(5)
    )
    + 0.3 * Z(0),
    total_sz=0,  # chains do not see what little weight a state has in other sectors
)
MODELS = {
    "plain": (RING, {"alpha": 1}),
    "real": (RING, {"alpha": 1, "dtype": float}),
    "tied": (RING, {"tied": "translations"}),
    "symmetric": (RING, {"project": "symmetric"}),
    "sector": (RING, {"project": "k=pi even -"}),
    "jastrow": (RING, {"ansatz": "jastrow"}),
    "field": (ising(chain(6), h=-1.0), {"alpha": 2}),
    "phases": (TWIST, {"alpha": 2}),
    "phases of real parameters": (TWIST, {"alpha": 2, "dtype": float}),
}
OBSERVABLES = (X(0) * X(1), Y(1) * Y(2), X(0) * Y(1) - Y(0) * X(1), Z(0) * Z(2), X(0) * X(2))


@pytest.fixture(scope="module")
def results():
    made = {}

    def result(name):
        if name not in made:
            H, ansatz = MODELS[name]
            made[name] = rbmqs.ground_state(H, **ansatz, seed=2, **SHORT)
        return made[name]

    return result


@pytest.mark.submission
@pytest.mark.parametrize("name", MODELS)
def test_results_are_those_of_the_given_hamiltonian(results, name):
    """Energies, amplitudes and observables against exact ones of the state itself and of H."""
    H, _ = MODELS[name]
    result = results(name)
    sector = Sector(H.n_sites, H.total_sz)
    assert result.hamiltonian.rotation is None
    assert result.hamiltonian.fingerprint == H.fingerprint or name.startswith("phases")
    assert result.signs is not None
    assert result.signs.title in result.hamiltonian.name
    assert f"signs          {result.signs.title}" in str(result)
    assert result.to_dict()["hamiltonian"]["rotation"]["automatic"]
    ground = exact(H)
    assert result.psi.overlap(ground.vector, sector) > 0.98
    vector = result.psi.state_vector(sector)
    energy = np.vdot(vector, H.to_sparse() @ vector).real
    assert energy < ground.energy + 0.02 * abs(ground.energy)
    drawn = result.psi.sample(2048, total_sz=H.total_sz, seed=5)
    for observable in (*OBSERVABLES, H.terms):
        matrix = sparse_matrix(observable, H.n_sites, H.total_sz)
        value = np.vdot(vector, matrix @ vector).real
        for found in (result.expect(observable), rbmqs.expect(result.psi, H, drawn, observable)):
            assert abs(found.mean.real - value) < 5 * found.error_of_mean + 1e-6


def test_every_observable_is_that_of_a_run_on_the_rotated_hamiltonian(results):
    """Two ways to the same state: signs taken by the run, and a Hamiltonian in the Marshall basis.

    The chains are the same, bit for bit, so that all must agree up to rounding.
    """
    mine = results("plain")
    H = heisenberg(chain(6), total_sz=0, marshall=True)
    theirs = rbmqs.ground_state(H, alpha=1, seed=2, **SHORT)
    assert mine.energy == theirs.energy
    np.testing.assert_array_equal(mine.final.samples.spins, theirs.final.samples.spins)
    for get in (
        lambda r: r.correlations().xx,
        lambda r: r.correlations().yy_error,
        lambda r: r.structure_factor().spin,
        lambda r: r.final.dimers().connected,
        lambda r: r.renyi([0, 1, 2]).entropy,
        lambda r: r.final.staggered_magnetisation()["spin"].mean,
        lambda r: r.overlap(),
    ):
        np.testing.assert_allclose(get(mine), get(theirs), rtol=1e-9, atol=1e-9)
    vector = exact(RING).vector
    assert mine.final.fidelity(vector).mean == pytest.approx(1, abs=1e-3)
    assert mine.final.fidelity(mine.psi).mean == pytest.approx(1, abs=1e-9)


def test_signs_none_leaves_the_basis_alone():
    result = rbmqs.ground_state(RING, 1, signs=None, seed=2, **SHORT)
    assert result.signs is None
    assert "signs" not in result.hamiltonian.name
    other = rbmqs.ground_state(RING, 1, signs="marshall", seed=2, **SHORT)
    assert other.signs.rule == "marshall"
    assert other.hamiltonian.rotation is None


@pytest.mark.parametrize("name", ["plain", "tied", "sector"])
def test_a_run_goes_on_and_is_read_back_in_the_given_basis(name, tmp_path):
    H, ansatz = MODELS[name]
    short = SHORT | {"n_iterations": 6}
    whole = rbmqs.ground_state(H, **ansatz, **short | {"n_iterations": 12})
    rbmqs.ground_state(H, **ansatz, **short, output=tmp_path / "run")
    resumed = rbmqs.resume(tmp_path / "run", H, n_iterations=12, progress=False)
    assert resumed.energy == whole.energy
    again = rbmqs.resume(tmp_path / "run", n_iterations=14, progress=False)
    loaded = rbmqs.load(tmp_path / "run", progress=False)
    saved = rbmqs.wavefunction_of(tmp_path / "run")
    sector = Sector(6, 0)
    expected = again.psi.state_vector(sector)
    for psi in (loaded.psi, saved):
        assert psi.overlap(expected, sector) == pytest.approx(1, abs=1e-12)
    assert loaded.signs == again.signs
    assert loaded.hamiltonian.rotation is None
    started = rbmqs.ground_state(H, psi=saved, **SHORT | {"n_iterations": 0})
    assert started.psi.overlap(expected, sector) == pytest.approx(1, abs=1e-12)


def test_python_configuration_and_command_line_are_one_door(tmp_path, capsys):
    result = rbmqs.ground_state(ising(chain(6), h=-1.0), 1, **SHORT | {"n_iterations": 5})
    table = {"model": {"name": "ising", "parameters": {"h": -1.0}}, "lattice": {"length": 6}}
    config = config_from_table(table)
    assert config.model.run_signs == "known"
    assert config.hamiltonian().rotation is None
    off = config_from_table(table | {"model": table["model"] | {"signs": "none"}})
    assert off.model.run_signs is None
    assert off.hamiltonian().rotation is None
    words = ["ground-state", "ising", "--length", "6", "--field", "-1", "--alpha", "1", "--quiet"]
    words += ["--iterations", "5", "--samples", "256", "--final-samples", "2048"]
    main(words)
    assert str(result.energy) in capsys.readouterr().out
    main([*words, "--signs", "none"])
    assert "spins turned" not in capsys.readouterr().out
    main([*words, "--signs", "0,2,4"])
    assert "rotated on 3 sites" in capsys.readouterr().out


@pytest.mark.parametrize("angles", [(3, 0, 3, 0, 0, 3), (0, 1.5, 2.25, 0, 3, 4)])
def test_local_values_of_a_rotated_state_are_those_of_its_vector(angles):
    """Against the matrix, flip by flip and summed, of terms on one to three sites."""
    rbm = rbmqs.RBM.random(6, 1, seed=1, stddev=0.3)
    psi = RotatedState(rbm, Rotation("own", angles))
    terms = X(0) + Y(1) * Z(4) + X(1) * Y(2) * X(3) + Y(4) * Y(5) + 0.3 * X(4) * X(5) + Z(2)
    spins = Sector(6).states_to_spins(Sector(6).basis_states())
    vector = np.exp(psi.log_psi(spins))
    expected = sparse_matrix(terms, 6, None) @ vector / vector
    connections = observable_connections(terms, 6)
    np.testing.assert_allclose(psi.local_values(spins, connections, False), expected, atol=1e-12)
    diagonal = psi.local_values(spins, observable_connections(Z(2), 6), False)
    flips = psi.flip_ratios(spins, connections, False).sum(axis=1)
    np.testing.assert_allclose(diagonal + flips, expected, atol=1e-12)
    absorbed = np.exp(unrotated(rbm, psi.rotation).log_psi(spins)) / vector
    np.testing.assert_allclose(absorbed, absorbed[0], rtol=1e-12)


def test_netket_takes_the_signs_in_the_visible_biases(results):
    psi = results("real").psi
    biases = parameters_to_netket(psi)["visible_bias"]
    turned = np.array(results("real").signs.sixths) == 3
    np.testing.assert_allclose(biases.imag, np.where(turned, np.pi / 2, 0), atol=1e-12)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"signs": "neel"}, "signs must be one of"),
        ({"signs": 3}, "signs must be one of"),
        ({"signs": [7]}, "signs must name sites 0 to 5"),
        ({"signs": [0], "project": "k=pi even -"}, "project must be left out with signs"),
        ({"signs": "marshall", "psi": rbmqs.RBM.random(6, 1)}, "signs must be left out where psi"),
    ],
)
def test_bad_signs_are_refused(options, reason):
    with pytest.raises((TypeError, ValueError), match=reason):
        rbmqs.ground_state(RING, **options, **SHORT)


def test_the_advice_names_the_argument():
    frustrated = heisenberg(chain(5), total_sz=0.5)
    result = rbmqs.ground_state(frustrated, 1, seed=0, **SHORT | {"n_iterations": 2})
    assert any("frustrated loop of bonds" in s and "signs=, --signs" in s for s in result.status)
    off = rbmqs.ground_state(RING, 1, signs=None, seed=0, **SHORT | {"n_iterations": 2})
    assert any("marshall=True" in sentence for sentence in off.status)
