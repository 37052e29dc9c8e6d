"""rbmqs and NetKet by turns: one system, one start, the same schedules. Used by `frontier.py`.

Needs the extra `netket`. Both minimise the energy from the same random RBM by stochastic
reconfiguration, with 1008 samples an iteration and the learning rate and shift that rbmqs takes by
default. NetKet runs once without momentum and once with the 0.9 of rbmqs (SPRING). The runs take
turns, so that other programs on the machine slow all of them alike. Each has a clock of its own, of
processor seconds over all threads. Curves begin where the first iteration ends, so that compilation
is left out: rbmqs keeps its compiled kernels, NetKet compiles each time.
"""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Iterator
from typing import Any

import jax
import netket as nk
import numpy as np
from cases import Case
from netket_side import NetKet, Settings, packages

import rbmqs
from hamiltonians import best_reference
from rbmqs.runs.netket import parameters_to_netket
from rbmqs.vmc.recommended import recommended

QUICK = Case("heisenberg", "chain", 10, 1)
CASES = [
    Case("heisenberg", "chain", 20, 2),
    Case("ising", "chain", 40, 1),
    Case("heisenberg", "chain", 40, 1),
    Case("heisenberg", "square", 6, 1),
]
# The fastest of `benchmarks/versus_netket.py` for systems of this size, among those with momentum.
NETKET = Settings(n_chains=64, n_discard=1, operator="PauliStrings", packed=True, solver="minSR")
MOMENTUM = 0.9


def ours(case: Case) -> Iterator[tuple[float, float]]:
    """Energy and variance of each iteration of rbmqs with its defaults."""
    settings = rbmqs.RunSettings(
        seed=1,
        sampling=rbmqs.SamplingSettings(n_samples=case.n_samples, summation=False),
    )
    for record, _ in rbmqs.iterate(case.hamiltonian(), case.psi(0.01), settings):
        yield record.energy.mean.real, record.energy.variance


def theirs(case: Case, momentum: float | None) -> Iterator[tuple[float, float]]:
    """The same of NetKet; its learning rate is half of ours by convention."""
    psi = case.psi(0.01)
    rate, shift = recommended(psi).learning_rate, recommended(psi).diag_shift
    n = 100_000
    rates = jax.numpy.asarray([rate(i) / 2 for i in range(n)])
    side = NetKet(case, NETKET, 0.01, 0.01, parameters_to_netket(psi))
    nk.config.netket_experimental_packed_kernel = side.settings.packed
    with contextlib.redirect_stdout(io.StringIO()):
        driver = nk.driver.VMC_SR(
            side.operator,
            nk.optimizer.Sgd(lambda iteration: rates[iteration]),
            diag_shift=lambda iteration: float(shift(int(iteration))),
            momentum=momentum,
            variational_state=side.state,
            linear_solver=nk.optimizer.solver.cholesky,
            use_ntk=True,
            on_the_fly=False,
        )
    log = nk.logging.RuntimeLog()
    while True:
        driver.run(1, out=log, show_progress=False)
        energy = log.data["Energy"]
        yield float(np.real(energy.Mean[-1])), float(energy.Variance[-1])


def measure(case: Case, seconds: float) -> dict[str, Any]:
    """All curves, (processor seconds, energy, variance, seconds of wall clock) by name."""
    runs = {
        "rbmqs": ours(case),
        "NetKet": theirs(case, None),
        "NetKet, momentum 0.9": theirs(case, MOMENTUM),
    }
    clocks, wall = dict.fromkeys(runs, 0.0), dict.fromkeys(runs, 0.0)
    curves: dict[str, list[tuple[float, ...]]] = {name: [] for name in runs}
    while min(clocks.values()) < seconds:
        name = min(clocks, key=lambda run: clocks[run])
        started = time.process_time(), time.perf_counter()
        energy, variance = next(runs[name])
        clocks[name] += time.process_time() - started[0]
        wall[name] += time.perf_counter() - started[1]
        curves[name].append((clocks[name], energy, variance, wall[name]))
    reference = best_reference(case.hamiltonian())
    return {
        "problem": case.name,
        "versions": {"rbmqs": rbmqs.__version__, **packages()},
        "netket": str(NETKET),
        "exact": reference.energy,
        "source": reference.source,
        "curves": curves,
    }
