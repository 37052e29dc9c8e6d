"""The command `rbmqs response`: excitations of a run's ground state in its tangent space."""

from __future__ import annotations

import argparse
from pathlib import Path

from rbmqs.cli.options import add_output_file


def add_response_options(parser: argparse.ArgumentParser) -> None:
    """Options of `rbmqs response`."""
    parser.add_argument("directory", metavar="DIR", help="of a run")
    parser.add_argument(
        "--wave-vector", type=float, nargs="+", metavar="K",
        help="strengths of the structure factor at this k, in units of 1 / lattice constant",
    )  # fmt: skip
    parser.add_argument("--samples", type=int, metavar="N", help="(8192)")
    parser.add_argument("--cutoff", type=float, metavar="X", help="of the eigenvalues of S")
    parser.add_argument("--seed", type=int, default=0, metavar="SEED")
    add_output_file(parser, "--output", "JSON file of levels and strengths")
    parser.set_defaults(run=run_response)


def run_response(options: argparse.Namespace) -> int:
    """Diagonalise, print, write."""
    from rbmqs.dynamics.response import N_SAMPLES, linear_response
    from rbmqs.runs.resume import read_run, wavefunction_of
    from rbmqs.utils.json_files import write_json

    directory = Path(options.directory)
    hamiltonian = read_run(directory)[1]
    rotation = hamiltonian.rotation
    if rotation is not None and rotation.automatic:
        hamiltonian = hamiltonian.unrotated()
    response = linear_response(
        hamiltonian,
        wavefunction_of(directory),
        n_samples=N_SAMPLES if options.samples is None else options.samples,
        cutoff=options.cutoff,
        seed=options.seed,
    )
    print(response)
    table = response.to_dict()
    if options.wave_vector is not None:
        strengths = response.structure_factor(options.wave_vector)
        table |= {"wave_vector": options.wave_vector, "strengths": strengths.tolist()}
        print(f"structure factor at k = {options.wave_vector}: {strengths.sum():.6f} in all")
        for k in sorted(strengths.argsort()[::-1][:8].tolist()):
            print(f"{k + 1:>5} {response.excitations[k]:>16.8f} {strengths[k]:>16.8f}")
    if options.output is not None:
        write_json(Path(options.output), table)
    return 0
