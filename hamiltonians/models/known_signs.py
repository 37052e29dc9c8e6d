"""Rotations about z after which all off-diagonal elements are zero or negative.

Then a ground state is positive (Perron & Frobenius; Marshall, Proc. R. Soc. A 232, 48, 1955), so
the signs or phases of its amplitudes are known. Turning spin i by phi_i multiplies the element of
a flip of the sites F, with spins s_i of the row, by exp(-i sum_F s_i phi_i): every such element of
phase alpha asks for

    sum_{i in F} s_i phi_i = alpha + pi   (mod 2 pi).

Angles 0 and pi are looked for first, which is linear algebra modulo 2 and keeps real elements real;
then any angles, by elimination with integers. Equations that contradict each other are frustration,
and are named.
"""

import cmath
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hamiltonians.models.hamiltonian import SpinHamiltonian
from hamiltonians.models.sign_rules import rules_of
from hamiltonians.operators.level_connections import LevelConnections
from hamiltonians.operators.pauli import ROUNDING
from hamiltonians.symmetry.rotations import FULL_TURN, HALF_TURN, Rotation

MAX_FLIPPED = 8  # sites that a term may flip; each gives 2^(n-1) equations
_MAX_ANGLED = 4  # for angles other than pi, which make 2^n strings of one
_SAME_ANGLE = 1e-9  # in sixths of a turn
_SHOWN = 8  # contradicting terms that are listed


@dataclass(frozen=True)
class KnownSigns:
    """What is known about the signs of a ground state.

    Attributes
    ----------
    rotation : Rotation or None
        After which no off-diagonal element is positive; None where none is needed or known.
    obstacle : str
        Why no such rotation exists, or why none was looked for; empty where the signs are known.
    """

    rotation: Rotation | None
    obstacle: str = ""


class _Equation(NamedTuple):
    """sum_i spins[i] phi_i = angle, in sixths of a turn, from elements that flip these sites."""

    sites: tuple[int, ...]
    spins: tuple[int, ...]
    angle: float


class _UnknownSignError(ValueError):
    """An element takes more than one sign, or flips too many sites."""


def known_signs(H: SpinHamiltonian) -> KnownSigns:
    """The rotation that makes a ground state positive, where there is one.

    Parameters
    ----------
    H : SpinHamiltonian
        Of any Pauli strings that flip at most 8 sites; at fixed S_z only elements within the
        sector count.

    Examples
    --------
    >>> known_signs(heisenberg(chain(6))).rotation.rule
    'marshall'
    """
    try:
        equations = list(_equations(H))
    except _UnknownSignError as error:
        return KnownSigns(None, str(error))
    if all(_is_multiple(e.angle, FULL_TURN) for e in equations):
        return KnownSigns(None)
    rows = _rows_modulo_two(equations, H.n_sites)
    solution, conflict = (None, 0) if rows is None else _solve_modulo_two(rows)
    if solution is not None:
        return KnownSigns(_named(H, solution, rows or []))
    if max(len(e.sites) for e in equations) <= _MAX_ANGLED:
        angles = _solve_angles(equations, H.n_sites)
        if angles is not None:
            return KnownSigns(Rotation("angles", angles, automatic=True))
    if rows is None:
        return KnownSigns(None, "complex elements that no rotation about z makes negative")
    found = dict.fromkeys(e.sites for k, e in enumerate(equations) if conflict >> k & 1)
    return KnownSigns(None, _frustration(list(found)))


def sign_sites(H: SpinHamiltonian) -> NDArray[np.bool_] | None:
    """The sites to turn by pi as a mask (n_sites,), or None if none make every element negative."""
    try:
        rows = _rows_modulo_two(list(_equations(H)), H.n_sites)
    except _UnknownSignError:
        return None
    solution = None if rows is None else _solve_modulo_two(rows)[0]
    return None if solution is None else _mask(solution, H.n_sites)


def connects_all(H: SpinHamiltonian) -> bool:
    """Whether its moves lead from any configuration of the sector to any other.

    They do if those of two sites make one graph of all sites, at fixed S_z, and if combinations of
    them flip each single site otherwise. Else a positive eigenstate of one part of the sector need
    not be the lowest of all.
    """
    if not H.is_spin_half:
        return _levels_connect_all(H)
    c = H.connections
    flips = [
        sum(1 << int(i) for i in c.flip_sites[start:end])
        for start, end in zip(c.flip_ptr, c.flip_ptr[1:], strict=False)
    ]
    if H.total_sz is None:
        return _rank(flips) == H.n_sites
    # Pairs span all even sets if and only if they make a connected graph.
    return _rank([f for f in flips if f.bit_count() == 2]) == H.n_sites - 1


def _levels_connect_all(H: SpinHamiltonian) -> bool:
    """Whether single steps of levels, or exchanges of one between two sites, join all sites."""
    c, space = H.connections, H.local_space
    pairs = []
    if H.blockade or H.total_sz is None:
        return False  # not decided
    for g, (row, end) in enumerate(zip(c.first_row, c.row_ends, strict=True)):
        sites = c.group_sites[c.group_ptr[g] : c.group_ptr[g + 1]].tolist()
        if len(sites) == 2:
            dims = space.local_dims[sites]
            wanted = 2 * (dims[0] - 1) * (dims[1] - 1)  # one raised, the other lowered
            steps = [
                sorted(c.change_by[c.change_ptr[e] : c.change_ptr[e + 1]].tolist()) == [-2, 2]
                for e in range(c.row_ptr[row], c.row_ptr[end])
            ]
            if sum(steps) == wanted:
                pairs.append(sum(1 << i for i in sites))
    return _rank(pairs) == H.n_sites - 1


def _rank(masks: list[int]) -> int:
    """Rank modulo 2."""
    pivots: dict[int, int] = {}
    for row in masks:
        mask = row
        while mask and mask.bit_length() in pivots:
            mask ^= pivots[mask.bit_length()]
        if mask:
            pivots[mask.bit_length()] = mask
    return len(pivots)


def sign_character(row: NDArray[np.int64], minus: NDArray[np.bool_], H: SpinHamiltonian) -> int:
    """sign(g sigma) sign(sigma) if it is the same for all sigma, else 0."""
    moved = np.zeros_like(minus)
    moved[row[minus]] = True  # (g sigma)_i = sigma[row[i]]: A looks at the sites row[A]
    if (moved == minus).all():
        return 1
    if (moved != minus).all() and H.total_sz is not None:
        return -1 if (H.local_space.n_lowered(H.total_sz) or 0) % 2 else 1
    return 0


def _equations(H: SpinHamiltonian) -> Iterator[_Equation]:
    """One equation for each flip and each setting of its spins, up to turning all of them.

    For spins of other S one for each element that a row of the terms holds.
    """
    c = H.connections
    if not H.is_spin_half:
        yield from _equations_of_levels(c)
        return
    for flip in range(len(c.flip_ptr) - 1):
        sites = tuple(c.flip_sites[c.flip_ptr[flip] : c.flip_ptr[flip + 1]].tolist())
        if len(sites) > MAX_FLIPPED:
            raise _UnknownSignError(f"a term flips {len(sites)} sites, more than {MAX_FLIPPED}")
        strings = [
            (c.z_sites[c.z_ptr[k] : c.z_ptr[k + 1]].tolist(), complex(c.coef[k]))
            for k in range(c.term_ptr[flip], c.term_ptr[flip + 1])
        ]
        negligible = ROUNDING * sum(abs(value) for _, value in strings)
        for rest in itertools.product((1, -1), repeat=len(sites) - 1):
            spins: tuple[int, ...] = (1, *rest)
            if H.total_sz is not None and spins.count(1) != spins.count(-1):
                continue
            phase = _phase_of(sites, spins, strings, negligible)
            if phase is not None:
                yield _Equation(sites, spins, phase + HALF_TURN)


def _equations_of_levels(c: LevelConnections) -> Iterator[_Equation]:
    """Terms that lead to one configuration count one by one: if all have a sign, the sum has it."""
    found: dict[_Equation, None] = {}
    for g, (row, end) in enumerate(zip(c.first_row, c.row_ends, strict=True)):
        sites = c.group_sites[c.group_ptr[g] : c.group_ptr[g + 1]]
        for e in range(c.row_ptr[row], c.row_ptr[end]):
            at = slice(c.change_ptr[e], c.change_ptr[e + 1])
            lowered = (c.change_by[at].astype(int) // -2).tolist()
            angle = cmath.phase(c.mel[e]) * HALF_TURN / math.pi + HALF_TURN
            changed = tuple(sites[c.change_at[at]].tolist())
            found[_Equation(changed, tuple(lowered), round(angle, 9))] = None
    yield from found


def _phase_of(
    sites: tuple[int, ...],
    spins: tuple[int, ...],
    strings: list[tuple[list[int], complex]],
    negligible: float,
) -> float | None:
    """Phase in sixths of a turn, the same whatever the other spins are; None for a zero element."""
    row = dict(zip(sites, spins, strict=True))
    by_others: dict[tuple[int, ...], complex] = {}
    for z_sites, value in strings:
        others = tuple(i for i in z_sites if i not in row)
        sign = math.prod(row[i] for i in z_sites if i in row)
        by_others[others] = by_others.get(others, 0) + sign * value
    constant = by_others.pop((), 0j)
    varying = [value for value in by_others.values() if abs(value) > negligible]
    if abs(constant) <= negligible and not varying:
        return None
    turned = [value * constant.conjugate() for value in varying]
    skew = max((abs(v.imag) for v in turned), default=0.0)
    if skew > negligible * abs(constant) or sum(map(abs, varying)) > abs(constant) + negligible:
        raise _UnknownSignError(f"elements that flip {_spelt(sites)} take more than one sign")
    return cmath.phase(constant) * HALF_TURN / math.pi


def _rows_modulo_two(equations: list[_Equation], n_sites: int) -> list[tuple[int, int]] | None:
    """Bit sets of sites and right-hand sides for angles 0 and pi; None for complex elements."""
    if not all(_is_multiple(e.angle, HALF_TURN) for e in equations):
        return None
    return [
        (
            sum(1 << (n_sites - 1 - i) for i, s in zip(e.sites, e.spins, strict=True) if s % 2),
            round(e.angle / HALF_TURN) % 2,
        )
        for e in equations
    ]


def _solve_modulo_two(rows: list[tuple[int, int]]) -> tuple[int | None, int]:
    """A bit set a with parity(a & mask) = bit for all rows (mask, bit); else the rows at odds."""
    pivots: dict[int, tuple[int, int, int]] = {}
    for k, (mask, bit) in enumerate(rows):
        used = 1 << k
        while mask and mask.bit_length() in pivots:
            other, other_bit, other_used = pivots[mask.bit_length()]
            mask, bit, used = mask ^ other, bit ^ other_bit, used ^ other_used
        if mask:
            pivots[mask.bit_length()] = (mask, bit, used)
        elif bit:
            return None, used
    solution = 0
    for length in sorted(pivots):
        mask, bit, _ = pivots[length]
        if (mask & solution).bit_count() % 2 != bit:
            solution |= 1 << (length - 1)
    return solution, 0


def _named(H: SpinHamiltonian, solution: int, rows: list[tuple[int, int]]) -> Rotation:
    """A sign rule of the lattice that solves the equations too, else the solution itself."""
    for name, rule in rules_of(H.lattice).items():
        sites = (i for i, angle in enumerate(rule.sixths) if angle == HALF_TURN)
        chosen = sum(1 << (H.n_sites - 1 - i) for i in sites)
        if rule.is_real and all((mask & chosen).bit_count() % 2 == bit for mask, bit in rows):
            return Rotation(name, rule.sixths, automatic=True)
    turned = _mask(solution, H.n_sites)
    return Rotation("sites", tuple(HALF_TURN * int(t) for t in turned), automatic=True)


def _solve_angles(equations: list[_Equation], n_sites: int) -> tuple[float, ...] | None:
    """Angles in sixths of a turn, or None where equations contradict each other.

    Rows are combined with integers only, since angles are known modulo a turn; a pivot c > 1 is
    divided by at the end, when any of the c solutions serves.
    """
    pivots: dict[int, tuple[dict[int, int], float]] = {}
    for equation in equations:
        row, angle = dict(zip(equation.sites, equation.spins, strict=True)), equation.angle
        while row:
            lead = min(row)
            if lead not in pivots:
                pivots[lead] = (row, angle)
                break
            other, other_angle = pivots[lead]
            factor = row[lead] // other[lead]
            row = _minus(row, factor, other)
            angle = (angle - factor * other_angle) % FULL_TURN
            if lead in row:  # Euclid: the smaller remainder is the pivot from here on
                pivots[lead] = (row, angle)
                row, angle = other, other_angle
        else:
            if not _is_multiple(angle, FULL_TURN):
                return None
    angles = [0.0] * n_sites
    for lead in sorted(pivots, reverse=True):
        row, angle = pivots[lead]
        rest = sum(factor * angles[i] for i, factor in row.items() if i != lead)
        angles[lead] = _rounded((angle - rest) / row[lead])
    return tuple(angles)


def _minus(row: dict[int, int], factor: int, other: dict[int, int]) -> dict[int, int]:
    total = {i: row.get(i, 0) - factor * other.get(i, 0) for i in row.keys() | other.keys()}
    return {i: value for i, value in total.items() if value}


def _rounded(angle: float) -> float:
    """Between 0 and a turn; multiples of 30 degrees without rounding."""
    half_steps = round(2 * angle)
    near = abs(2 * angle - half_steps) < _SAME_ANGLE
    return (half_steps / 2 if near else angle) % FULL_TURN


def _is_multiple(angle: float, unit: int) -> bool:
    return abs(angle - unit * round(angle / unit)) < _SAME_ANGLE


def _frustration(flips: list[tuple[int, ...]]) -> str:
    """A sentence on terms that contradict each other."""
    if len(flips) == 1:
        return f"terms on {_spelt(flips[0])} that ask for angles which others exclude"
    shown = ", ".join(_spelt(sites) for sites in flips[:_SHOWN])
    more = f" and {len(flips) - _SHOWN} more" if len(flips) > _SHOWN else ""
    kind = "loop of bonds" if all(len(sites) == 2 for sites in flips) else "set of terms on"
    return f"frustrated {kind} {shown}{more}"


def _spelt(sites: tuple[int, ...]) -> str:
    return "-".join(map(str, sites))


def _mask(solution: int, n_sites: int) -> NDArray[np.bool_]:
    return np.array([solution >> (n_sites - 1 - i) & 1 for i in range(n_sites)], bool)
