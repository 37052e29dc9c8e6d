"""BLAS and LAPACK inside kernels, called by address.

``np.dot`` compiled into a kernel brings checks, temporaries and their release: 2 seconds of
compilation for every place that calls it. A call by address is a dozen instructions, works in
place and knows the symmetric and triangular routines too. Addresses are arguments of the kernels,
which can therefore be kept in the file cache.
"""

import ctypes
import importlib.util
import sys
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.errors import TypingError
from numba.extending import get_cython_function_address, intrinsic, overload

from hamiltonians.core.jit import FIRST_USE, inlined_exact_kernel

_LETTERS = {"float32": "s", "float64": "d", "complex64": "c", "complex128": "z"}
_LAPACK = {"potrf"}
_NOT_CONTIGUOUS = "an array with an offset must be C-contiguous"

PLAIN, TRANSPOSED, ADJOINT = (np.uint8(ord(letter)) for letter in "NTC")


@cache
def address(routine, dtype):
    """Address of a routine such as gemm for arrays of this type; all integers have 32 bits."""
    library = "cython_lapack" if routine in _LAPACK else "cython_blas"
    name = _LETTERS[np.dtype(dtype).name] + routine
    return get_cython_function_address(load_library(library), name)


@cache
def load_library(name="cython_blas"):
    """Load a module of scipy.linalg without the package, whose import takes 0.15 s of each start.

    Returns its full name. Where the package is imported too, before or after, the module is one.
    """
    full_name = f"scipy.linalg.{name}"
    with FIRST_USE:
        if full_name not in sys.modules:
            folders = importlib.util.find_spec("scipy").submodule_search_locations
            spec = PathFinder.find_spec(full_name, [str(Path(f, "linalg")) for f in folders])
            module = importlib.util.module_from_spec(spec)
            sys.modules[full_name] = module
            spec.loader.exec_module(module)
    return full_name


def _pointer(argument):
    """Pointer to a number, an array, or the element of a contiguous array at (array, offset)."""
    if isinstance(argument, tuple):
        array, offset = argument
        if not array.flags.c_contiguous:
            raise TypeError(_NOT_CONTIGUOUS)
        return array.ctypes.data + int(offset) * array.itemsize
    return argument.ctypes.data


def _call_python(address, arguments, returned):
    kept = [np.asarray(x) if np.isscalar(x) else x for x in arguments]
    function = ctypes.CFUNCTYPE(returned, *[ctypes.c_void_p] * len(kept))(address)
    return function(*map(_pointer, kept))


def call_fortran(address, arguments):
    """Call the subroutine at an address.

    Parameters
    ----------
    address : int
    arguments : tuple
        In the order of the routine: numbers of the width it expects (np.int32, np.uint8 for
        characters, ...), arrays (what starts at their first element: strides are told to the
        routine), and (array, offset) for what starts at an element of a contiguous one.

    Raises
    ------
    TypeError
        An array with an offset that is not contiguous; when compiled, a `TypingError`.
    """
    _call_python(address, arguments, None)


def fortran_value(address, arguments):
    """Value of the double-precision function at an address; arguments as of `call_fortran`."""
    return _call_python(address, arguments, ctypes.c_double)


def _pointers(context, builder, kinds, packed):
    for i, kind in enumerate(kinds):
        value, offset = builder.extract_value(packed, i), None
        if isinstance(kind, types.BaseTuple):
            value, offset = builder.extract_value(value, 0), builder.extract_value(value, 1)
            kind = kind.types[0]
        if isinstance(kind, types.Array):
            pointer = context.make_array(kind)(context, builder, value).data
            pointer = pointer if offset is None else builder.gep(pointer, [offset])
        else:
            pointer = cgutils.alloca_once_value(builder, value)
        yield builder.bitcast(pointer, cgutils.voidptr_t)


def _call_to(returned, llvm_type):
    @intrinsic
    def call(typing_context, address, arguments):
        placed = [kind.types[0] for kind in arguments.types if isinstance(kind, types.BaseTuple)]
        if any(array.layout != "C" for array in placed):
            raise TypingError(_NOT_CONTIGUOUS)

        def generate(context, builder, signature, values):
            pointers = list(_pointers(context, builder, signature.args[1].types, values[1]))
            function = ir.FunctionType(llvm_type, [cgutils.voidptr_t] * len(pointers))
            result = builder.call(builder.inttoptr(values[0], function.as_pointer()), pointers)
            return context.get_dummy_value() if returned is types.void else result

        return returned(address, arguments), generate

    return call


_call = _call_to(types.void, ir.VoidType())
_call_double = _call_to(types.float64, ir.DoubleType())


@overload(call_fortran)
def _call_fortran_compiled(address, arguments):
    return lambda address, arguments: _call(address, arguments)


@overload(fortran_value)
def _fortran_value_compiled(address, arguments):
    return lambda address, arguments: _call_double(address, arguments)


@inlined_exact_kernel
def row_product(gemm, a, transpose_a, b, transpose_b, out, shape, alpha, beta):
    """out <- alpha op(a) op(b) + beta out for row-major matrices.

    gemm : int
        Address, of the type of the matrices, alpha and beta.
    a, b, out : (array, stride) or ((array, offset), stride)
        Where a matrix begins, and the distance of its rows, in elements.
    shape : (rows, columns, inner)
        Of op(a) (rows, inner) and op(b) (inner, columns).
    """
    rows, columns, inner = np.int32(shape[0]), np.int32(shape[1]), np.int32(shape[2])
    # Column-major BLAS sees transposes: out^T = op(b)^T op(a)^T.
    first, second = TRANSPOSED if transpose_b else PLAIN, TRANSPOSED if transpose_a else PLAIN
    call_fortran(
        gemm,
        (first, second, columns, rows, inner, alpha, b[0], np.int32(b[1]),
         a[0], np.int32(a[1]), beta, out[0], np.int32(out[1])),
    )  # fmt: skip
