"""Local values of H - E0 and of its square, from which moments up to the fourth follow.

With e(sigma) = <sigma|(H - E0)|psi> / psi(sigma), the local value of (H - E0)^2 is

    g(sigma) = sum_sigma' <sigma|(H - E0)|sigma'> psi(sigma')/psi(sigma) e(sigma'),

the local energies of all connected configurations. Over |psi|^2,

    <H - E0> = <e>,  <(H - E0)^2> = <|e|^2> = <g>,  <(H - E0)^3> = <e^* g>,  <(H - E0)^4> = <|g|^2>

(Sorella, PRB 64, 024512 (2001), arXiv:cond-mat/0009149). E0 near the energy keeps the moments
free of cancellation.
"""

from __future__ import annotations

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
    first, second : complex array (n_chains, n_draws)
        e and g.
    scale : float
        What errors of E0 are relative to, `SpinHamiltonian.size_of`.
    """

    shift: float
    first: np.ndarray
    second: np.ndarray
    scale: float


def local_powers(
    psi: VariationalState, hamiltonian: SpinHamiltonian, samples: Samples, progress: bool = False
) -> LocalPowers:
    """Local values of H - E0 and its square, E0 the mean energy of the samples.

    The cost is that of the local energies of every connected configuration: about the number of
    flips of H times that of the samples. Configurations of amplitude zero are never sampled;
    where psi has such zeros, but H psi has not, moments from the second on come out too small.

    Parameters
    ----------
    psi, hamiltonian, samples
        The wavefunction and configurations drawn from it.
    progress : bool
        Show a progress bar on standard error.
    """
    with single_threaded_blas():
        energies = local_energies(psi, hamiltonian, samples)
        shift = float(samples.of_all(energies).mean().real)
        first = energies.ravel() - shift
        second = np.empty_like(first)
        masks = flip_masks(hamiltonian.connections)
        n_samples, step = len(first), max(1, _AT_ONCE // max(len(masks), 1))
        with Progress(n_samples, show=progress, unit="sample") as bar:
            for start in range(0, n_samples, step):
                part = slice(start, min(start + step, n_samples))
                spins = samples.flat[part]
                second[part] = _second(psi, hamiltonian, spins, first[part], shift, masks)
                bar.advance(part.stop, "Lanczos step")
    scale = hamiltonian.size_of(shift)
    of_first, of_second = (samples.of_all(v.reshape(samples.shape)) for v in (first, second))
    return LocalPowers(shift, of_first, of_second, scale)


def flip_masks(connections: Connections) -> np.ndarray:
    """-1 on the sites that each flip turns over, +1 elsewhere; int8 (n_flips, n_sites)."""
    n_flips = len(connections.flip_ptr) - 1
    masks = np.ones((n_flips, connections.n_sites), dtype=np.int8)
    rows = np.repeat(np.arange(n_flips), np.diff(connections.flip_ptr))
    masks[rows, connections.flip_sites] = -1
    return masks


def _second(
    psi: VariationalState,
    hamiltonian: SpinHamiltonian,
    spins: np.ndarray,
    first: np.ndarray,
    shift: float,
    masks: np.ndarray,
) -> np.ndarray:
    """g of a few samples: e of the sample and of its connected configurations, weighted."""
    fixed = hamiltonian.total_sz is not None
    terms = psi.flip_ratios(spins, hamiltonian.connections, fixed)
    sample, flip = np.nonzero(terms)
    values = (first - terms.sum(axis=1)) * first  # the diagonal of H - E0, times e
    if not len(sample):
        return values
    connected = Samples((spins[sample] * masks[flip])[None], 1.0)
    elsewhere = local_energies(psi, hamiltonian, connected)[0] - shift
    weights = terms[sample, flip]
    # Where symmetry makes psi vanish, so does (H - E0) psi: what counts is 0 times 0/0.
    forbidden = ~np.isfinite(elsewhere) & (abs(weights) < _FORBIDDEN * abs(weights).max())
    elsewhere[forbidden] = 0
    np.add.at(values, sample, weights * elsewhere)
    return values
