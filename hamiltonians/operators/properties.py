"""What the strings of a Pauli sum say about it: Hermitian, conserving S_z, how large.

Sizes leave out the multiple of the identity, which moves the spectrum as a whole. Tolerances and
steps are relative to them.
"""

import math
from typing import Any

from hamiltonians.operators.level_connections import check_sites_of
from hamiltonians.operators.local_space import LocalSpace
from hamiltonians.operators.pauli import ROUNDING, PauliString, PauliSum, multiply, spell
from hamiltonians.operators.spin import SpinOperator, as_spin_operator

# A field counts less than a coupling: steps in units of J suit the square lattice at its critical
# field h = 3.04 J, and only above 4 J would they be too long for the field.
FIELD_SHARE = 0.25


# Of the norm of a bond: for J sigma . sigma, whose norm is 3 J, the scale is J.
BOND_SHARE = 1 / 3


def trace_per_state(terms: PauliSum | SpinOperator) -> float:
    """Tr H over the number of states, the coefficient of the identity."""
    if isinstance(terms, SpinOperator):
        return terms.trace_per_state
    return terms.terms.get((), 0.0).real


def spectral_bound(terms: PauliSum | SpinOperator) -> float:
    """Sum of the norms of all terms but the identity: |E - trace| is not larger."""
    if isinstance(terms, SpinOperator):
        return math.fsum(terms.norms.values())
    return math.fsum(abs(value) for string, value in terms.terms.items() if string)


def coupling_scale(terms: PauliSum | SpinOperator) -> float:
    """J: what couples a typical site to others, 0 for a multiple of the identity.

    Of each site that terms act on the largest |coefficient| of a term on several sites, or a
    quarter of that on the site alone where this is more; the lower median of these, so that a
    strong impurity changes nothing.
    """
    largest: dict[int, float] = {}
    for sites, size in _sizes(terms):
        for site in sites:
            largest[site] = max(size, largest.get(site, 0.0))
    ordered = sorted(largest.values())
    return ordered[(len(ordered) - 1) // 2] if ordered else 0.0


def _sizes(terms: PauliSum | SpinOperator) -> Any:
    """Sites and size of each term but the identity."""
    if isinstance(terms, SpinOperator):
        for sites, norm in terms.norms.items():
            yield sites, norm * (BOND_SHARE if len(sites) > 1 else FIELD_SHARE)
        return
    for string, value in terms.terms.items():
        yield (
            tuple(site for site, _ in string),
            abs(value) * (1.0 if len(string) > 1 else FIELD_SHARE),
        )


def sz_breaking_term(terms: PauliSum | SpinOperator) -> str | None:
    """A term that changes total S_z, in words, or None if it is conserved."""
    if isinstance(terms, SpinOperator):
        sites = terms.sz_breaking_sites
        return None if sites is None else f"on sites {', '.join(map(str, sites))}"
    string = find_sz_breaking_term(terms)
    return None if string is None else spell(string)


def find_sz_breaking_term(terms: PauliSum) -> PauliString | None:
    """A string that spoils [H, sum_i Z_i] = 0, or None if all commutators cancel."""
    made: dict[PauliString, complex] = {}
    sizes: dict[PauliString, float] = {}  # of what was added up: rounding is relative to that
    sources: dict[PauliString, PauliString] = {}
    for string, value in terms.terms.items():
        for site, letter in string:
            if letter != "Z":  # then P Z_i = -Z_i P, and the commutator is 2 P Z_i
                phase, product = multiply(string, ((site, "Z"),))
                made[product] = made.get(product, 0) + phase * value
                sizes[product] = sizes.get(product, 0.0) + abs(value)
                sources.setdefault(product, string)
    return next((sources[p] for p, value in made.items() if abs(value) > ROUNDING * sizes[p]), None)


def checked_terms(terms: Any, space: LocalSpace) -> PauliSum | SpinOperator:
    """Terms in the form for a space, Pauli strings for spins 1/2, matrices on sites for others.

    Raises
    ------
    ValueError
        If they act beyond the sites or on other spins, or are not Hermitian, naming the worst term.
    """
    if terms.n_sites_needed > space.n_sites:
        raise ValueError(
            f"n_sites must be at least {terms.n_sites_needed} for these terms, got {space.n_sites}"
        )
    if not terms.is_hermitian:
        raise ValueError(f"terms must be Hermitian, {_worst(terms)}")
    if not space.is_spin_half:
        operator = as_spin_operator(terms)
        check_sites_of(operator, space)
        return operator
    if isinstance(terms, SpinOperator):
        check_sites_of(terms, space)
        terms = terms.to_pauli()
    return PauliSum({string: complex(value.real) for string, value in terms.terms.items()})


def _worst(terms: PauliSum | SpinOperator) -> str:
    if isinstance(terms, SpinOperator):
        return f"got another adjoint of the part on sites {terms.non_hermitian_sites}"
    worst = max(terms.terms, key=lambda string: abs(terms.terms[string].imag))
    return f"that is have real coefficients, got {terms.terms[worst]} for {spell(worst)}"
