"""Section of `dynamics.py`: seconds a step beside NetKet's TDVP, which it needs installed.

The same Hamiltonian, wavefunction, samples in the equations and Runge-Kutta method, steps of fixed
length, in one process in turn. NetKet draws afresh at every stage, and with more chains than ours,
which is faster for it; ours draws once, and half as many samples again for the second batch.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from hamiltonians import DrivenHamiltonian, SpinHamiltonian, chain, ising
from rbmqs import RBM, SymmetricRBM
from rbmqs.dynamics.settings import EvolutionSettings
from rbmqs.dynamics.stepping import EvolutionState, Stepper
from rbmqs.runs.netket import to_netket, to_netket_state
from rbmqs.utils.threads import single_threaded_blas
from rbmqs.vmc.settings import SamplingSettings
from rbmqs.vmc.sources import make_sampler

STEP = 1e-4
CHAINS = (32, 256)  # of NetKet; the faster of the two counts


def netket_chain(quick: bool) -> dict[str, float]:
    """A chain of 40, tied weights with alpha = 4, by Heun's method."""
    n, n_samples = (6, 256) if quick else (40, 4096)
    lattice = chain(n)
    psi = SymmetricRBM.random(
        lattice.translation_group(), n_features=4, hidden_bias=False, stddev=0.05
    )
    return _compared(ising(lattice, h=1.0, J=-1.0), psi, "heun", n_samples)


def netket_small(quick: bool) -> dict[str, float]:
    """A chain of 8, alpha = 8, by the Runge-Kutta method 4(5) (NetKet's issue 2213)."""
    n, n_samples = (4, 256) if quick else (8, 4096)
    H, psi = ising(chain(n), h=1.0, J=-1.0), RBM.random(n, n, stddev=0.05)
    return _compared(H, psi, "rk45", n_samples)


def _compared(H: SpinHamiltonian, psi: Any, integrator: str, n_samples: int) -> dict[str, float]:
    ours = _median(_ours(H, psi, integrator, n_samples), 5)
    theirs = min(
        _median(_theirs(H, psi, integrator, n_samples, n_chains), 1) for n_chains in CHAINS
    )
    return {"rbmqs": ours, "netket": theirs, "ratio": theirs / ours}


def _median(step: Callable[[], Any], rounds: int) -> float:
    """Seconds of a step; the first one, which compiles, left aside."""
    found = []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        step()
        found.append(time.perf_counter() - started)
    return statistics.median(found[1:])


def _ours(H: SpinHamiltonian, psi: Any, integrator: str, n_samples: int) -> Callable[[], Any]:
    """One step of an evolution that goes on from call to call."""
    sampling = SamplingSettings(n_samples=n_samples, n_chains=32, summation=False)
    settings = EvolutionSettings(
        integrator=integrator, tolerance=1e9, step=STEP, max_step=STEP, sampling=sampling
    )
    sampler = make_sampler(H, sampling)
    stepper = Stepper(DrivenHamiltonian(H), settings, sampler, None)
    first, second = (sampler.start(seed) for seed in np.random.SeedSequence(0).spawn(2))
    state = EvolutionState(psi, 0.0, STEP, first, second)

    def step() -> None:
        nonlocal state
        with single_threaded_blas():
            state = stepper.advance(state, 1.0)[1]

    return step


def _theirs(
    H: SpinHamiltonian, psi: Any, integrator: str, n_samples: int, n_chains: int
) -> Callable[[], Any]:
    import jax  # here, so that other sections do without NetKet
    import netket as nk
    import netket.experimental as nkx

    if isinstance(psi, RBM):
        state = to_netket_state(psi, H, n_samples=n_samples, n_chains=n_chains)
    else:
        n_features = psi.n_parameters // psi.n_sites
        group = nk.graph.Chain(psi.n_sites).translation_group()
        model = nk.models.RBMSymm(
            group, alpha=n_features, param_dtype=complex, use_hidden_bias=False
        )
        sampler = nk.sampler.MetropolisLocal(
            nk.hilbert.Spin(0.5, psi.n_sites), n_chains=n_chains, sweep_size=psi.n_sites
        )
        state = nk.vqs.MCState(sampler, model, n_samples=n_samples, n_discard_per_chain=1)
    solvers = {"heun": nkx.dynamics.Heun, "rk45": partial(nkx.dynamics.RK45, adaptive=False)}
    driver = nkx.TDVP(
        to_netket(H).to_jax_operator(), state, solvers[integrator](STEP),
        qgt=nk.optimizer.qgt.QGTJacobianDense(holomorphic=True), error_norm="qgt",
    )  # fmt: skip

    def step() -> None:
        driver.run(STEP, show_progress=False)
        jax.block_until_ready(state.parameters)

    return step
