"""Runs described by plain tables: TOML files, command-line options, logs and checkpoints.

    [model]                      [ansatz]           [run]
    name = "ising"               alpha = 2          n_iterations = 700
    parameters = { h = 1.0 }     dtype = "complex"  seed = 1

    [lattice]                    [sampling]         [optimiser]
    kind = "chain"               n_samples = 1024   diag_shift = 1e-3
    length = 20

A key that is not known is an error that lists the keys that are.
"""

from __future__ import annotations

import dataclasses
import inspect
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cattrs
import numpy as np

from hamiltonians.models.symmetries import GROUPS
from hamiltonians.utils.checks import choice, positive_int
from rbmqs.runs.lattice_config import LatticeConfig
from rbmqs.runs.old_names import with_new_names
from rbmqs.utils.schedules import Schedule
from rbmqs.vmc.settings import OptimiserSettings, RunSettings, SamplingSettings

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.states.state import VariationalState


@dataclass(frozen=True)
class ModelConfig:
    """Table [model]: a name of `hamiltonians.MODELS` with its parameters, or "pauli" with `terms`.

    "package.module:function" names a model from outside. `terms` maps strings such as
    "X0 Y1 Z2" to coefficients.
    """

    name: str
    parameters: dict[str, Any] = field(default_factory=dict)
    total_sz: float | None = None
    marshall: bool = False
    signs: str | list[int] | None = None
    terms: dict[str, float] | None = None

    def build(self, lattice: LatticeConfig | None) -> SpinHamiltonian:
        """The Hamiltonian."""
        import hamiltonians as hm

        if ":" not in self.name:
            choice("model", self.name, (*hm.MODELS, "pauli"))
        if self.name == "pauli":
            return self._build_pauli(lattice)
        if self.terms is not None:
            raise ValueError(f"terms belong to model 'pauli', got model {self.name!r}")
        options: dict[str, Any] = dict(self.parameters)
        sector = {"total_sz": self.total_sz, "marshall": self.marshall, "signs": self.signs}
        known = inspect.signature(hm.MODELS[self.name]).parameters
        given = {key: v for key, v in sector.items() if v is not None and v is not False}
        unknown = [key for key in sector if key not in known]
        if any(key in unknown for key in given):
            raise ValueError(f"model {self.name!r} takes neither {' nor '.join(unknown)}")
        options |= given
        return hm.model(self.name, (lattice or LatticeConfig()).build(), **options)

    def _build_pauli(self, lattice: LatticeConfig | None) -> SpinHamiltonian:
        import hamiltonians as hm

        if not self.terms:
            raise ValueError('model \'pauli\' needs terms, such as { "X0 X1" = 1.0, "Z0" = 0.5 }')
        if self.parameters or self.marshall:
            raise ValueError("model 'pauli' takes terms only, not parameters or marshall")
        terms = hm.PauliSum.from_terms((c, _parse_string(s)) for s, c in self.terms.items())
        built = None if lattice is None else lattice.build()
        H = hm.spin_hamiltonian(terms, lattice=built, total_sz=self.total_sz)
        return H.with_signs(self.signs)


@dataclass(frozen=True)
class AnsatzConfig:
    """Table [ansatz]: `alpha` or `n_hidden`, "complex" or "real" parameters, biases.

    `tied` names a group over which weights are tied ("translations" or "space-group"), with
    `n_features` instead of `alpha` if wished; `project` a symmetry sector ("symmetric" or a label).
    `name` is another ansatz, registered or as "package.module:Class", and `keywords` a table of
    what its `random` takes besides.
    """

    alpha: float | None = None
    n_hidden: int | None = None
    n_features: int | None = None
    dtype: str = "complex"
    visible_bias: bool | None = None
    hidden_bias: bool | None = None
    tied: str | None = None
    project: str | None = None
    name: str | None = None
    keywords: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        choice("dtype", self.dtype, ("complex", "real"))
        for name in ("n_hidden", "n_features"):
            if getattr(self, name) is not None:
                positive_int(name, getattr(self, name))
        if self.tied is not None:
            choice("tied", self.tied, GROUPS)

    def options(self) -> dict[str, Any]:
        """Keyword arguments of `rbmqs.ground_state`."""
        table = dataclasses.asdict(self) | {"dtype": complex if self.dtype == "complex" else float}
        return table | {"ansatz": table.pop("name"), "ansatz_options": table.pop("keywords")}


@dataclass(frozen=True)
class LengthConfig:
    """Table [run]: how long, from which seeds, and with how many hidden units when."""

    n_iterations: int = RunSettings.n_iterations
    seed: int = RunSettings.seed
    max_seconds: float | None = RunSettings.max_seconds
    stop_when_converged: bool = RunSettings.stop_when_converged
    growth: tuple[float, ...] = RunSettings.growth
    growth_interval: int = RunSettings.growth_interval
    n_restarts: int | None = RunSettings.n_restarts
    restart_iterations: int = RunSettings.restart_iterations
    extensions: tuple[str, ...] = RunSettings.extensions


@dataclass(frozen=True)
class Config:
    """A whole run; `start_from` is the output of one whose wavefunction it starts with."""

    model: ModelConfig
    lattice: LatticeConfig | None = None
    ansatz: AnsatzConfig = field(default_factory=AnsatzConfig)
    run: LengthConfig = field(default_factory=LengthConfig)
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    optimiser: OptimiserSettings = field(default_factory=OptimiserSettings)
    output: str | None = None
    start_from: str | None = None

    def hamiltonian(self) -> SpinHamiltonian:
        """The Hamiltonian of [model] on [lattice]."""
        return self.model.build(self.lattice)

    def settings(self) -> RunSettings:
        """Settings of the run."""
        return RunSettings(
            **dataclasses.asdict(self.run), sampling=self.sampling, optimiser=self.optimiser
        )


def read_toml(path: str | Path) -> dict[str, Any]:
    """Table of a TOML file.

    Raises
    ------
    ValueError
        Not readable as TOML, with the place.
    """
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not valid TOML: {error}") from None


def config_from_table(table: dict[str, Any]) -> Config:
    """A run from a nested table.

    Raises
    ------
    ValueError
        Unknown keys, wrong types or values, in one line.
    """
    return _structure(with_new_names(table, note=True), Config, "")


def settings_from_description(description: dict[str, Any]) -> RunSettings:
    """Settings from what `RunSettings.describe` wrote."""
    return _structure(with_new_names(description), RunSettings, "")


def _structure(table: Any, kind: Any, where: str) -> Any:
    _check_keys(table, kind, where)
    try:
        return _converter().structure(table, kind)
    except cattrs.BaseValidationError as group:
        messages = cattrs.transform_error(group, format_exception=_format)
        raise ValueError("; ".join(m.replace(" @ $.", " in ") for m in messages)) from None


def _format(error: BaseException, kind: type | None) -> str:
    if isinstance(error, KeyError):
        return f"{error.args[0]} is missing"
    return str(error) or type(error).__name__


def config_problems(table: dict[str, Any]) -> list[str]:
    """Every unknown key of a run's table, a sentence each, with the keys that are known."""
    return list(_unknown_keys(with_new_names(table), Config, ""))


def _check_keys(table: Any, kind: type, where: str) -> None:
    """Refuse the first unknown key."""
    for problem in _unknown_keys(table, kind, where):
        raise ValueError(problem)


def _unknown_keys(table: Any, kind: type, where: str) -> Iterator[str]:
    """Unknown keys with those that are known; recurses into tables of dataclasses."""
    if not dataclasses.is_dataclass(kind):
        return
    if not isinstance(table, dict):
        yield f"{where or 'configuration'} must be a table, got {table!r}"
        return
    known = {f.name: f for f in dataclasses.fields(kind)}
    for key, value in table.items():
        if key not in known:
            place = f" in [{where}]" if where else ""
            yield f"unknown key {key!r}{place}; known: {', '.join(known)}"
            continue
        nested = _nested_kind(kind, key, value)
        if nested is not None:
            yield from _unknown_keys(value, nested, key)


def known_part(table: dict[str, Any], kind: type = Config) -> dict[str, Any]:
    """A run's table without what `config_problems` finds in it."""
    part, known = {}, {f.name for f in dataclasses.fields(kind)}
    for key, value in table.items():
        nested = _nested_kind(kind, key, value)
        if key not in known or (nested is not None and not isinstance(value, dict)):
            continue
        part[key] = value if nested is None else known_part(value, nested)
    return part


def _nested_kind(kind: type, key: str, value: Any) -> type | None:
    """The dataclass of a table within a table; a schedule may be a plain number instead."""
    nested = _TABLES.get((kind, str(key)))
    return None if nested is Schedule and not isinstance(value, dict) else nested


_TABLES: dict[tuple[type, str], type] = {
    (Config, "model"): ModelConfig,
    (Config, "lattice"): LatticeConfig,
    (Config, "ansatz"): AnsatzConfig,
    (Config, "run"): LengthConfig,
    (Config, "sampling"): SamplingSettings,
    (Config, "optimiser"): OptimiserSettings,
    (OptimiserSettings, "learning_rate"): Schedule,
    (OptimiserSettings, "diag_shift"): Schedule,
    (RunSettings, "sampling"): SamplingSettings,
    (RunSettings, "optimiser"): OptimiserSettings,
}


def _converter() -> cattrs.Converter:
    """cattrs without its conversions: 5.7 is not an int and "yes" not a bool."""
    converter = cattrs.Converter()
    converter.register_structure_hook(int, lambda v, _: _exactly(v, (int,), "an integer"))
    converter.register_structure_hook(float, lambda v, _: _exactly(v, (int, float), "a number"))
    converter.register_structure_hook(str, lambda v, _: _exactly(v, (str,), "a text"))
    converter.register_structure_hook(bool, lambda v, _: _exactly(v, (bool,), "true or false"))
    converter.register_structure_hook(
        str | list[int] | None,
        lambda v, _: converter.structure(v, _kind_of_signs(v)),
    )
    converter.register_structure_hook(
        bool | list[bool],
        lambda v, _: v if isinstance(v, bool) else converter.structure(v, list[bool]),
    )

    def schedule(value: Any, _: Any) -> Schedule | float:
        if isinstance(value, dict):
            return converter.structure(value, Schedule)
        return converter.structure(value, float)

    converter.register_structure_hook(Schedule | float, schedule)
    converter.register_structure_hook(
        Schedule | float | None, lambda v, kind: None if v is None else schedule(v, kind)
    )
    return converter


def _kind_of_signs(value: Any) -> Any:
    return list[int] if isinstance(value, list) else str | None


def _exactly(value: Any, kinds: tuple[type, ...], what: str) -> Any:
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise TypeError(f"must be {what}, got {value!r}")
    checked: Any = value
    return float(checked) if float in kinds else checked


def _parse_string(text: str) -> list[tuple[int, str]]:
    """ "X0 Y1" -> [(0, "X"), (1, "Y")]."""
    factors = []
    for word in text.split():
        if word[0] not in "XYZ" or not (word.isascii() and word[1:].isdigit()):
            raise ValueError(f"a Pauli string reads like 'X0 Y1 Z2', got {text!r}")
        factors.append((int(word[1:]), word[0]))
    return factors


def describe_run(
    hamiltonian: SpinHamiltonian, psi: VariationalState, settings: RunSettings
) -> dict[str, Any]:
    """What logs and checkpoints say about a run."""
    from rbmqs import __version__
    from rbmqs.runs.checkpoint import CONVENTION

    return {
        "rbmqs": __version__,
        "convention": CONVENTION,
        "hamiltonian": hamiltonian.describe(),
        "ansatz": psi.describe(),
        "settings": settings.describe(),
    }


def describe_terms(hamiltonian: SpinHamiltonian) -> list[list[Any]]:
    """The Pauli strings themselves, so that a checkpoint alone can be resumed."""
    return [
        [value.real, [[site, letter] for site, letter in string]]
        for string, value in hamiltonian.terms.terms.items()
    ]


def hamiltonian_from_description(meta: dict[str, Any]) -> SpinHamiltonian:
    """Build the Hamiltonian of a checkpoint again: by its model where it has one, else by terms."""
    import hamiltonians as hm
    from hamiltonians.lattices import lattice_from_description
    from hamiltonians.symmetry.rotations import rotation_from_description

    data = meta["hamiltonian"]
    lattice = None if data["lattice"] is None else lattice_from_description(data["lattice"])
    rotation = rotation_from_description(data)
    if data["model"] is not None and lattice is not None:
        options = {key: np.asarray(v) if isinstance(v, list) else v
                   for key, v in data["parameters"].items()}  # fmt: skip
        built = hm.model(data["model"], lattice, **options).with_total_sz(data["total_sz"])
        return built if rotation is None else built.rotated(rotation)
    terms = hm.PauliSum.from_terms(
        (value, [(site, letter) for site, letter in string]) for value, string in meta["terms"]
    )
    return hm.SpinHamiltonian(
        data["name"], data["n_sites"], terms, lattice, data["total_sz"], rotation
    )
