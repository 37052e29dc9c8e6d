"""Symmetries that are Pauli strings, such as X_0 X_1 ... or the stabilisers of a code.

Strings P_1 ... P_k that commute with H and with each other have eigenvalues +1 and -1. A rotation
(P + s) / sqrt(2), s being a Pauli matrix of one site that anticommutes with P, turns P into s and
leaves H a Pauli sum, in which s is a number: each symmetry takes one site away (Bravyi, Gambetta,
Mezzacapo & Temme, arXiv:1701.08213). What is left is a Hamiltonian on N - k sites like any other.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from hamiltonians.models.hamiltonian import SpinHamiltonian, spin_hamiltonian
from hamiltonians.operators.pauli import PauliString, PauliSum, multiply, spell
from hamiltonians.utils.checks import instance, short


@dataclass(frozen=True)
class PauliSector:
    """The states on which Pauli strings have given eigenvalues, as states of fewer sites.

    Attributes
    ----------
    hamiltonian : SpinHamiltonian
        On the sites that are left; its levels are those of the sector.
    eigenvalues : tuple of int
        +1 or -1 of each string.
    sites : tuple of int
        Which sites are left, in the order of the new ones.
    """

    hamiltonian: SpinHamiltonian
    eigenvalues: tuple[int, ...]
    sites: tuple[int, ...]
    _steps: tuple[tuple[PauliString, int, tuple[int, str]], ...]

    def operator(self, observable: PauliSum) -> PauliSum:
        """An observable that commutes with the strings, on the states of `hamiltonian`.

        Raises
        ------
        ValueError
            If it leads out of the sector.
        """
        instance("observable", observable, PauliSum)
        return _placed(_reduced(observable, self._steps), self.sites)


def pauli_sectors(
    H: SpinHamiltonian,
    strings: Iterable[PauliSum],
    eigenvalues: Iterable[int] | None = None,
) -> list[PauliSector]:
    """The sectors of symmetries that are Pauli strings.

    Parameters
    ----------
    H : SpinHamiltonian
        Of spins 1/2, without a total S_z.
    strings : iterable of PauliSum
        Each one string with coefficient 1, such as ``X(0) * X(1) * X(2)``; they commute with H and
        with each other.
    eigenvalues : iterable of int, optional
        +1 or -1 of each string: this sector alone instead of all 2^k.

    Returns
    -------
    list of PauliSector

    Raises
    ------
    TypeError, ValueError
        If a string is none or does not commute, one is a product of others, or no site is left.

    Examples
    --------
    >>> H = ising(chain(8), h=0.7)
    >>> [one] = pauli_sectors(H, [hm.PauliSum.from_strings({"X" * 8: 1})], [1])
    >>> ground_state(one.hamiltonian).energy
    """
    instance("H", H, SpinHamiltonian)
    if not H.is_spin_half or H.blockade or H.total_sz is not None:
        raise ValueError(f"H must have spins 1/2 and no total_sz or blockade, got {H.name}")
    found = [_string(H, text) for text in strings]
    for k, first in enumerate(found):
        for second in found[:k]:
            if not _commute(first, second):
                raise ValueError(
                    f"strings must commute, got {spell(second)} and {spell(first)}, which do not"
                )
    if eigenvalues is None:
        chosen = list(product((1, -1), repeat=len(found)))
    else:
        chosen = [tuple(eigenvalues)]
        if len(chosen[0]) != len(found) or not {*chosen[0]} <= {1, -1}:
            raise ValueError(
                f"eigenvalues must be +1 or -1 for each of {len(found)} strings, "
                f"got {short(chosen[0])}"
            )
    return [_sector(H, found, values) for values in chosen]


def _string(H: SpinHamiltonian, given: Any) -> PauliString:
    """The string of a symmetry, after its checks."""
    if not isinstance(given, PauliSum) or list(given.terms.values()) != [1] or () in given.terms:
        raise TypeError(f"strings must each be one Pauli string, got {short(given)}")
    [string] = given.terms
    if given.n_sites_needed > H.n_sites:
        raise ValueError(f"strings must act on {H.n_sites} sites, got {spell(string)}")
    for term in H.terms.terms:
        if not _commute(string, term):
            raise ValueError(
                f"strings must commute with H, got {spell(string)}, which does not commute "
                f"with {spell(term)}"
            )
    return string


def _commute(left: PauliString, right: PauliString) -> bool:
    letters = dict(left)
    return sum(letters.get(site, letter) != letter for site, letter in right) % 2 == 0


def _sector(H: SpinHamiltonian, strings: list[PauliString], values: tuple[int, ...]) -> PauliSector:
    left, steps = list(zip(strings, values, strict=True)), []
    while left:
        string, value = left.pop(0)
        if not string:
            raise ValueError("strings must be independent, got one that is a product of others")
        site, letter = string[0]
        kept = (site, "Z" if letter == "X" else "X")
        for k, (other, its) in enumerate(left):
            if not _commute(other, (kept,)):
                phase, both = multiply(other, string)
                left[k] = both, its * value * round(phase.real)
        step = (string, value, kept)
        steps.append(step)
        left = [_string_without(other, its, step) for other, its in left]
    gone = {site for _, _, (site, _) in steps}
    sites = tuple(site for site in range(H.n_sites) if site not in gone)
    if not sites:
        raise ValueError(f"strings must leave a site, got {len(steps)} on {H.n_sites} sites")
    words = " ".join(f"{spell(s)}={v:+d}" for s, v in zip(strings, values, strict=True))
    terms = _placed(_reduced(H.terms, tuple(steps)), sites)
    reduced = spin_hamiltonian(terms, len(sites), f"{H.name} in {words}")
    return PauliSector(reduced, values, sites, tuple(steps))


def _string_without(other: PauliString, value: int, step: Any) -> tuple[PauliString, int]:
    """A symmetry that is left, on the sites without that of the step."""
    [(string, factor)] = _reduced(PauliSum({other: 1}), (step,)).terms.items()
    return string, value * round(factor.real)


def _reduced(operator: PauliSum, steps: Iterable[Any]) -> PauliSum:
    """An operator after rotations, with the Pauli matrix of each step replaced by its number."""
    for string, value, kept in steps:
        parts = []
        for term, c in operator.terms.items():
            if not _commute(term, string):
                raise ValueError(f"observable must commute with the strings, got {spell(term)}")
            turned = PauliSum({term: c})
            if not _commute(term, (kept,)):
                turned = turned * PauliSum({string: 1}) * PauliSum({(kept,): 1})
            for found, factor in turned.terms.items():
                rest = tuple(pair for pair in found if pair != kept)
                parts.append((factor * (value if len(rest) < len(found) else 1), rest))
        operator = PauliSum.from_terms(parts)
    return operator


def _placed(operator: PauliSum, sites: tuple[int, ...]) -> PauliSum:
    number: Mapping[int, int] = {site: k for k, site in enumerate(sites)}
    return PauliSum.from_terms(
        (c, [(number[site], letter) for site, letter in string])
        for string, c in operator.terms.items()
    )
