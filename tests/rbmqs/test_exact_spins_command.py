"""`rbmqs exact` and configurations of spins of S >= 1, temperatures and responses."""

import pytest

import hamiltonians as hm
from rbmqs.cli.main import main
from rbmqs.runs.config import config_from_table


def test_spins_on_the_command_line(capsys):
    words = "exact heisenberg --length 6 --spin 1 --correlations --quiet"
    assert main(words.split()) == 0
    out = capsys.readouterr().out
    assert "-8.617423181814" in out
    assert "<Sz_i Sz_j>" in out
    assert "Pauli units" not in out


def test_temperature_and_response_on_the_command_line(capsys):
    words = "exact heisenberg --length 5 --spin 1 --temperature 1e6 --dynamical 0.8 --quiet"
    assert main(words.split()) == 0
    out = capsys.readouterr().out
    assert "243 states" in out
    assert "5.4930614" in out  # log 3^5
    assert "sum of weights" in out


def test_a_run_of_spin_operators_reports_units_of_S(capsys):
    """Spins 1/2 too, where the model is given `spin`: its energy is that of S.S."""
    words = "ground-state heisenberg --length 4 --spin 0.5 --iterations 2 --samples 64 --quiet"
    assert main(words.split()) == 0
    out = capsys.readouterr().out
    assert "per site (units of S)" in out
    assert "Pauli units" not in out


def test_models_and_terms_in_files():
    table = {
        "model": {
            "name": "spin",
            "spin": 1,
            "terms": {"Sp0 Sm1": 0.5, "Sm0 Sp1": 0.5, "Sz0 Sz1": 1},
        }
    }
    H = config_from_table(table).hamiltonian()
    assert (H.terms - hm.spin_dot(0, 1, 1)).parts == {}
    squared = {"model": {"name": "spin", "spin": [1, 0.5], "terms": {"Sz0^2": 0.3, "Sz0 Sz1": 1}}}
    assert config_from_table(squared).hamiltonian().spin == (1.0, 0.5)
    named = {"model": {"name": "xxz", "spin": [1.5], "parameters": {"D": 0.2}, "total_sz": 0}}
    found = config_from_table(named | {"lattice": {"length": 4}}).hamiltonian()
    assert found == hm.xxz(hm.chain(4), D=0.2, spin=1.5, total_sz=0)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ({"name": "aklt", "spin": 1}, "model 'aklt' takes no spin"),
        ({"name": "spin"}, "model 'spin' needs terms"),
        ({"name": "spin", "terms": {"Sq0": 1.0}}, "a spin string reads like 'Sp0 Sm1' or 'Sz0^2'"),
        ({"name": "spin", "terms": {"Sz0^x": 1.0}}, "a spin string reads like"),
        ({"name": "spin", "spin": [1, 1], "terms": {"Sz2": 1.0}}, "sites 0 to 1, got 'Sz2'"),
        ({"name": "spin", "spin": 0, "terms": {"Sz0": 1.0}}, "spin must be 0.5, 1, 1.5, "),
        ({"name": "spin", "spin": [], "terms": {"Sz0": 1.0}}, "spin must be one number"),
        ({"name": "pauli", "spin": 1, "terms": {"X0": 1.0}}, "spin must be left out of model"),
        ({"name": "heisenberg", "spin": 0.7}, "spin must be 0.5, 1, 1.5, ... up to 60, got 0.7"),
    ],
)
def test_bad_spins_in_files_are_one_line(model, reason):
    table = {"model": model} | ({} if "terms" in model or model["name"] == "spin" else LATTICE)
    with pytest.raises((TypeError, ValueError)) as caught:
        config_from_table(table).hamiltonian()
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


LATTICE = {"lattice": {"length": 4}}
