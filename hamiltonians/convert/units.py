"""The factor between Pauli matrices and spins S = sigma / 2, one power of two for each operator."""

import importlib
from typing import Any

from hamiltonians.operators.pauli import PauliSum
from hamiltonians.utils.checks import instance, short

MEANINGS = ("pauli", "spin")


def check_meaning(name: str, value: Any) -> str:
    """``value`` if it is "pauli" or "spin".

    Raises
    ------
    ValueError
        If it is anything else.
    """
    if value not in MEANINGS:
        raise ValueError(
            f"{name} must be 'pauli' for Pauli matrices or 'spin' for S = sigma / 2, "
            f"got {short(value)}"
        )
    return value


def scaled_by_weight(terms: PauliSum, base: float) -> PauliSum:
    """Each string of w operators times ``base`` to the power w."""
    instance("terms", terms, PauliSum)
    return PauliSum({string: c * base ** len(string) for string, c in terms.terms.items()})


def import_library(module: str, name: str, how: str) -> Any:
    """A library that is needed here only.

    Raises
    ------
    ImportError
        If it is not installed, saying how to install it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(f"{name} cannot be imported ({error}); install it by: {how}") from error
