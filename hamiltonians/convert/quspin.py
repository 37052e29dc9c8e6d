"""Static lists of QuSpin (arXiv:1610.03042): [["zz", [[J, i, j], ...]], ["x", [[h, i], ...]], ...].

QuSpin's full basis descends with bits set for spins up, so that its matrices are ours.
"""

from collections.abc import Iterable, Sequence
from functools import reduce
from numbers import Number
from typing import Any

from hamiltonians.convert.units import scaled_by_weight
from hamiltonians.models.hamiltonian import SpinHamiltonian, spin_hamiltonian
from hamiltonians.operators.pauli import PauliSum, X, Y, Z, identity
from hamiltonians.utils.checks import instance, short

StaticList = list[list[Any]]


def to_quspin(hamiltonian: SpinHamiltonian, *, pauli: bool | int) -> StaticList:
    """The Hamiltonian as a static list, with the same energies.

    Parameters
    ----------
    hamiltonian : SpinHamiltonian
        Taken in the basis of its `terms`; a sector is for the QuSpin basis to choose.
    pauli : bool or int
        What it is in the QuSpin basis that the list is for: True (or 1, -1) if its letters are
        Pauli matrices, False (or 0) if they are spins S = sigma / 2.

    Returns
    -------
    list
        Coefficients are real.

    Examples
    --------
    >>> to_quspin(heisenberg(chain(3)), pauli=False)[0]
    ['xx', [[4.0, 0, 1], [4.0, 0, 2], [4.0, 1, 2]]]
    """
    instance("hamiltonian", hamiltonian, SpinHamiltonian)
    terms = hamiltonian.terms if _check(pauli) else scaled_by_weight(hamiltonian.terms, 2.0)
    grouped: dict[str, list[list[Any]]] = {}
    for string, value in terms.terms.items():
        letters = "".join(letter.lower() for _, letter in string) or "I"
        sites = [site for site, _ in string] or [0]
        grouped.setdefault(letters, []).append([value.real, *sites])
    return [[letters, couplings] for letters, couplings in grouped.items()]


def from_quspin(
    static: Iterable[Sequence[Any]],
    n_sites: int | None = None,
    *,
    pauli: bool | int,
    total_sz: float | None = None,
    name: str = "QuSpin list",
) -> SpinHamiltonian:
    """The Hamiltonian of a static list, with the same energies.

    Parameters
    ----------
    static : list of [operators, couplings]
        With the operators x, y, z, +, - and I of QuSpin's spin-1/2 bases.
    n_sites : int, optional
        Defaults to one more than the largest site.
    pauli : bool or int
        As in the QuSpin basis that the list is for: False (or 0) for spins S = sigma / 2; True (or
        1) for Pauli matrices with sigma^+ = X + i Y; -1 for the same with (X + i Y) / 2.
    total_sz : float, optional
        Sector.
    name : str

    Returns
    -------
    SpinHamiltonian

    Raises
    ------
    TypeError, ValueError
        If an entry is not operators with couplings on as many sites, or the sum is not Hermitian.
    """
    _check(pauli)
    instance("static", static, Iterable)
    parts = [
        _term(letters, coupling, pauli)
        for letters, couplings in map(_entry, static)
        for coupling in couplings
    ]
    return spin_hamiltonian(PauliSum.sum(parts), n_sites, name, total_sz=total_sz)


def _check(pauli: Any) -> bool:
    if not isinstance(pauli, int) or pauli not in (-1, 0, 1):
        raise ValueError(
            f"pauli must be True, False or -1 as in the QuSpin basis, got {short(pauli)}"
        )
    return bool(pauli)


def _entry(entry: Any) -> tuple[str, Any]:
    pair = list(entry) if isinstance(entry, Sequence) and not isinstance(entry, str) else []
    if len(pair) != 2:
        raise TypeError(f"a static list must hold [operators, couplings] pairs, got {short(entry)}")
    letters, couplings = pair
    if not isinstance(letters, str) or not set(letters) <= set("xyz+-I"):
        raise ValueError(
            f"QuSpin operators must be spelt in x, y, z, +, - and I, got {short(letters)}"
        )
    if isinstance(couplings, str) or not isinstance(couplings, Iterable):
        raise TypeError(f"couplings of {letters!r} must be lists, got {short(couplings)}")
    return letters, couplings


def _term(letters: str, coupling: Sequence[Any], pauli: int) -> PauliSum:
    if isinstance(coupling, str) or not isinstance(coupling, Iterable):
        raise TypeError(f"a coupling of {letters!r} must be a list, got {short(coupling)}")
    value, *sites = coupling
    if not isinstance(value, Number):
        raise TypeError(f"a coupling of {letters!r} must begin with a number, got {short(value)}")
    if len(sites) != len(letters):
        raise ValueError(
            f"a coupling of {letters!r} must name {len(letters)} sites, got {list(coupling)}"
        )
    factors = [_letter(letter, site, pauli) for letter, site in zip(letters, sites, strict=True)]
    return reduce(PauliSum.__mul__, factors, complex(value) * identity())


def _letter(letter: str, site: int, pauli: int) -> PauliSum:
    if letter == "I":
        return identity()
    if letter in "+-":
        ladder = X(site) + (1j if letter == "+" else -1j) * Y(site)
        return ladder if pauli == 1 else 0.5 * ladder
    sigma = {"x": X, "y": Y, "z": Z}[letter](site)
    return sigma if pauli else 0.5 * sigma
