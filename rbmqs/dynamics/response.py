"""Linear response of a ground state: levels and strengths in its tangent space.

A small perturbation that depends on time moves the wavefunction within the span of its derivatives
|d_k psi>. To first order, i S dtheta' = A dtheta + B dtheta^* with

    S_kl = <O_k^* O_l>,   A_kl = <d_k psi| H - E |d_l psi>,   B_kl = <d_k d_l psi| H - E |psi>,

O being the centred log-derivatives. B vanishes with (H - E) |psi>, the error of the ground state,
and is left out: the excitations are then the solutions of A v = omega S v, which are the levels of
H in the span of psi and its derivatives. psi itself is part of the basis here, so that by summation
no level lies below the exact one of its number. With

    (H O_l)(sigma) = sum_sigma' <sigma|H|sigma'> psi(sigma') / psi(sigma) O_l(sigma')

no derivative of a local energy is needed, and any ansatz of the contract will do. From samples H
acts to the right only: where it does not lead out of the span, the levels have no noise
(Nightingale & Melik-Alaverdian, PRL 87, 043401 (2001)).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hamiltonians import PauliSum, Z, observable_connections
from hamiltonians.exact.observables import average_over
from hamiltonians.exact.response import lorentzians
from hamiltonians.models.hamiltonian import SpinHamiltonian
from hamiltonians.utils.checks import as_real, instance, number
from hamiltonians.utils.memory import require_memory
from rbmqs.core.local_energy import diagonal_values
from rbmqs.estimators.local import local_energies, local_estimators
from rbmqs.estimators.measurement import measure
from rbmqs.sampling.chains import Samples
from rbmqs.states.rotated import RotatedState
from rbmqs.states.state import VariationalState
from rbmqs.utils.threads import single_threaded_blas
from rbmqs.vmc.full_summation import Summation, common_symmetry
from rbmqs.vmc.settings import SamplingSettings

SUMMED, SAMPLED = 1e-10, 1e-4  # cut-offs of S
N_SAMPLES, N_CHAINS = 8192, 32
N_GROUPS = 8  # of chains, each left out once for error bars
_AT_ONCE = 512  # configurations whose neighbours' log-derivatives are held at a time


@dataclass(frozen=True, eq=False, repr=False)
class Response:
    """Levels of a Hamiltonian in the tangent space of a state.

    Parameters
    ----------
    hamiltonian : SpinHamiltonian
        In the basis of the state.
    psi : VariationalState
    energies, errors : float64 (n_levels,)
        Ascending, in Pauli units, and one-sigma errors, zero in sums. The first is the ground
        state's; levels that noise has put below it come last.
    samples : Samples
    weights : float64 (n,)
        Of the samples; they add up to one.
    basis : complex (n, n_levels)
        1 and orthonormal combinations of log-derivatives at the samples.
    left, right : complex (n_levels, n_levels)
        Left eigenvectors in rows, right ones in columns.
    summed : bool
        Whether the samples are all configurations, up to symmetry.
    """

    hamiltonian: SpinHamiltonian
    psi: VariationalState
    energies: np.ndarray
    errors: np.ndarray
    samples: Samples
    weights: np.ndarray
    basis: np.ndarray
    left: np.ndarray
    right: np.ndarray
    summed: bool

    @property
    def excitations(self) -> np.ndarray:
        """Energies above the first, float64 (n_levels - 1,)."""
        return self.energies[1:] - self.energies[0]

    @property
    def gap(self) -> float:
        """The lowest excitation of this tangent space; infinite where there is none."""
        return float(self.excitations[0]) if len(self.energies) > 1 else np.inf

    def strengths(self, operator: PauliSum) -> np.ndarray:
        """|<n|O|0>|^2 of the excitations, float64 (n_levels - 1,).

        Of samples, left and right eigenvectors make them up, and noise may make some negative.

        Parameters
        ----------
        operator : PauliSum
            In the unrotated basis, one that stays in the sector. Where weights are tied its mean
            over the group counts, as the tangent space is symmetric.
        """
        return self._strengths(operator)[0]

    def share(self, operator: PauliSum) -> float:
        """Part of O |0>, but for what is along |0>, that lies in the tangent space."""
        found, whole = self._strengths(operator)
        return float(found.sum() / whole) if whole > 0 else 1.0

    def _strengths(self, operator: PauliSum) -> tuple[np.ndarray, float]:
        H = self.hamiltonian
        rotated = H.rotate_observable(operator)
        if self.summed:
            rotated = average_over(rotated, common_symmetry(H, self.psi))
        values = np.zeros(len(self.weights), dtype=complex)
        for unit in (1, 1j):  # kernels take real diagonals
            part = PauliSum({s: (c / unit).real for s, c in rotated.terms.items()})
            connections = observable_connections(part, H.n_sites)
            fixed = H.total_sz is not None
            found = local_estimators(self.psi, connections, self.samples, fixed_sector=fixed)
            values += unit * found.ravel()
        overlaps = self.basis.conj().T @ (self.weights * values)
        found = ((overlaps.conj() @ self.right) * (self.left @ overlaps)).real
        deviations = values - self.weights @ values
        return found[1:], float(self.weights @ abs(deviations) ** 2)

    def structure_factor(self, wave_vector: Sequence[float] | float) -> np.ndarray:
        """Strengths of sum_r exp(-i k.r) Z_r / N^(1/2): poles of S(k, omega) at the excitations.

        Parameters
        ----------
        wave_vector : float or sequence of float
            k, in units of 1 / lattice constant.

        Raises
        ------
        ValueError
            No lattice with positions, or a vector of another dimension.
        """
        lattice, n = self.hamiltonian.lattice, self.hamiltonian.n_sites
        if lattice is None or lattice.positions is None:
            raise ValueError("wave_vector needs a lattice with positions, the Hamiltonian has none")
        k = np.atleast_1d(as_real("wave_vector", wave_vector))
        if k.shape != lattice.positions.shape[1:]:
            raise ValueError(
                f"wave_vector must have {lattice.positions.shape[1]} components, got {k.shape}"
            )
        phases = np.exp(-1j * lattice.positions @ k) / n**0.5
        return self.strengths(PauliSum.sum(complex(p) * Z(i) for i, p in enumerate(phases)))

    def spectrum(self, strengths: np.ndarray, frequencies: np.ndarray, width: float) -> np.ndarray:
        """sum_n strength_n delta(omega - omega_n), each line a Lorentzian of this half width.

        Parameters
        ----------
        strengths : float64 (n_levels - 1,)
            Of `strengths` or `structure_factor`.
        frequencies : float64 (n,)
            omega, in Pauli units.
        width : float
        """
        return np.asarray(lorentzians(frequencies, self.excitations, width) @ strengths)

    def to_dict(self, n_levels: int = 32) -> dict[str, Any]:
        """Plain values for a file: the lowest levels."""
        return {
            "format": "rbmqs-response",
            "hamiltonian": self.hamiltonian.name,
            "n_levels": len(self.energies),
            "summed": self.summed,
            "energies": self.energies[:n_levels].tolist(),
            "errors": self.errors[:n_levels].tolist(),
        }

    def __str__(self) -> str:
        how = "all configurations" if self.summed else f"{len(self.weights)} samples"
        lines = [
            f"{self.hamiltonian.name}: {len(self.energies)} levels in the tangent space, {how}",
            f"{'level':>5} {'energy':>16} {'above the first':>16} {'error':>8}",
        ]
        for k, (energy, error) in enumerate(zip(self.energies, self.errors, strict=True)):
            if k == 12:
                lines.append("...")
                break
            lines.append(f"{k:>5} {energy:>16.8f} {energy - self.energies[0]:>16.8f} {error:>8.0e}")
        return "\n".join(lines)

    __repr__ = __str__


def linear_response(
    hamiltonian: SpinHamiltonian,
    psi: Any,
    *,
    n_samples: int = N_SAMPLES,
    n_chains: int = N_CHAINS,
    cutoff: float | None = None,
    summation: bool | None = None,
    seed: int = 0,
) -> Response:
    """Excitations of a ground state within its tangent space.

    >>> response = linear_response(H, rbmqs.ground_state(H, alpha=4))
    >>> response.excitations, response.structure_factor(np.pi)

    Parameters
    ----------
    hamiltonian : SpinHamiltonian
    psi : VariationalState or RunResult
        The ground state, holomorphic in its parameters, or real and positive.
    n_samples, n_chains : int
    cutoff : float, optional
        Directions in which S, scaled to a unit diagonal, is below this part of its largest
        eigenvalue are left out; 1e-10 in sums, 1e-4 with samples.
    summation : bool, optional
        Sum over all configurations; by default where there are no more than samples.
    seed : int

    Returns
    -------
    Response

    Raises
    ------
    TypeError, ValueError
        Arguments that are wrong or do not fit, and amplitudes of real parameters that are complex.
    """
    instance("hamiltonian", hamiltonian, SpinHamiltonian)
    if not hamiltonian.is_spin_half:
        raise ValueError("hamiltonian must have spins 1/2: the response of larger ones is not done")
    psi = getattr(psi, "psi", psi)
    if not isinstance(psi, VariationalState):
        raise TypeError(f"psi must be a VariationalState or a run, got {type(psi).__name__}")
    if psi.n_sites != hamiltonian.n_sites:
        raise ValueError(f"psi has {psi.n_sites} sites, the Hamiltonian {hamiltonian.n_sites}")
    if cutoff is not None and not 0 < number("cutoff", cutoff) < 1:
        raise ValueError(f"cutoff must lie in (0, 1), got {cutoff}")
    if isinstance(psi, RotatedState) and hamiltonian.rotation is None:
        turned = replace(psi.rotation, automatic=True)
        hamiltonian, psi = hamiltonian.rotated(turned), psi.base
    settings = SamplingSettings(n_samples=n_samples, n_chains=n_chains, summation=summation)
    what = f"log-derivatives of {n_samples} samples (n_samples) by {psi.n_parameters} parameters"
    require_memory(4 * 16 * n_samples * psi.n_parameters, what)
    with single_threaded_blas():
        return _response(hamiltonian, psi, settings, cutoff, seed)


def _response(
    H: SpinHamiltonian,
    psi: VariationalState,
    settings: SamplingSettings,
    cutoff: float | None,
    seed: int,
) -> Response:
    summation = Summation.wanted(H, psi, settings)
    if summation is not None:
        batch = summation.batch(psi)
        samples, energies = Samples(batch.spins[:, None], 1.0), batch.local_energies
        weights = np.asarray(batch.weights) / len(batch.spins)
    else:
        n = settings.n_samples_of(psi)
        samples = measure(psi, H, n_samples=n, n_chains=settings.n_chains, seed=seed).samples
        energies = local_energies(psi, H, samples).ravel()
        weights = np.full(len(energies), 1 / len(energies))
    rows, moved = rows_and_h_rows(H, psi, samples.flat)
    cutoff = (SUMMED if summation else SAMPLED) if cutoff is None else cutoff
    whole = _Problem(rows, moved, energies, weights, summation is not None)
    found, basis, left, right = whole.solved(cutoff)
    errors = np.zeros(len(found))
    if summation is None:
        errors = _errors(whole, samples.shape, basis.shape[1], cutoff)
    return Response(
        H, psi, found, errors, samples, weights, basis, left, right, summation is not None
    )


def rows_and_h_rows(
    H: SpinHamiltonian, psi: VariationalState, spins: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """O and H O at configurations, complex (n, n_parameters) each."""
    c, fixed = H.connections, H.total_sz is not None
    rows = np.empty((len(spins), psi.n_parameters), dtype=complex)
    moved = np.empty_like(rows)
    for start in range(0, len(spins), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        here = spins[part]
        found = psi.log_derivatives(here)
        if np.iscomplexobj(found) and not psi.is_complex:
            raise ValueError(
                f"psi must be holomorphic in its parameters, a {type(psi).__name__} with real ones "
                "is not: as_complex(psi) has complex ones"
            )
        rows[part] = found
        diagonal = diagonal_values(here, c.diag_coef, c.diag_ptr, c.diag_sites)
        moved[part] = diagonal[:, None] * found
        ratios = psi.flip_ratios(here, c, fixed)
        for flip, (first, last) in enumerate(zip(c.flip_ptr[:-1], c.flip_ptr[1:], strict=True)):
            counts = np.flatnonzero(ratios[:, flip])
            there = here[counts]
            there[:, c.flip_sites[first:last]] *= -1
            if len(counts):
                change = ratios[counts, flip, None] * psi.log_derivatives(there)
                moved[start + counts] += change
    return rows, moved


@dataclass(frozen=True, eq=False)
class _Problem:
    """The eigenproblem on some configurations."""

    rows: np.ndarray
    moved: np.ndarray
    energies: np.ndarray
    weights: np.ndarray
    summed: bool

    def without(self, left_out: np.ndarray) -> _Problem:
        """Without some of the configurations, bool (n,)."""
        kept = ~left_out
        weights = self.weights[kept] / self.weights[kept].sum()
        return _Problem(self.rows[kept], self.moved[kept], self.energies[kept], weights, False)

    def solved(
        self, cutoff: float, n_levels: int | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Levels, basis at the configurations, left and right eigenvectors."""
        p, mean = self.weights, self.weights @ self.rows
        centred = self.rows - mean
        sizes = np.sqrt(p @ abs(centred) ** 2)
        scale = np.divide(1, sizes, out=np.zeros_like(sizes), where=sizes > 0)
        centred *= scale
        values, V = np.linalg.eigh(centred.conj().T @ (p[:, None] * centred))
        kept = values > cutoff * values.max(initial=0.0)
        if n_levels is not None:  # as many directions as another set of samples has
            kept = np.arange(len(values)) >= len(values) - (n_levels - 1)
        V = V[:, kept] / np.sqrt(values[kept])
        ones = np.ones((len(p), 1))
        basis = np.concatenate([ones, centred @ V], axis=1)
        acted = np.concatenate(
            [self.energies[:, None], ((self.moved - self.energies[:, None] * mean) * scale) @ V],
            axis=1,
        )
        matrix = basis.conj().T @ (p[:, None] * acted)
        if self.summed:
            found, right = np.linalg.eigh((matrix + matrix.conj().T) / 2)
            return found, basis, right.conj().T, right
        levels, right = np.linalg.eig(matrix)
        left = np.linalg.inv(right)
        first = np.argmax(abs(left[:, 0] * right[0]))  # psi itself; what lies below it is noise
        order = np.argsort(np.where(levels.real < levels[first].real, np.inf, levels.real))
        return levels.real[order], basis, left[order], right[:, order]


def _errors(whole: _Problem, shape: tuple[int, int], n_levels: int, cutoff: float) -> np.ndarray:
    """Jackknife over groups of chains, level by level."""
    n_groups = min(N_GROUPS, shape[0])
    group = np.repeat(np.arange(shape[0]) % n_groups, shape[1])
    found = np.array(
        [whole.without(group == g).solved(cutoff, n_levels)[0] for g in range(n_groups)]
    )
    return np.sqrt((n_groups - 1) * found.var(axis=0))
