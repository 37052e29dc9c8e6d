"""Sums of matrices on sites with spins of any S, and their algebra.

An operator is a sum of parts, each a matrix on a few sites whose partial trace over any one of them
is zero; this way of writing it is unique, as that by Pauli strings is. The highest S_z comes first,
and the first of the sites is the leftmost Kronecker factor. Spins 1/2 among others enter as Pauli
sums: ``Sz(0, spin=1) * Z(1)`` acts on a spin 1 and a spin 1/2.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, reduce
from numbers import Complex
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hamiltonians.operators.local_space import check_half_integer, checked_spin
from hamiltonians.operators.pauli import CANCELLED, PauliString, PauliSum, X, Y, Z, identity
from hamiltonians.utils.checks import finite, instance, integer, short

Sites = tuple[int, ...]
Matrix = NDArray[Any]
Part = tuple[Sites, Matrix]

MAX_STATES = 1024  # of the sites that one part acts on; its matrix takes 16 MB at most
_PAULI = {
    "X": np.array([[0, 1], [1, 0]], complex),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.array([[1, 0], [0, -1]], complex),
}


class SpinOperator:
    """Sum of matrices on sites with spins of any S.

    Made by `Sx`, `Sy`, `Sz`, `Sp`, `Sm`, `spin_dot` and `from_matrix`, by ``+``, ``-``, ``*`` and
    ``@`` (the same) and ``**``, with numbers and Pauli sums too; from many at once by `sum`.

    Parameters
    ----------
    parts : iterable of (sites, matrix)
        Ascending sites, and a matrix in the order of their Kronecker product.
    local_dims : mapping of int to int
        2 S + 1 of every site that is known, more than those acted on if need be.
    """

    __array_ufunc__ = None  # NumPy's numbers leave products with an operator to the operator

    def __init__(self, parts: Iterable[Part], local_dims: Mapping[int, int]) -> None:
        self.local_dims: Mapping[int, int] = MappingProxyType(dict(local_dims))
        self.parts: Mapping[Sites, Matrix] = MappingProxyType(_reduced(parts, self.local_dims))

    @classmethod
    def from_matrix(cls, matrix: Any, sites: Sequence[int], spin: Any = 1) -> SpinOperator:
        """The operator that a matrix is on the given sites, Hermitian or not.

        Parameters
        ----------
        matrix : array or sparse array, shape (d, d)
            d is the product of 2 S + 1 over the sites, at most 1024; the highest S_z comes first,
            and the first of the sites is the leftmost Kronecker factor.
        sites : sequence of int
            Different ones.
        spin : float or sequence of float
            S of all sites, or of each.

        Raises
        ------
        TypeError, ValueError
            If the shape does not fit sites and spins, a site is named twice, or an element is not a
            finite number.
        """
        instance("sites", sites, Iterable)
        places = [integer("a site", site, minimum=0) for site in sites]
        if len(set(places)) < len(places) or not places:
            raise ValueError(f"sites must name at least one site, each once, got {places}")
        each = [spin] * len(places) if np.ndim(spin) == 0 else list(spin)
        if len(each) != len(places):
            raise ValueError(f"spin must be one number or {len(places)}, one a site, got {spin}")
        dims = [round(2 * check_half_integer("spin", s)) + 1 for s in each]
        array = np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix)
        size = math.prod(dims)
        if array.shape != (size, size):
            raise ValueError(
                f"matrix must have shape {(size, size)} on sites with {dims} states, "
                f"got {array.shape}"
            )
        if array.dtype.kind not in "iufc":
            raise TypeError(f"matrix must hold numbers, got dtype {array.dtype}")
        finite("matrix", array)
        local_dims = dict(zip(places, dims, strict=True))
        ordered = tuple(sorted(places))
        _check_size(ordered, local_dims)
        order = [places.index(site) for site in ordered]
        return cls([(ordered, _reordered(array, dims, order))], local_dims)

    @classmethod
    def from_pauli(cls, terms: PauliSum) -> SpinOperator:
        """A Pauli sum as an operator on spins 1/2."""
        dims = {site: 2 for string in terms.terms for site, _ in string}
        for string in terms.terms:
            _check_size(tuple(site for site, _ in string), dims)
        return cls(
            (
                (tuple(site for site, _ in string), value * string_matrix(string))
                for string, value in terms.terms.items()
            ),
            dims,
        )

    def to_pauli(self) -> PauliSum:
        """As a Pauli sum, where all sites are spins 1/2."""
        parts = self.parts.items()
        return PauliSum.sum(
            PauliSum.from_matrix(matrix, sites) if sites else matrix.item() * identity()
            for sites, matrix in parts
        )

    @classmethod
    def sum(cls, operators: Iterable[SpinOperator | PauliSum]) -> SpinOperator:
        """Sum of many operators, in time linear in the number of their parts."""
        listed = [as_spin_operator(operator) for operator in operators]
        dims = _joined(*(operator.local_dims for operator in listed))
        return cls((part for operator in listed for part in operator.parts.items()), dims)

    @property
    def n_sites_needed(self) -> int:
        """One more than the largest site acted on; 0 for a multiple of the identity."""
        return max((sites[-1] + 1 for sites in self.parts if sites), default=0)

    @property
    def trace_per_state(self) -> float:
        """Real part of the trace over the number of states."""
        return float(self.parts[()].real.item()) if () in self.parts else 0.0

    @cached_property
    def norms(self) -> Mapping[Sites, float]:
        """Largest singular value of each part but the constant."""
        known: dict[bytes, float] = {}
        for matrix in self.parts.values():
            if matrix.tobytes() not in known:
                known[matrix.tobytes()] = float(np.linalg.norm(matrix, 2))
        return {sites: known[m.tobytes()] for sites, m in self.parts.items() if sites}

    @property
    def is_real(self) -> bool:
        """Whether all matrix elements are real."""
        return not any(np.iscomplexobj(matrix) for matrix in self.parts.values())

    @property
    def non_hermitian_sites(self) -> Sites | None:
        """Sites of a part that is not Hermitian, or None."""
        for sites, matrix in self.parts.items():
            if np.abs(matrix - matrix.conj().T).max() > 1e-12 * np.abs(matrix).max():
                return sites
        return None

    @property
    def is_hermitian(self) -> bool:
        """Whether it is its own adjoint."""
        return self.non_hermitian_sites is None

    @property
    def sz_breaking_sites(self) -> Sites | None:
        """Sites of a part that changes total S_z, or None."""
        for sites, matrix in self.parts.items():
            lowered = level_sums([self.local_dims[site] for site in sites])
            if matrix[lowered[:, None] != lowered].any():
                return sites
        return None

    def hermitian_conjugate(self) -> SpinOperator:
        """The adjoint."""
        return self._mapped(lambda sites, matrix: (sites, matrix.conj().T))

    def turned_over(self) -> SpinOperator:
        """With S_z -> -S_z on every site."""
        return self._mapped(lambda sites, matrix: (sites, matrix[::-1, ::-1]))

    def placed(self, place: Mapping[int, int] | Sequence[int]) -> SpinOperator:
        """With site i renamed to ``place[i]``."""
        dims = {place[site]: d for site, d in self.local_dims.items()}
        return SpinOperator((self._placed(*part, place) for part in self.parts.items()), dims)

    def _placed(self, sites: Sites, matrix: Matrix, place: Any) -> Part:
        there = [int(place[site]) for site in sites]
        ordered = tuple(sorted(there))
        if there == list(ordered):
            return ordered, matrix
        dims = [self.local_dims[site] for site in sites]
        return ordered, _reordered(matrix, dims, [there.index(site) for site in ordered])

    def moved_apart(self, place: Sequence[int]) -> tuple[Sites, Sites] | None:
        """Sites of a part and where ``place`` moves it, if another part is there; else None."""
        for sites, matrix in self.parts.items():
            if any(self.local_dims[i] != self.local_dims.get(place[i], -1) for i in sites):
                return sites, tuple(sorted(place[i] for i in sites))
            there, moved = self._placed(sites, matrix, place)
            other = self.parts.get(there)
            size = np.abs(matrix).max()
            if other is None or np.abs(other - moved).max() > 1e-12 * size:
                return sites, there
        return None

    def turned_apart(self) -> Sites | None:
        """Sites of a part that turning over all spins changes, or None."""
        for sites, matrix in self.parts.items():
            if np.abs(matrix - matrix[::-1, ::-1]).max() > 1e-12 * np.abs(matrix).max():
                return sites
        return None

    def conserves(self, word: str) -> bool:
        """Whether it commutes with the total of "Sx", "Sy" or "Sz"."""
        for sites, matrix in self.parts.items():
            spins = [(self.local_dims[site] - 1) / 2 for site in sites]
            parts = (((i,), spin_matrices(s)[word]) for i, s in zip(sites, spins, strict=True))
            total = sum(
                (embedded(part, sites, self.local_dims) for part in parts), np.zeros(matrix.shape)
            )
            if np.abs(matrix @ total - total @ matrix).max() > 1e-10 * np.abs(matrix).max():
                return False
        return True

    def rotated(self, angles: Sequence[float], phase: Any) -> SpinOperator:
        """U A U^dagger for U = prod_i exp(-i phi_i S^z_i), ``phase(phi)`` being exp(i phi)."""

        def turn(sites: Sites, matrix: Matrix) -> Part:
            if not sites:
                return sites, matrix
            dims = [self.local_dims[site] for site in sites]
            levels = np.stack(np.unravel_index(np.arange(len(matrix)), dims), -1)
            turned = levels @ np.array([angles[site] for site in sites])  # + phi (S - S_z)
            factors = np.array([phase(value) for value in turned.tolist()])
            # Exactly real for rotations by pi: conj(+-1) (+-1).
            elements = matrix * (factors[:, None] * factors.conj())
            real = not np.iscomplexobj(matrix) and not factors.imag.any()
            return sites, elements.real if real else elements

        return self._mapped(turn)

    def _mapped(self, change: Any) -> SpinOperator:
        return SpinOperator((change(*part) for part in self.parts.items()), self.local_dims)

    def __add__(self, other: Any) -> SpinOperator:
        if isinstance(other, Complex):
            other = SpinOperator([((), np.array([[other]]))], {})
        elif not isinstance(other, SpinOperator | PauliSum):
            return NotImplemented
        return SpinOperator.sum((self, other))

    __radd__ = __add__

    def __neg__(self) -> SpinOperator:
        return self * -1

    def __sub__(self, other: Any) -> SpinOperator:
        known = isinstance(other, SpinOperator | PauliSum | Complex)
        return self + (-1 * other) if known else NotImplemented

    def __rsub__(self, other: Any) -> SpinOperator:
        return -self + other

    def __mul__(self, other: Any) -> SpinOperator:
        if isinstance(other, SpinOperator | PauliSum):
            return _product(self, as_spin_operator(other))
        if not isinstance(other, Complex) or isinstance(other, bool):
            return NotImplemented
        if not np.isfinite(complex(other)):
            raise ValueError(f"a factor of an operator must be finite, got {other}")
        return self._mapped(lambda sites, matrix: (sites, matrix * other))

    def __rmul__(self, other: Any) -> SpinOperator:
        if isinstance(other, PauliSum):
            return _product(as_spin_operator(other), self)
        return self * other

    __matmul__, __rmatmul__ = __mul__, __rmul__

    def __truediv__(self, other: Any) -> SpinOperator:
        return self * (1 / other) if isinstance(other, Complex) else NotImplemented

    def __pow__(self, exponent: int) -> SpinOperator:
        n = integer("exponent", exponent, minimum=0)
        one = SpinOperator([((), np.ones((1, 1)))], self.local_dims)
        return reduce(SpinOperator.__mul__, [self] * n, one)

    def __len__(self) -> int:
        return len(self.parts)

    @cached_property
    def _key(self) -> tuple[Any, ...]:
        return tuple((s, m.astype(complex).tobytes()) for s, m in sorted(self.parts.items()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SpinOperator) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        shown = [f"{math.prod(m.shape[:1])}-state matrix on {s}" for s, m in self.parts.items()]
        more = f" + {len(shown) - 4} more" if len(shown) > 4 else ""
        return f"SpinOperator({' + '.join(shown[:4])}{more})"


def as_spin_operator(operator: Any) -> SpinOperator:
    """A Pauli sum as a `SpinOperator`, or one as it is."""
    if isinstance(operator, SpinOperator):
        return operator
    instance("operator", operator, PauliSum)
    return SpinOperator.from_pauli(operator)


def spin_matrices(spin: float) -> dict[str, Matrix]:
    """Matrices of S_x, S_y, S_z, S_+ and S_-, the highest S_z first."""
    s = check_half_integer("spin", spin)
    m = s - np.arange(round(2 * s) + 1)
    # <m + 1|S_+|m> = sqrt((s - m)(s + m + 1)), in the row above
    raising = np.diag(np.sqrt((s - m[1:]) * (s + m[1:] + 1)), 1)
    return {
        "Sx": (raising + raising.T) / 2, "Sy": (raising - raising.T) / 2j, "Sz": np.diag(m),
        "Sp": raising, "Sm": raising.T.copy(),
    }  # fmt: skip


def Sx(site: int, spin: float = 0.5) -> Any:
    """S_x on ``site``: a `PauliSum` for S = 1/2, else a `SpinOperator`.

    Parameters
    ----------
    site : int
    spin : float
        S of the site, 1/2, 1, 3/2, ...

    Returns
    -------
    PauliSum or SpinOperator
    """
    return X(site) / 2 if _is_half(spin) else _word("Sx", site, spin)


def Sy(site: int, spin: float = 0.5) -> Any:
    """S_y on ``site``, as `Sx`.

    Parameters
    ----------
    site : int
    spin : float
        S of the site, 1/2, 1, 3/2, ...

    Returns
    -------
    PauliSum or SpinOperator
    """
    return Y(site) / 2 if _is_half(spin) else _word("Sy", site, spin)


def Sz(site: int, spin: float = 0.5) -> Any:
    """S_z on ``site``, as `Sx`.

    Parameters
    ----------
    site : int
    spin : float
        S of the site, 1/2, 1, 3/2, ...

    Returns
    -------
    PauliSum or SpinOperator
    """
    return Z(site) / 2 if _is_half(spin) else _word("Sz", site, spin)


def Sp(site: int, spin: float = 0.5) -> Any:
    """S_+ = S_x + i S_y on ``site``, as `Sx`; for S = 1/2 [[0, 1], [0, 0]].

    Parameters
    ----------
    site : int
    spin : float
        S of the site, 1/2, 1, 3/2, ...

    Returns
    -------
    PauliSum or SpinOperator
    """
    return (X(site) + 1j * Y(site)) / 2 if _is_half(spin) else _word("Sp", site, spin)


def Sm(site: int, spin: float = 0.5) -> Any:
    """``S_- = S_x - i S_y`` on ``site``, as `Sx`; for S = 1/2 [[0, 0], [1, 0]].

    Parameters
    ----------
    site : int
    spin : float
        S of the site, 1/2, 1, 3/2, ...

    Returns
    -------
    PauliSum or SpinOperator
    """
    return (X(site) - 1j * Y(site)) / 2 if _is_half(spin) else _word("Sm", site, spin)


def spin_dot(i: int, j: int, spin: Any = 0.5) -> Any:
    """S_i . S_j of two spins of one S, or of two: ``spin_dot(0, 1, (1, 0.5))``.

    Parameters
    ----------
    i, j : int
        Sites.
    spin : float or pair of float
        S of both, or of each.

    Returns
    -------
    PauliSum or SpinOperator

    Examples
    --------
    >>> aklt_bond = spin_dot(0, 1, spin=1) + spin_dot(0, 1, spin=1) ** 2 / 3
    """
    found = checked_spin(spin, 2)
    left, right = found if isinstance(found, tuple) else (found, found)
    pairs = (a(i, left) * a(j, right) for a in (Sx, Sy, Sz))
    return reduce(lambda one, other: one + other, pairs)


def level_sums(dims: Sequence[int]) -> NDArray[np.int64]:
    """S - S_z summed over sites, for each state of their Kronecker product."""
    total = np.zeros(1, np.int64)
    for d in dims:
        total = (total[:, None] + np.arange(d)).ravel()
    return total


def embedded(part: Part, sites: Sites, dims: Mapping[int, int]) -> Matrix:
    """The matrix of a part on more sites, which hold its own."""
    own, matrix = part
    rest = [site for site in sites if site not in own]
    order = [*own, *rest]
    product = np.kron(matrix, np.eye(math.prod(dims[site] for site in rest)))
    return _reordered(product, [dims[site] for site in order], [order.index(s) for s in sites])


def _reordered(matrix: Matrix, dims: Sequence[int], order: Sequence[int]) -> Matrix:
    """A matrix on sites with ``dims`` states with these sites in another order."""
    axes = [*order, *(a + len(order) for a in order)]
    return matrix.reshape(*dims, *dims).transpose(axes).reshape(matrix.shape)


def _is_half(spin: Any) -> bool:
    return check_half_integer("spin", spin) == 0.5


def _word(name: str, site: int, spin: float) -> SpinOperator:
    return SpinOperator.from_matrix(spin_matrices(spin)[name], (site,), spin)


def string_matrix(string: PauliString) -> Matrix:
    """The Kronecker product of the letters of a Pauli string."""
    return reduce(np.kron, [_PAULI[letter] for _, letter in string], np.eye(1))


def _joined(*tables: Mapping[int, int]) -> dict[int, int]:
    """Local dimensions of several operators together."""
    total: dict[int, int] = {}
    for table in tables:
        for site, d in table.items():
            if total.setdefault(site, d) != d:
                raise ValueError(
                    f"spin must be one on each site, got S = {(total[site] - 1) / 2:g} and "
                    f"{(d - 1) / 2:g} on site {site}"
                )
    return total


def _product(left: SpinOperator, right: SpinOperator) -> SpinOperator:
    dims = _joined(left.local_dims, right.local_dims)

    def products() -> Iterator[Part]:
        for first in left.parts.items():
            for second in right.parts.items():
                sites = tuple(sorted({*first[0], *second[0]}))
                _check_size(sites, dims)
                yield sites, embedded(first, sites, dims) @ embedded(second, sites, dims)

    return SpinOperator(products(), dims)


def _check_size(sites: Sites, dims: Mapping[int, int]) -> None:
    size = math.prod(dims[site] for site in sites)
    if size > MAX_STATES:
        raise ValueError(
            f"a part of an operator must act on sites of at most {MAX_STATES} states together, "
            f"got {size} on {short(sites)}"
        )


def _reduced(parts: Iterable[Part], dims: Mapping[int, int]) -> dict[Sites, Matrix]:
    """Parts whose partial traces vanish, without what is rounding of what cancelled."""
    total: dict[Sites, Matrix] = {}
    sizes: dict[Sites, float] = {}
    for sites, matrix in parts:
        size = float(np.abs(matrix).max())
        for kept, piece in _traceless(sites, matrix, dims).items():
            total[kept] = total[kept] + piece if kept in total else piece
            sizes[kept] = sizes.get(kept, 0.0) + size
    found = {}
    for sites, matrix in sorted(total.items(), key=lambda item: (len(item[0]), item[0])):
        floor = CANCELLED * sizes[sites]
        real = np.where(np.abs(matrix.real) <= floor, 0.0, matrix.real)
        imag = np.where(np.abs(matrix.imag) <= floor, 0.0, matrix.imag)
        clean = real + 1j * imag if imag.any() else real
        if clean.any():
            clean.setflags(write=False)
            found[sites] = clean
    return found


def _traceless(sites: Sites, matrix: Matrix, dims: Mapping[int, int]) -> dict[Sites, Matrix]:
    """A matrix as a sum over subsets of its sites, without partial traces."""
    pieces: dict[Sites, Matrix] = {sites: matrix}
    for site in sites:
        d, split = dims[site], {}
        for kept, piece in pieces.items():
            at = kept.index(site)
            before = math.prod(dims[s] for s in kept[:at])
            after = math.prod(dims[s] for s in kept[at + 1 :])
            tensor = piece.reshape(before, d, after, before, d, after)
            mean = np.trace(tensor, axis1=1, axis2=4) / d
            rest = kept[:at] + kept[at + 1 :]
            size = before * after
            if mean.any():
                split[rest] = mean.reshape(size, size)
                tensor = tensor.copy()
                for level in range(d):
                    tensor[:, level, :, :, level, :] -= mean
            split[kept] = tensor.reshape(size * d, size * d)
        pieces = split
    return pieces


def spins_of(operator: SpinOperator, n_sites: int) -> Any:
    """S of all sites where an operator says it: it acts on all of them, or on equal spins."""
    known = {(d - 1) / 2 for d in operator.local_dims.values()}
    if len(known) == 1:
        return known.pop()
    missing = [site for site in range(n_sites) if site not in operator.local_dims]
    if missing:
        raise ValueError(f"spin must be given: terms leave it open on site {missing[0]}")
    return [(operator.local_dims[i] - 1) / 2 for i in range(n_sites)]
