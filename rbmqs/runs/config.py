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

import inspect
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from hamiltonians.utils.checks import choice, short
from rbmqs.runs.lattice_config import LatticeConfig
from rbmqs.runs.old_names import with_new_names
from rbmqs.runs.signs import KNOWN, NONE
from rbmqs.states.factory import AnsatzSpec
from rbmqs.utils.typed_tables import hints_of, known_keys, read_table, read_value, unknown_keys
from rbmqs.vmc.settings import RunSettings

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.states.state import VariationalState


@dataclass(frozen=True)
class ModelConfig:
    """Table [model]: a name of `hamiltonians.MODELS` with its parameters, or `terms`.

    "package.module:function" names a model from outside. Of "pauli" and "spin" `terms` map strings
    such as "X0 Y1 Z2" and "Sp0 Sm1" or "Sz0^2" to coefficients. `spin` is S of all sites or of each
    in models that take it; without it they hold Pauli matrices. `signs` is a sign rule or the sites
    to turn by pi; "none" keeps a run from taking the signs of a ground state where they are known.
    """

    name: str
    parameters: dict[str, Any] = field(default_factory=dict)
    total_sz: float | None = None
    marshall: bool = False
    signs: str | list[int] | None = KNOWN
    terms: dict[str, float] | None = None
    spin: float | list[float] | None = None

    def build(self, lattice: LatticeConfig | None) -> SpinHamiltonian:
        """The Hamiltonian."""
        import hamiltonians as hm

        if ":" not in self.name:
            choice("model", self.name, (*hm.MODELS, "pauli", "spin"))
        if self.name in ("pauli", "spin"):
            return self._build_terms(lattice)
        if self.terms is not None:
            raise ValueError(f"terms belong to models 'pauli' and 'spin', got model {self.name!r}")
        options: dict[str, Any] = dict(self.parameters)
        taken = inspect.signature(hm.MODELS[self.name]).parameters
        for key, value in {"total_sz": self.total_sz, "spin": _one_or_more(self.spin)}.items():
            if value is not None:
                if key not in taken:
                    raise ValueError(f"model {self.name!r} takes no {key}")
                options[key] = value
        H = hm.model(self.name, (lattice or LatticeConfig()).build(), **options)
        return H.with_signs(self._rule())

    def _build_terms(self, lattice: LatticeConfig | None) -> SpinHamiltonian:
        import hamiltonians as hm

        if not self.terms:
            example = '"X0 X1" = 1.0' if self.name == "pauli" else '"Sp0 Sm1" = 0.5'
            raise ValueError(f"model {self.name!r} needs terms, such as {{ {example} }}")
        if self.parameters or self.marshall:
            raise ValueError(f"model {self.name!r} takes terms only, not parameters or marshall")
        built = None if lattice is None else lattice.build()
        terms: Any
        sites: dict[str, Any] = {}
        if self.name == "pauli":
            if self.spin is not None:
                raise ValueError("spin must be left out of model 'pauli'; see model 'spin'")
            terms = hm.PauliSum.from_terms((c, _parse_string(s)) for s, c in self.terms.items())
        else:
            found = _one_or_more(self.spin)
            spin = 1.0 if found is None else found
            terms = sum(c * _parse_spins(text, spin) for text, c in self.terms.items())
            if isinstance(spin, list):
                sites = {"n_sites": len(spin), "spin": spin}
            elif built is not None:
                sites = {"spin": spin}
        H = hm.spin_hamiltonian(terms, lattice=built, total_sz=self.total_sz, **sites)
        return H.with_signs(self._rule())

    @property
    def run_signs(self) -> str | None:
        """What `rbmqs.ground_state` takes as `signs`: nothing more where the model has a rule."""
        return KNOWN if self.signs == KNOWN and not self.marshall else None

    def _rule(self) -> str | list[int] | None:
        """The sign rule of the Hamiltonian itself: none where a run decides."""
        if self.marshall and self.signs != KNOWN:
            raise ValueError(
                f"marshall must be False where signs are given, got signs={self.signs!r} too"
            )
        if self.marshall:
            return "marshall"
        return None if self.signs in (None, KNOWN, NONE) else self.signs


@dataclass(frozen=True)
class Config:
    """A whole run; `start_from` is the output of one whose wavefunction it starts with.

    The tables [model], [lattice] and [ansatz] are fields; [run], [sampling] and [optimiser] make up
    the settings.
    """

    model: ModelConfig
    lattice: LatticeConfig | None = None
    ansatz: AnsatzSpec = field(default_factory=AnsatzSpec)
    run: RunSettings = field(default_factory=RunSettings)
    output: str | None = None
    start_from: str | None = None

    def hamiltonian(self) -> SpinHamiltonian:
        """The Hamiltonian of [model] on [lattice]."""
        return self.model.build(self.lattice)

    def settings(self) -> RunSettings:
        """Settings of the run."""
        return self.run


_PARTS = ("sampling", "optimiser")  # of the settings, with tables of their own


@cache
def shape() -> dict[str, Any]:
    """The tables of a run with the type hints of their keys, as files and options know them."""
    hints, settings = dict(hints_of(Config)), dict(hints_of(RunSettings))
    parts = {name: settings.pop(name) for name in _PARTS}
    last = {name: hints.pop(name) for name in ("output", "start_from")}
    return {**hints, "run": settings, **parts, **last}


def config_from_table(table: dict[str, Any]) -> Config:
    """A run from a nested table.

    Raises
    ------
    ValueError
        Unknown keys, wrong types or values, in one line.
    """
    table = with_new_names(table, note=True)
    for problem in unknown_keys(table, shape(), ""):
        raise ValueError(problem)
    tables = dict(table)
    run = read_value("run", tables.get("run", {}), dict[str, Any])
    parts = {name: tables.pop(name) for name in _PARTS if name in tables}
    return read_table(Config, {**tables, "run": {**run, **parts}})


def settings_from_description(description: dict[str, Any]) -> RunSettings:
    """Settings from what `RunSettings.describe` wrote."""
    return read_table(RunSettings, with_new_names(description))


def config_problems(table: dict[str, Any]) -> list[str]:
    """Every unknown key of a run's table, a sentence each, with the keys that are known."""
    return list(unknown_keys(with_new_names(table), shape(), ""))


def known_part(table: dict[str, Any]) -> dict[str, Any]:
    """A run's table without what `config_problems` finds in it."""
    return known_keys(with_new_names(table), shape())


def _parse_string(text: str) -> list[tuple[int, str]]:
    """ "X0 Y1" -> [(0, "X"), (1, "Y")]."""
    factors = []
    for word in text.split():
        if word[0] not in "XYZ" or not (word.isascii() and word[1:].isdigit()):
            raise ValueError(f"a Pauli string reads like 'X0 Y1 Z2', got {short(text)}")
        factors.append((int(word[1:]), word[0]))
    return factors


def _one_or_more(spin: float | list[float] | None) -> float | list[float] | None:
    """One number where there is one."""
    if spin == []:
        raise ValueError("spin must be one number or one a site, got none")
    return spin[0] if isinstance(spin, list) and len(spin) == 1 else spin


def _parse_spins(text: str, spin: float | list[float]) -> Any:
    """ "Sp0 Sm1" or "Sz0^2" as an operator."""
    import hamiltonians as hm

    words = {"Sx": hm.Sx, "Sy": hm.Sy, "Sz": hm.Sz, "Sp": hm.Sp, "Sm": hm.Sm}
    product: Any = 1.0
    for factor in text.split():
        word, _, power = factor.partition("^")
        site = word[2:]
        good = word[:2] in words and site.isascii() and site.isdigit()
        if not good or ("^" in factor and not (power.isascii() and power.isdigit())):
            raise ValueError(f"a spin string reads like 'Sp0 Sm1' or 'Sz0^2', got {short(text)}")
        if isinstance(spin, list) and int(site) >= len(spin):
            raise ValueError(f"terms must act on sites 0 to {len(spin) - 1}, got {short(text)}")
        one = words[word[:2]](int(site), spin[int(site)] if isinstance(spin, list) else spin)
        for _ in range(int(power or 1)):
            product = product * one
    return product


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
    """The terms themselves, so that a checkpoint alone can be resumed.

    Pauli strings, or matrices on sites of spins S > 1/2: real and imaginary parts.
    """
    if not hamiltonian.is_spin_half:
        return [
            [list(sites), np.real(matrix).tolist(), np.imag(matrix).tolist()]
            for sites, matrix in hamiltonian.terms.parts.items()
        ]
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
    spin, blockade = data.get("spin", 0.5), data.get("blockade", ())
    terms: Any
    if spin == 0.5 and not blockade:
        terms = hm.PauliSum.from_terms(
            (value, [(site, letter) for site, letter in string]) for value, string in meta["terms"]
        )
    else:
        space = hm.LocalSpace.of_spin(data["n_sites"], spin)
        parts = ((tuple(s), np.array(re) + 1j * np.array(im)) for s, re, im in meta["terms"])
        terms = hm.SpinOperator(parts, dict(enumerate(space.local_dims.tolist())))
    return hm.SpinHamiltonian(
        data["name"], data["n_sites"], terms, lattice, data["total_sz"], rotation, None, spin,
        blockade,
    )  # fmt: skip
