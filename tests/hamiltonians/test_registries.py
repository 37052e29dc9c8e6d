"""Sizes of lattices in all spellings, and lattices, models and sign rules by name."""

import numpy as np
import pytest

import hamiltonians as hm
from hamiltonians import LATTICES, MODELS, SIGN_RULES, chain, heisenberg, kagome, model, square
from hamiltonians.lattices.registry import sizes_of, takes
from hamiltonians.utils.registry import Registry
from rbmqs.cli.main import main
from rbmqs.runs.config import config_from_table

SPELLINGS = [
    ("kagome", [(4, 4), ((4, 4),), ([4, 4],), (4,), (np.int64(4), np.int32(4)),
                (np.array([4, 4]),)]),
    ("square", [(4,), (4, 4), ((4, 4),), (np.int8(4),), ([4],)]),
    ("rectangle", [(4, 6), ((4, 6),), ([4, 6],), (np.array([4, 6]),)]),
    ("chain", [(10,), ((10,),), ([10],), (np.uint16(10),)]),
    ("ladder", [(5, 3), ((5, 3),), (np.array([5, 3]),)]),
    ("tilted_square", [(3, 1), ([3, 1],)]),
    ("cubic", [(3, 3, 3), ((3, 3, 3),), (3,)]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "spellings"), SPELLINGS)
def test_sizes_are_numbers_or_a_sequence(name, spellings):
    built = [getattr(hm, name)(*sizes).describe() for sizes in spellings]
    assert all(lattice == built[0] for lattice in built)


def test_boundaries_follow_the_sizes():
    assert hm.kagome(3, 2, False).describe() == hm.kagome((3, 2), periodic=False).describe()
    assert square(4, False).name == "square 4x4, open"
    assert hm.rectangle(2, 3, np.array([False, True])).periodic == (False, True)


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (lambda: square(4, 6), "a square must have equal lengths, got (4, 6); write rectangle"),
        (lambda: chain(4, 5), "shape of a chain must be one length, got [4, 5]"),
        (lambda: hm.rectangle(4), "shape of a rectangle must be two lengths, got [4]"),
        (lambda: kagome(2, 2, 2), "shape must be 2 lengths, or one for all"),
        (lambda: kagome(4.0, 4), "must be an integer, got 4.0"),
        (lambda: chain(np.True_), "must be an integer"),
        (lambda: chain("4"), "must be an integer, got '4'"),
        (lambda: MODELS["hubbard"], "model must be one of ising, heisenberg, xxz, xyz, j1j2, "),
        (lambda: model("outside:missing", chain(4)), "'outside:missing' cannot be imported"),
        (lambda: model("xxz", chain(4), g=1), "unknown parameter 'g' of model 'xxz'; known: J,"),
        (lambda: MODELS.register("ising")(heisenberg), "model 'ising' is registered already"),
        (lambda: heisenberg(chain(4), signs="no:rule"), "sign rule 'no:rule' cannot be imported"),
    ],
)
def test_bad_sizes_and_names_are_one_line(build, reason):
    with pytest.raises((TypeError, ValueError)) as caught:
        build()
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_registries_are_mappings():
    assert [*MODELS][:5] == ["ising", "heisenberg", "xxz", "xyz", "j1j2"]
    assert {"aklt", "bilinear-biquadratic", "blume-capel", "rydberg"} < {*MODELS}
    assert {*SIGN_RULES} == {"marshall", "stripe-x", "stripe-y", "sublattice"}
    assert dict(MODELS.items())["ising"] is hm.ising
    assert "kagome" in LATTICES
    assert sizes_of(LATTICES["kagome"]) == ("length", "shape", "vectors")


def test_model_by_name():
    H = model(np.str_("heisenberg"), square(4), J=np.float32(0.5), total_sz=np.int64(0))
    assert heisenberg(square(4), J=0.5, total_sz=0.0) == H
    assert type(H.total_sz) is float
    assert type(H.spec.parameters["J"]) is float


def test_numpy_scalars_are_numbers():
    assert hm.X(np.int16(2)) * np.float32(0.5) == 0.5 * hm.X(2)
    H = hm.heisenberg(chain(np.int32(4)), field=np.zeros(3), marshall=np.True_)
    assert heisenberg(chain(4), marshall=True) == H
    assert hm.spin_hamiltonian(hm.Z(0), np.int64(3), total_sz=np.float64(0.5)).n_sites == 3


def test_lattices_and_models_from_outside_in_a_configuration():
    table = {
        "model": {"name": "outside:strong_field", "parameters": {"strength": 2.0}},
        "lattice": {"kind": "outside:star", "length": 5},
    }
    H = config_from_table(table).hamiltonian()
    assert H.lattice.edges == ((0, 1), (0, 2), (0, 3), (0, 4))
    assert H.spec.parameters["h"] == 20.0
    table["lattice"] = {"kind": "outside:star", "shape": [5]}
    with pytest.raises(ValueError, match="'outside:star' takes length, not shape"):
        config_from_table(table).hamiltonian()


def test_outside_model_takes_no_sector():
    table = {"model": {"name": "outside:strong_field", "total_sz": 0}, "lattice": {"length": 4}}
    with pytest.raises(ValueError, match="takes no total_sz"):
        config_from_table(table).hamiltonian()


def test_outside_model_on_the_command_line(capsys):
    assert (
        main(["exact", "outside:strong_field", "--lattice", "outside:star", "--length", "4"]) == 0
    )
    assert "4" in capsys.readouterr().out


def test_sign_rule_from_outside():
    assert heisenberg(chain(4), signs="outside:every_site").rotation.sixths == (3, 3, 3, 3)


def test_a_new_lattice_is_one_decorated_function(monkeypatch):
    monkeypatch.setattr(LATTICES, "_known", dict(LATTICES._known))
    LATTICES.register("comb")(takes("length")(lambda length: chain(length, periodic=False)))
    built = config_from_table(
        {"model": {"name": "ising"}, "lattice": {"kind": "comb", "length": 4}}
    ).hamiltonian()
    assert built.lattice == chain(4, periodic=False)


@pytest.mark.parametrize("path", [":X", "math:", "math:nothing", "no_such_module:X"])
def test_an_import_path_that_leads_nowhere_names_the_kind(path):
    with pytest.raises(ValueError, match=r"^model '.*' cannot be imported"):
        Registry("model")[path]
