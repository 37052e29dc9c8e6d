"""Spectral functions by Fourier transform of a response in time.

A ground state is kicked by exp(-i eps A), A = sum_i c_i Z_i, which is exact for an RBM (a turn
about z), and evolves. Linear in eps, <A> changes by eps R(t) with

    R(t) = -i <[A(t), A]> = -2 sum_n |<n|A|0>|^2 sin(omega_n t),
    S(omega) = sum_n |<n|A|0>|^2 delta(omega - omega_n) = -1/pi integral_0^inf R(t) sin(omega t) dt.

No phase of a wavefunction is needed, and kicks by eps and -eps together leave an error of eps^2.
Evolving kicked states is due to Mendes-Santos, Schmitt & Heyl, PRL 131, 046501 (2023),
arXiv:2303.08184. What is missing beyond the last time T is cut by a Gaussian window, which broadens
lines to a width of `resolution` / T.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hamiltonians import PauliSum, Z
from hamiltonians.models.hamiltonian import SpinHamiltonian
from hamiltonians.utils.checks import as_real, instance, number
from rbmqs.dynamics.evolution import evolve
from rbmqs.dynamics.gates import turned_about_z
from rbmqs.states.rbm import RBM
from rbmqs.states.rotated import RotatedState, unrotated
from rbmqs.states.symmetric_rbm import SymmetricRBM

if TYPE_CHECKING:
    from rbmqs.dynamics.records import Evolution

KICK = 0.05
RESOLUTION = 3.0  # the window is exp(-(RESOLUTION t / T)^2 / 2)


@dataclass(frozen=True, eq=False)
class SpectralFunction:
    """A response in time and its spectrum.

    Parameters
    ----------
    times, response, errors : float64 (n_times,)
        R(t) from t = 0 on, with one-sigma errors, zero in sums.
    evolutions : tuple of Evolution
        After the kicks by eps and -eps, with their records and status.
    """

    times: np.ndarray
    response: np.ndarray
    errors: np.ndarray
    evolutions: tuple[Evolution, ...]

    @property
    def status(self) -> tuple[str, ...]:
        """Reasons not to trust the response; empty where there are none."""
        return tuple(dict.fromkeys(s for evolution in self.evolutions for s in evolution.status))

    def spectrum(self, frequencies: Any) -> tuple[np.ndarray, np.ndarray]:
        """S(omega) and its one-sigma errors at frequencies in Pauli units, by trapezoids."""
        omega = np.atleast_1d(as_real("frequencies", frequencies))
        t = self.times
        weights = np.gradient(t)
        weights[[0, -1]] /= 2
        window = np.exp(-((RESOLUTION * t / t[-1]) ** 2) / 2)
        kernel = -np.sin(omega[:, None] * t) * (weights * window) / np.pi
        return kernel @ self.response, np.sqrt(kernel**2 @ self.errors**2)

    def __str__(self) -> str:
        status = self.status or ("all checks passed",)
        lines = [f"response at {len(self.times)} times to t = {self.times[-1]:g}"]
        return "\n".join([*lines, *(f"{'status':<14} {sentence}" for sentence in status)])

    __repr__ = __str__


def spectral_function(
    hamiltonian: SpinHamiltonian,
    psi: Any,
    coefficients: Sequence[float],
    times: Sequence[float],
    *,
    kick: float = KICK,
    output: str | Path | None = None,
    **keywords: Any,
) -> SpectralFunction:
    """The spectral function of A = sum_i c_i Z_i in a ground state.

    >>> k = np.pi * np.arange(20)
    >>> found = spectral_function(H, ground, np.cos(k) / 20**0.5, np.linspace(0, 4, 81))
    >>> found.spectrum(np.linspace(0, 8, 100))

    Parameters
    ----------
    hamiltonian : SpinHamiltonian
    psi : RBM, SymmetricRBM, or RunResult of one
        The ground state. The kick breaks its symmetry: it evolves as a plain RBM.
    coefficients : sequence of float
        c_i; cos(k.r_i) / N^(1/2) has half of S(k, omega), all of it where k = -k.
    times : sequence of float
        Evenly spaced, from 0 on.
    kick : float
        eps in units of 1 / max |c_i|.
    output : path, optional
        Directory for the two evolutions, `plus` and `minus`.
    **keywords
        Of `rbmqs.evolve`.

    Returns
    -------
    SpectralFunction

    Raises
    ------
    TypeError, ValueError
        Arguments that are wrong or do not fit.
    """
    instance("hamiltonian", hamiltonian, SpinHamiltonian)
    state = getattr(psi, "psi", psi)
    if isinstance(state, RotatedState):
        base = state.base
        plain = base.plain if isinstance(base, SymmetricRBM) else base
        state = unrotated(plain, state.rotation)
    state = state.plain if isinstance(state, SymmetricRBM) else state
    if not isinstance(state, RBM):
        raise TypeError(f"psi must be an RBM, plain or tied, got {type(state).__name__}")
    c = np.asarray(as_real("coefficients", coefficients))
    if c.shape != (hamiltonian.n_sites,) or not np.any(c):
        raise ValueError(
            f"coefficients must be {hamiltonian.n_sites} numbers, not all zero, got shape {c.shape}"
        )
    t = np.atleast_1d(as_real("times", times))
    if t.ndim != 1 or len(t) < 3 or t[0] != 0 or not np.allclose(np.diff(t), t[1], rtol=1e-6):
        raise ValueError("times must be evenly spaced, three at least, from 0 on")
    number("kick", kick, above=0)
    if not state.is_complex:
        biases = state.visible_bias.astype(complex), state.hidden_bias.astype(complex)
        state = RBM(*biases, state.weights.astype(complex))
    size = kick / np.abs(c).max()
    operator = {"A": PauliSum.sum(float(x) * Z(i) for i, x in enumerate(c) if x != 0)}
    found = []
    for name, sign in (("plus", 1), ("minus", -1)):
        kicked = turned_about_z(state, 2 * sign * size * c)
        place = None if output is None else Path(output) / name
        found.append(
            evolve(hamiltonian, kicked, t.tolist(), observables=operator, output=place, **keywords)
        )
    n = min(len(result.times) for result in found)
    values = [result.values("A")[:n] for result in found]
    errors = [result.errors("A")[:n] for result in found]
    response = (values[0] - values[1]) / (2 * size)
    both = np.hypot(errors[0], errors[1]) / (2 * size)
    return SpectralFunction(t[:n], response, both, tuple(found))
