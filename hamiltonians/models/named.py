"""Named models, one formula each. sigma are Pauli matrices; signs are those of NetKet.

With ``spin=S``, a number or one for each site, the models hold S_x, S_y, S_z of such spins in place
of X, Y, Z; ``spin=0.5`` too, whose couplings are a quarter of those without ``spin``. Couplings may
be one number or one for each bond, fields one number or one for each site. A new model is one
function under ``@MODELS.register("name")``.
"""

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hamiltonians.lattices import Lattice
from hamiltonians.models.hamiltonian import ModelSpec, SpinHamiltonian
from hamiltonians.models.terms import (
    anisotropy_terms,
    bond_terms,
    field_terms,
    site_terms,
    total,
)
from hamiltonians.utils.checks import real_array, short
from hamiltonians.utils.registry import Registry

NO_FIELD = (0.0, 0.0, 0.0)
MODELS: Registry[Callable[..., SpinHamiltonian]] = Registry("model")


@MODELS.register("ising")
def ising(
    lattice: Lattice,
    h: ArrayLike = 1.0,
    J: ArrayLike = 1.0,
    hz: ArrayLike = 0.0,
    spin: Any = None,
) -> SpinHamiltonian:
    """Transverse-field Ising model, H = sum_<ij> J Z_i Z_j - sum_i h X_i - sum_i hz Z_i.

    Parameters
    ----------
    lattice : Lattice
    h, hz : float or array, shape (n_sites,)
        Transverse and longitudinal field.
    J : float or array, shape (n_bonds,)
        Coupling in the order of ``lattice.bonds()``; J > 0 is antiferromagnetic.
    spin : float or sequence of float, optional
        S of all sites or of each; see the module.

    Returns
    -------
    SpinHamiltonian

    Raises
    ------
    TypeError, ValueError
        If a parameter is not real and finite, or its length is wrong.
    """
    check_lattice(lattice)
    terms = [
        bond_terms(lattice, "ZZ", spin=spin, J=J),
        -site_terms(lattice, "X", spin, h=h),
        -site_terms(lattice, "Z", spin, hz=hz),
    ]
    return named_model("ising", "Ising", lattice, terms, {"J": J, "h": h, "hz": hz}, spin=spin)


@MODELS.register("heisenberg")
def heisenberg(
    lattice: Lattice,
    J: ArrayLike = 1.0,
    field: ArrayLike = NO_FIELD,
    total_sz: float | None = None,
    marshall: bool = False,
    signs: Any = None,
    spin: Any = None,
) -> SpinHamiltonian:
    """Heisenberg model, H = sum_<ij> J sigma_i . sigma_j - sum_i field . sigma_i.

    Parameters
    ----------
    lattice : Lattice
    J : float or array, shape (n_bonds,)
        J > 0 is antiferromagnetic.
    field : array, shape (3,) or (n_sites, 3)
    total_sz : float, optional
        Sector in units of hbar.
    marshall : bool
        The same as ``signs="marshall"``.
    signs : str or array of int, optional
        Sign rule by which the basis is rotated, or the sites to rotate by pi; see
        `SpinHamiltonian.with_signs`.
    spin : float or sequence of float, optional
        S of all sites or of each; see the module.

    Returns
    -------
    SpinHamiltonian

    Raises
    ------
    TypeError, ValueError
        If a parameter is not real and finite or its length is wrong, if the field breaks the
        sector, or if the sign rule does not exist on the lattice.
    """
    check_lattice(lattice)
    terms = [bond_terms(lattice, pair, spin=spin, J=J) for pair in ("XX", "YY", "ZZ")]
    terms.append(field_terms(lattice, field, spin))
    parameters = {"J": J, "field": field}
    return named_model(
        "heisenberg", "Heisenberg", lattice, terms, parameters, total_sz, marshall, signs, spin
    )


@MODELS.register("xxz")
def xxz(
    lattice: Lattice,
    J: ArrayLike = 1.0,
    delta: ArrayLike = 1.0,
    field: ArrayLike = NO_FIELD,
    total_sz: float | None = None,
    marshall: bool = False,
    signs: Any = None,
    spin: Any = None,
    D: ArrayLike = 0.0,
) -> SpinHamiltonian:
    """XXZ model, H = sum_<ij> J (X_i X_j + Y_i Y_j + delta Z_i Z_j) - sum_i field . sigma_i.

    ``delta`` is one number or one for each bond; the other parameters are those of `heisenberg`.
    With a ``spin``, sum_i D (S^z_i)^2 is added, the single-ion anisotropy: ``D`` is one number or
    one for each site.

    Parameters
    ----------
    lattice : Lattice
    J, delta : float or array, shape (n_bonds,)
    field : array, shape (3,) or (n_sites, 3)
    total_sz, marshall, signs, spin
        As of `heisenberg`.
    D : float or array, shape (n_sites,)

    Returns
    -------
    SpinHamiltonian
    """
    check_lattice(lattice)
    n_bonds = (len(lattice.bonds()),)
    Jz = real_array("J", J, n_bonds, "bonds") * real_array("delta", delta, n_bonds, "bonds")
    terms = [bond_terms(lattice, pair, spin=spin, J=J) for pair in ("XX", "YY")]
    terms += [bond_terms(lattice, "ZZ", spin=spin, Jz=Jz), field_terms(lattice, field, spin)]
    parameters = {"J": J, "delta": delta, "field": field}
    if np.any(D):
        if spin is None:
            raise ValueError("D must be 0 without a spin: (S^z)^2 is constant for spins 1/2")
        terms.append(anisotropy_terms(lattice, D, spin))
        parameters["D"] = D
    return named_model("xxz", "XXZ", lattice, terms, parameters, total_sz, marshall, signs, spin)


@MODELS.register("xyz")
def xyz(
    lattice: Lattice,
    Jx: ArrayLike = 1.0,
    Jy: ArrayLike = 1.0,
    Jz: ArrayLike = 1.0,
    field: ArrayLike = NO_FIELD,
    total_sz: float | None = None,
    marshall: bool = False,
    signs: Any = None,
    spin: Any = None,
) -> SpinHamiltonian:
    """XYZ model, H = sum_<ij> (Jx X_i X_j + Jy Y_i Y_j + Jz Z_i Z_j) - sum_i field . sigma_i.

    Couplings are one number or one for each bond; the rest is as in `heisenberg`.

    Parameters
    ----------
    lattice : Lattice
    Jx, Jy, Jz : float or array, shape (n_bonds,)
    field : array, shape (3,) or (n_sites, 3)
    total_sz, marshall, signs, spin
        As of `heisenberg`.

    Returns
    -------
    SpinHamiltonian
    """
    check_lattice(lattice)
    terms = [bond_terms(lattice, "XX", spin=spin, Jx=Jx)]
    terms += [bond_terms(lattice, "YY", spin=spin, Jy=Jy)]
    terms += [bond_terms(lattice, "ZZ", spin=spin, Jz=Jz), field_terms(lattice, field, spin)]
    parameters = {"Jx": Jx, "Jy": Jy, "Jz": Jz, "field": field}
    return named_model("xyz", "XYZ", lattice, terms, parameters, total_sz, marshall, signs, spin)


@MODELS.register("j1j2")
def j1j2(
    lattice: Lattice,
    J1: ArrayLike = 1.0,
    J2: ArrayLike = 0.5,
    field: ArrayLike = NO_FIELD,
    total_sz: float | None = None,
    marshall: bool = False,
    signs: Any = None,
    spin: Any = None,
) -> SpinHamiltonian:
    """J1-J2 model, H = J1 sum_<ij> sigma_i . sigma_j + J2 sum_<<ij>> sigma_i . sigma_j - fields.

    <<ij>> are second neighbours, ``lattice.bonds(2)``. Sign rules look at first neighbours only:
    "marshall" suits small J2, "stripe-x" or "stripe-y" large J2. Other parameters are those of
    `heisenberg`. A pair that two images join on a small torus is one bond; see
    `Lattice.multiplicity`.

    Parameters
    ----------
    lattice : Lattice
    J1, J2 : float
        Couplings of first and of second neighbours.
    field : array, shape (3,) or (n_sites, 3)
    total_sz, marshall, signs, spin
        As of `heisenberg`.

    Returns
    -------
    SpinHamiltonian
    """
    check_lattice(lattice)
    terms = [bond_terms(lattice, pair, 1, spin, J1=J1) for pair in ("XX", "YY", "ZZ")]
    terms += [bond_terms(lattice, pair, 2, spin, J2=J2) for pair in ("XX", "YY", "ZZ")]
    terms.append(field_terms(lattice, field, spin))
    parameters = {"J1": J1, "J2": J2, "field": field}
    return named_model("j1j2", "J1-J2", lattice, terms, parameters, total_sz, marshall, signs, spin)


def model(name: str, lattice: Lattice, **parameters: Any) -> SpinHamiltonian:
    """A model by its name in `MODELS`, or by "package.module:function".

    Parameters
    ----------
    name : str
    lattice : Lattice
    **parameters
        Of the model.

    Returns
    -------
    SpinHamiltonian

    Raises
    ------
    ValueError
        There is no such model.
    TypeError, ValueError
        A parameter that it does not take, or cannot use.

    Examples
    --------
    >>> model("heisenberg", square(4), J=0.5, total_sz=0)
    """
    build = MODELS[str(name)]
    allowed = [key for key in inspect.signature(build).parameters if key != "lattice"]
    for key in parameters:
        if key not in allowed:
            raise ValueError(
                f"unknown parameter {key!r} of model {name!r}; known: {', '.join(allowed)}"
            )
    return build(lattice, **parameters)


def named_model(
    model: str,
    title: str,
    lattice: Lattice,
    terms: Iterable[Any],
    parameters: dict[str, Any],
    total_sz: float | None = None,
    marshall: bool = False,
    signs: Any = None,
    spin: Any = None,
    blockade: Iterable[tuple[int, int]] = (),
    fixed_spin: float = 0.5,
) -> SpinHamiltonian:
    """Name the sum of ``terms``, and note where it came from.

    ``fixed_spin`` is that of models without a parameter ``spin``.
    """
    if not isinstance(marshall, bool | np.bool_):
        raise TypeError(f"marshall must be True or False, got {short(marshall)}")
    if marshall and signs is not None:
        raise ValueError(f"marshall must be False where signs are given, got signs={signs!r} too")
    values = {key: _frozen(value) for key, value in parameters.items()}
    if spin is not None:
        values["spin"] = _frozen(spin)
    shown = [text for key, value in values.items() if (text := _shown(key, value))]
    name = ", ".join([title, lattice.name, *shown])
    H = SpinHamiltonian(
        name, lattice.n_sites, total(terms), lattice, total_sz,
        spec=ModelSpec(model, lattice, values), spin=fixed_spin if spin is None else spin,
        blockade=tuple(blockade),
    )  # fmt: skip
    return H.with_signs("marshall" if marshall else signs)


def _frozen(value: Any) -> Any:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    array = np.array(value, dtype=np.float64)
    array.setflags(write=False)
    return array.item() if array.ndim == 0 else array


def _shown(key: str, value: Any) -> str:
    """``h=0.5``, or how many values there are; a field of zero is not worth a word."""
    if np.ndim(value) == 0:
        return "" if key == "hz" and value == 0 else f"{key}={value:g}"
    if key == "field":
        vector = ", ".join(f"{x:g}" for x in value) if np.ndim(value) == 1 else "site-dependent"
        return f"field=({vector})" if np.any(value) else ""
    return f"{key}={len(value)} values"


def check_lattice(lattice: Any) -> None:
    """Refuse what is no lattice."""
    if not isinstance(lattice, Lattice):
        raise TypeError(
            "lattice must be a Lattice, such as chain(20) or square(4), "
            f"got {type(lattice).__name__}"
        )
