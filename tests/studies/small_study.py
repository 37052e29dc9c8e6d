"""A study of six short runs, and how two results of it are compared."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from rbmqs.studies import load_table, read_study, run_study
from rbmqs.studies.schema import BY_NAME

TEXT = """
[study]
name = "small"
observables = ["magnetisations", "correlations"]
warm_start = "model.parameters.h"
[grid]
lattice.length = [4, 6]
model.parameters.h = { start = 0.5, stop = 1.5, num = 3 }
[derived]
run.seed = "round(100 * model.parameters.h) + lattice.length"
inverse = "1 / model.parameters.h"
[model]
name = "ising"
parameters = { J = -1.0 }
[ansatz]
alpha = 1
[run]
n_iterations = 12
[sampling]
n_samples = 128
n_chains = 8
n_final_samples = 512
"""
N_POINTS = 6


def write_study(folder: Path, text: str = TEXT) -> Path:
    """The study file in a folder."""
    path = folder / "small.toml"
    path.write_text(text)
    return path


def run_here(folder: Path, text: str = TEXT, **options):
    """Run the study in this process, one point after the other; its directory and outcome."""
    with ThreadPoolExecutor(1) as executor:
        outcome = run_study(
            read_study(write_study(folder, text)),
            folder / "out",
            executor=executor,
            progress=False,
            **options,
        )
    return folder / "out", outcome


def results_of(root: Path) -> dict[str, list[str]]:
    """All that the seed decides: table, logs, parameters and correlations as text."""
    table = load_table(root)
    rows = {
        name: [str(value) for value in column]
        for name, column in table.columns.items()
        if not (name in BY_NAME and BY_NAME[name].timing)
    }
    for point in sorted((root / "points").iterdir()):
        rows[f"{point.name} log"] = (point / "log.jsonl").read_text().splitlines()
        for path in point.glob("*.npz"):
            with np.load(path) as file:
                rows[f"{point.name} {path.name}"] = [
                    file[key].tobytes().hex() for key in file.files if key != "meta"
                ]
        record = json.loads((point / "point.json").read_text())
        rows[f"{point.name} fingerprint"] = [record["fingerprint"]]
    return rows
