"""What the strings of a Pauli sum say about it: Hermitian, conserving S_z, how large.

Sizes leave out the multiple of the identity, which moves the spectrum as a whole. Tolerances and
steps are relative to them.
"""

import math

from hamiltonians.operators.pauli import ROUNDING, PauliString, PauliSum, multiply, spell

# A field counts less than a coupling: steps in units of J suit the square lattice at its critical
# field h = 3.04 J, and only above 4 J would they be too long for the field.
FIELD_SHARE = 0.25


def trace_per_state(terms: PauliSum) -> float:
    """Tr H / 2^N, the coefficient of the identity."""
    return terms.terms.get((), 0.0).real


def spectral_bound(terms: PauliSum) -> float:
    """Sum of |coefficients| but that of the identity: |E - Tr H / 2^N| is not larger."""
    return math.fsum(abs(value) for string, value in terms.terms.items() if string)


def coupling_scale(terms: PauliSum) -> float:
    """J: what couples a typical site to others, 0 for a multiple of the identity.

    Of each site that terms act on the largest |coefficient| of a term on several sites, or a
    quarter of that on the site alone where this is more; the lower median of these, so that a
    strong impurity changes nothing.
    """
    largest: dict[int, float] = {}
    for string, value in terms.terms.items():
        size = abs(value) * (1.0 if len(string) > 1 else FIELD_SHARE)
        for site, _ in string:
            largest[site] = max(size, largest.get(site, 0.0))
    ordered = sorted(largest.values())
    return ordered[(len(ordered) - 1) // 2] if ordered else 0.0


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


def check_terms(terms: PauliSum, n_sites: int) -> None:
    """Refuse a sum that acts beyond the sites or is not Hermitian, naming the worst term."""
    if terms.n_sites_needed > n_sites:
        raise ValueError(
            f"n_sites must be at least {terms.n_sites_needed} for these terms, got {n_sites}"
        )
    if not terms.is_hermitian:
        worst = max(terms.terms, key=lambda string: abs(terms.terms[string].imag))
        raise ValueError(
            "terms must be Hermitian, that is have real coefficients, "
            f"got {terms.terms[worst]} for {spell(worst)}"
        )
