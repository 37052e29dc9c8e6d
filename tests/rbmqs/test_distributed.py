"""Chains divided between ranks: the same bits as on one, with threads and with real MPI ranks."""

import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import rbmqs
from hamiltonians import chain, ising
from rbmqs.sampling.distributed import DistributedSampler
from rbmqs.sampling.exact import ExactSampler
from rbmqs.sampling.metropolis import MetropolisSampler
from rbmqs.utils.interrupts import Interrupts

MPIRUN = shutil.which("mpirun", path=f"{Path(sys.executable).parent}:/usr/bin:/usr/local/bin")
N = 6


class Threads:
    """A communicator between threads, with the calls of mpi4py that are used."""

    def __init__(self, rank: int, size: int, slots: list, barrier: threading.Barrier) -> None:
        self.rank, self.size, self._slots, self._barrier = rank, size, slots, barrier

    def allgather(self, value):
        self._slots[self.rank] = value
        self._barrier.wait(60)
        found = list(self._slots)
        self._barrier.wait(60)
        return found

    def allreduce(self, value):
        return sum(self.allgather(value))

    def Allgatherv(self, own, target):
        whole, sizes = target
        parts = self.allgather(own.copy())
        assert [part.size for part in parts] == sizes
        whole[:] = np.concatenate(parts)


def on_ranks(size: int, work):
    """What each rank returns from work(comm)."""
    slots, barrier = [None] * size, threading.Barrier(size)
    comms = [Threads(rank, size, slots, barrier) for rank in range(size)]
    with ThreadPoolExecutor(size) as pool:
        return list(pool.map(work, comms))


def state_of(psi: rbmqs.RBM, size: int) -> list[bytes]:
    """Samples, chains and local energies as bytes, from every rank."""
    H = ising(chain(N), h=1.0)

    def work(comm):
        sampler = DistributedSampler(MetropolisSampler.for_hamiltonian(H, n_chains=5), comm)
        samples, chains = sampler.sample(psi, sampler.start(1), 7)
        energies = sampler.local_energies(psi, H, samples, psi.prepare(samples.flat))
        parts = (samples.spins, chains.spins, chains.rng, energies)
        return b"".join(part.tobytes() for part in parts) + repr(samples.acceptance).encode()

    return on_ranks(size, work)


def test_any_number_of_ranks_gives_the_same_bits():
    psi = rbmqs.RBM.random(N, alpha=2, seed=3, stddev=0.3)
    (alone,) = state_of(psi, 1)
    for size in (2, 3, 5):
        assert state_of(psi, size) == [alone] * size


def test_divided_samples_are_those_of_the_whole_sampler():
    H, psi = ising(chain(N), h=1.0), rbmqs.RBM.random(N, alpha=2, seed=3, stddev=0.3)
    whole = MetropolisSampler.for_hamiltonian(H, n_chains=5)
    samples, chains = whole.sample(psi, whole.start(1), 7)
    energies = rbmqs.local_energies(psi, H, samples)
    parts = (samples.spins, chains.spins, chains.rng, energies)
    expected = b"".join(part.tobytes() for part in parts) + repr(samples.acceptance).encode()
    assert state_of(psi, 2) == [expected] * 2


def test_more_ranks_than_chains_are_refused():
    comm = Threads(0, 6, [], threading.Barrier(1))
    with pytest.raises(ValueError, match="at least the 6 ranks, got 5"):
        DistributedSampler(MetropolisSampler(N, n_chains=5), comm)


def test_exact_sampling_cannot_be_divided():
    from hamiltonians import Sector

    with pytest.raises(TypeError, match="exact = false"):
        DistributedSampler(ExactSampler(Sector(N)), Threads(0, 2, [], threading.Barrier(1)))


def test_ranks_stop_together():
    """One of two ranks gets a signal; both know it after the next agreement."""

    def work(comm):
        interrupts = Interrupts(comm)
        before = interrupts.agree()
        if comm.rank == 1:
            interrupts._handle(2, None)
        return before, interrupts.received, interrupts.agree()

    assert on_ranks(2, work) == [(None, None, 2)] * 2


@pytest.mark.slow
@pytest.mark.submission
@pytest.mark.skipif(
    find_spec("mpi4py") is None or MPIRUN is None, reason="mpi4py or mpirun is not installed"
)
def test_real_ranks_write_the_same_log(tmp_path):
    """1, 2 and 4 ranks on this machine: every byte of the log agrees."""
    options = ["ising", "--length", "8", "--alpha", "1", "--chains", "8", "--samples", "128"]
    command = ["-m", "rbmqs", "ground-state", *options, "--iterations", "20", "--quiet"]
    logs = []
    for size in (1, 2, 4):
        output = tmp_path / str(size)
        launcher = [str(MPIRUN), "--allow-run-as-root", "--oversubscribe", "-n", str(size)]
        done = subprocess.run(
            [*launcher, sys.executable, *command, "--output", str(output)],
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.stdout.count("energy  ") == 1, done.stderr
        logs.append((output / "log.jsonl").read_bytes())
    assert logs[0] == logs[1] == logs[2]
