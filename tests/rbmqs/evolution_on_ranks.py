"""What `test_evolution_on_ranks.py` starts on several MPI ranks; the first one prints JSON."""

import hashlib
import json
import sys

import numpy as np

import rbmqs
from hamiltonians import chain, ising
from hamiltonians.utils.ranks import launched_ranks
from rbmqs.dynamics import product_state
from rbmqs.dynamics.batches import drawn
from rbmqs.dynamics.equations import length, solve
from rbmqs.vmc.settings import SamplingSettings
from rbmqs.vmc.sources import make_sampler

H = ising(chain(6), J=-1, h=1.0)
CASES = {
    "few parameters": (1, {"n_samples": 512, "summation": False, "cutoff": 1e-4}),
    "few samples": (3, {"n_samples": 64, "summation": False, "cutoff": 1e-4}),
    "sums": (1, {"summation": True}),
    "sums by singular values": (1, {"summation": True, "cutoff": 1e-14}),
}


def evolved(density, comm, until=0.02, n_times=3, **options):
    psi = product_state(rbmqs.RBM.random(6, density, seed=1), "+x", seed=1)
    times = np.linspace(0, until, n_times)
    return rbmqs.evolve(
        H, psi, times, echo=True, n_chains=16, seed=4, n_observable_samples=256, progress=False,
        comm=comm, **options,
    )  # fmt: skip


def velocity_error(density, power, min_snr, comm):
    """Of the velocity that ranks find, relative to that of one process from the same samples."""
    psi = rbmqs.RBM.random(6, density, seed=2, stddev=0.5)
    later = psi.with_flat(psi.flat * power)  # other than those of the samples: they have weights
    settings, found = SamplingSettings(n_chains=16), []
    for ranks in (None, comm):
        sampler = make_sampler(H, settings, ranks)
        batch, _ = drawn(psi, sampler, sampler.start(3), 8)
        point = batch.at(later, H)
        found.append((solve(point, False, 1e-4, min_snr), length(point, psi.flat)))
    (alone, step), (divided, other) = found
    assert abs(step - other) < 1e-10 * step
    return float(np.linalg.norm(divided.velocity - alone.velocity) / np.linalg.norm(alone.velocity))


def main(output):
    comm, found = launched_ranks(), {}
    found["errors of velocities"] = [
        velocity_error(density, power, min_snr, comm)
        for density in (1, 4) for power in (1.0, 1.1) for min_snr in (0.0, 3.0)
    ]  # fmt: skip
    for name, (density, options) in CASES.items() if output else ():
        result = evolved(density, comm, **options)
        assert not result.status or "sums" not in name, result.status
        found[name] = {
            "observables": {
                key: [[s.mean.real, s.error_of_mean] for s in series]
                for key, series in result.observables.items()
            },
            "digest": hashlib.sha256(result.states[-1].flat.tobytes()).hexdigest(),
        }  # fmt: skip
    if output:
        evolved(1, comm, n_samples=256, output=output)
    if comm is None or comm.rank == 0:
        print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])  # a directory, or nothing for velocities alone
