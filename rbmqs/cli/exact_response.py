"""What `rbmqs exact` prints and draws for --temperature and --dynamical."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

import numpy as np

from rbmqs.utils.figures import BLUE, GREY, panels, saved
from rbmqs.utils.progress import announce

if TYPE_CHECKING:
    from hamiltonians import DynamicalCorrelation, SpinHamiltonian, Thermal

_WIDTH = 0.02  # of the poles in a picture, of the largest frequency shown
_SHOWN = 1e-3  # of the largest weight: poles beyond which nothing is drawn


def check_response(options: argparse.Namespace) -> bool:
    """Whether one of the two is asked for; --plot draws one of them."""
    asked = [options.temperature is not None, options.dynamical is not None]
    if options.plot is not None and sum(asked) != 1:
        raise ValueError("--plot draws either --temperature or --dynamical, give one of them")
    return any(asked)


def print_response(H: SpinHamiltonian, options: argparse.Namespace, limit: int | None) -> int:
    """Averages against the temperature, poles of a dynamical correlation, or both."""
    print(H.name)
    figure: Any = None
    if options.temperature is not None:
        figure = plot_thermal(_thermal(H, options, limit), options.plot)
    if options.dynamical is not None:
        figure = plot_dynamical(_dynamical(H, options), options.plot)
    if figure is not None:
        print(f"{'picture':<14} {options.plot}")
    return 0


def _thermal(H: SpinHamiltonian, options: argparse.Namespace, limit: int | None) -> Thermal:
    from hamiltonians.exact.thermal import thermal  # late: exact solvers load Numba kernels

    found = thermal(
        H, options.temperature, n_vectors=options.vectors_per_sector, memory_limit=limit,
        progress=None if options.quiet else announce, seed=options.seed,
    )  # fmt: skip
    print(f"{found.n_states} states, {found.n_vectors} random vectors in each large sector")
    print("".join(f"{name:>26}" for name in ("temperature", *found.errors)))
    for k, T in enumerate(found.temperatures):
        cells = (f"{getattr(found, n)[k]:.8g} +- {e[k]:.1g}" for n, e in found.errors.items())
        print(f"{T:>26g}" + "".join(f"{cell:>26}" for cell in cells))
    return found


def _dynamical(H: SpinHamiltonian, options: argparse.Namespace) -> DynamicalCorrelation:
    from hamiltonians.exact.ground_sector import with_smallest_sz  # late, as above
    from hamiltonians.exact.response import dynamical_correlation, sz_wave

    H = with_smallest_sz(H)
    wave_vector = np.pi * np.array(options.dynamical)
    poles = dynamical_correlation(H, sz_wave(H, wave_vector), seed=options.seed)
    print(f"ground state {poles.energy:.12f}; sum of weights {poles.moment():.12f}")
    print(f"{'omega':>18} {'weight':>18}")
    kept = poles.weights > 1e-6 * poles.moment()
    for omega, weight in zip(poles.poles[kept], poles.weights[kept], strict=True):
        print(f"{omega:>18.10f} {weight:>18.10f}")
    return poles


def plot_thermal(found: Thermal, path: str | None) -> Any:
    """Each quantity against the temperature, with bands of two error bars; None without a path."""
    if path is None:
        return None
    names = [n for n in found.errors if np.isfinite(getattr(found, n)).any()]
    figure, axes = panels(len(names), 6, 1.9 * len(names))
    order = np.argsort(found.temperatures)
    T = found.temperatures[order]
    for axis, name in zip(axes, names, strict=True):
        values, errors = getattr(found, name)[order], found.errors[name][order]
        axis.plot(T, values, "o-", color=BLUE, ms=3, lw=1)
        axis.fill_between(T, values - 2 * errors, values + 2 * errors, color=BLUE, alpha=0.3, lw=0)
        axis.set_ylabel(name.replace("_", " "))
    axes[-1].set_xlabel("temperature")
    return saved(figure, path)


def plot_dynamical(found: DynamicalCorrelation, path: str | None) -> Any:
    """Poles as lines and broadened to Lorentzians; None without a path."""
    if path is None:
        return None
    figure, axes = panels(2, 6, 4)
    shown = found.weights > _SHOWN * found.weights.max()
    largest = max(1.2 * float(found.poles[shown].max()), 1e-12)
    omega = np.linspace(0, largest, 600)
    axes[0].plot(omega, found.spectrum(omega, _WIDTH * largest), color=BLUE, lw=1)
    axes[0].set_ylabel(r"$S(\omega)$")
    axes[0].set_title(f"Lorentzians of half-width {_WIDTH * largest:.2g}", fontsize=9)
    axes[1].vlines(found.poles[shown], 0, found.weights[shown], color=GREY, lw=1)
    axes[1].set_ylabel("weight")
    axes[1].set_xlabel(r"$\omega$")
    return saved(figure, path)
