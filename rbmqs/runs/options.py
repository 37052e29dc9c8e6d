"""Options of the command line by the keys of a configuration that they stand for."""

from __future__ import annotations

from typing import NamedTuple

from hamiltonians.lattices.registry import LATTICES


class Option(NamedTuple):
    """An option, the key of the file that it stands for, and its help."""

    name: str
    place: str
    metavar: str
    help: str | None = None


MODEL = (
    Option(
        "--lattice", "lattice.kind", "KIND",
        f"{', '.join(LATTICES)} or package.module:function; default: chain",
    ),
    Option("--length", "lattice.length", "L", "cells along each direction"),
    Option(
        "--shape", "lattice.shape", "L",
        "cells along the directions, rungs and legs of a ladder, a and b of a tilted square",
    ),
    Option(
        "--vectors", "lattice.vectors", "M",
        "rows of integers that span a cluster, as 2 2 -2 4 for the triangular one of 12",
    ),
    Option("--spin", "model.spin", "S", "spins of S = 1, 1.5, ...: one number, or one a site"),
    Option("--total-sz", "model.total_sz", "SZ", "sector; default: free"),
    Option("--marshall", "model.marshall", "", "the same as --signs marshall"),
    Option(
        "--signs", "model.signs", "RULE",
        "sign rule: marshall, stripe-x, stripe-y, sublattice, sites to rotate as 0,3,5, "
        "none, or (ground-state) auto: the best of short runs with each; default: the signs of the "
        "ground state where they are known",
    ),
)  # fmt: skip
RUN = (
    Option("--alpha", "ansatz.alpha", "ALPHA", "hidden units per site (default 2)"),
    Option("--n-hidden", "ansatz.n_hidden", "M", "hidden units"),
    Option("--tied", "ansatz.tied", "GROUP", "tie the weights over translations or space-group"),
    Option("--n-features", "ansatz.n_features", "F", "features of tied weights"),
    Option(
        "--ansatz", "ansatz.name", "NAME",
        "jastrow, jastrow-rbm, pair-product-rbm, spin-rbm, or package.module:Class; else an RBM",
    ),
    Option(
        "--project", "ansatz.project", "SECTOR",
        "project onto a symmetry sector: symmetric, or a label that "
        "'rbmqs exact --symmetry all' prints, such as 'k=(0,0) A1 +'",
    ),
    Option("--seed", "run.seed", "SEED"),
    Option("--iterations", "run.n_iterations", "N"),
    Option("--max-seconds", "run.max_seconds", "S", "stop after this time"),
    Option(
        "--growth", "run.growth", "ALPHA",
        "densities of hidden units of the stages of the run, such as 1 2 4",
    ),
    Option("--restarts", "run.n_restarts", "N", "random restarts, of which the best is kept"),
    Option("--samples", "sampling.n_samples", "N", "per iteration"),
    Option("--final-samples", "sampling.n_final_samples", "N", "of the final estimate"),
    Option("--chains", "sampling.n_chains", "N"),
    Option("--replicas", "sampling.n_replicas", "R", "replica exchange, R to a chain"),
    Option("--beta-min", "sampling.beta_min", "B", "of the last replica (0.1)"),
    Option("--move", "sampling.move", "MOVE", "flip, exchange, pair-exchange or mixed"),
    Option(
        "--optimiser", "optimiser.kind", "KIND",
        "sr, adam, sgd or package.module:Class (default sr)",
    ),
    Option("--learning-rate", "optimiser.learning_rate", "RATE", "constant"),
    Option("--diag-shift", "optimiser.diag_shift", "SHIFT", "constant"),
    Option("--solver", "optimiser.solver", "NAME", "sample-space (-cg), matrix-free or dense"),
    Option("--stop-when-converged", "run.stop_when_converged", ""),
)  # fmt: skip
