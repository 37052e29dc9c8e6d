"""A study of tomography from a TOML file: fidelity against shots, resumable after any set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hamiltonians.exact.diagonalisation import ground_state
from hamiltonians.utils.checks import positive_int, short
from hamiltonians.utils.locks import locked
from rbmqs.runs.config import config_from_table
from rbmqs.studies.header import names_of, section_of
from rbmqs.studies.study import StudyError
from rbmqs.tomography.bases import Bases, all_pauli_bases, random_pauli_bases
from rbmqs.tomography.curve import FidelityCurve, fidelity_against_shots
from rbmqs.tomography.functionals import target_array
from rbmqs.tomography.plotting import plot_curve
from rbmqs.tomography.reading import read_target
from rbmqs.tomography.reconstruct import reconstruct
from rbmqs.utils.json_files import write_json
from rbmqs.utils.json_lines import LineWriter, read_lines
from rbmqs.utils.tables import digest

TABLES = ("study", "model", "lattice", "tomography")
OPTIONS = ("model", "n_hidden", "readout", "held_out", "n_starts", "n_iter", "optimiser",
           "learning_rate", "method", "incomplete")  # fmt: skip
_KEYS = ("target", "bases", "shots", "n_sets", "seed", *OPTIONS)
LOG, FORMAT = "fidelities.jsonl", "rbmqs-fidelity-study"
MOST_SITES = 20  # of the state vector that is measured


@dataclass(frozen=True, eq=False)
class FidelityStudy:
    """Fidelities of reconstructions of one state from synthetic shots.

    Parameters
    ----------
    name, output : str
        What it is called, and the directory of its results.
    target : complex128 (2^N,) or (2^N, 2^N)
        What is measured.
    bases : Bases
    shots : tuple of int
        Of each basis.
    n_sets : int
        Sets of shots of each size.
    seed : int
    options : dict
        Of `rbmqs.reconstruct`.
    """

    name: str
    output: str
    target: np.ndarray
    bases: Bases
    shots: tuple[int, ...]
    n_sets: int
    seed: int
    options: dict[str, Any]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all that decides the fidelity of a set."""
        arrays = [a.tobytes().hex() for a in (self.target, self.bases.unitaries)]
        return digest({"arrays": arrays, "seed": self.seed, "options": self.options})

    def known(self, output: str | None = None) -> dict[tuple[int, int], float]:
        """Fidelities found before, by shots a basis and number of the set.

        Raises
        ------
        ValueError
            A directory that belongs to another study, or a damaged log.
        """
        path = Path(output or self.output) / LOG
        if not path.exists():
            return {}
        first, records = read_lines(path, FORMAT, dict, "a log of fidelities")
        if first["fingerprint"] != self.fingerprint:
            raise ValueError(f"output {path.parent} holds another study: choose another directory")
        return {(r["shots"], r["set"]): r["fidelity"] for r in records}

    def left(self, output: str | None = None) -> int:
        """Number of sets that are not done."""
        known = self.known(output)
        return sum((n, k) not in known for n in self.shots for k in range(self.n_sets))

    def run(self, output: str | None = None, *, progress: bool = True) -> FidelityCurve:
        """Reconstruct what is not done yet, and write table, figure and summary.

        A signal ends it; every set that was finished is kept.
        """
        directory = Path(output or self.output)
        directory.mkdir(parents=True, exist_ok=True)
        with locked(directory):
            known = self.known(output)
            lines: list[dict[str, Any]] = [
                {"shots": n, "set": k, "fidelity": value} for (n, k), value in known.items()
            ]
            head = {"format": FORMAT, "name": self.name, "fingerprint": self.fingerprint}
            log = LineWriter(directory / LOG, [head, *lines])
            try:
                curve = fidelity_against_shots(
                    self.target, self.bases, self.shots, n_sets=self.n_sets, seed=self.seed,
                    fit=lambda shots, seed: reconstruct(shots, seed=seed, **self.options),
                    known=known, progress=progress,
                    on_fit=lambda n, k, f: log.write({"shots": n, "set": k, "fidelity": f}),
                )  # fmt: skip
            finally:
                log.close()
            curve.save(directory / "table.csv")
            plot_curve(curve, directory / "fidelity.png")
            means = curve.fidelities.mean(axis=1).tolist()
            summary = {"shots": curve.n_shots.tolist(), "mean_fidelity": means}
            write_json(directory / "result.json", {**head, **summary, "options": self.options})
        return curve


def fidelity_study_from_table(table: Mapping[str, Any], name: str = "study") -> FidelityStudy:
    """A study from the tables [study], [tomography], and [model] with [lattice] or a target.

    Raises
    ------
    StudyError
        Everything that is wrong with it, before anything runs.
    """
    problems = [
        f"unknown table [{k}]; known: {', '.join(TABLES)}" for k in table if k not in TABLES
    ]
    header = section_of(table, "study", ("name", "output"), problems)
    title, output = names_of(header, name, problems)
    own = section_of(table, "tomography", _KEYS, problems)
    found: dict[str, Any] = {}

    def attempt(key: str, make: Any, *arguments: Any) -> None:
        try:
            found[key] = make(*arguments)
        except (ValueError, TypeError, OSError) as error:
            problems.append(str(error))

    attempt("n_sets", lambda: positive_int("n_sets", own.get("n_sets", 5), minimum=2))
    attempt("seed", lambda: positive_int("seed", own.get("seed", 0), minimum=0))
    attempt("shots", _sizes, own.get("shots", [30, 100, 300, 1000]))
    attempt("target", _target, table, own.get("target"))
    if "target" in found and "seed" in found:
        n_sites = len(found["target"]).bit_length() - 1
        attempt("bases", _bases, own.get("bases", "all"), n_sites, found["seed"])
    if problems:
        raise StudyError(problems)
    options = {key: own[key] for key in OPTIONS if key in own}
    return FidelityStudy(title, output, options=options, **found)


def _sizes(shots: Any) -> tuple[int, ...]:
    if not isinstance(shots, list) or not shots or len(set(map(str, shots))) < len(shots):
        raise ValueError(f"shots must be a list of different numbers, got {short(shots)}")
    return tuple(positive_int("shots", n, minimum=2) for n in shots)


def _target(table: Mapping[str, Any], path: Any) -> np.ndarray:
    """A state from a file, or the ground state of [model]."""
    if (path is None) == ("model" not in table):
        raise ValueError("give either target in [tomography] or the table [model], whose ground "
                         "state is measured")  # fmt: skip
    if path is None:
        own = {key: table[key] for key in ("model", "lattice") if key in table}
        hamiltonian = config_from_table(own).hamiltonian()
        if hamiltonian.n_sites > MOST_SITES:
            raise ValueError(f"[lattice] must have at most {MOST_SITES} sites here, got "
                             f"{hamiltonian.n_sites}")  # fmt: skip
        return target_array(ground_state(hamiltonian).expanded().ravel(), hamiltonian.n_sites)
    if not isinstance(path, str):
        raise TypeError(f"target must be the name of a file, got {short(path)}")
    array = read_target(path)
    return target_array(array, max(1, len(array).bit_length() - 1))


def _bases(bases: Any, n_sites: int, seed: int) -> Bases:
    """All Pauli bases, a number of random ones, or a list of strings."""
    if bases == "all":
        return all_pauli_bases(n_sites)
    if isinstance(bases, int) and not isinstance(bases, bool):
        return random_pauli_bases(n_sites, positive_int("bases", bases), seed)
    if not isinstance(bases, list):
        raise ValueError(f"bases must be 'all', a number or a list of strings, got {short(bases)}")
    found = Bases.of_strings(bases)
    if found.n_sites != n_sites:
        raise ValueError(f"bases must name {n_sites} sites, got {found.n_sites}")
    return found
