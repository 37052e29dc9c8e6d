"""Hamiltonians that change in time: a function of t, or a sum of coefficients of t times parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hamiltonians.models.hamiltonian import SpinHamiltonian
from hamiltonians.operators.pauli import PauliSum
from hamiltonians.symmetry.rotations import Rotation
from hamiltonians.utils.checks import number


class DrivenHamiltonian:
    """H(t) on a fixed number of sites, in one sector and one basis.

    Parameters
    ----------
    H : SpinHamiltonian, callable, or sequence of (coefficient, operator)
        A fixed one; a function from a time to a `SpinHamiltonian`; or parts, each an operator
        (`SpinHamiltonian` or `PauliSum`, a `SpinHamiltonian` first) with a number or a function of
        the time before it.

    Raises
    ------
    TypeError, ValueError
        Neither of these; here or from `at`, an H(t) that is not Hermitian, or is on other sites, in
        another sector or in another basis than H(0).
    """

    def __init__(self, H: Any) -> None:
        self.is_fixed = isinstance(H, SpinHamiltonian)
        self._last: tuple[float, SpinHamiltonian] | None = None
        self._function: Callable[[float], Any]
        if isinstance(H, DrivenHamiltonian):
            self.is_fixed, self._function = H.is_fixed, H._function
        elif isinstance(H, SpinHamiltonian):
            self._function = lambda t: H
        elif callable(H):
            self._function = H
        else:
            self._function = _sum_of_parts(H)
        self._first: SpinHamiltonian | None = None
        self._first = self.at(0.0)

    @property
    def first(self) -> SpinHamiltonian:
        """H(0)."""
        return self.at(0.0) if self._first is None else self._first

    def rotated(self, rotation: Rotation) -> DrivenHamiltonian:
        """U H(t) U^dagger with U of the rotation."""
        found = DrivenHamiltonian(lambda t: self.at(t).rotated(rotation))
        found.is_fixed = self.is_fixed
        return found

    def at(self, time: float) -> SpinHamiltonian:
        """H(t); the last one is kept."""
        if self._last is None or (self._last[0] != time and not self.is_fixed):
            found = self._function(time)
            if not isinstance(found, SpinHamiltonian):
                raise TypeError(
                    f"H(t) must be a SpinHamiltonian, got {type(found).__name__} at t = {time:g}"
                )
            self._check(found, time)
            self._last = (time, found)
        return self._last[1]

    def _check(self, found: SpinHamiltonian, time: float) -> None:
        if self._first is None:
            return
        for name in ("n_sites", "total_sz", "rotation"):
            first, now = getattr(self._first, name), getattr(found, name)
            if first != now:
                raise ValueError(
                    f"H(t) must keep its {name}, got {first} at t = 0 and {now} at t = {time:g}"
                )


def _sum_of_parts(parts: Any) -> Callable[[float], SpinHamiltonian]:
    if not (isinstance(parts, Sequence) and parts and all(_is_pair(part) for part in parts)):
        raise TypeError(
            "H must be a SpinHamiltonian, a function of the time, or a list of "
            f"(coefficient, operator), got {type(parts).__name__}"
        )
    base = parts[0][1]
    if not isinstance(base, SpinHamiltonian):
        raise TypeError(f"the first part of H must be a SpinHamiltonian, got {_kind(base)}")
    operators = []
    for _, given in parts:
        operator = base._terms_of(given)
        if operator is None:
            raise TypeError(f"a part of H must be an operator, got {_kind(given)}")
        operators.append(operator)

    def at(time: float) -> SpinHamiltonian:
        values = [_coefficient(c, k, time) for k, (c, _) in enumerate(parts)]
        # In the order of the parts, so that H(t) has the same bits whenever it is made.
        total = PauliSum.sum(v * x for v, x in zip(values, operators, strict=True))
        return SpinHamiltonian(
            f"{base.name}, driven", base.n_sites, total, base.lattice, base.total_sz, base.rotation
        )

    return at


def _is_pair(part: Any) -> bool:
    return isinstance(part, tuple | list) and len(part) == 2


def _kind(value: Any) -> str:
    return type(value).__name__


def _coefficient(coefficient: Any, k: int, time: float) -> float:
    value = coefficient(time) if callable(coefficient) else coefficient
    return number(f"coefficient {k} of H at t = {time:g}", value)
