"""Local values of powers of H - E0, from which moments follow.

The local value of (H - E0)^k is

    h_k(sigma) = sum_sigma' <sigma|(H - E0)|sigma'> psi(sigma')/psi(sigma) h_(k-1)(sigma'),

h_0 = 1: with k = 1 local energies, with k = 2 those of all connected configurations, and so on.
Over |psi|^2, <(H - E0)^(i + j)> = <h_i^* h_j> (Sorella, PRB 64, 024512 (2001),
arXiv:cond-mat/0009149). E0 near the energy keeps the moments free of cancellation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rbmqs.estimators.local import local_energies
from rbmqs.sampling.chains import Samples
from rbmqs.utils.progress import Progress
from rbmqs.utils.threads import single_threaded_blas

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from hamiltonians.operators.connections import Connections
    from rbmqs.states.state import VariationalState

_AT_ONCE = 2**12  # connected configurations; hidden units of 1000 take 130 MB then
_FORBIDDEN = 1e-10  # relative size of matrix element times amplitude ratio that rounding leaves


class LocalPowers(NamedTuple):
    """Local values of powers of H - E0.

    Attributes
    ----------
    shift : float
        E0.
    values : complex array (n_powers, n_chains, n_draws)
        h_1, h_2, ...
    scale : float
        What errors of E0 are relative to, `SpinHamiltonian.size_of`.
    """

    shift: float
    values: np.ndarray
    scale: float


def local_powers(
    psi: VariationalState,
    hamiltonian: SpinHamiltonian,
    samples: Samples,
    progress: bool = False,
    n_powers: int = 2,
) -> LocalPowers:
    """Local values of H - E0 and its powers, E0 the mean energy of the samples.

    The cost is that of the samples' local energies times (number of flips)^(n_powers - 1) at most;
    configurations that several others are connected with are done once. Configurations of amplitude
    zero are never sampled; where psi has such zeros, but H psi has not, moments from the second on
    come out too small.

    Parameters
    ----------
    psi, hamiltonian, samples
        The wavefunction and configurations drawn from it.
    progress : bool
        Show a progress bar on standard error.
    n_powers : int
        At least 2.
    """
    with single_threaded_blas():
        energies = local_energies(psi, hamiltonian, samples)
        shift = float(samples.of_all(energies).mean().real)
        powers = _Powers(psi, hamiltonian, shift, flip_masks(hamiltonian.connections))
        first = energies.ravel() - shift
        values = np.empty((n_powers, len(first)), dtype=complex)
        with Progress(len(first), show=progress, unit="sample") as bar:
            for part in powers.parts(len(first)):
                values[:, part] = powers.of(samples.flat[part], n_powers, first[part])
                bar.advance(part.stop, "Lanczos step")
    of_all = [samples.of_all(power.reshape(samples.shape)) for power in values]
    return LocalPowers(shift, np.stack(of_all), hamiltonian.size_of(shift))


def flip_masks(connections: Connections) -> np.ndarray:
    """-1 on the sites that each flip turns over, +1 elsewhere; int8 (n_flips, n_sites)."""
    n_flips = len(connections.flip_ptr) - 1
    masks = np.ones((n_flips, connections.n_sites), dtype=np.int8)
    rows = np.repeat(np.arange(n_flips), np.diff(connections.flip_ptr))
    masks[rows, connections.flip_sites] = -1
    return masks


class _Powers(NamedTuple):
    """h_k of any configurations."""

    psi: VariationalState
    hamiltonian: SpinHamiltonian
    shift: float
    masks: np.ndarray

    def parts(self, n: int) -> Iterator[slice]:
        """Slices of n configurations, as many as have `_AT_ONCE` connected ones."""
        step = max(1, _AT_ONCE // max(len(self.masks), 1))
        return (slice(start, min(start + step, n)) for start in range(0, n, step))

    def at(self, spins: np.ndarray, n_powers: int) -> np.ndarray:
        """h_1 ... of configurations (n, N), complex (n_powers, n)."""
        first = local_energies(self.psi, self.hamiltonian, Samples(spins[None], 1.0))[0]
        first -= self.shift
        if n_powers == 1:
            return first[None]
        found = np.empty((n_powers, len(spins)), dtype=complex)
        for part in self.parts(len(spins)):
            found[:, part] = self.of(spins[part], n_powers, first[part])
        return found

    def of(self, spins: np.ndarray, n_powers: int, first: np.ndarray) -> np.ndarray:
        """The same of a few, whose h_1 is known: from connected configurations."""
        terms = self.psi.flip_ratios(
            spins, self.hamiltonian.connections, self.hamiltonian.total_sz is not None
        )
        sample, flip = np.nonzero(terms)
        diagonal = first - terms.sum(axis=1)  # of H - E0
        connected, weights = spins[sample] * self.masks[flip], terms[sample, flip]
        parts = self._connected(connected, weights, n_powers - 1)
        found = np.empty((n_powers, len(spins)), dtype=complex)
        found[0] = first
        for k in range(1, n_powers):
            found[k] = diagonal * found[k - 1]
            np.add.at(found[k], sample, parts[k - 1])
        return found

    def _connected(self, spins: np.ndarray, weights: np.ndarray, n_powers: int) -> np.ndarray:
        """Weights times h_1 ... of configurations (n, N), each different one done once."""
        if not len(spins):
            return np.empty((n_powers, 0), dtype=complex)
        different, which = np.unique(spins, axis=0, return_inverse=True)
        values = self.at(different, n_powers)[:, which]
        # Where symmetry makes psi vanish, so does (H - E0) psi: it counts 0 times 0/0.
        small = abs(weights) < _FORBIDDEN * abs(weights).max()
        values[~np.isfinite(values) & small] = 0
        return weights * values
