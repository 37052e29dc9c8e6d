"""Training for so many seconds, and what it came to, for benchmarks that compare ways to train."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

import rbmqs
from hamiltonians import SpinHamiltonian
from rbmqs.states.state import VariationalState
from rbmqs.vmc.records import StepRecord
from rbmqs.vmc.settings import RunSettings


def train(
    hamiltonian: SpinHamiltonian, psi: VariationalState, settings: RunSettings, seconds: float
) -> tuple[list[StepRecord], VariationalState, float]:
    """Records, the last wavefunction, and seconds that all iterations but the first have taken.

    The clock starts behind the first iteration, which compiles.
    """
    steps = rbmqs.iterate(hamiltonian, psi, settings)
    record, state = next(steps)
    records, started = [record], time.perf_counter()
    while time.perf_counter() - started < seconds:
        record, state = next(steps)
        records.append(record)
    return records, state.psi, time.perf_counter() - started


def outcome(records: Sequence[StepRecord]) -> dict[str, float]:
    """Mean energy and variance of the last eighth of the iterations."""
    last = records[-max(1, len(records) // 8) :]
    return {
        "energy": float(np.mean([record.energy.mean.real for record in last])),
        "variance": float(np.mean([record.energy.variance for record in last])),
        "n_iterations": len(records),
    }
