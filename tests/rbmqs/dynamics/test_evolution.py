"""Whole evolutions: against exact ones, from files, and with bad input."""

import json
import signal

import numpy as np
import pytest

import hamiltonians as hm
import rbmqs
from rbmqs import RBM, Jastrow, SymmetricRBM
from rbmqs.dynamics import as_complex, product_state, read_evolution_log
from rbmqs.dynamics.equations import Solution
from rbmqs.dynamics.integrators import StepError
from rbmqs.dynamics.settings import EvolutionSettings
from rbmqs.dynamics.stepping import Stepper
from rbmqs.states.projected_rbm import ProjectedRBM
from rbmqs.vmc.settings import SamplingSettings

QUIET = {"progress": False}
CHAIN = hm.chain(6)
FREE = hm.Sector(6, None)
STATES = {"echo": True, "fidelity": True, "renyi": [0, 1, 2]}


def quenched(n=6, alpha=4, **options):
    lattice = hm.chain(n)
    tied = SymmetricRBM.random(lattice.translation_group(), alpha, visible_bias=True, seed=2)
    psi = product_state(tied, "+x", noise=0.05, seed=1)
    H = hm.ising(lattice, h=1.0, J=-1.0)
    options = {"summation": True, "tolerance": 1e-6, **QUIET, **options}
    return H, psi, rbmqs.evolve(H, psi, [0.0, 0.2, 0.4], **STATES, **options)


def test_a_quench_from_a_product_state_against_exact_evolution():
    _, _, result = quenched()
    assert set(result.exact) == {"energy", "mx", "mz", "zz", "echo", "fidelity", "renyi2"}
    for name, exact in result.exact.items():
        # The entropy of the start, whose weights are not zero, is 5e-4.
        assert np.abs(result.values(name) - exact).max() < (1e-3 if name == "renyi2" else 2e-4)
        assert np.all(result.errors(name) == 0)
    assert "all checks passed" in str(result)
    assert result.values("mx")[2] < 0.97


@pytest.mark.parametrize("integrator", ["rk23", "adaptive-heun", "heun", "rk4", "midpoint"])
def test_integrators_agree(integrator):
    psi = SymmetricRBM.random(CHAIN.translation_group(), 1, seed=2, stddev=0.4)
    options = {"cutoff": 1e-9, "summation": True, **QUIET}
    fine, other = (
        rbmqs.evolve(hm.ising(CHAIN, h=1.0), psi, [0.0, 0.1], integrator=kind, **more, **options)
        for kind, more in [("rk45", {"tolerance": 1e-7}), (integrator, {"step": 5e-3})]
    )
    assert other.psi.overlap(fine.psi.state_vector(FREE), FREE) == pytest.approx(1, abs=1e-5)


def test_errors_of_fixed_steps_that_r2_does_not_see_are_in_the_status():
    _, _, fine = quenched()
    for integrator, step in (("euler", 0.02), ("heun", 0.1), ("rk4", 0.1)):
        _, _, coarse = quenched(integrator=integrator, step=step)
        assert np.abs(coarse.values("mx") - fine.values("mx")).max() > 1e-3
        assert max(record.r2 for record in coarse.records) < 0.01
        (sentence,) = coarse.status
        assert f"steps of {integrator} add up to an error of" in sentence
        assert f"than {step:g}" in sentence
    assert fine.step_errors < 1e-3


def test_samples_agree_with_sums_within_errors():
    H, psi, summed = quenched(alpha=2, n=8)
    options = {"n_samples": 2000, "n_chains": 16, "summation": False, "seed": 3, **QUIET}
    sampled = rbmqs.evolve(H, psi, summed.times, tolerance=1e-3, **STATES, **options)
    assert sampled.values("fidelity")[0] == 1
    for name in ("energy", "mx", "mz", "zz", "echo", "fidelity", "renyi2"):
        difference = np.abs(sampled.values(name) - summed.values(name))
        # 15 comparisons; the trajectory itself carries noise, which an allowance covers.
        assert np.all(difference <= 4.5 * sampled.errors(name) + 0.02 * (name != "mz"))
    record = sampled.records[-1]
    assert 0.3 < record.effective_share < 1
    assert record.r2_probe > 0
    assert np.isfinite(record.drift)


def test_imaginary_time_against_the_exact_exponential():
    H = hm.ising(CHAIN, h=1.0)
    psi = RBM.random(6, 2, dtype=float, seed=1, stddev=0.1)
    result = rbmqs.evolve(
        H, psi, [0.0, 0.3, 0.6], imaginary=True, summation=True, tolerance=1e-3, cutoff=1e-8,
        **QUIET,
    )  # fmt: skip
    levels, vectors = np.linalg.eigh(H.to_dense())
    start = vectors.T @ psi.state_vector(FREE)
    for t, found in zip(result.times, result.values("energy"), strict=True):
        weights = (np.exp(-(levels - levels[0]) * t) * start) ** 2
        assert found == pytest.approx(weights @ levels / weights.sum(), abs=5e-3)


def test_a_field_that_depends_on_time():
    parts = [(1.0, hm.ising(CHAIN, h=0.0, J=-1.0)), (lambda t: 1 + t, hm.ising(CHAIN, h=1, J=0))]
    form = SymmetricRBM.random(CHAIN.translation_group(), 4, visible_bias=True)
    psi = product_state(form, "+x", noise=0.05)
    result = rbmqs.evolve(parts, psi, [0.5, 0.7], summation=True, tolerance=1e-6, **QUIET)
    for name in ("energy", "mx", "zz"):
        assert result.values(name)[1] == pytest.approx(result.exact[name][1], abs=2e-4)
    assert np.isnan(result.records[0].drift)


@pytest.mark.parametrize("unit", [2.0**40, 2.0**-40])
@pytest.mark.parametrize("options", [{}, {"method": "projected"}, {"integrator": "heun"}])
def test_a_driven_evolution_knows_no_unit_of_energy(unit, options):
    def field(t, unit=1.0):
        return hm.ising(CHAIN, h=unit * (1 + t), J=-unit)

    form = SymmetricRBM.random(CHAIN.translation_group(), 1, visible_bias=True)
    psi = product_state(form, "+x", noise=0.1)
    options = {"n_samples": 64, "n_chains": 8, "summation": False, "tolerance": 1e-3, **options}
    times = np.array([0.0, 0.02])
    first, second = (
        rbmqs.evolve(H, psi, t, **options, **QUIET)
        for H, t in [(field, times), (lambda t: field(unit * t, unit), times / unit)]
    )
    assert np.array_equal(first.psi.flat, second.psi.flat)
    assert [r.r2 for r in first.records] == [r.r2 for r in second.records]
    assert first.records[-1].integrated_r2 == second.records[-1].integrated_r2
    assert np.array_equal(first.values("mx"), second.values("mx"))
    assert first.status == second.status


def test_from_the_directory_of_a_run(tmp_path):
    H = hm.ising(hm.chain(16), h=0.5)
    options = {"n_iterations": 30, "n_samples": 256, "n_final_samples": 256}
    rbmqs.ground_state(
        H, tied="translations", n_features=1, dtype=float, output=tmp_path / "ground", **options,
        **QUIET,
    )  # fmt: skip
    start = rbmqs.load(tmp_path / "ground", **QUIET)
    result = rbmqs.evolve(
        hm.ising(hm.chain(16), h=1.0), start, [0.0, 0.02], echo=True, n_samples=256,
        summation=False, n_observable_samples=512, **QUIET,
    )  # fmt: skip
    assert result.psi.is_complex
    exact = hm.ising_chain_dynamics(16, [0, 0.02], h=1.0, initial_h=0.5, J=1.0)
    assert result.exact["mx"] == pytest.approx(exact.x.mean(axis=1))
    assert result.exact["zz"] == pytest.approx(exact.zz_nearest)


def test_files_say_what_happened_and_resume_bit_for_bit(tmp_path):
    H, psi, _ = quenched(alpha=1)
    options = {"n_samples": 128, "n_chains": 8, "summation": False, "tolerance": 1e-2, **QUIET}
    times = [0.0, 0.1, 0.2]
    options |= STATES
    whole = rbmqs.evolve(H, psi, times, output=tmp_path / "whole", **options)
    first = (tmp_path / "whole/log.jsonl").read_bytes().splitlines(True)[:2]
    (tmp_path / "part").mkdir()  # a kill before the first checkpoint leaves such a log
    (tmp_path / "part/log.jsonl").write_bytes(b"".join(first))
    rbmqs.evolve(H, psi, times[:2], output=tmp_path / "part", **options)
    resumed = rbmqs.evolve(H, psi, times, output=tmp_path / "part", resume=True, **options)
    assert np.array_equal(resumed.psi.flat, whole.psi.flat)
    assert (tmp_path / "part/log.jsonl").read_bytes() == (tmp_path / "whole/log.jsonl").read_bytes()
    for name in ("echo", "fidelity", "renyi2"):
        assert np.array_equal(resumed.values(name), whole.values(name))
    assert len(read_evolution_log(tmp_path / "part/log.jsonl")) == len(whole.records)
    saved = json.loads((tmp_path / "part/result.json").read_text())
    assert saved["times"] == times
    assert (tmp_path / "part/evolution.png").stat().st_size > 1000
    other = hm.ising(hm.chain(6), h=2.0, J=-1.0)
    for bad, message in [
        ({"H": other}, "belongs to another evolution: its hamiltonian"),
        ({"tolerance": 1e-3}, "its settings is not the same"),
        ({"renyi": [0, 1]}, "its renyi is not the same"),
        ({"renyi": None}, "its renyi is not the same"),
        ({"times": [0.0, 0.15]}, "times must begin with the 3"),
        ({"resume": False}, "output must not hold a run"),
        ({"output": tmp_path / "none"}, "output must hold an evolution"),
    ]:
        given = {"H": H, "psi": psi, "times": times, "resume": True, **options, **bad}
        given.setdefault("output", tmp_path / "part")
        with pytest.raises((ValueError, OSError), match=message):
            rbmqs.evolve(**given)


def test_an_interrupted_evolution_goes_on_bit_for_bit(tmp_path):
    _, psi, _ = quenched(alpha=1)
    options = {"n_samples": 128, "n_chains": 8, "summation": False, "tolerance": 1e-2, **QUIET}
    signalled = []

    def field(t, interrupt):
        if interrupt and t > 0.05 and not signalled:
            signalled.append(t)
            signal.raise_signal(signal.SIGINT)
        return hm.ising(CHAIN, h=1 + t, J=-1.0)

    times = [0.0, 0.1, 0.2]
    whole = rbmqs.evolve(lambda t: field(t, False), psi, times, **options)
    options["output"] = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt) as caught:
        rbmqs.evolve(lambda t: field(t, True), psi, times, **options)
    assert caught.value.result.interrupted == signal.SIGINT
    assert len(caught.value.result.states) < 3
    resumed = rbmqs.evolve(lambda t: field(t, False), psi, times, resume=True, **options)
    assert np.array_equal(resumed.psi.flat, whole.psi.flat)
    assert [r.time for r in resumed.records] == [r.time for r in whole.records]


def test_a_bound_on_r2_stops_and_keeps_what_is_there():
    H = hm.ising(CHAIN, h=1.0, J=-1.0)
    psi = product_state(RBM.random(6, 1), "+x", noise=0.05)
    result = rbmqs.evolve(H, psi, [0.0, 0.1, 2.0], summation=True, max_r2=1e-3, **QUIET)
    assert "exceeds max_r2" in result.status[0]
    assert len(result.states) == len(result.values("mx")) < 3
    assert len(result.records) > 0


@pytest.mark.parametrize("r2", [np.nan, np.inf])
def test_an_r2_of_the_second_batch_that_is_not_finite_stops_too(r2):
    settings = EvolutionSettings(max_r2=0.1, sampling=SamplingSettings(n_samples=64))
    stepper = Stepper(None, settings, None, None)
    solution = Solution(np.zeros(1), 1e-4, 1.0, 0.01, r2, 0.0, (), ())
    with pytest.raises(StepError, match=f"r\\^2 = {r2} is not finite, against max_r2 = 0.1"):
        stepper._checked_r2(solution, True, 0.5)
    assert stepper._checked_r2(solution, False, 0.5) == 0.01


def test_a_sum_measures_what_has_no_symmetry():
    H, psi, _ = quenched(alpha=1)
    turned = product_state(psi, (1.0, 0.0, 0.4), noise=0.1)
    wanted = {"zz03": hm.Z(0) * hm.Z(3), "y1": hm.Y(1), "z2": hm.Z(2)}
    result = rbmqs.evolve(H, turned, [0.0, 0.1], observables=wanted, summation=True, **QUIET)
    for name in wanted:
        assert result.values(name)[0] == pytest.approx(result.exact[name][0], abs=1e-10)


@pytest.mark.parametrize("direction", ["+x", "-x", "+y", (1, 2, 0.5), "+z", "neel"])
def test_product_states_are_what_they_say(direction):
    from hamiltonians.exact.product_states import product_state as exact

    psi = product_state(RBM.random(6, 1), direction, noise=0.001, infidelity=1e-3)
    fidelity = psi.overlap(exact(direction, hm.Sector(6, None)), hm.Sector(6, None))
    along_z = direction in ("+z", "neel")
    assert 1 - fidelity == pytest.approx(1e-3 if along_z else 0.0, abs=2e-5)


REAL = RBM.random(6, 1, dtype=float)
COMPLEX = RBM.random(6, 1)
TIED = SymmetricRBM.random(CHAIN.translation_group(), 1)
H6 = hm.ising(CHAIN)
UNEQUAL = hm.ising(CHAIN, h=np.arange(6.0))
GROUP = hm.SymmetrySector(CHAIN.translation_group(), np.ones(6, complex), None)
BAD = [
    (lambda: rbmqs.evolve(H6, COMPLEX, [0, 1, 1]), "times must be a rising sequence"),
    (lambda: rbmqs.evolve(H6, COMPLEX, []), "times must be a rising sequence"),
    (lambda: rbmqs.evolve(H6, COMPLEX, [0, np.nan]), "times must be finite"),
    (lambda: rbmqs.evolve(H6, REAL, [0, 1]), "psi must have complex parameters in real time"),
    (lambda: rbmqs.evolve(H6, COMPLEX, [0, 1], tolerance=0), "tolerance must be greater than 0"),
    (lambda: rbmqs.evolve(H6, COMPLEX, [0, 1], integrator="rk5"), "integrator must be one of"),
    (lambda: rbmqs.evolve(H6, COMPLEX, [0, 1], cutoff=2.0), "cutoff must lie in"),
    (lambda: rbmqs.evolve(H6, COMPLEX, [0, 1], stepp=2.0), "takes no argument 'stepp'"),
    (lambda: rbmqs.evolve(H6, RBM.random(5, 1), [0, 1]), "psi has 5 sites, the Hamiltonian 6"),
    (lambda: rbmqs.evolve(H6, "psi", [0, 1]), "psi must be a VariationalState"),
    (lambda: rbmqs.evolve(lambda t: 1j, COMPLEX, [0, 1]), r"H\(t\) must be a SpinHamiltonian"),
    (lambda: rbmqs.evolve(UNEQUAL, TIED, [0, 1]), "H must have the symmetry of psi"),
    (
        lambda: rbmqs.evolve(UNEQUAL, ProjectedRBM(COMPLEX, GROUP), [0, 1]),
        "must leave the Hamiltonian",
    ),
    (lambda: rbmqs.evolve(H6, COMPLEX, [0, 1], observables=[hm.X(0)]), "observables must map"),
    (lambda: rbmqs.evolve(H6, COMPLEX, [0, 1], observables={"x": hm.X(7)}), "6 sites of H"),
    (lambda: rbmqs.evolve(H6, COMPLEX, [0, 1], observables={"echo": hm.X(0)}), "another name"),
    (lambda: rbmqs.evolve(H6, COMPLEX, [0, 1], renyi=[0, 6]), "region must name some of the sites"),
    (lambda: rbmqs.evolve(H6, COMPLEX, [0, 1], renyi=3), "renyi must be"),
    (lambda: rbmqs.evolve(H6, COMPLEX, [0, 1], fidelity=1), "fidelity must be"),
    (lambda: rbmqs.evolve(H6, COMPLEX, [0, 1], resume=True), "output must be a directory"),
    (lambda: product_state(REAL, "+y"), "half plane"),
    (lambda: product_state(TIED, "+y"), "without visible bias"),
    (lambda: product_state(COMPLEX, "+z", infidelity=0), "infidelity must be greater than 0"),
]


@pytest.mark.parametrize(("call", "message"), BAD)
def test_bad_input(call, message):
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_symmetry_that_h_loses_on_the_way_is_refused():
    even = RBM.random(6, 1, visible_bias=False, hidden_bias=False, stddev=0.2)

    def tilted(t):
        return hm.ising(CHAIN, h=1.0, hz=t)

    with pytest.raises(ValueError, match="inversion of all spins"):
        rbmqs.evolve(tilted, even, [0.0, 1.0], summation=True, **QUIET)


@pytest.mark.parametrize("psi", [REAL, Jastrow.random(H6, dtype=float), SymmetricRBM.random(
    CHAIN.translation_group(), 1, dtype=float)])  # fmt: skip
def test_as_complex_is_the_same_wavefunction(psi):
    spins = psi.sample(8).flat
    assert np.allclose(as_complex(psi).log_psi(spins), psi.log_psi(spins))
    assert as_complex(psi).is_complex


def test_spins_along_x_need_no_visible_bias():
    form = SymmetricRBM.random(hm.chain(8).translation_group(), 1, hidden_bias=False)
    psi = product_state(form, "+x", noise=1e-4)
    exact = hm.product_state("+x", hm.Sector(8, None))
    assert psi.overlap(exact, hm.Sector(8, None)) == pytest.approx(1.0, abs=1e-6)
    with pytest.raises(ValueError, match=r"directions must all be \+x"):
        product_state(form, "-x")
