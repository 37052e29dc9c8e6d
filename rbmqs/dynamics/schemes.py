"""Products of simple factors that come near exp(Lambda), Lambda = -i H dt, for projected evolution.

A stage maps psi to exp(left Z) (1 + a Lambda) exp(right Z) psi, Z being the diagonal part of Lambda
and, in split stages, Lambda standing for its other part X. Names and orders as in Gravina, Savona &
Vicentini, arXiv:2410.10720:

- "lpe1" to "lpe4": the Taylor polynomial of exp in linear factors, 1 + a_k Lambda;
- "slpe1", "slpe2", "slpe3": factors (1 + a_k X) exp(b_k Z) with b_k = a_k, found from the order
  conditions of words in X and Z; the third order takes four of them;
- "ppe2", "ppe4": Pade's [1/1] and [2/2], factors (1 + b_k Lambda)^-1 (1 + a_k Lambda);
- "trotter2": exp(Z / 2) exp(X) exp(Z / 2), exp(X) in two linear factors.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Stage(NamedTuple):
    """One factor.

    Parameters
    ----------
    factor : complex
        a.
    inverse : complex
        b of (1 + b Lambda)^-1; 0 for none.
    split : bool
        Whether `factor` belongs to the part X of Lambda that is not diagonal.
    right, left : complex
        Of the exponentials of the diagonal part, applied before and after.
    """

    factor: complex
    inverse: complex = 0.0
    split: bool = False
    right: complex = 0.0
    left: complex = 0.0


def _taylor(order: int) -> list[complex]:
    """a_k of sum_n x^n / n! = prod_k (1 + a_k x)."""
    coefficients = 1 / np.cumprod([1, *range(1, order + 1)])
    return [complex(-1 / root) for root in np.roots(coefficients[::-1])]


_R = 3**0.5
_SPLIT: dict[int, list[complex]] = {
    1: [1.0],
    2: [(1 + 1j) / 2, (1 - 1j) / 2],
    3: [
        ((3 + _R) + (3 - _R) * 1j) / 12,
        ((3 - _R) - (3 + _R) * 1j) / 12,
        ((3 - _R) + (3 + _R) * 1j) / 12,
        ((3 + _R) - (3 - _R) * 1j) / 12,
    ],
}
_PADE: dict[int, list[complex]] = {2: [0.5], 4: [(3 + _R * 1j) / 12, (3 - _R * 1j) / 12]}
_HALF = _SPLIT[2]

SCHEMES: dict[str, tuple[Stage, ...]] = {
    **{f"lpe{n}": tuple(Stage(a) for a in _taylor(n)) for n in (1, 2, 3, 4)},
    **{f"slpe{n}": tuple(Stage(a, 0, True, a) for a in found) for n, found in _SPLIT.items()},
    **{f"ppe{n}": tuple(Stage(a, -a) for a in found) for n, found in _PADE.items()},
    "trotter2": (Stage(_HALF[0], 0, True, 0.5), Stage(_HALF[1], 0, True, 0, 0.5)),
}


def order_of(scheme: str) -> int:
    """Order of a scheme in the step, where H is fixed."""
    return int(scheme[-1])
