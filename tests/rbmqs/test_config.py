"""Configurations: what they build, and one line on what is wrong with them."""

import argparse
import copy
import dataclasses
import json
import tomllib

import numpy as np
import pytest

import hamiltonians as hm
import rbmqs
from rbmqs.cli.options import add_model_options, add_run_options, table_from_options
from rbmqs.runs.config import (
    config_from_table,
    describe_run,
    describe_terms,
    hamiltonian_from_description,
    settings_from_description,
    shape,
)
from rbmqs.runs.options import MODEL, RUN
from rbmqs.utils.parsing import read_toml
from rbmqs.utils.schedules import Schedule
from rbmqs.utils.typed_tables import shape_of
from rbmqs.vmc.settings import OptimiserSettings, RunSettings, SamplingSettings

FULL = """
output = "runs/first"

[model]
name = "xxz"
parameters = { J = 1.0, delta = 0.5, field = [0.0, 0.0, 0.1] }
total_sz = 0
marshall = true

[lattice]
kind = "rectangle"
shape = [2, 4]
periodic = [false, true]

[ansatz]
n_hidden = 5
dtype = "real"
visible_bias = false

[run]
n_iterations = 30
seed = 7
stop_when_converged = true

[sampling]
n_samples = 128
n_chains = 8
move = "pair-exchange"

[optimiser]
learning_rate = { initial = 0.1, decay = "inverse", timescale = 50 }
diag_shift = 1e-3
solver = "dense"
"""


def build(text):
    return config_from_table(tomllib.loads(text)).hamiltonian()


def test_toml_to_run(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text(FULL)
    config = config_from_table(read_toml(path))
    lattice = hm.rectangle(2, 4, (False, True))
    expected = hm.xxz(lattice, delta=0.5, field=(0, 0, 0.1), total_sz=0, marshall=True)
    assert config.hamiltonian().fingerprint == expected.fingerprint
    assert config.settings() == RunSettings(
        30, 7, True,
        SamplingSettings(128, 8, "pair-exchange"),
        OptimiserSettings(Schedule(0.1, "inverse", 50.0), 1e-3, solver="dense"),
    )  # fmt: skip
    assert config.output == "runs/first"
    assert config.ansatz.options() == {
        "alpha": None, "n_hidden": 5, "n_features": None, "dtype": float, "visible_bias": False,
        "hidden_bias": None, "tied": None, "project": None, "ansatz": None, "ansatz_options": {},
    }  # fmt: skip


def test_no_iterations_measure_only():
    table = copy.deepcopy(GOOD)
    table["run"]["n_iterations"] = 0
    assert config_from_table(table).settings().n_iterations == 0


def test_defaults_are_those_of_python():
    config = config_from_table({"model": {"name": "ising"}, "lattice": {"length": 4}})
    assert config.settings() == RunSettings()
    assert config.hamiltonian().fingerprint == hm.ising(hm.chain(4)).fingerprint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[model]\nname = "ising"\nparameters = {h = [1.0, 2.0, 3.0]}\n[lattice]\nlength = 3',
         lambda: hm.ising(hm.chain(3), h=[1, 2, 3])),
        ('[model]\nname = "j1j2"\n[lattice]\nkind = "square"\nlength = 3\nperiodic = false',
         lambda: hm.j1j2(hm.square(3, False))),
        ('[model]\nname = "heisenberg"\n[lattice]\nkind = "graph"\nedges = [[0, 1], [1, 2]]',
         lambda: hm.heisenberg(hm.from_edges([(0, 1), (1, 2)]))),
        ('[model]\nname = "pauli"\nterms = { "X0 Y1 Z3" = 0.5, "Z0" = 2, "" = 1.5 }',
         lambda: hm.spin_hamiltonian(
             0.5 * hm.X(0) * hm.Y(1) * hm.Z(3) + 2 * hm.Z(0) + 1.5 * hm.identity())),
        ('[model]\nname = "pauli"\nterms = { "Z0 Z1" = 1.0 }\ntotal_sz = 1\n[lattice]\nlength = 4',
         lambda: hm.spin_hamiltonian(hm.Z(0) * hm.Z(1), lattice=hm.chain(4), total_sz=1)),
    ],
)  # fmt: skip
def test_hamiltonians(text, expected):
    assert build(text).fingerprint == expected().fingerprint


GOOD = tomllib.loads(FULL)

# path of the entry (None as value: take it away), and what the message must say
BAD = [
    ("speed", 1, "unknown key 'speed'; known: model, lattice, ansatz, run, sampling, optimiser"),
    ("model.nam", "ising", "unknown key 'nam' in [model]; known: name, parameters"),
    ("lattice.size", 3, "unknown key 'size' in [lattice]; known: kind, length, shape"),
    ("ansatz.beta", 3, "unknown key 'beta' in [ansatz]; known: alpha, n_hidden"),
    ("run.iterations", 3, "unknown key 'iterations' in [run]; known: n_iterations, seed"),
    ("sampling.samples", 3, "unknown key 'samples' in [sampling]; known: n_samples, n_chains"),
    ("optimiser.lr", 0.1, "unknown key 'lr' in [optimiser]; known: learning_rate, diag_shift"),
    ("optimiser.learning_rate.rate", 1.0, "unknown key 'rate' in [learning_rate]; known: initial"),
    ("optimiser.diag_shift", {"start": 1.0}, "unknown key 'start' in [diag_shift]"),
    ("model", None, "model is missing"),
    ("model", "ising", "model must be a table"),
    ("sampling", [], "sampling must be a table"),
    ("model.name", None, "name is missing"),
    ("model.name", "hubbard", "model must be one of ising, heisenberg, xxz, xyz, j1j2, "),
    ("model.name", 5, "name"),
    ("model.parameters", 5, "parameters"),
    ("model.parameters.g", 1.0, "unknown parameter 'g' of model 'xxz'; known: J, delta, field"),
    ("model.parameters.J", "big", "J must be real numbers"),
    ("model.parameters.J", float("nan"), "J must be finite"),
    ("model.parameters.delta", [1.0, 2.0], "delta must be one number or an array of shape"),
    ("model.total_sz", "zero", "total_sz"),
    ("model.total_sz", 0.5, "total_sz must be an integer"),
    ("model.total_sz", 9, "total_sz must be an integer between -4 and 4"),
    ("model.marshall", "yes", "marshall"),
    ("model.terms", {"X0": 1.0}, "terms belong to models 'pauli'"),
    ("lattice.kind", "torus", "lattice kind must be one of chain, square, rectangle, graph"),
    ("lattice.shape", None, "lattice kind 'rectangle' needs shape"),
    ("lattice.shape", [2], "shape of a rectangle must be two lengths"),
    ("lattice.shape", [2, 4.5], "shape"),
    ("lattice.shape", 8, "shape"),
    ("lattice.shape", [-2, 4], "width_x must be at least 1, got -2"),
    ("lattice.length", 8, "lattice kind 'rectangle' takes shape, not length"),
    ("lattice.periodic", "yes", "periodic"),
    ("lattice.periodic", [True], "periodic must be True, False or a pair"),
    ("lattice.periodic", True, "write periodic=(False, True)"),
    ("lattice", {"length": 2}, "length must be at least 3 for a periodic chain, got 2; write"),
    ("lattice", {"length": 5}, "total_sz must be half an odd integer"),
    ("lattice", {"length": 8, "periodic": [True]}, "periodic must be true or false for a chain"),
    ("lattice", {"kind": "graph"}, "lattice kind 'graph' needs edges"),
    ("lattice", {"kind": "graph", "edges": [[0, 0]]}, "join two different sites, got (0, 0)"),
    ("lattice", {"kind": "graph", "edges": [[0, 1], [1, 0]]}, "(0, 1) more than once"),
    ("lattice", {"kind": "graph", "edges": [[0, 1, 2]]}, "pairs of sites, got [0, 1, 2]"),
    ("lattice", {"kind": "graph", "edges": [[0, -1]]}, "at least 0, got -1"),
    ("ansatz.dtype", "quaternion", "dtype must be one of complex, real, got 'quaternion'"),
    ("ansatz.n_hidden", 5.7, "n_hidden"),
    ("ansatz.n_hidden", 0, "n_hidden must be at least 1, got 0"),
    ("ansatz.alpha", "two", "alpha"),
    ("ansatz.visible_bias", 1, "visible_bias"),
    ("run.n_iterations", 5.7, "n_iterations"),
    ("run.n_iterations", True, "n_iterations"),
    ("run.n_iterations", -1, "n_iterations must be at least 0, got -1"),
    ("run.seed", -1, "seed must be at least 0, got -1"),
    ("run.stop_when_converged", "yes", "stop_when_converged"),
    ("sampling.n_samples", 8, "at least 16 for 8 chains, got 8"),
    ("sampling.n_chains", "8", "n_chains"),
    ("sampling.n_chains", -8, "n_chains must be at least 1, got -8"),
    ("sampling.sweep_size", 0, "sweep_size must be at least 1, got 0"),
    ("sampling.move", "jump", "move must be one of flip, exchange, pair-exchange, mixed"),
    ("optimiser.solver", "cg", "solver must be one of"),
    ("optimiser.learning_rate", "fast", "learning_rate"),
    ("optimiser.learning_rate", -0.1, "learning_rate must be greater than 0, got -0.1"),
    ("optimiser.learning_rate.decay", "linear", "decay must be one of constant, inverse"),
    ("optimiser.learning_rate.final", 0.5, "final must not exceed initial 0.1, got 0.5"),
    ("optimiser.learning_rate.timescale", 0, "timescale must be greater than 0"),
    ("optimiser.learning_rate", {"decay": "inverse"}, "initial is missing"),
    ("optimiser.diag_shift", float("inf"), "diag_shift must be finite"),
    ("optimiser.momentum", 1, "momentum must lie in [0, 1), got 1"),
    ("output", 5, "output"),
]  # fmt: skip


@pytest.mark.parametrize(("place", "value", "reason"), BAD)
def test_bad_configuration_is_one_line(place, value, reason):
    table = copy.deepcopy(GOOD)
    *sections, key = place.split(".")
    target = table
    for section in sections:
        target = target.setdefault(section, {})
    if value is None:
        del target[key]
    else:
        target[key] = value
    with pytest.raises((ValueError, TypeError)) as caught:
        _use(config_from_table(table))
    message = str(caught.value)
    assert reason in message
    assert "\n" not in message


def _use(config):
    config.settings()
    return config.hamiltonian()


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ({"name": "pauli"}, "model 'pauli' needs terms"),
        ({"name": "pauli", "terms": {}}, "model 'pauli' needs terms"),
        ({"name": "pauli", "terms": {"Q0": 1.0}}, "reads like 'X0 Y1 Z2', got 'Q0'"),
        ({"name": "pauli", "terms": {"X": 1.0}}, "reads like 'X0 Y1 Z2', got 'X'"),
        ({"name": "pauli", "terms": {"X-1": 1.0}}, "reads like 'X0 Y1 Z2', got 'X-1'"),
        ({"name": "pauli", "terms": {"X²": 1.0}}, "reads like 'X0 Y1 Z2', got 'X²'"),
        ({"name": "pauli", "terms": {"X0 Z0": 1.0}}, "name each site once, got X(0) Z(0)"),
        ({"name": "pauli", "terms": {"X0": "one"}}, "must be a number, got 'one'"),
        ({"name": "pauli", "terms": {"X0": True}}, "must be a number, got True"),
        ({"name": "pauli", "terms": {"X0": float("nan")}}, "coefficient must be finite"),
        ({"name": "pauli", "terms": {"X9": 1.0}}, "n_sites must be at least 10"),
        ({"name": "pauli", "terms": {"X0": 1.0}, "total_sz": 0}, "X(0) changes it"),
        ({"name": "pauli", "terms": {"X0": 1.0}, "marshall": True}, "takes terms only"),
        ({"name": "ising", "total_sz": 0}, "takes no total_sz"),
        ({"name": "heisenberg", "signs": "neel"}, "signs must be one of marshall, stripe-x"),
        ({"name": "heisenberg", "signs": "auto"}, "'auto' is for ground-state runs"),
        ({"name": "heisenberg", "signs": 3}, "must be a text or a list, got 3"),
        ({"name": "heisenberg", "signs": [1.5]}, "must be an integer, got 1.5"),
        ({"name": "heisenberg", "signs": "marshall", "marshall": True}, "marshall must be False"),
        ({"name": "ising", "parameters": {"Jx": 1.0}}, "unknown parameter 'Jx' of model 'ising'"),
        ({"name": "heisenberg", "parameters": {"field": [1.0, 0.0, 0.0]}, "total_sz": 0},
         "X(0) changes it"),
    ],
)  # fmt: skip
def test_bad_model_is_one_line(model, reason):
    with pytest.raises((ValueError, TypeError)) as caught:
        _use(config_from_table({"model": model, "lattice": {"length": 4}}))
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["[model", "name = ", "a = 1\na = 2", "x = '\x00'", "\udcff"])
def test_what_is_not_toml(tmp_path, text):
    path = tmp_path / "run.toml"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ValueError, match="is not valid TOML") as caught:
        read_toml(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


HAMILTONIANS = {
    "ising": lambda: hm.ising(hm.chain(4), h=0.7),
    "site fields": lambda: hm.ising(hm.chain(4), h=[0.1, 0.2, 1 / 3, 0.4], hz=np.arange(4)),
    "bond couplings": lambda: hm.xyz(hm.chain(4), Jx=[1, 2, 3, 1 / 7], Jy=0.3),
    "vector field": lambda: hm.heisenberg(hm.chain(4), field=np.arange(12).reshape(4, 3)),
    "marshall": lambda: hm.heisenberg(hm.chain(4), total_sz=0, marshall=True),
    "marshall later": lambda: hm.ising(hm.chain(4)).in_marshall_basis(),
    "stripes": lambda: hm.j1j2(hm.square(4), J2=1.0, total_sz=0, signs="stripe-y"),
    "120 degrees": lambda: hm.heisenberg(hm.triangular(3), total_sz=0.5, signs="sublattice"),
    "chosen sites": lambda: hm.xxz(hm.chain(4), signs=[0, 3]),
    "custom, rotated": lambda: hm.spin_hamiltonian(hm.X(0) * hm.X(1)).with_signs([1]),
    "sector later": lambda: hm.ising(hm.chain(4), h=0).with_total_sz(1),
    "freed sector": lambda: hm.xxz(hm.chain(4), total_sz=0).with_total_sz(None),
    "mixed boundaries": lambda: hm.j1j2(hm.rectangle(2, 4, (False, True)), J2=0.4, total_sz=-1),
    "open chain": lambda: hm.ising(hm.chain(2, periodic=False)),
    "square": lambda: hm.heisenberg(hm.square(3)),
    "graph": lambda: hm.heisenberg(hm.from_edges([(2, 0), (1, 2), (3, 1)], n_sites=5)),
    "custom": lambda: hm.spin_hamiltonian(hm.X(0) * hm.Y(1) * hm.Z(2) + 0.1 * hm.Z(0), name="H"),
    "custom on a lattice": lambda: hm.spin_hamiltonian(hm.Z(0), lattice=hm.square(3), total_sz=0.5),
    "sum": lambda: hm.heisenberg(hm.chain(4), total_sz=0, marshall=True) + hm.X(0) * hm.X(1),
}


@pytest.mark.parametrize("name", HAMILTONIANS)
def test_hamiltonian_from_its_description(name):
    hamiltonian = HAMILTONIANS[name]()
    meta = {"hamiltonian": hamiltonian.describe(), "terms": describe_terms(hamiltonian)}
    built = hamiltonian_from_description(json.loads(json.dumps(meta)))
    assert built.fingerprint == hamiltonian.fingerprint
    assert built.describe() == hamiltonian.describe()


def test_an_earlier_description_with_a_marshall_mask_is_still_read():
    hamiltonian = HAMILTONIANS["marshall"]()
    described = hamiltonian.describe()
    del described["rotation"]
    meta = {"hamiltonian": {**described, "marshall": [1, 0, 1, 0]}, "terms": []}
    assert hamiltonian_from_description(meta) == hamiltonian


@pytest.mark.parametrize("signs", ["stripe-x", [0, 5], None])
def test_signs_of_a_model_table(signs):
    model = {"name": "j1j2", "parameters": {"J2": 1.0}}
    model |= {} if signs is None else {"signs": signs}
    table = {"model": model, "lattice": {"kind": "square", "length": 4}}
    assert config_from_table(table).hamiltonian() == hm.j1j2(hm.square(4), J2=1.0, signs=signs)


def test_settings_from_their_description():
    settings = config_from_table(GOOD).settings()
    assert settings_from_description(json.loads(json.dumps(settings.describe()))) == settings
    assert settings_from_description(json.loads(json.dumps(RunSettings().describe()))) == (
        RunSettings()
    )


def test_description_of_a_run_is_json():
    hamiltonian = HAMILTONIANS["site fields"]()
    psi = rbmqs.RBM.random(4, 1)
    text = json.dumps(describe_run(hamiltonian, psi, RunSettings()), allow_nan=False)
    assert json.loads(text)["ansatz"]["n_hidden"] == 4


def test_the_table_run_has_every_setting_that_has_no_table():
    settings = [field.name for field in dataclasses.fields(RunSettings)]
    assert list(shape()["run"]) == [k for k in settings if k not in ("sampling", "optimiser")]


@pytest.mark.parametrize("option", [*MODEL, *RUN])
def test_every_option_has_a_place_in_the_file(option):
    section, key = option.place.split(".")
    assert key in shape_of(shape()[section])


def test_trials_by_option_and_by_file():
    options = ["ising", "--length", "4", "--restarts", "2"]
    parser = argparse.ArgumentParser()
    add_model_options(parser)
    add_run_options(parser)
    table = table_from_options(parser.parse_args(options))
    table["run"]["restart_iterations"] = 50
    settings = config_from_table(table).settings()
    assert (settings.n_restarts, settings.restart_iterations) == (2, 50)


def options_of(*words):
    parser = argparse.ArgumentParser()
    add_model_options(parser)
    add_run_options(parser)
    return table_from_options(parser.parse_args(["ising", "--length", "4", *words]))


def test_optimiser_and_keywords_of_an_ansatz_as_options():
    words = ["--optimiser", "adam", "--ansatz", "jastrow-rbm"]
    table = options_of(*words, "--ansatz-option", "alpha=2.5", "--ansatz-option", "group=plain")
    assert table["ansatz"] == {"name": "jastrow-rbm", "keywords": {"alpha": 2.5, "group": "plain"}}
    assert config_from_table(table).run.optimiser.kind == "adam"
    with pytest.raises(ValueError, match="--ansatz-option must read NAME=VALUE, got 'alpha'"):
        options_of("--ansatz-option", "alpha")
    with pytest.raises(ValueError, match="kind must be one of sr, adam, sgd"):
        config_from_table(options_of("--optimiser", "newton"))


def test_settings_that_were_removed_are_read_where_they_said_nothing():
    """Logs and checkpoints of version 0.1.0 hold all settings of the optimiser."""
    old = RunSettings().describe()
    old["optimiser"] |= {"relative_shift": 0.0, "min_snr": 0.0}
    assert settings_from_description(old) == RunSettings()
    old["optimiser"]["min_snr"] = 2.0
    with pytest.raises(ValueError, match="unknown key 'min_snr' in \\[optimiser\\]"):
        settings_from_description(old)
