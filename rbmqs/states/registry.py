"""Ansaetze by name: classes register by a decorator, others are named by their import path."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from hamiltonians.utils.registry import Registry
from rbmqs.states.state import VariationalState

ANSAETZE: Registry[type[VariationalState]] = Registry("ansatz")

Kind = TypeVar("Kind", bound=type[VariationalState])


def register_ansatz(name: str) -> Callable[[Kind], Kind]:
    """A decorator: runs, command line and files know the class by this name.

    Parameters
    ----------
    name : str
        As of `--ansatz` and in files.

    Returns
    -------
    class decorator
    """

    def decorate(kind: Kind) -> Kind:
        kind.ansatz_name = name
        ANSAETZE.register(name)(kind)
        return kind

    return decorate


def ansatz_class(name: str) -> type[VariationalState]:
    """The class of a registered name, or of "package.module:Class".

    Raises
    ------
    ValueError
        Neither known nor importable.
    TypeError
        What is found is no class of wavefunctions.
    """
    found = ANSAETZE[name]
    if not (isinstance(found, type) and issubclass(found, VariationalState)):
        raise TypeError(f"ansatz {name!r} must be a class derived from VariationalState")
    return found


def name_of(kind: type[VariationalState]) -> str:
    """What files call a class: its name here, or its import path where it is from outside."""
    name = kind.__dict__.get("ansatz_name")
    if name is not None and kind.__module__.startswith("rbmqs."):
        return str(name)
    return f"{kind.__module__}:{kind.__qualname__}"
