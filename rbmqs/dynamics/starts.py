"""Where an evolution starts: product states as RBMs, and what a start must agree with."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from hamiltonians.utils.checks import checked_seed, instance, number
from rbmqs.states.projected_rbm import ProjectedRBM
from rbmqs.states.spin_rbm import SpinRBM
from rbmqs.states.state import VariationalState
from rbmqs.states.symmetric_rbm import SymmetricRBM
from rbmqs.vmc.full_summation import common_symmetry

if TYPE_CHECKING:
    from hamiltonians import DrivenHamiltonian

NOISE = 0.003  # at 0.01 it leaves 2e-3 in m_x of a Neel quench of 12 sites, at this 4e-4
ROUNDING = 1e-14  # of a bias that is zero


def product_state(
    psi: VariationalState,
    directions: Any,
    *,
    infidelity: float = 1e-4,
    noise: float = NOISE,
    total_sz: float | None = None,
    seed: int = 0,
) -> VariationalState:
    """A wavefunction of the form of `psi` that is a product state, up to `noise`.

    A visible bias a_i = ln(up / down) / 2 is the amplitude of spin i. Every direction but +z and -z
    is exact; those take infinite biases, and are turned towards +x so far that the fidelity of all
    spins together is 1 - `infidelity`. The weights are random and small: at zero the quantum
    geometric tensor does not see them.

    Parameters
    ----------
    psi : VariationalState
        Its form: number of sites and of hidden units, group. It needs a parameter `visible_bias`
        unless all spins are along +x, and parameters that are zero for a constant wavefunction.
    directions : see `hamiltonians.exact.product_states.spin_directions`
    infidelity : float
        Of spins along z.
    noise : float
        Standard deviation of the weights, real and imaginary parts; the fidelity with the product
        state is then 1 - O(noise^4).
    total_sz : float, optional
        Of the Hamiltonian that it is to evolve under; spins along z must add up to it.
    seed : int

    Returns
    -------
    VariationalState

    Raises
    ------
    TypeError, ValueError
        Directions that this form cannot have, with the reason.
    """
    from hamiltonians.exact.product_states import (  # late: loads Numba
        amplitudes_of_spins,
        spin_directions,
    )

    instance("psi", psi, VariationalState)
    infidelity = number("infidelity", infidelity, above=0)
    if not infidelity < 1:
        raise ValueError(f"infidelity must lie in (0, 1), got {infidelity}")
    noise = number("noise", noise, at_least=0)
    vectors = spin_directions(directions, psi.n_sites)
    found = float(vectors[:, 2] @ np.array(psi.hilbert.spins))
    if total_sz is not None and np.all(abs(vectors[:, 2]) == 1) and found != total_sz:
        raise ValueError(
            f"directions must give a state with total_sz = {total_sz:g}, got one with {found:g}"
        )
    up, down = np.abs(amplitudes_of_spins(vectors)).T
    phases = np.angle(amplitudes_of_spins(vectors)[:, 1])
    n_along_z = int(np.count_nonzero(np.minimum(up, down) == 0))
    least = (infidelity / max(2 * max(psi.hilbert.spins) * n_along_z, 1)) ** 0.5
    logs = np.log(np.where(up == 0, least, up)) - np.log(np.where(down == 0, least, down))
    bias = (logs - 1j * phases) / 2
    bias[np.abs(bias) < ROUNDING] = 0.0
    rng = np.random.default_rng(checked_seed("seed", seed))
    arrays: dict[str, np.ndarray] = {}
    for name, array in psi.parameters.items():
        shape, is_complex = np.shape(array), np.iscomplexobj(array)
        values = rng.normal(scale=noise, size=shape) + 1j * is_complex * rng.normal(
            scale=noise, size=shape
        )
        arrays[name] = values if is_complex else values.real
    if "visible_bias" in arrays:
        arrays["visible_bias"] = _of_parameters(psi, bias)
    elif isinstance(psi, SpinRBM):
        raise ValueError("psi must have a visible bias (visible_bias=True), got a SpinRBM without")
    elif np.any(bias != 0):
        raise ValueError(
            f"directions must all be +x for a {type(psi).__name__} without visible bias: "
            f"give it one (visible_bias=True)"
        )
    return psi.with_parameters(arrays)


def _of_parameters(psi: VariationalState, bias: np.ndarray) -> np.ndarray:
    """Biases of sites as the parameter, which tied weights have one of for each orbit of sites."""
    if isinstance(psi, SpinRBM):  # coherent states: 2 S spins 1/2 of one direction
        top = round(2 * psi.spin)
        lowered = np.arange(top + 1)
        ways = 0.5 * np.log([math.comb(top, k) for k in lowered])
        bias = psi.bias_of_levels(bias[:, None] * (top - 2 * lowered) + ways)
    if isinstance(psi, SymmetricRBM | SpinRBM):
        first = [int(np.flatnonzero(psi.orbits == k)[0]) for k in range(max(psi.orbits) + 1)]
        if not np.allclose(bias[first][psi.orbits], bias):
            raise ValueError("directions must be equal on sites that the group of psi exchanges")
        bias = bias[first]
    if not psi.is_complex:
        if np.any(np.abs(bias.imag) > ROUNDING):
            raise ValueError(
                "directions must lie in the half plane x > 0 of xz for real parameters"
            )
        return bias.real
    return bias


def check_start(driven: DrivenHamiltonian, psi: VariationalState, imaginary: bool) -> None:
    """Refuse a wavefunction that cannot evolve under this Hamiltonian.

    Raises
    ------
    ValueError
        Another number of sites, real parameters in real time, or a symmetry of the wavefunction
        that H does not have.
    """
    H = driven.first
    if psi.n_sites != H.n_sites:
        raise ValueError(f"psi has {psi.n_sites} sites, the Hamiltonian {H.n_sites}")
    if not psi.is_complex and not imaginary:
        raise ValueError(
            f"psi must have complex parameters in real time, got a {type(psi).__name__} with real "
            "ones: as_complex(psi) has both parts"
        )
    check_symmetry(driven, psi, 0.0)


def check_symmetry(driven: DrivenHamiltonian, psi: VariationalState, time: float) -> None:
    """Refuse H(t) that takes the wavefunction out of its symmetry sector, or loses a symmetry."""
    H = driven.at(time)
    if isinstance(psi, ProjectedRBM):
        psi.sector.check(H)
        return
    mine, its = common_symmetry(driven.first, psi), common_symmetry(H, psi)
    group = getattr(psi, "group", None)
    tied = 1 if group is None else group.order
    if its.group.order < tied:
        raise ValueError(
            f"H must have the symmetry of psi, whose weights are tied over a group of order "
            f"{tied}; at t = {time:g} it does not"
        )
    if mine.spin_inversion is not None and its.spin_inversion is None:
        raise ValueError(
            f"H must keep its symmetry under the inversion of all spins, which psi has too; "
            f"at t = {time:g} it does not"
        )


def as_complex(psi: VariationalState) -> VariationalState:
    """The same wavefunction with complex parameters.

    Parameters
    ----------
    psi : VariationalState

    Returns
    -------
    VariationalState

    Raises
    ------
    ValueError
        An ansatz that takes none.
    """
    instance("psi", psi, VariationalState)
    arrays = {name: np.asarray(a).astype(complex) for name, a in psi.parameters.items()}
    found = psi.with_parameters(arrays)
    if not found.is_complex:
        raise ValueError(f"{type(psi).__name__} takes no complex parameters")
    return found
