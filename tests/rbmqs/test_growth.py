"""Wavefunctions that grow along a run: psi kept, runs resumable across the boundary."""

import numpy as np
import pytest

import hamiltonians as hm
import rbmqs
from rbmqs import RBM, ProjectedRBM, SymmetricRBM, grown
from rbmqs.runs.run import LOG
from rbmqs.vmc import loop as vmc
from rbmqs.vmc.extension import RunContext
from rbmqs.vmc.extensions.growth import Growth, final_form
from rbmqs.vmc.settings import RunSettings, SamplingSettings
from rbmqs.vmc.sources import make_sampler

LATTICE = hm.chain(6)
ISING = hm.ising(LATTICE, h=1.0)
GROUP = LATTICE.translation_group()
SECTOR = hm.Sector(6)
MACHINES = {
    "plain": RBM.random(6, 1, stddev=0.2),
    "real": RBM.random(6, 1, dtype=float, stddev=0.2, visible_bias=False),
    "without biases": RBM.random(6, 1, stddev=0.2, visible_bias=False, hidden_bias=False),
    "tied": SymmetricRBM.random(GROUP, 1, stddev=0.2),
    "projected": ProjectedRBM(RBM.random(6, 1, stddev=0.2), GROUP.sectors()[0]),
    "tied and projected": ProjectedRBM(
        SymmetricRBM.random(GROUP, 1, stddev=0.2), LATTICE.space_group().sectors()[0]
    ),
}
SAMPLING = SamplingSettings(n_samples=64, n_chains=8, n_final_samples=256)
GROWING = RunSettings(
    n_iterations=9, seed=3, sampling=SAMPLING, growth=(1, 2, 3), growth_interval=3
)


@pytest.mark.parametrize("name", MACHINES)
def test_new_units_hardly_change_psi(name):
    psi = MACHINES[name]
    larger = grown(psi, 2, seed=5)
    assert type(larger) is type(psi)
    assert larger.n_hidden == 2 * psi.n_hidden
    assert larger.is_complex == psi.is_complex
    assert larger.n_parameters > psi.n_parameters
    fidelity = psi.overlap(larger.state_vector(SECTOR), SECTOR)
    assert 1e-12 < 1 - fidelity < 1e-3  # of order (N M stddev^2)^2 = 1e-5


@pytest.mark.parametrize("name", MACHINES)
def test_new_units_without_weights_change_nothing(name):
    psi = MACHINES[name]
    same = grown(psi, 3, stddev=0.0)
    spins = SECTOR.states_to_spins(SECTOR.basis_states())
    shift = same.log_psi(spins) - psi.log_psi(spins)
    np.testing.assert_allclose(np.exp(shift - shift[0]), 1.0, atol=1e-12)
    assert np.count_nonzero(same.flat) == np.count_nonzero(psi.flat)


def test_old_parameters_stay_and_new_ones_are_normal():
    psi = MACHINES["plain"]
    larger = grown(psi, 40, seed=2, stddev=0.05)
    np.testing.assert_array_equal(larger.weights[:, :6], psi.weights)
    np.testing.assert_array_equal(larger.visible_bias, psi.visible_bias)
    new = larger.weights[:, 6:]
    for part in (new.real, new.imag):
        assert part.std() == pytest.approx(0.05, rel=5 / np.sqrt(2 * part.size))
    np.testing.assert_array_equal(grown(psi, 40, seed=2, stddev=0.05).flat, larger.flat)
    assert not np.array_equal(grown(psi, 40, seed=3, stddev=0.05).flat, larger.flat)


def test_refusals():
    psi = MACHINES["tied"]
    with pytest.raises(ValueError, match=r"at least that of psi, got 0\.5"):
        grown(MACHINES["plain"], 0.5)
    with pytest.raises(ValueError, match="multiple of 1"):
        grown(psi, 1.5)
    with pytest.raises(TypeError, match="must be an RBM, plain, tied or projected, got int"):
        grown(3, 2)
    for growth, named in (((2, 1), "rise"), ((1, 1), "rise"), ((0,), "growth"), ("12", "growth")):
        with pytest.raises((TypeError, ValueError), match=named):
            RunSettings(growth=growth)
    with pytest.raises(ValueError, match="growth starts with alpha = 1"):
        rbmqs.ground_state(ISING, 2, settings=GROWING, progress=False)
    with pytest.raises(ValueError, match=r"growth starts with alpha = 1: .* n_features = 2"):
        rbmqs.ground_state(
            ISING, n_features=2, tied="translations", settings=GROWING, progress=False
        )


def test_stages():
    densities = [GROWING.alpha_at(t) for t in (0, 2, 3, 5, 6, 100)]
    assert densities == [1, 1, 2, 2, 3, 3]
    assert [GROWING.iteration_in_stage(t) for t in (0, 2, 3, 6, 100)] == [0, 2, 0, 0, 94]
    assert RunSettings().alpha_at(7) is None
    assert RunSettings().iteration_in_stage(700) == 700


def test_growing_run(tmp_path):
    result = rbmqs.ground_state(ISING, settings=GROWING, output=tmp_path / "run", progress=False)
    assert result.psi.alpha == 3
    assert final_form(MACHINES["plain"], GROWING).describe() == result.psi.describe()
    assert rbmqs.read_log(tmp_path / "run" / LOG)[0]["ansatz"]["n_hidden"] == 18


@pytest.mark.parametrize("cut", [2, 3, 4, 7])
@pytest.mark.parametrize("name", ["plain", "tied and projected"])
def test_resumed_growing_run_is_the_whole_run(tmp_path, cut, name):
    def start(directory, n_iterations):
        rbmqs.ground_state(
            ISING, psi=MACHINES[name], settings=GROWING, n_iterations=n_iterations,
            output=tmp_path / directory, progress=False,
        )  # fmt: skip

    start("whole", 9)
    start("cut", cut)
    rbmqs.resume(tmp_path / "cut", n_iterations=9, progress=False)
    whole, resumed = ((tmp_path / name / LOG).read_bytes() for name in ("whole", "cut"))
    assert whole == resumed


def test_a_bad_step_is_undone_across_the_boundary():
    loop = vmc.iterate(ISING, MACHINES["plain"], GROWING)
    state = [next(loop) for _ in range(3)][-1][1]
    assert state.iteration == 3
    growth = Growth(RunContext(ISING, GROWING, make_sampler(ISING, SAMPLING)))
    larger = growth.before(state)
    assert larger.psi.alpha == larger.last_good.psi.alpha == 2
    drift = state.psi.with_flat(state.optimiser.direction)
    kept = larger.psi.with_flat(larger.optimiser.direction)
    np.testing.assert_array_equal(kept.weights[:, :6], drift.weights)
    assert not kept.weights[:, 6:].any()
    np.testing.assert_array_equal(larger.last_good.psi.weights[:, 6:], larger.psi.weights[:, 6:])
    assert growth.before(larger) is larger
