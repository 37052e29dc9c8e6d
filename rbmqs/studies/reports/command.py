"""The command line that repeats a run by itself."""

from __future__ import annotations

import shlex
from typing import Any

from rbmqs.vmc.settings import RunSettings

IN_PYTHON = "rbmqs.ground_state in Python: this Hamiltonian or its optimiser has no command line"


def command_of(result: dict[str, Any]) -> str:
    """A `rbmqs ground-state` command with every setting of the run.

    Parameters
    ----------
    result : dict
        What result.json holds.

    Returns
    -------
    str
        A sentence instead for what the command line cannot say: graphs, couplings that vary from
        bond to bond, terms of your own, an optimiser other than the default.
    """
    hamiltonian, settings = result["hamiltonian"], result["settings"]
    lattice = hamiltonian["lattice"]
    parameters = {
        key: value
        for key, value in (hamiltonian["parameters"] or {}).items()
        if not isinstance(value, list) or any(value)  # a field of zeros is the default
    }
    numbers = all(isinstance(value, int | float) for value in parameters.values())
    default = RunSettings().describe()
    if lattice is None or lattice["kind"] == "graph" or not numbers or not hamiltonian["model"]:
        return IN_PYTHON
    if result["ansatz"]["ansatz"] != "RBM":
        return IN_PYTHON
    if settings["optimiser"] != default["optimiser"] or _grows_otherwise(settings, default):
        return IN_PYTHON
    if len(set(lattice["periodic"])) > 1:
        return IN_PYTHON
    words = ["rbmqs", "ground-state", hamiltonian["model"], *_lattice(lattice)]
    words += [word for key, value in parameters.items() for word in ("-p", f"{key}={value}")]
    if hamiltonian["total_sz"] is not None:
        words += ["--total-sz", str(hamiltonian["total_sz"])]
    words += _signs(hamiltonian["rotation"])
    return shlex.join([*words, *_run(result["ansatz"], settings)])


def _grows_otherwise(settings: dict[str, Any], default: dict[str, Any]) -> bool:
    """Whether stages, restarts or samples go in a way without option; early results do not say."""
    lengths = ("growth_interval", "restart_iterations")
    first = settings["sampling"].get("n_first_samples")
    return first is not None or any(settings.get(n, default[n]) != default[n] for n in lengths)


def _signs(rotation: dict[str, Any] | None) -> list[str]:
    if rotation is None:
        return []
    sites = ",".join(str(i) for i, angle in enumerate(rotation["sixths"]) if angle)
    return ["--signs", sites if rotation["rule"] == "sites" else rotation["rule"]]


def _lattice(lattice: dict[str, Any]) -> list[str]:
    shape = [str(length) for length in lattice["shape"]]
    words = (
        ["--length", *shape] if len(shape) == 1 else ["--lattice", "rectangle", "--shape", *shape]
    )
    return words if lattice["periodic"][0] else [*words, "--open"]


def _run(ansatz: dict[str, Any], settings: dict[str, Any]) -> list[str]:
    sampling, growth = settings["sampling"], settings.get("growth")
    restarts = settings.get("n_restarts")
    options = {
        "--n-hidden": None if growth else ansatz.get("n_hidden"),
        "--seed": settings["seed"],
        "--iterations": settings["n_iterations"],
        "--restarts": None if restarts == 1 else restarts,
        "--samples": sampling["n_samples"],
        "--chains": sampling["n_chains"],
        "--final-samples": sampling["n_final_samples"],
        "--move": sampling["move"],
    }
    if sampling.get("n_replicas", 1) > 1:
        options |= {"--replicas": sampling["n_replicas"], "--beta-min": sampling["beta_min"]}
    words = [str(w) for pair in options.items() if pair[1] is not None for w in pair]
    words += ["--growth", *map(str, growth)] if growth else []
    flags = {"--real": ansatz["dtype"] == "float64"}
    flags["--stop-when-converged"] = settings["stop_when_converged"]
    return [*words, *(flag for flag, wanted in flags.items() if wanted)]
