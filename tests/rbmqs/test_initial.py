"""Wavefunctions by name: from ground_state, configuration tables and the command line."""

import numpy as np
import pytest

import hamiltonians as hm
import rbmqs
from hamiltonians.models.symmetries import symmetric_sector
from rbmqs.cli.main import main
from rbmqs.states.factory import AnsatzSpec, initial_wavefunction
from rbmqs.states.jastrow import Jastrow
from rbmqs.states.projected_rbm import ProjectedRBM
from rbmqs.states.rbm import RBM
from rbmqs.states.symmetric_rbm import SymmetricRBM
from rbmqs.vmc.settings import RunSettings, SamplingSettings

CHAIN = hm.heisenberg(hm.chain(8), total_sz=0, marshall=True)
SHORT = RunSettings(
    n_iterations=6, seed=3, sampling=SamplingSettings(n_samples=64, n_chains=4, n_final_samples=64)
)


def test_the_plain_machine_is_the_default():
    psi = initial_wavefunction(CHAIN, 1)
    assert isinstance(psi, RBM)
    assert (psi.n_hidden, psi.has_visible_bias, psi.has_hidden_bias) == (16, True, True)


def test_weights_are_tied_over_a_group_by_name():
    psi = initial_wavefunction(CHAIN, 1, tied="translations", alpha=3)
    assert isinstance(psi, SymmetricRBM)
    assert (psi.n_features, psi.n_hidden, psi.has_visible_bias) == (3, 24, False)
    psi = initial_wavefunction(CHAIN, 1, tied="space-group")
    assert (psi.group.order, psi.n_features) == (16, 1)


def test_a_machine_projected_onto_an_even_sector_has_no_biases():
    psi = initial_wavefunction(CHAIN, 1, project="symmetric")
    assert isinstance(psi, ProjectedRBM)
    assert not psi.base.has_visible_bias
    assert not psi.base.has_hidden_bias
    assert psi.n_images == psi.sector.group.order == 16
    both = initial_wavefunction(CHAIN, 1, project="symmetric", tied="translations")
    assert both.n_images == 2
    assert both.alpha == 8
    assert initial_wavefunction(CHAIN, 1, tied="translations").alpha == 2


def test_sectors_are_found_by_label():
    plain = hm.heisenberg(hm.chain(8), total_sz=0)
    labels = [s.label for s in plain.lattice.sectors(spin_inversion=True)]
    psi = initial_wavefunction(plain, 1, project=labels[1])
    assert psi.sector.label == labels[1]
    with pytest.raises(ValueError, match="project must be symmetric or one of"):
        initial_wavefunction(plain, 1, project="k=7")


def test_the_symmetric_sector_keeps_to_the_hamiltonian():
    """A field breaks the inversion of spins, a staggered one also half of the translations."""
    field = hm.heisenberg(hm.chain(8), field=(0, 0, 0.3))
    assert symmetric_sector(field).spin_inversion is None
    staggered = np.outer(np.resize([1.0, -1.0], 8), [0, 0, 1])
    sector = symmetric_sector(hm.heisenberg(hm.chain(8), field=staggered))
    assert sector.group.order == 8
    assert symmetric_sector(CHAIN).spin_inversion == 1


@pytest.mark.parametrize(
    "hamiltonian",
    [
        hm.heisenberg(hm.chain(6), total_sz=0),
        hm.heisenberg(hm.chain(6), total_sz=0, marshall=True),
        hm.heisenberg(hm.chain(6), J=-1.0, total_sz=0),
        hm.heisenberg(hm.chain(8), total_sz=0),
        hm.xxz(hm.chain(10), delta=0.5, total_sz=0),
        hm.j1j2(hm.rectangle(3, 6), J2=0.5, total_sz=0),
        hm.j1j2(hm.square(4), J2=0.6, total_sz=0, signs="stripe-x"),
        hm.heisenberg(hm.ladder(5), total_sz=0, signs=[0]),
        hm.heisenberg(hm.triangular((3, 4)), total_sz=0),
        hm.ising(hm.chain(6), h=1.0),
    ],
    ids=str,
)
def test_the_symmetric_sector_does_not_exclude_the_ground_state_by_its_parity(hamiltonian):
    vector = hm.ground_state(hamiltonian).vector  # states in order: the reversed one is the inverse
    parity = round(np.vdot(vector, vector[::-1]).real)
    np.testing.assert_allclose(vector[::-1], parity * vector, atol=1e-6)
    assert symmetric_sector(hamiltonian).spin_inversion == {1: 1, -1: None}[parity]


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ({"tied": "reflections"}, "tied must be one of translations, space-group"),
        ({"n_features": 2}, "n_features belongs to tied weights"),
        ({"tied": "translations", "n_hidden": 8}, "n_hidden does not suit"),
        ({"tied": "translations", "alpha": 1.5}, "alpha must be a multiple of 1"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(shape, message):
    with pytest.raises(ValueError, match=message):
        initial_wavefunction(CHAIN, 1, **shape)


def test_groups_that_the_couplings_break_are_refused():
    uneven = hm.heisenberg(hm.chain(8), field=np.outer(np.arange(8), [0, 0, 1]))
    with pytest.raises(ValueError, match="group must leave the Hamiltonian invariant"):
        initial_wavefunction(uneven, 1, tied="translations")


MACHINES = {
    "tied": {"tied": "translations", "alpha": 2},
    "projected": {"project": "symmetric", "alpha": 1},
    "both": {"tied": "translations", "project": "symmetric"},
}


@pytest.mark.parametrize("name", MACHINES)
def test_a_run_cut_and_resumed_has_the_same_bytes(name, tmp_path):
    whole = rbmqs.ground_state(CHAIN, **MACHINES[name], settings=SHORT, output=tmp_path / "a",
                               progress=False)  # fmt: skip
    part = RunSettings(n_iterations=3, seed=3, sampling=SHORT.sampling)
    rbmqs.ground_state(
        CHAIN, **MACHINES[name], settings=part, output=tmp_path / "b", progress=False
    )
    again = rbmqs.resume(tmp_path / "b", n_iterations=6, progress=False)
    assert (tmp_path / "a/log.jsonl").read_bytes() == (tmp_path / "b/log.jsonl").read_bytes()
    np.testing.assert_array_equal(whole.psi.flat, again.psi.flat)
    assert whole.energy.mean == again.energy.mean
    assert again.psi.describe() == whole.psi.describe()


def test_the_command_line_ties_and_projects(capsys):
    common = ["ground-state", "heisenberg", "--length", "8", "--total-sz", "0", "--marshall"]
    short = ["--iterations", "4", "--samples", "64", "--chains", "4", "--quiet"]
    main([*common, "--tied", "translations", "--project", "symmetric", *short])
    text = capsys.readouterr().out
    assert "tied over 8" in text
    assert "projected onto symmetric +" in text
    assert main([*common, "--tied", "rotations", *short]) == 2
    assert "tied must be one of" in capsys.readouterr().err


@pytest.mark.slow
def test_a_projected_machine_reaches_the_ground_state_of_a_chain():
    result = rbmqs.ground_state(CHAIN, 1, project="symmetric", seed=1, n_iterations=150,
                                progress=False)  # fmt: skip
    assert abs(result.energy.mean / result.reference.energy - 1) < 1e-5


def test_other_ansaetze_by_name_and_import_path():
    H = hm.heisenberg(hm.chain(6))
    for name in ("jastrow", "rbmqs.states.jastrow:Jastrow"):
        psi = AnsatzSpec(name=name, dtype="real").create(H, 3)
        assert isinstance(psi, Jastrow)
        assert not psi.is_complex
    spec = AnsatzSpec(2, name="jastrow-rbm", hidden_bias=False, keywords={"stddev": 0.1})
    psi = spec.create(H, 3)
    assert psi.n_hidden == 12
    assert list(psi.parameters) == ["couplings", "visible_bias", "weights"]
    again = spec.create(H, 3)
    assert np.array_equal(psi.flat, again.flat)


@pytest.mark.parametrize(
    ("spec", "error", "reason"),
    [
        ({"name": "jastro"}, ValueError, "jastrow"),
        ({"name": "no.such:Thing"}, ValueError, "cannot be imported"),
        ({"name": "numpy:ndarray"}, TypeError, "derived from VariationalState"),
        ({"name": "jastrow", "alpha": 1}, ValueError, "takes no alpha"),
        ({"name": "jastrow", "project": "symmetric"}, ValueError, "takes no project"),
        ({"name": "jastrow", "keywords": {"depth": 2}}, ValueError, "takes no depth"),
        ({"keywords": {"depth": 2}}, ValueError, "RBM takes no options, got depth"),
        ({"name": "symmetric-rbm"}, ValueError, "needs tied"),
        ({"name": "projected-rbm"}, ValueError, "needs project"),
        ({"name": "rbmqs.states.state:VariationalState"}, ValueError, "no classmethod random"),
    ],
)
def test_what_no_ansatz_takes_is_refused(spec, error, reason):
    with pytest.raises(error, match=reason):
        AnsatzSpec(**spec).create(hm.heisenberg(hm.chain(6)), 0)


@pytest.mark.parametrize("seed", [1, 3])
def test_an_odd_sector_is_reached_from_its_random_parameters(seed):
    """A sibling of case 19: from 0.01, which the projection leaves little of, 2 and 6 too high."""
    result = rbmqs.ground_state(
        hm.heisenberg(hm.chain(10)), 1, project="k=pi even -", seed=seed, n_iterations=100,
        n_final_samples=64, progress=False,
    )  # fmt: skip
    assert result.energy.mean.real == pytest.approx(result.reference.energy, abs=1e-6)


def test_restarts_of_an_odd_sector_reach_it_too():
    """From 0.01 the second of two restarts ended 6 too high."""
    H = hm.heisenberg(hm.chain(10))
    psi = AnsatzSpec(alpha=1, project="k=pi even -").create(H, 1)
    seed = np.random.SeedSequence(5)
    assert np.std(psi.randomised(seed).flat) == pytest.approx(np.sqrt(2) * 0.1, rel=0.2)
    energies = []
    rbmqs.ground_state(
        H, 1, project="k=pi even -", seed=1, n_iterations=200, n_restarts=2, n_final_samples=64,
        progress=False, callback=lambda record, state: energies.append(record.energy.mean.real),
    )  # fmt: skip
    assert energies[99] == pytest.approx(energies[-1], abs=1e-3)
