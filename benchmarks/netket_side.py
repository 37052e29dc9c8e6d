"""NetKet's half of the comparison: one case under given settings, and the search for the best.

Nothing of rbmqs is imported here, so that a process that runs NetKet alone pays for NetKet alone.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax
import netket as nk
import numpy as np
from cases import Case
from timing import seconds

MAX_COVARIANCE = 4000  # parameters: NetKet's dense S, its Jacobian and factor beside it, fits
SLOW = 1.0  # seconds from which a setting is timed twice instead of five times


@dataclass(frozen=True)
class Settings:
    """What is free to choose in NetKet; the defaults are NetKet's own, but for its solver.

    Parameters
    ----------
    n_chains, n_discard : int
    operator : {"native", "PauliStrings"}
        `Ising` or `Heisenberg`, or Pauli strings; the jax versions of all.
    packed : bool
        Local energies by the experimental kernel that evaluates only connected states that differ.
    solver : str
        One of `SOLVERS`.
    """

    n_chains: int = 16
    n_discard: int = 5
    operator: str = "native"
    packed: bool = False
    solver: str = "minSR"

    def __str__(self) -> str:
        kernel = "packed" if self.packed else "padded"
        return (
            f"{self.n_chains} chains with {self.n_discard} discarded sweeps, "
            f"{self.operator} operator, {kernel} local energies, {self.solver}"
        )


class NetKet:
    """A NetKet state, operator and driver for one case.

    Parameters
    ----------
    parameters : mapping, optional
        What the state takes as ``parameters``; NetKet's own random ones when not given.
    """

    def __init__(
        self,
        case: Case,
        settings: Settings,
        learning_rate: float,
        diag_shift: float,
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        self.settings = settings
        graph = {"chain": nk.graph.Chain, "square": nk.graph.Square}[case.lattice](case.length)
        total_sz = None if case.model == "ising" else 0
        hilbert = nk.hilbert.Spin(0.5, graph.n_nodes, total_sz=total_sz)
        self.operator = OPERATORS[settings.operator](case.model, hilbert, graph)
        self.state = nk.vqs.MCState(
            _sampler(hilbert, graph, total_sz, settings.n_chains),
            nk.models.RBM(alpha=case.alpha, param_dtype=complex if case.is_complex else float),
            n_samples=settings.n_chains * -(-case.n_samples // settings.n_chains),
            n_discard_per_chain=settings.n_discard,
            seed=1,
        )
        if parameters is not None:
            self.state.parameters = jax.tree.map(jax.numpy.asarray, dict(parameters))
        with contextlib.redirect_stdout(io.StringIO()):  # it prints settings for short chains
            self.driver = SOLVERS[settings.solver](
                self.operator, self.state, learning_rate, diag_shift, case.is_complex
            )

    def sample(self) -> None:
        """Draw afresh at the same parameters."""
        self.state.reset()
        jax.block_until_ready(self.state.samples)

    def local_energies(self) -> np.ndarray:
        """Of the samples that the state holds, (n_chains, n_draws)."""
        nk.config.netket_experimental_packed_kernel = self.settings.packed
        values = self.state.local_estimators(self.operator)
        return np.asarray(values if hasattr(values, "__array__") else values.data)

    def update(self) -> None:
        """Local energies, gradient and solve on the samples that the state holds."""
        nk.config.netket_experimental_packed_kernel = self.settings.packed
        if isinstance(self.driver, nk.driver.VMC_SR):
            _, step = self.driver.compute_loss_and_update()
        else:
            _, gradient = self.state.expect_and_grad(self.operator)
            step = self.driver.preconditioner(self.state, gradient, 0)
        jax.block_until_ready(step)

    def iterate(self) -> None:
        """One whole iteration of the driver."""
        nk.config.netket_experimental_packed_kernel = self.settings.packed
        self.driver.run(1, out=(), show_progress=False)
        jax.block_until_ready(self.state.parameters)


def _sampler(hilbert: Any, graph: Any, total_sz: float | None, n_chains: int) -> Any:
    if total_sz is None:
        return nk.sampler.MetropolisLocal(hilbert, n_chains=n_chains, sweep_size=hilbert.size)
    return nk.sampler.MetropolisExchange(
        hilbert, graph=graph, d_max=1, n_chains=n_chains, sweep_size=hilbert.size
    )


def _native(model: str, hilbert: Any, graph: Any) -> Any:
    if model == "ising":
        return nk.operator.Ising(hilbert, graph, h=1.0, J=1.0)
    return nk.operator.Heisenberg(hilbert, graph, sign_rule=True)


def _pauli_strings(model: str, hilbert: Any, graph: Any) -> Any:
    def spelt(letters: str, sites: tuple[int, ...]) -> str:
        where = dict(zip(sites, letters, strict=True))
        return "".join(where.get(site, "I") for site in range(hilbert.size))

    if model == "ising":
        terms = {spelt("ZZ", edge): 1.0 for edge in graph.edges()}
        terms |= {spelt("X", (site,)): -1.0 for site in range(hilbert.size)}
    else:
        signs = {"XX": -1.0, "YY": -1.0, "ZZ": 1.0}  # Marshall basis
        terms = {spelt(pair, e): sign for pair, sign in signs.items() for e in graph.edges()}
    return nk.operator.PauliStrings(hilbert, list(terms), list(terms.values()), dtype=float)


OPERATORS = {"native": _native, "PauliStrings": _pauli_strings}


def _vmc_sr(**choice: bool) -> Callable[..., Any]:
    def build(operator: Any, state: Any, rate: float, shift: float, is_complex: bool) -> Any:
        return nk.driver.VMC_SR(
            operator,
            nk.optimizer.Sgd(rate),
            diag_shift=shift,
            variational_state=state,
            linear_solver=nk.optimizer.solver.cholesky,
            **choice,
        )

    return build


def _vmc(operator: Any, state: Any, rate: float, shift: float, is_complex: bool) -> Any:
    qgt = nk.optimizer.qgt.QGTJacobianDense(holomorphic=is_complex)
    solver = nk.optimizer.solver.cholesky
    return nk.driver.VMC(
        operator,
        nk.optimizer.Sgd(rate),
        variational_state=state,
        preconditioner=nk.optimizer.SR(qgt=qgt, solver=solver, diag_shift=shift),
    )


SOLVERS: dict[str, Callable[..., Any]] = {
    "minSR": _vmc_sr(use_ntk=True, on_the_fly=False),
    "minSR on the fly": _vmc_sr(use_ntk=True, on_the_fly=True),
    "VMC_SR with dense S": _vmc_sr(use_ntk=False, on_the_fly=False),
    "SR with dense S": _vmc,
}


def solvers_for(case: Case) -> list[str]:
    """Solvers that may win: those with a matrix over parameters where these are few."""
    n_hidden = int(case.alpha * case.n_sites)
    n_parameters = case.n_sites * n_hidden + case.n_sites + n_hidden
    if n_parameters > MAX_COVARIANCE:
        return ["minSR", "minSR on the fly"]
    names = list(SOLVERS)
    return names if n_parameters < case.n_samples else names[:3]  # SR warns where S is singular


def tuned(
    build: Callable[[Settings], NetKet], case: Case, tried: dict[str, dict[str, float]]
) -> NetKet:
    """The fastest choice of chains, then of local energies, then of solver.

    The fastest of a few calls counts, after a warm-up; the seconds go into `tried` (those of a
    solver with its local energies). 64 chains discard one
    sweep each, so that they make as many proposals as 16 chains that discard five.
    """

    def fastest(stage: str, choices: dict[str, Settings], run: Callable[[NetKet], Any]) -> Settings:
        times = tried[stage] = {}
        for label, choice in choices.items():
            side = build(choice)
            side.sample()
            times[label] = _timed(lambda side=side: run(side))
        return choices[min(times, key=lambda label: times[label])]

    few = Settings(n_chains=case.n_chains)
    many = replace(few, n_chains=4 * few.n_chains, n_discard=max(1, few.n_discard // 4))
    chains = {f"{choice.n_chains} chains": choice for choice in (few, many)}
    best = fastest("sampling", chains, NetKet.sample)
    kernels = {
        f"{operator}, {kernel}": replace(best, operator=operator, packed=kernel == "packed")
        for operator in OPERATORS
        for kernel in ("padded", "packed")
    }
    best = fastest("local energies", kernels, NetKet.local_energies)
    solvers = {solver: replace(best, solver=solver) for solver in solvers_for(case)}
    best = fastest("reconfiguration", solvers, NetKet.update)
    return build(best)


def _timed(run: Callable[[], Any]) -> float:
    run()  # compiles
    first = seconds(run)
    repeats = 1 if first > SLOW else 4
    return min(first, *(seconds(run) for _ in range(repeats)))


def packages() -> dict[str, str]:
    """Versions, for the record."""
    return {"netket": nk.__version__, "jax": jax.__version__}
