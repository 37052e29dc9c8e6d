"""Study points with a quench: curves, columns of the table, a kill on the way, bad input."""

import json
import shutil
import signal
import threading
import tomllib

import numpy as np
import pytest
from small_study import run_here

import hamiltonians as hm
from rbmqs.studies import StudyError, load_quench, load_table, run_study, study_from_table
from rbmqs.studies.figures import NothingToDrawError, plot_quenches

TEXT = """
[study]
name = "quenches"
[grid]
quench.parameters.h = [0.7, 1.0]
[model]
name = "ising"
parameters = { J = -1.0, h = 0.5 }
[lattice]
length = 4
[ansatz]
alpha = 1
[run]
n_iterations = 40
[quench]
until = 0.2
every = 0.1
echo = true
renyi = [0, 1]
settings = { tolerance = 1e-4 }
"""


@pytest.fixture(scope="module")
def quenches(tmp_path_factory):
    root, outcome = run_here(tmp_path_factory.mktemp("quenches"), TEXT)
    assert len(outcome.done) == 2
    assert not outcome.failed
    return root


def test_a_sweep_over_quenches_against_exact_evolution(quenches):
    table = load_table(quenches)
    assert list(table["quench.parameters.h"]) == [0.7, 1.0]
    for row, h in enumerate((0.7, 1.0)):
        exact = hm.ising_chain_dynamics(4, [0.0, 0.1, 0.2], h=h, initial_h=0.5, J=1.0)
        curves = load_quench(quenches, str(table["id"][row]))
        assert curves["mx"] == pytest.approx(exact.x.mean(axis=1), abs=1e-2)
        assert curves["mx_exact"] == pytest.approx(curves["mx"], abs=5e-4)
        assert table["quench_m_x"][row] == curves["mx"][-1]
        assert table["quench_echo"][row] == pytest.approx(exact.loschmidt_echo[-1], abs=2e-3)
        assert table["quench_time"][row] == 0.2
        assert table["quench_m_x_error"][row] == 0
        assert table["quench_renyi2"][row] > 0
        assert np.isnan(table["quench_fidelity"][row])
    assert plot_quenches(table).axes[0].lines


def test_quenches_from_product_states_of_other_directions(tmp_path):
    """From +x and from the Neel state, without a ground state; exact curves stand beside them."""
    text = TEXT.replace("quench.parameters.h = [0.7, 1.0]", 'quench.start = ["+x", "neel"]')
    text = text.replace("n_iterations = 40", "n_iterations = 0").replace("renyi = [0, 1]", "")
    root, outcome = run_here(tmp_path, text)
    assert not outcome.failed
    table = load_table(root)
    for row, first in enumerate((1.0, 0.0)):
        curves = load_quench(root, str(table["id"][row]))
        assert curves["mx"][0] == pytest.approx(first, abs=0.02)
        assert curves["mx"] == pytest.approx(curves["mx_exact"], abs=5e-3)
    exact = hm.evolve(hm.ising(hm.chain(4), h=0.5, J=-1.0), np.full(16, 0.25), [0.2])[0]
    assert table["quench_echo"][0] == pytest.approx(abs(exact.sum() / 4) ** 2, abs=1e-3)


def test_equations_that_stop_before_the_first_step(tmp_path):
    """The point is done, with what was measured at t = 0 and the reason in its status."""
    text = TEXT.replace("tolerance = 1e-4", "max_r2 = 1e-40").replace("[0.7, 1.0]", "[1.0]")
    root, outcome = run_here(tmp_path, text)
    assert not outcome.failed
    table = load_table(root)
    assert table["quench_time"][0] == table["quench_integrated_r2"][0] == 0
    assert "exceeds max_r2" in table["quench_status"][0]


def test_a_changed_curve_is_found_and_run_again(quenches, tmp_path):
    root = tmp_path / "out"
    shutil.copytree(quenches, root)
    first = sorted((root / "points").iterdir())[0]
    path = first / "evolution" / "log.jsonl"
    path.write_text(path.read_text().replace("e", "E", 1))
    before = (quenches / "points" / first.name / "evolution" / "log.jsonl").read_text()
    _, outcome = run_here(tmp_path, TEXT)
    assert len(outcome.damaged) == 1
    assert "evolution/log.jsonl does not match its checksum" in outcome.damaged[0]
    assert path.read_text() == before


@pytest.mark.submission
def test_an_interrupted_quench_goes_on_bit_for_bit(quenches, tmp_path, monkeypatch):
    from rbmqs.dynamics import stepping

    advance, calls = stepping.Stepper.advance, []

    def interrupted(self, state, until):
        calls.append(until)
        if len(calls) == 3 and threading.current_thread() is threading.main_thread():
            signal.raise_signal(signal.SIGINT)
        return advance(self, state, until)

    study = study_from_table(tomllib.loads(TEXT))
    monkeypatch.setattr(stepping.Stepper, "advance", interrupted)
    from rbmqs.studies.work import run_point

    point = study.points[0]
    given = [vars(point), study.observables, vars(study.reference), None]
    assert run_point(str(tmp_path / "out"), *given)["outcome"] == "interrupted"
    assert run_point(str(tmp_path / "out"), *given)["outcome"] == "done"
    place = tmp_path / "out" / "points" / point.id
    log, whole = (
        (root / "evolution" / "log.jsonl").read_bytes()
        for root in (place, quenches / "points" / point.id)
    )
    assert log == whole
    row = json.loads((place / "point.json").read_text())["row"]
    assert row["quench_m_x"] == load_table(quenches)["quench_m_x"][0]


BAD = [
    ({"until": -1.0}, "until must be greater than 0"),
    ({"every": 3.0}, "every must lie between 0.2"),
    ({"parameters": {"g": 1.0}}, "g"),
    ({"parameters": {"h": "1 + x"}}, "'x' is not a number"),
    ({"settings": {"integrator": "rk5"}}, "integrator must be one of"),
    ({"settings": {"stepp": 1}}, "takes no argument 'stepp'"),
    ({"renyi": [7]}, "region must name some of the sites"),
    ({"start": "up"}, "directions must be vectors or names from"),
    ({"start": 3}, "start"),
    ({"start": ["+x"] * 3}, "3"),
    ({"untill": 1.0}, "unknown key 'untill' in \\[quench\\]"),
]


@pytest.mark.parametrize(("changes", "message"), BAD)
def test_bad_quenches_are_refused_before_anything_runs(changes, message):
    table = tomllib.loads(TEXT)
    table["quench"] = {**table["quench"], **changes}
    del table["grid"]
    with pytest.raises(StudyError, match=message) as caught:
        study_from_table(table)
    assert all("\n" not in problem for problem in caught.value.problems)


def test_a_study_without_quenches_has_no_curves_to_draw(tmp_path):
    table = tomllib.loads(TEXT)
    del table["grid"], table["quench"]
    table["run"]["n_iterations"] = 2
    run_study(study_from_table(table), tmp_path, progress=False)
    with pytest.raises(NothingToDrawError, match="no point has a"):
        plot_quenches(load_table(tmp_path))
