"""Evolution in time: equations, integrators and quenches against exact and published ones.

    python benchmarks/dynamics.py [SECTION ...] [--quick] [--json FILE] [--alpha A] [--samples N]

All sections without any named, which takes hours; `--quick` has small versions of them.

velocity      of the equations, against the exact one projected on the tangent space
orders        of the integrators, by halving steps
summed        Ising rings of 10 to 14, summed over all states: infidelity at t = 2
ising_40      h = 0.5 to 1, sampled, against free fermions; published alpha = 4: 2.2e-2 at t = 1.9
ising_80      h = 4 to 2; published: 9.7e-4 in m_x, 1.9e-3 in zz
xxz_half      40 sites, Jz = 1 to 0.5, to 2.6 / 4; published: 1.2e-3 in zz
xxz_double    Jz = 1 to 2, to 2.8 / 4; published: 1.4e-2
neel_12       staggered magnetisation of the Heisenberg chain, to t = 1 of H / 4
neel_20       the same
square_4      4x4 Ising, all spins along +x to h = 0.3044, against the exact curve, to t = 0.9
square_5      5x5
square_10     10x10; the curve of 5x5 stands for it
coverage      of two error bars along a fixed trajectory, 100 repetitions
netket_chain  seconds a step beside NetKet: chain of 40, alpha = 4
netket_small  chain of 8, alpha = 8, Runge-Kutta 4(5)
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from dynamics_coverage import coverage
from dynamics_netket import netket_chain, netket_small
from dynamics_sampled import Effort, ising_quench, neel_quench, square_quench, xxz_quench
from dynamics_summed import orders, summed, velocity
from timing import write_record

Section = Callable[[bool], dict[str, Any]]
SMALL = {"n_samples": 256, "n_observable_samples": 1024}


def sampled_sections(change: dict[str, int]) -> dict[str, Section]:
    """Sections that sample; `change` is what the command line asks for in all of them."""

    def ising(
        n: int, before: float, after: float, effort: Effort, times: np.ndarray, quick: bool
    ) -> dict[str, Any]:
        if quick:
            return ising_quench(16, before, after, replace(effort, **SMALL), times[:2])
        return ising_quench(n, before, after, replace(effort, **change), times)

    def xxz(delta: float, effort: Effort, times: np.ndarray, quick: bool) -> dict[str, Any]:
        if quick:
            return xxz_quench(12, delta, replace(effort, **SMALL), times[:2])
        return xxz_quench(40, delta, replace(effort, **change), times)

    def neel(n: int, effort: Effort, quick: bool) -> dict[str, Any]:
        if quick:
            return neel_quench(8, replace(effort, **SMALL), np.linspace(0, 0.2, 2))
        return neel_quench(n, replace(effort, **change), np.linspace(0, 1, 11))

    def plane(side: int, effort: Effort, quick: bool) -> dict[str, Any]:
        if quick:
            return square_quench(3, replace(effort, **SMALL), np.linspace(0, 0.1, 2))
        return square_quench(side, replace(effort, **change), np.linspace(0, 0.9, 10))

    careful = Effort(4, 4096, 16384, 1e-4, options={"summation": False})
    return {
        "ising_40": partial(ising, 40, 0.5, 1.0, Effort(4), np.linspace(0, 1.9, 20)),
        "ising_80": partial(
            ising, 80, 4.0, 2.0, Effort(4, 4096, 196608, 3e-4), np.linspace(0, 1.9, 20)
        ),
        "xxz_half": partial(xxz, 0.5, Effort(4), np.arange(0, 2.61, 0.2) / 4),
        "xxz_double": partial(xxz, 2.0, Effort(4), np.arange(0, 2.81, 0.2) / 4),
        "neel_12": partial(neel, 12, careful),
        "neel_20": partial(neel, 20, careful),
        "square_4": partial(plane, 4, Effort(4, tolerance=1e-4)),
        "square_5": partial(plane, 5, Effort(4, tolerance=1e-4)),
        "square_10": partial(plane, 10, Effort(4, tolerance=1e-4)),
    }


def main() -> None:
    """Print the figures, and write them where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", metavar="SECTION", help="all unless named")
    parser.add_argument("--quick", action="store_true", help="small systems, short times")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--alpha", type=int, help="features of the tied weights where sampled")
    parser.add_argument("--samples", type=int, help="in the equations where sampled")
    args = parser.parse_args()
    change = {"n_features": args.alpha, "n_samples": args.samples}
    sections: dict[str, Section] = {
        "velocity": velocity,
        "orders": orders,
        "summed": summed,
        **sampled_sections({name: value for name, value in change.items() if value}),
        "coverage": coverage,
        "netket_chain": netket_chain,
        "netket_small": netket_small,
    }
    unknown = [name for name in args.sections if name not in sections]
    if unknown:
        parser.error(f"SECTION must be of {', '.join(sections)}; got {unknown[0]}")
    report: dict[str, Any] = {}
    for name in args.sections or sections:
        report[name] = sections[name](args.quick)
        print(f"{name}: {_line(report[name])}", flush=True)
        write_record(args.json, report)


def _line(found: Any) -> str:
    """Numbers of a section; lists, which the file has, left aside."""
    if isinstance(found, float):
        return f"{found:.3g}"
    if not isinstance(found, dict):
        return str(found)
    return ", ".join(f"{k} {_line(v)}" for k, v in found.items() if not isinstance(v, list))


if __name__ == "__main__":
    main()
