"""One to eight ranks, threads here: equations, what is sent for them, energies and bytes.

Eight processes on two cores spend their time waiting; `test_ranks.py` has two and four.
"""

from itertools import islice

import numpy as np
import pytest
from rank_cases import MODELS, STATES, counted, equations, samples_of
from thread_ranks import on_ranks

import rbmqs
from rbmqs.sampling.distributed import DistributedSampler
from rbmqs.sr import SOLVERS
from rbmqs.states.factory import initial_wavefunction
from rbmqs.states.jastrow import Jastrow
from rbmqs.vmc.settings import RunSettings, SamplingSettings
from rbmqs.vmc.sources import make_sampler

MANY = [*(pytest.param(k, marks=pytest.mark.slow) for k in (2, 4)), 8]
SETTINGS = RunSettings(
    sampling=SamplingSettings(n_samples=256, n_chains=16, n_final_samples=1024, summation=False)
)
KINDS = {
    "rbm": lambda H: rbmqs.RBM.random(H.n_sites, alpha=1, seed=2),
    "jastrow": lambda H: Jastrow.random(H, seed=2, dtype=float),
    "tied": lambda H: initial_wavefunction(H, 2, tied="translations", alpha=1),
}


@pytest.mark.parametrize("size", MANY)
@pytest.mark.parametrize("method", SOLVERS)
@pytest.mark.parametrize("name", STATES)
def test_equations_and_what_is_sent_for_them(name, method, size):
    """Solutions within 1e-9, the same bytes on all ranks, messages and bytes within 2 %."""
    samples = samples_of(name)
    with counted() as counts:
        found = on_ranks(size, lambda ranks: equations(name, method, *samples, ranks, counts))
    for direction, error, traffic in found:
        assert error < 1e-9
        assert np.array_equal(direction, found[0][0])
        assert traffic
        for part, (sent, expected) in traffic.items():
            assert sent == pytest.approx(expected, rel=0.02), part


def run(hamiltonian, psi, ranks=None):
    """Energies of eight iterations, then energy, error and parameters."""
    sampler = make_sampler(hamiltonian, SETTINGS.sampling)
    sampler = sampler if ranks is None else DistributedSampler(sampler, ranks)
    steps = islice(rbmqs.iterate(hamiltonian, psi, SETTINGS, sampler=sampler), 8)
    records, states = zip(*steps, strict=True)
    samples, _ = sampler.sample(states[-1].psi, states[-1].chains, 64)
    energy = rbmqs.Estimate(states[-1].psi, hamiltonian, samples).energy
    first = [record.energy.mean.real for record in records]
    return first, energy.mean.real, energy.error_of_mean, states[-1].psi.flat


@pytest.mark.parametrize("size", MANY)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("model", MODELS)
def test_energies_agree(model, kind, size):
    """First iterations differ by rounding, which grows; energies by less than their errors."""
    hamiltonian, psi = MODELS[model], KINDS[kind](MODELS[model])
    first, mean, error, _ = run(hamiltonian, psi)
    everyone = on_ranks(size, lambda ranks: run(hamiltonian, psi, ranks))
    for series, other, bar, flat in everyone:
        assert series == pytest.approx(first, rel=1e-9)
        assert abs(other - mean) <= 4 * (bar**2 + error**2) ** 0.5
        assert np.array_equal(flat, everyone[0][3])


def test_eight_ranks_give_the_same_bytes_again():
    hamiltonian, psi = MODELS["Heisenberg"], KINDS["rbm"](MODELS["Heisenberg"])
    first, second = (on_ranks(8, lambda ranks: run(hamiltonian, psi, ranks))[0] for _ in range(2))
    assert np.array_equal(first[3], second[3])
    assert first[:3] == second[:3]
