"""Exchange with NetKet: the same Hamiltonian, wavefunction and run in the other library.

NetKet (arXiv:2112.10526) shares our spins, Pauli matrices and order of sites, and its
`nk.models.RBM` is our wavefunction with cosh in place of 2 cosh. It is imported on first use only.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hamiltonians import convert
from hamiltonians.convert.netket import import_netket
from hamiltonians.utils.checks import positive_int
from rbmqs.estimators.error_bars import statistics
from rbmqs.sampling.metropolis import MetropolisSampler
from rbmqs.states.rbm import RBM
from rbmqs.utils.schedules import Schedule, as_schedule

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian


def to_netket(hamiltonian: SpinHamiltonian) -> Any:
    """The Hamiltonian as a NetKet operator with the same matrix, sector included.

    See `hamiltonians.convert.to_netket`, in Pauli units.

    Parameters
    ----------
    hamiltonian : SpinHamiltonian
        Taken in the basis of its `terms`, the Marshall basis where it was applied.

    Returns
    -------
    netket.operator.LocalOperator or netket.operator.PauliStrings

    Raises
    ------
    ImportError
        NetKet is not installed.
    ValueError
        A string on more than ten sites in a fixed sector.
    """
    return convert.to_netket(hamiltonian, units="pauli")


def parameters_to_netket(psi: RBM) -> dict[str, Any]:
    """The parameters of a wavefunction as `nk.models.RBM` names them.

    NetKet's hidden units are cosh where ours are 2 cosh, so its log psi is ours minus the
    constant M ln 2, M being the number of hidden units. Ratios, energies and steps are equal.

    Parameters
    ----------
    psi : RBM

    Returns
    -------
    dict
        ``{"Dense": {"kernel": W, "bias": b}, "visible_bias": a}``, without the biases that are
        fixed at zero: what a NetKet state takes as ``parameters``.

    Raises
    ------
    TypeError
        Not a plain RBM.
    """
    _check_plain(psi)
    dense = {"kernel": psi.weights.copy()}
    if psi.has_hidden_bias:
        dense["bias"] = psi.hidden_bias.copy()
    parameters: dict[str, Any] = {"Dense": dense}
    if psi.has_visible_bias:
        parameters["visible_bias"] = psi.visible_bias.copy()
    return parameters


def parameters_from_netket(parameters: Mapping[str, Any]) -> RBM:
    """The wavefunction with the parameters of a NetKet `nk.models.RBM`.

    Our log psi is NetKet's plus the constant M ln 2 (see `parameters_to_netket`).

    Parameters
    ----------
    parameters : mapping
        ``parameters`` or ``variables`` of a NetKet state. Biases that are absent are fixed at
        zero.

    Returns
    -------
    RBM

    Raises
    ------
    ValueError
        The parameters are not those of `nk.models.RBM`.
    """
    tree = parameters.get("params", parameters)
    dense = tree.get("Dense")
    known = isinstance(dense, Mapping) and set(dense) <= {"kernel", "bias"} and "kernel" in dense
    if not known or not set(tree) <= {"Dense", "visible_bias"} or np.ndim(dense["kernel"]) != 2:
        raise ValueError(
            "parameters must be those of nk.models.RBM, Dense.kernel (n_sites, n_hidden) with or "
            f"without Dense.bias and visible_bias, got the names {sorted(tree)}"
        )
    weights = np.asarray(dense["kernel"])
    n_sites, n_hidden = weights.shape
    return RBM(
        np.asarray(tree.get("visible_bias", np.zeros(n_sites))),
        np.asarray(dense.get("bias", np.zeros(n_hidden))),
        weights,
        "visible_bias" in tree,
        "bias" in dense,
    )


def to_netket_state(
    psi: RBM,
    hamiltonian: SpinHamiltonian,
    *,
    n_samples: int = 1024,
    n_chains: int = 16,
    sweep_size: int | None = None,
    n_discard_per_chain: int = 5,
    move: str | None = None,
    seed: int = 0,
) -> Any:
    """The wavefunction as a NetKet Monte Carlo state, sampled by the moves that we would use.

    Parameters
    ----------
    psi : RBM
    hamiltonian : SpinHamiltonian
        Tells the sector, and the bonds along which spins are exchanged.
    n_samples : int
        Per estimate; NetKet rounds it up to a multiple of `n_chains`.
    n_chains, sweep_size, n_discard_per_chain, move
        As for `MetropolisSampler.for_hamiltonian`.
    seed : int
        Of NetKet's chains.

    Returns
    -------
    netket.vqs.MCState
        Its `log_value` is `psi.log_psi` minus the constant M ln 2.

    Raises
    ------
    ImportError
        NetKet is not installed.
    TypeError
        The wavefunction is not a plain RBM.
    ValueError
        The wavefunction and the Hamiltonian differ in the number of sites, or a move that cannot
        reach every configuration of the sector.
    """
    _check_plain(psi)
    if psi.n_sites != hamiltonian.n_sites:
        raise ValueError(f"psi has {psi.n_sites} sites, the Hamiltonian {hamiltonian.n_sites}")
    ours = MetropolisSampler.for_hamiltonian(
        hamiltonian, move, n_chains=n_chains, sweep_size=sweep_size
    )
    nk = import_netket()
    jax = importlib.import_module("jax")
    return nk.vqs.MCState(
        _netket_sampler(nk, ours),
        _netket_model(nk, psi),
        n_samples=positive_int("n_samples", n_samples),
        n_discard_per_chain=positive_int("n_discard_per_chain", n_discard_per_chain, minimum=0),
        variables={"params": jax.tree.map(jax.numpy.asarray, parameters_to_netket(psi))},
        sampler_seed=seed,
    )


def _check_plain(psi: RBM) -> None:
    if not isinstance(psi, RBM):
        raise TypeError(f"psi must be a plain RBM for NetKet, got {type(psi).__name__}")


def _netket_model(nk: Any, psi: RBM) -> Any:
    return nk.models.RBM(
        alpha=_alpha(psi.n_hidden, psi.n_sites),
        param_dtype=complex if psi.is_complex else float,
        use_hidden_bias=psi.has_hidden_bias,
        use_visible_bias=psi.has_visible_bias,
    )


def _alpha(n_hidden: int, n_sites: int) -> float:
    """A density from which NetKet's int(alpha * n_sites) finds M again: M/N can round to M - 1."""
    alpha = n_hidden / n_sites
    return alpha if int(alpha * n_sites) == n_hidden else float(np.nextafter(alpha, np.inf))


def _netket_sampler(nk: Any, ours: MetropolisSampler) -> Any:
    hilbert = nk.hilbert.Spin(0.5, ours.n_sites, total_sz=ours.total_sz)
    settings = {"n_chains": ours.n_chains, "sweep_size": ours.sweep_size}
    if ours.move in ("flip", "mixed"):  # NetKet's own choice where total S_z is free
        return nk.sampler.MetropolisLocal(hilbert, **settings)
    pairs = np.stack(np.triu_indices(ours.n_sites, 1), axis=1)
    bonds = pairs if ours.move == "pair-exchange" else ours.bonds
    clusters = [(int(i), int(j)) for i, j in np.asarray(bonds)]
    return nk.sampler.MetropolisExchange(hilbert, clusters=clusters, **settings)


def ground_state_with_netket(
    hamiltonian: SpinHamiltonian,
    psi: RBM,
    *,
    n_iterations: int,
    learning_rate: float | Schedule,
    diag_shift: float | Schedule,
    n_samples: int = 1024,
    n_chains: int = 16,
    seed: int = 0,
    n_final_samples: int = 16384,
) -> dict[str, float]:
    """Minimise the energy with NetKet's `VMC_SR` and plain gradient steps, from the same start.

    Parameters
    ----------
    hamiltonian : SpinHamiltonian
    psi : RBM
        Initial parameters.
    n_iterations : int
    learning_rate : float or Schedule
        In our convention; NetKet, whose step is 2 learning_rate (S + shift)^-1 F, is given half.
    diag_shift : float or Schedule
    n_samples, n_chains : int
        Per iteration; NetKet rounds samples up to a multiple of `n_chains`.
    seed : int
        Of NetKet's chains.
    n_final_samples : int
        Samples of the final estimate.

    Returns
    -------
    dict
        "energy", its one-sigma "error" and the "variance" of the local energies, total energies
        in Pauli units, from NetKet's final samples by `rbmqs.estimators.error_bars`; "seconds" of
        wall clock from the conversion to the final estimate, with NetKet's compilation and without
        its import.
        NetKet goes on where parameters diverge: the error is NaN where energies are not finite.

    Raises
    ------
    ImportError
        NetKet is not installed.
    TypeError
        The wavefunction is not a plain RBM.
    ValueError
        The wavefunction and the Hamiltonian differ in the number of sites.
    """
    _check_plain(psi)
    nk = import_netket()
    n_iterations = positive_int("n_iterations", n_iterations, minimum=0)
    n_final_samples = positive_int("n_final_samples", n_final_samples)
    rates = _values("learning_rate", learning_rate, n_iterations)
    shifts = _values("diag_shift", diag_shift, n_iterations)
    start = time.perf_counter()
    operator = to_netket(hamiltonian)
    state = to_netket_state(psi, hamiltonian, n_samples=n_samples, n_chains=n_chains, seed=seed)
    driver = _netket_driver(nk, operator, state, rates, shifts)
    driver.run(n_iterations, out=(), show_progress=False)
    state.n_samples = n_final_samples
    result = statistics(netket_local_energies(state, operator))
    return {
        "energy": float(result.mean.real),
        "error": float(result.error_of_mean),
        "variance": float(result.variance),
        "seconds": time.perf_counter() - start,
    }


def netket_local_energies(state: Any, operator: Any) -> np.ndarray:
    """NetKet's local energies on the samples of a state, array (n_chains, n_draws).

    Parameters
    ----------
    state : netket.vqs.MCState
    operator : netket.operator

    Returns
    -------
    complex array (n_chains, n_draws)
    """
    values = state.local_estimators(operator)
    return np.asarray(values if hasattr(values, "__array__") else values.data)


def _values(name: str, value: float | Schedule, n_iterations: int) -> np.ndarray:
    """A quantity at each iteration and one beyond, as compiled code can look it up."""
    schedule = as_schedule(name, value)
    return np.array([schedule(iteration) for iteration in range(n_iterations + 1)])


def _netket_driver(
    nk: Any, operator: Any, state: Any, rates: np.ndarray, shifts: np.ndarray
) -> Any:
    table = importlib.import_module("jax").numpy.asarray(rates / 2)
    optimizer = nk.optimizer.Sgd(learning_rate=lambda iteration: table[iteration])
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its settings for short chains
        return nk.driver.VMC_SR(
            operator,
            optimizer,
            diag_shift=lambda iteration: float(shifts[iteration]),
            variational_state=state,
        )
