"""How often do error bars of correlated chains cover the true mean?

Draws chains with a known mean and counts how often the mean lies within one and two error bars:
AR(1) chains, their exponential (skewed like local energies with rare large values), and a
two-mode series that switches slowly. Compared are `rbmqs.estimators.error_bars`, the naive bar
std / sqrt(draws), arviz-stats' MCSE, and NetKet's default bar if NetKet is installed.

A bar of one sigma should cover 68.3 %, two sigma 95.4 %. `trusted` is the share of series for which
`statistics` has no complaint; the last column is the two-sigma coverage among those.

    python benchmarks/error_bars.py --quick
    python benchmarks/error_bars.py --json error_bars.json
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from timing import write_record

from rbmqs.estimators.error_bars import MAX_R_HAT, MIN_ESS, statistics

Series = NDArray[np.float64]
Bar = Callable[[Series], float]

SHAPES = [(16, 64), (16, 256), (16, 1024), (64, 16), (256, 16), (4, 1000), (2, 5000), (1, 5000)]
TAUS = [1, 3, 9, 39]


@dataclasses.dataclass(frozen=True)
class Cell:
    """Coverage measured for one kind of series, shape and autocorrelation time."""

    kind: str
    n_chains: int
    n_draws: int
    tau: int
    replicas: int
    coverage: dict[str, tuple[float, float]]
    trusted: float
    coverage_trusted: float | None


def ar1(rng: np.random.Generator, phi: float, shape: tuple[int, int]) -> Series:
    """Stationary Gaussian AR(1) chains of mean 0, variance 1, tau = (1 + phi) / (1 - phi)."""
    start = rng.standard_normal((shape[0], 1))
    noise = math.sqrt(1 - phi**2) * rng.standard_normal(shape)
    return lfilter([1.0], [1.0, -phi], noise, axis=1, zi=phi * start)[0]


def skewed(rng: np.random.Generator, phi: float, shape: tuple[int, int]) -> Series:
    """Log-normal chains, mean subtracted; their tau is about three quarters of the AR(1)'s."""
    return np.exp(ar1(rng, phi, shape)) - math.exp(0.5)


def two_modes(rng: np.random.Generator, phi: float, shape: tuple[int, int]) -> Series:
    """Noise around +2 or -2, switching with probability (1 - phi) / 2 at each draw."""
    switches = np.cumsum(rng.random(shape) < (1 - phi) / 2, axis=1)
    mode = (switches + rng.integers(0, 2, (shape[0], 1))) % 2
    return 4.0 * mode - 2.0 + rng.standard_normal(shape)


KINDS = {"ar1": ar1, "skewed": skewed, "two_modes": two_modes}


def naive(series: Series) -> float:
    """Error of independent draws."""
    return float(series.std()) / math.sqrt(series.size)


def competitors() -> dict[str, Bar]:
    """Return the bars to compare with, as far as their packages are installed."""
    array_stats: Any = importlib.import_module("arviz_stats.base").array_stats
    bars: dict[str, Bar] = {"naive": naive, "arviz": lambda x: float(array_stats.mcse(x))}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            netket: Any = importlib.import_module("netket")
    except ImportError:
        return bars
    bars["netket"] = lambda x: float(netket.stats.statistics(x).error_of_mean)
    return bars


def measure(
    kind: str, shape: tuple[int, int], tau: int, replicas: int, bars: dict[str, Bar], seed: int = 1
) -> Cell:
    """Coverage of every bar over `replicas` independent series."""
    rng = np.random.default_rng([seed, *map(ord, kind), *shape, tau])
    errors: dict[str, list[float]] = {name: [] for name in ("rbmqs", *bars)}
    means, trusted = [], []
    for _ in range(replicas):
        series = KINDS[kind](rng, (tau - 1) / (tau + 1), shape)
        stats = statistics(series)
        means.append(abs(stats.mean))
        trusted.append(not stats.status)
        errors["rbmqs"].append(stats.error_of_mean)
        for name, bar in bars.items():
            errors[name].append(bar(series))
    coverage = {
        name: (float(np.mean(means < np.array(e))), float(np.mean(means < 2 * np.array(e))))
        for name, e in errors.items()
    }
    inside = (means < 2 * np.array(errors["rbmqs"]))[np.array(trusted)]
    among_trusted = float(inside.mean()) if len(inside) >= replicas / 20 else None
    share = float(np.mean(trusted))
    return Cell(kind, *shape, tau, replicas, coverage, share, among_trusted)


def format_row(cell: Cell) -> str:
    covered = "  ".join(f"{100 * a:4.1f}/{100 * b:4.1f}" for a, b in cell.coverage.values())
    last = "   -" if cell.coverage_trusted is None else f"{100 * cell.coverage_trusted:4.1f}"
    shape = f"{cell.n_chains} x {cell.n_draws}"
    return (
        f"{cell.kind:9s}  {shape:>10s}  {cell.tau:3d}  {cell.n_draws / cell.tau:6.0f}  {covered}"
        f"  {100 * cell.trusted:6.0f} %  {last}"
    )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="AR(1) chains only, fewer replicas")
    parser.add_argument("--replicas", type=int, help="series per cell (default 2000, quick 200)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table to FILE too")
    options = parser.parse_args(arguments)
    replicas = options.replicas or (200 if options.quick else 2000)
    bars = competitors()

    print(f"covered in % by 1 sigma / 2 sigma, {replicas} series per cell")
    header = "  ".join(f"{name:>9s}" for name in ("rbmqs", *bars))
    print(f"{'series':9s}  {'chains':>10s}  tau   n/tau  {header}   trusted  then")
    cells = []
    for kind in ["ar1"] if options.quick else KINDS:
        for shape in SHAPES:
            for tau in TAUS:
                cells.append(measure(kind, shape, tau, replicas, bars))
                print(format_row(cells[-1]), flush=True)
    record = {
        "max_r_hat": MAX_R_HAT,
        "min_ess": MIN_ESS,
        "cells": [dataclasses.asdict(cell) for cell in cells],
    }
    write_record(options.json, record)


if __name__ == "__main__":
    main()
