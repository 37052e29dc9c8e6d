"""Arithmetic in study files: `"64 * lattice.length"` with the values of a point, and nothing else.

An expression is parsed, not run by Python: numbers, names, + - * / // % ** and the functions below
are all there is, so that a study file from elsewhere cannot do harm.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from hamiltonians.utils.checks import short

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "ceil": math.ceil,
    "cos": math.cos,
    "exp": math.exp,
    "floor": math.floor,
    "log": math.log,
    "max": max,
    "min": min,
    "round": lambda value, digits=0: round(value, _digits(digits)) if digits else round(value),
    "sin": math.sin,
    "sqrt": math.sqrt,
}
_CONSTANTS = {"pi": math.pi}
_OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_MAX_LENGTH = 500
_MOST_DIGITS = 15  # behind the point that `round` keeps
_LARGEST = 2**53  # of a whole number: beyond it a number of the file is not exact


def evaluate(text: str, names: Mapping[str, Any]) -> int | float:
    """Value of an arithmetic expression.

    Parameters
    ----------
    text : str
        Such as `"max(512, 32 * lattice.length)"`.
    names : mapping of str to number
        Values of dotted names.

    Raises
    ------
    ValueError
        Not arithmetic, an unknown name, or no finite value.
    """
    if not isinstance(text, str) or len(text) > _MAX_LENGTH:
        raise ValueError(f"an expression is a text of at most {_MAX_LENGTH} characters")
    try:
        return _value(ast.parse(text, mode="eval").body, names)
    except (SyntaxError, RecursionError, MemoryError, ArithmeticError, TypeError) as error:
        raise ValueError(f"expression {text!r} has no value: {error}") from None
    except ValueError as error:
        raise ValueError(f"expression {text!r}: {error}") from None


def _value(node: ast.AST, names: Mapping[str, Any]) -> int | float:
    """The value of a part, which is finite, and small enough where it is whole."""
    value = _unbounded(node, names)
    if isinstance(value, int) and abs(value) > _LARGEST:
        raise ValueError(f"{ast.unparse(node)!r} exceeds {_LARGEST}, the largest whole number")
    if not math.isfinite(value):
        raise ValueError(f"{ast.unparse(node)!r} is not finite")
    return value


def _digits(value: Any) -> int:
    if not isinstance(value, int) or abs(value) > _MOST_DIGITS:
        raise ValueError(f"round keeps at most {_MOST_DIGITS} digits, got {short(value)}")
    return value


def _unbounded(node: ast.AST, names: Mapping[str, Any]) -> int | float:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return value
        case ast.Name() | ast.Attribute():
            return _look_up(ast.unparse(node), names)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return math.pow(_value(left, names), _value(right, names))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_value(left, names), _value(right, names))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_value(operand, names))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
            return FUNCTIONS[name](*(_value(arg, names) for arg in args))
    raise ValueError(
        f"{ast.unparse(node)!r} is not arithmetic; allowed are numbers, names, + - * / // % ** and "
        f"{', '.join(FUNCTIONS)}"
    )


def _look_up(name: str, names: Mapping[str, Any]) -> int | float:
    value = names.get(name, _CONSTANTS.get(name))
    if isinstance(value, bool) or not isinstance(value, int | float):
        known = ", ".join(key for key in names if isinstance(names[key], int | float))
        raise ValueError(f"{name!r} is not a number of this point; known: {known or 'none'}")
    return value
