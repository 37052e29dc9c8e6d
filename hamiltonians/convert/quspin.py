"""Static lists of QuSpin (arXiv:1610.03042): [["zz", [[J, i, j], ...]], ["x", [[h, i], ...]], ...].

QuSpin's full basis descends with bits set for spins up, so that its matrices are ours. For spins of
S >= 1, those of ``spin_basis_1d(L, S="1")``, its letters are z, +, - and I: matrices on sites are
taken apart into products of powers of S_z with powers of S_+ or S_-.
"""

from collections.abc import Iterable, Sequence
from functools import reduce
from numbers import Number
from typing import Any

import numpy as np

from hamiltonians.convert.units import scaled_by_weight
from hamiltonians.models.hamiltonian import SpinHamiltonian, spin_hamiltonian
from hamiltonians.operators.local_space import check_half_integer
from hamiltonians.operators.pauli import PauliSum, X, Y, Z, identity
from hamiltonians.operators.spin import Sm, Sp, SpinOperator, Sx, Sy, Sz, spin_matrices
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
        Pauli matrices, False (or 0) if they are spins S = sigma / 2, as spins of S >= 1 must be.

    Returns
    -------
    list
        Coefficients are real, for spins of S >= 1 where the Hamiltonian is.

    Examples
    --------
    >>> to_quspin(heisenberg(chain(3)), pauli=False)[0]
    ['xx', [[4.0, 0, 1], [4.0, 0, 2], [4.0, 1, 2]]]
    """
    instance("hamiltonian", hamiltonian, SpinHamiltonian)
    if not hamiltonian.is_spin_half:
        return _spins_to_quspin(hamiltonian, pauli)
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
    spin: float = 0.5,
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
    spin : float
        S of all sites, with ``pauli=False`` unless it is 1/2.

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
    if check_half_integer("spin", spin) != 0.5:
        return _spins_from_quspin(static, n_sites, pauli, total_sz, name, spin)
    parts = [
        _term(letters, coupling, pauli)
        for letters, couplings in map(_entry, static)
        for coupling in couplings
    ]
    return spin_hamiltonian(PauliSum.sum(parts), n_sites, name, total_sz=total_sz)


def _spins_to_quspin(hamiltonian: SpinHamiltonian, pauli: Any) -> StaticList:
    if _check(pauli):
        raise ValueError(f"pauli must be False for spins of S >= 1, got {short(pauli)}")
    if not isinstance(hamiltonian.spin, float) or hamiltonian.blockade:
        kind = "a blockade" if hamiltonian.blockade else f"spins {short(hamiltonian.spin)}"
        raise ValueError(f"QuSpin's spin bases hold spins of one S, got {kind}")
    words, matrices = _letters_of(hamiltonian.spin)
    inverse = np.linalg.inv(matrices.reshape(len(words), -1).T)  # elements -> coefficients
    d = round(2 * hamiltonian.spin) + 1
    grouped: dict[str, list[list[Any]]] = {}
    for sites, matrix in hamiltonian.terms.parts.items():
        k = len(sites)
        tensor = np.asarray(matrix, complex).reshape((d,) * (2 * k))
        pairs = [axis for site in range(k) for axis in (site, k + site)]
        coefficients = tensor.transpose(pairs).reshape((d * d,) * k)
        for axis in range(k):
            coefficients = np.moveaxis(np.tensordot(inverse, coefficients, (1, axis)), 0, axis)
        floor = 1e-14 * np.abs(coefficients).max()
        for where in np.argwhere(np.abs(coefficients) > floor).tolist():
            value = coefficients[tuple(where)]
            chosen = [words[n] for n in where]
            letters = "".join(chosen) or "I"
            places = [s for s, word in zip(sites, chosen, strict=True) for _ in word] or [0]
            number = value if not hamiltonian.is_real else value.real
            grouped.setdefault(letters, []).append([number, *places])
    return [[letters, couplings] for letters, couplings in grouped.items()]


def _letters_of(spin: float) -> tuple[list[str], Any]:
    """Words of QuSpin's letters on one site that make a basis of matrices, and these."""
    s, d = spin_matrices(spin), round(2 * spin) + 1
    words, found = [], []
    for step in range(-d + 1, d):
        ladder = np.linalg.matrix_power(s["Sp" if step > 0 else "Sm"], abs(step))
        for power in range(d - abs(step)):
            word = "z" * power + ("+" if step > 0 else "-") * abs(step)
            words.append(word or "I")
            found.append(np.linalg.matrix_power(s["Sz"], power) @ ladder)
    return words, np.array(found)


def _spins_from_quspin(
    static: Iterable[Sequence[Any]], n_sites: Any, pauli: Any, total_sz: Any, name: str, spin: float
) -> SpinHamiltonian:
    if pauli:
        raise ValueError(f"pauli must be False for spins of S >= 1, got {short(pauli)}")
    words = {"x": Sx, "y": Sy, "z": Sz, "+": Sp, "-": Sm}
    parts: list[Any] = []
    for letters, couplings in map(_entry, static):
        for coupling in couplings:
            value, *sites = _checked_coupling(letters, coupling)
            factors = [words[a](s, spin) for a, s in zip(letters, sites, strict=True) if a != "I"]
            one: Any = SpinOperator([((), np.full((1, 1), complex(value)))], {})
            parts.append(reduce(SpinOperator.__mul__, factors, one))
    return spin_hamiltonian(SpinOperator.sum(parts), n_sites, name, total_sz=total_sz, spin=spin)


def _checked_coupling(letters: str, coupling: Sequence[Any]) -> list[Any]:
    if isinstance(coupling, str) or not isinstance(coupling, Iterable):
        raise TypeError(f"a coupling of {letters!r} must be a list, got {short(coupling)}")
    found = list(coupling)
    first = found[0] if found else None
    if not isinstance(first, Number):
        raise TypeError(f"a coupling of {letters!r} must begin with a number, got {short(first)}")
    if len(found) != len(letters) + 1:
        raise ValueError(f"a coupling of {letters!r} must name {len(letters)} sites, got {found}")
    return found


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
    value, *sites = _checked_coupling(letters, coupling)
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
