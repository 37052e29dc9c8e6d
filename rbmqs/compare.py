"""The RBM beside exact diagonalisation and, where it is installed, NetKet."""

from __future__ import annotations

import importlib.util
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rbmqs.run import ground_state, initial_wavefunction
from rbmqs.settings import RunSettings

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian


@dataclass(frozen=True)
class Row:
    """One method's energy.

    Parameters
    ----------
    method : str
    energy, error : float
        Total, Pauli units.
    seconds : float
        Wall clock, compilation included.
    note : str
    """

    method: str
    energy: float
    error: float
    seconds: float
    note: str = ""


def compare(
    hamiltonian: SpinHamiltonian,
    ansatz: dict[str, Any],
    settings: RunSettings,
    *,
    with_netket: bool = True,
    progress: bool = True,
) -> list[Row]:
    """Energies of all methods that apply, the exact one first."""
    rows = _exact(hamiltonian)
    started = time.perf_counter()
    result = ground_state(hamiltonian, **ansatz, settings=settings, progress=progress)
    rows.append(
        Row(
            "rbmqs",
            result.energy.mean.real,
            result.energy.error_of_mean,
            time.perf_counter() - started,
            "converged" if result.converged else result.status[0],
        )
    )
    if with_netket:
        rows.append(_netket(hamiltonian, ansatz, settings))
    return rows


def _exact(hamiltonian: SpinHamiltonian) -> list[Row]:
    from hamiltonians import best_reference

    started = time.perf_counter()
    reference = best_reference(hamiltonian)
    if reference is None:
        return []
    seconds = time.perf_counter() - started
    return [Row(reference.kind, reference.energy, reference.uncertainty, seconds, reference.source)]


def _netket(hamiltonian: SpinHamiltonian, ansatz: dict[str, Any], settings: RunSettings) -> Row:
    """NetKet from the same initial parameters, with the same samples and iterations."""
    nan = float("nan")
    if importlib.util.find_spec("netket") is None:
        return Row("NetKet", nan, nan, nan, 'not installed: pip install "rbmqs[netket]"')
    from rbmqs.netket import ground_state_with_netket

    psi = initial_wavefunction(hamiltonian.n_sites, settings.seed, **ansatz)
    outcome = ground_state_with_netket(
        hamiltonian,
        psi,
        n_iterations=settings.n_iterations,
        learning_rate=settings.optimiser.learning_rate_at(0),
        diag_shift=settings.optimiser.diag_shift_at(0),
        n_samples=settings.sampling.n_samples,
        n_chains=settings.sampling.n_chains,
        seed=settings.seed,
        n_final_samples=settings.sampling.n_final_samples,
    )
    return Row(
        "NetKet",
        outcome["energy"],
        outcome["error"],
        outcome["seconds"],
        "VMC_SR, constant learning rate and shift",
    )


def table(rows: list[Row]) -> str:
    """Rows as aligned text, with differences from the first (exact) one."""
    exact = rows[0].energy if rows and rows[0].method not in ("rbmqs", "NetKet") else None
    lines = [f"{'method':<22} {'energy':>16} {'error':>9} {'relative':>9} {'seconds':>8}  note"]
    for row in rows:
        relative = "" if exact is None else f"{(row.energy - exact) / abs(exact):+.1e}"
        lines.append(
            f"{row.method:<22} {row.energy:>16.8f} {row.error:>9.1e} {relative:>9} "
            f"{row.seconds:>8.1f}  {row.note}"
        )
    return "\n".join(lines)
