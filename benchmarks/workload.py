"""A benchmark case made ready: sampler, thermalised chains, samples, counted operations."""

from __future__ import annotations

import numpy as np
import operations
from cases import STDDEV, Case
from operations import Size, Work

from rbmqs.core.metropolis import exchange_table_pays
from rbmqs.sampling.chains import Samples
from rbmqs.sampling.metropolis import MetropolisSampler
from rbmqs.vmc.settings import OptimiserSettings, RunSettings, SamplingSettings

DIAG_SHIFT = 1e-2
LEARNING_RATE = 1e-3  # short steps: iterations then differ in nothing but their samples
THERMALISATION = 50  # sweeps


def run_settings(case: Case) -> RunSettings:
    """Plain stochastic reconfiguration with constant step and shift, no momentum, no scouts."""
    return RunSettings(
        sampling=SamplingSettings(
            n_samples=case.n_samples, n_chains=case.n_chains, probe_share=0.0, summation=False
        ),
        optimiser=OptimiserSettings(
            learning_rate=LEARNING_RATE, diag_shift=DIAG_SHIFT, momentum=0.0
        ),
    )


def size_of(case: Case) -> Size:
    """N, M and samples of a case."""
    n_samples = case.n_chains * case.n_draws
    return Size(case.n_sites, round(case.alpha * case.n_sites), n_samples, case.is_complex)


def antiparallel_share(bonds: np.ndarray, spins: np.ndarray) -> float:
    """Mean share of bonds whose spins differ: only these can be exchanged."""
    return float(np.mean(spins[:, bonds[:, 0]] != spins[:, bonds[:, 1]]))


class Prepared:
    """A case with its sampler, thermalised chains and one set of samples."""

    def __init__(self, case: Case, stddev: float = STDDEV) -> None:
        self.case = case
        self.size = size_of(case)
        self.hamiltonian = case.hamiltonian()
        self.psi = case.psi(stddev)
        self.sampler = MetropolisSampler.for_hamiltonian(self.hamiltonian, n_chains=case.n_chains)
        start = self.sampler.start(1)
        _, self.chains = self.sampler.sample(self.psi, start, 1, n_discard=THERMALISATION)
        self.samples = self.sample()
        share = 1.0
        if self.exchange:
            share = antiparallel_share(self.sampler.bonds, self.samples.flat)
        self.share = share

    @property
    def exchange(self) -> bool:
        """Whether moves are exchanges."""
        return self.sampler.move == "exchange"

    def sample(self) -> Samples:
        """One iteration's samples, always from the same chains."""
        return self.sampler.sample(self.psi, self.chains, self.case.n_draws)[0]

    def sampling_work(self) -> Work:
        """Of `sample`; the share of exchangeable bonds is taken from the samples."""
        sweeps = self.case.n_draws + self.sampler.n_discard_per_chain
        proposals = sweeps * (self.sampler.sweep_size or 0)
        tables, bonds = self.psi.flip_tables, self.sampler.bonds
        total = self.case.n_chains * proposals
        return operations.sampling(
            self.size,
            total * self.share,
            total * self.samples.acceptance,
            two_rows=self.exchange and not exchange_table_pays(tables, bonds, proposals),
        )

    def local_energy_work(self) -> Work:
        """Of the ratios of all flips with an element that is not zero."""
        connections = self.hamiltonian.connections
        n_flips = len(connections.flip_ptr) - 1
        return operations.local_energies(self.size, self.size.n_samples * n_flips * self.share)
