"""What is asked of states, for many vectors at once: means of Pauli sums, fidelities.

Vectors may have ancillas behind the sites, which are traced over.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from hamiltonians.operators.pauli import PauliSum
from hamiltonians.operators.sectors import Sector
from hamiltonians.utils.checks import instance
from rbmqs.states.state import VariationalState

_POSITIVE = 1e-6  # of the trace: eigenvalues of a target that rounding may make negative
_PURE = 1e-10  # of the trace that a target of rank one may lack


def check_operator(operator: PauliSum, n_sites: int) -> None:
    """Refuse what is no Pauli sum, or acts beyond the sites."""
    instance("operator", operator, PauliSum)
    if operator.n_sites_needed > n_sites:
        raise ValueError(
            f"operator must act on {n_sites} sites at most, got {operator.n_sites_needed}"
        )


def check_observable(operator: PauliSum, n_sites: int) -> None:
    """Refuse what `check_operator` refuses, and what is not Hermitian."""
    check_operator(operator, n_sites)
    if not operator.is_hermitian:
        raise ValueError(f"operator must be Hermitian, got {operator!r}")


def pauli_products(vectors: np.ndarray, operator: PauliSum, n_sites: int) -> np.ndarray:
    """O v of vectors (..., 2^(N + n_ancillas)), complex128 of the same shape.

    Raises
    ------
    TypeError
        No Pauli sum.
    ValueError
        An operator that acts beyond the first N sites.
    """
    check_operator(operator, n_sites)
    n_all = int(vectors.shape[-1]).bit_length() - 1
    states, spins = np.arange(2**n_all), Sector(n_all).configurations()
    by_flip: dict[int, np.ndarray] = defaultdict(lambda: np.zeros(len(states), complex))
    for string, coefficient in operator.terms.items():
        flip, sign = 0, [site for site, letter in string if letter != "X"]
        for site, letter in string:
            flip |= (letter != "Z") << (n_all - 1 - site)
        n_y = sum(letter == "Y" for _, letter in string)
        # P |x> = i^(number of Y) (-1)^(bits of x where Y or Z acts) |x flipped>
        by_flip[flip] += coefficient * 1j**n_y * np.prod(spins[:, sign], axis=1)
    found = np.zeros(vectors.shape, complex)
    for flip, factors in by_flip.items():
        found += (factors * vectors)[..., states ^ flip]
    return found


def pauli_means(vectors: np.ndarray, operator: PauliSum, n_sites: int) -> np.ndarray:
    """<v|O|v> of normalised vectors (n, 2^(N + n_ancillas)), complex128 (n,)."""
    return np.einsum("nx,nx->n", vectors.conj(), pauli_products(vectors, operator, n_sites))


def target_array(target: Any, n_sites: int) -> np.ndarray:
    """A target of fidelities: a normalised vector (2^N,), or a density matrix (2^N, 2^N).

    Parameters
    ----------
    target : array (2^N,), array (2^N, 2^N), VariationalState, or a state with `density_matrix`
        Of any norm or trace. Matrices of rank one become vectors.

    Raises
    ------
    ValueError
        A target of another size, or a matrix that is not Hermitian and positive.
    """
    if isinstance(target, VariationalState):
        target = target.state_vector(Sector(target.n_sites))
    array, size = np.asarray(getattr(target, "density_matrix", target), dtype=complex), 2**n_sites
    if array.shape not in ((size,), (size, size)):
        raise ValueError(f"target must have shape ({size},) or ({size}, {size}), got {array.shape}")
    if array.ndim == 1:
        norm = np.linalg.norm(array)
        if not (np.isfinite(norm) and norm > 0):
            raise ValueError(f"target must have a finite positive norm, got {norm}")
        return array / norm
    trace = np.trace(array).real
    if not (trace > 0 and np.allclose(array, array.conj().T)):
        raise ValueError("target must be a Hermitian matrix of positive trace")
    weights, axes = np.linalg.eigh(array / trace)
    if weights[0] < -_POSITIVE:
        raise ValueError(f"target must have no negative eigenvalues, got {weights[0] * trace:.3g}")
    return axes[:, -1] if weights[-1] > 1 - _PURE else array / trace


def fidelities(vectors: np.ndarray, target: np.ndarray, n_sites: int) -> np.ndarray:
    """(Tr (r^1/2 s r^1/2)^1/2)^2 of the states r of the first sites and a target s, (n,).

    Parameters
    ----------
    vectors : array (n, 2^(N + n_ancillas))
        Normalised.
    target : array
        Of `target_array`; for a vector t the fidelity is <t|r|t>.
    """
    amplitudes = vectors.reshape(len(vectors), 2**n_sites, -1)
    if target.ndim == 1:
        return (abs(np.einsum("t,nta->na", target.conj(), amplitudes)) ** 2).sum(axis=1)
    weights, axes = np.linalg.eigh(target)
    root = axes * np.sqrt(np.maximum(weights, 0))
    # singular values of s^1/2 psi are the roots of the eigenvalues of s^1/2 r s^1/2
    return np.linalg.svd(root.conj().T @ amplitudes, compute_uv=False).sum(axis=1) ** 2
