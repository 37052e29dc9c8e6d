"""Section of `dynamics.py`: how often two error bars cover the exact value along a trajectory."""

from __future__ import annotations

import numpy as np

import rbmqs
from hamiltonians import DrivenHamiltonian, chain, ising
from rbmqs import SymmetricRBM
from rbmqs.dynamics.measurements import Measurements, StateQuantities, checked_observables
from rbmqs.vmc.full_summation import Summation
from rbmqs.vmc.settings import SamplingSettings
from rbmqs.vmc.sources import make_sampler


def coverage(quick: bool) -> dict[str, float]:
    """Shares within two error bars, of values at all times of a fixed trajectory, by observable.

    The trajectory is one evolution; it is measured again with other chains, each from time to time
    as in an evolution, and compared with sums over all configurations of the same states.
    """
    n, repeats, n_draws = (6, 10, 64) if quick else (12, 100, 128)
    lattice = chain(n)
    H = ising(lattice, h=1.0, J=-1.0)
    form = SymmetricRBM.random(
        lattice.translation_group(), n_features=2, hidden_bias=False, stddev=0.05
    )
    start = rbmqs.dynamics.product_state(form, "+x", noise=0.05)
    times = np.linspace(0.0, 0.8, 3 if quick else 5)
    path = rbmqs.evolve(H, start, times, cutoff=1e-8, summation=True, progress=False)
    driven, observables = DrivenHamiltonian(H), checked_observables(None, H)
    sampler = make_sampler(H, SamplingSettings(n_chains=32))
    summation = Summation.wanted(H, start, SamplingSettings(summation=True))
    wanted = (driven, observables, StateQuantities(echo=True), start, sampler)
    exact = Measurements(*wanted, summation, 1, sampler.start(0))
    truth = [exact.at(psi, 0.0, sampler.start(0), psi)[0] for psi in path.states]
    hits: dict[str, list[bool]] = {}
    for seed in np.random.SeedSequence(1).spawn(repeats):
        first, chains = (sampler.start(part) for part in seed.spawn(2))
        first, chains = (sampler.sample(start, c, 1, n_discard=20)[1] for c in (first, chains))
        measure = Measurements(*wanted, None, n_draws, first)
        for psi, right in zip(path.states, truth, strict=True):
            found, chains = measure.at(psi, 0.0, chains, psi)
            for name, stats in found.items():
                if stats.error_of_mean > 0:  # the start itself has no noise in its echo
                    distance = abs(stats.mean.real - right[name].mean.real)
                    hits.setdefault(name, []).append(bool(distance <= 2 * stats.error_of_mean))
    every = [hit for found in hits.values() for hit in found]
    shares = {name: float(np.mean(found)) for name, found in hits.items()}
    return {**shares, "all": float(np.mean(every)), "values": len(every)}
