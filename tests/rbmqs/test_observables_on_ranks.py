"""Observables of samples that ranks divide are those of the same samples in one process."""

import dataclasses
import math

import numpy as np
import pytest
from thread_ranks import on_ranks

import rbmqs
from hamiltonians import X, Z, chain, heisenberg, ising
from rbmqs.estimators.estimate import Estimate
from rbmqs.estimators.many_series import series_statistics
from rbmqs.runs.signs import positive_as_known
from rbmqs.sampling.chains import Division, Samples
from rbmqs.sampling.distributed import DistributedSampler
from rbmqs.sampling.metropolis import MetropolisSampler
from rbmqs.tomography.learnt import LearntRBM

N = 6
MODELS = {
    "Heisenberg": heisenberg(chain(N), total_sz=0, marshall=True),
    "Ising": ising(chain(N), h=1.0),
}
PSI = rbmqs.RBM.random(N, alpha=1, seed=3, stddev=0.3)
OTHER = rbmqs.RBM.random(N, alpha=1, seed=4, stddev=0.3)
VECTOR = np.random.default_rng(1).normal(size=2**N)

MEASURED = {
    "energy": lambda e: e.energy,
    "correlations": lambda e: e.correlations(),
    "averaged": lambda e: e.correlations().by_distance(),
    "structure factor": lambda e: e.structure_factor(),
    "zz alone": lambda e: e.structure_factor(spin=False),
    "dimers": lambda e: e.dimers(),
    "zz of dimers": lambda e: e.dimers(component="zz"),
    "renyi": lambda e: e.renyi([0, 1, 2]),
    "staggered": lambda e: e.staggered_magnetisation()["spin"],
    "magnetisation": lambda e: e.magnetisations()["z^2"],
    "expectation": lambda e: e.expect(X(0) * X(1) + Z(2)),
    "lanczos": lambda e: rbmqs.lanczos_step(e.psi, e.hamiltonian, e.samples, max_samples=24).after,
    "vector": lambda e: e.fidelity(VECTOR[: e.hamiltonian.dimension]),
    "state": lambda e: e.fidelity(OTHER),
    "neighbour variance": lambda e: e.neighbour_variance,
    "signs": positive_as_known,
    "doubts": lambda e: dict(e.doubts),
}


def numbers_of(found):
    """Every number of a measurement, and its words."""
    if isinstance(found, dict):
        return [item for value in found.values() for item in numbers_of(value)]
    if dataclasses.is_dataclass(found):
        return numbers_of({f.name: getattr(found, f.name) for f in dataclasses.fields(found)})
    if isinstance(found, str) or found is None:
        return [found]
    array = np.asarray(found)
    return [array if array.dtype.kind in "fc" else array.tolist()]


def agree(found, expected):
    for a, b in zip(numbers_of(found), numbers_of(expected), strict=True):
        if isinstance(b, np.ndarray):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
        else:
            assert a == b


def estimate_of(hamiltonian, ranks=None, psi=PSI):
    sampler = MetropolisSampler.for_hamiltonian(hamiltonian, n_chains=6)
    if ranks is not None:
        sampler = DistributedSampler(sampler, ranks)
    samples, _ = sampler.sample(psi, sampler.start(1), 8, n_discard=5)
    return Estimate(psi, hamiltonian, samples)


@pytest.mark.parametrize("size", [2, 3, 5])
@pytest.mark.parametrize("model", MODELS)
def test_ranks_find_what_one_process_finds(model, size):
    alone = estimate_of(MODELS[model])

    def work(ranks):
        divided = estimate_of(MODELS[model], ranks)
        assert divided.samples.n_chains == 6 > len(divided.samples.spins)
        return {name: measure(divided) for name, measure in MEASURED.items()}

    everyone = on_ranks(size, work)
    for name, measure in MEASURED.items():
        expected = measure(alone)
        for found in everyone:
            agree(found[name], expected)


def test_correlations_of_spins_one_on_ranks():
    """<S^c_i S^c_i> is an average too where S > 1/2."""
    H = heisenberg(chain(4), spin=1)
    psi = rbmqs.SpinRBM.random(H, alpha=1, seed=3, stddev=0.3)
    expected = estimate_of(H, psi=psi).correlations()
    for found in on_ranks(2, lambda ranks: estimate_of(H, ranks, psi).correlations()):
        agree(found, expected)


def test_chains_that_stand_still_on_each_rank_have_been_in_several_configurations():
    """Local energies are equal, as those of an eigenstate are: only other ranks tell."""
    H, spins = ising(chain(2, periodic=False), h=0.0), np.array([[1, 1], [-1, -1]], np.int8)
    psi = rbmqs.RBM.random(2, alpha=1, seed=1)

    def work(ranks, configurations):
        drawn = np.repeat(configurations[ranks.rank].reshape(1, 1, 2), 4, axis=1)
        return Estimate(psi, H, Samples(drawn, 0.5, division=Division.of(2, ranks))).doubts

    for doubts in on_ranks(2, lambda ranks: work(ranks, spins)):
        assert not doubts
    for doubts in on_ranks(2, lambda ranks: work(ranks, spins[[0, 0]])):
        assert set(doubts.values()) == {math.inf}


@pytest.mark.parametrize("size", [2, 3])
def test_more_ranks_than_series_and_the_worst_bar(size):
    """The bar that the status names is the same, whichever rank has its series."""
    rng = np.random.default_rng(2)
    values = rng.normal(size=(4, 8, 2)).cumsum(axis=1)
    expected = series_statistics(values, str)

    def work(ranks):
        division = Division.of(4, ranks)
        return series_statistics(values[division.mine], str, division)

    for found in on_ranks(size, work):
        assert found.status == expected.status != ""
        assert np.array_equal(found.error, expected.error)


def test_a_state_learnt_from_snapshots_is_measured_in_one_process():
    plain = rbmqs.RBM.random(N, alpha=1, seed=3, dtype=float)
    psi = LearntRBM(plain.visible_bias, plain.hidden_bias, plain.weights, n_snapshots=100)

    def work(ranks):
        with pytest.raises(ValueError, match="learnt from snapshots must be those of one process"):
            rbmqs.magnetisations(psi, MODELS["Ising"], estimate_of(MODELS["Ising"], ranks).samples)

    on_ranks(2, work)
