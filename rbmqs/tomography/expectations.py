"""Mixed states from measured means of Pauli strings, where the shots behind them are not at hand.

Means with independent normal errors have the log-likelihood -sum_k ((<P_k> - m_k) / e_k)^2 / 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from hamiltonians.operators.pauli import PauliSum
from hamiltonians.utils.checks import instance, number, short
from rbmqs.states.state import VariationalState
from rbmqs.tomography.functionals import pauli_means, pauli_products
from rbmqs.tomography.mixed import N_STARTS, MixedState, random_starts
from rbmqs.tomography.raw import Raw
from rbmqs.tomography.scores import Information, Tangent
from rbmqs.tomography.scoring import Maximum, fisher_scoring

_MISSING = 1e-9  # of the purity of a target


class Means(NamedTuple):
    """Measured means of Pauli strings.

    Attributes
    ----------
    operators : list of PauliSum
    values, errors : float64 (n,)
    """

    operators: list[PauliSum]
    values: np.ndarray
    errors: np.ndarray

    @classmethod
    def of(cls, means: Mapping[str, tuple[float, float]]) -> Means:
        """From strings such as "XI" and pairs of a mean and its standard error.

        Raises
        ------
        TypeError, ValueError
            No mapping, strings of unequal lengths or other letters, errors that are not positive.
        """
        instance("means", means, Mapping)
        if not means:
            raise ValueError("means must name at least one Pauli string, got none")
        PauliSum.from_strings(dict.fromkeys(means, 1.0))
        pairs = []
        for label, pair in means.items():
            if np.shape(pair) != (2,):
                raise ValueError(f"means[{label!r}] must be (mean, error), got {short(pair)}")
            value, error = pair
            name = f"means[{label!r}]"
            pairs.append((number(name, value), number(f"the error of {name}", error, above=0)))
        values, errors = np.array(pairs).T
        return cls([PauliSum.from_strings({label: 1.0}) for label in means], values, errors)

    def inverted(self, target: np.ndarray) -> Raw:
        """<t|rho|t> of a normalised vector (2^N,) by linear inversion, without a model.

        It may exceed one, as means that were divided by a calibration do. nan where a string that
        it needs was not measured.
        """
        n_sites = int(target.size).bit_length() - 1
        weights = [pauli_means(target[None], op, n_sites)[0].real for op in self.operators]
        weights = np.array(weights) / 2**n_sites
        # sum_P <t|P|t>^2 = 2^N over all strings, the identity's share being one
        if 2**n_sites * (weights**2).sum() + 2.0**-n_sites < 1 - _MISSING:
            return Raw(np.nan, np.nan)
        mean = 2.0**-n_sites + weights @ self.values
        return Raw(float(mean), float(np.linalg.norm(weights * self.errors)))

    def information_at(self, psi: VariationalState, n_sites: int) -> Information:
        """The likelihood at a state with ancillas behind its first sites."""
        tangent = Tangent.of(psi)
        acted = [pauli_products(tangent.vector, operator, n_sites) for operator in self.operators]
        found = np.real(acted @ tangent.vector.conj())
        slopes = 2 * tangent.real_parts(tangent.derivatives @ np.conj(acted).T) / self.errors
        residuals = (self.values - found) / self.errors
        return Information(-float(residuals @ residuals) / 2, slopes @ residuals, slopes @ slopes.T)


def mixed_state_of_means(
    means: Mapping[str, tuple[float, float]],
    *,
    n_ancillas: int | None = None,
    n_hidden: int | None = None,
    n_starts: int = N_STARTS,
    seed: int = 0,
) -> tuple[MixedState, Maximum]:
    """The purified RBM that measured means of Pauli strings are likeliest of.

    Parameters
    ----------
    means : mapping of str to (mean, error)
        Such as {"XX": (0.98, 0.01), "ZI": (0.02, 0.01)}, site 0 first.
    n_ancillas : int, optional
        As many as sites by default, so that no density matrix is excluded.
    n_hidden, n_starts, seed
        As of `rbmqs.tomography.mixed.reconstruct_mixed`.
    """
    measured = Means.of(means)
    n_sites = len(next(iter(means)))
    size = n_sites if n_ancillas is None else n_ancillas
    fits = [
        fisher_scoring(psi, lambda at: measured.information_at(at, n_sites))
        for psi in random_starts(n_sites + size, n_hidden, complex, n_starts, seed)
    ]
    best = max(fits, key=lambda fit: fit.log_likelihood)
    return MixedState(best.psi, size), best
