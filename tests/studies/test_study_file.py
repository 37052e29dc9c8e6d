"""Study files: what they expand to, and everything wrong with them said at once."""

import math
import tomllib

import pytest
from small_study import TEXT, write_study

from rbmqs.studies import StudyError, read_study, study_from_table
from rbmqs.studies.axes import axes_of
from rbmqs.studies.expressions import evaluate


def table(**changes):
    return tomllib.loads(TEXT) | changes


def problems(**changes) -> list[str]:
    with pytest.raises(StudyError) as caught:
        study_from_table(table(**changes))
    return caught.value.problems


def test_grid_is_the_product_of_its_axes_with_the_last_one_fastest(tmp_path):
    study = read_study(write_study(tmp_path))
    chosen = [tuple(point.axes.values()) for point in study]
    assert chosen == [(n, h) for n in (4, 6) for h in (0.5, 1.0, 1.5)]
    assert study.name == "small"
    assert study.axes == ("lattice.length", "model.parameters.h")


def test_list_is_crossed_with_the_grid():
    rows = [{"run": {"seed": 1}}, {"run": {"seed": 2}, "ansatz": {"alpha": 2}}]
    study = study_from_table(table(list=rows, study={}, derived={}))
    assert len(study) == 12
    assert study.points[6].config().ansatz.alpha == 2
    assert study.axes == ("run.seed", "ansatz.alpha", "lattice.length", "model.parameters.h")


def test_derived_values_become_settings_or_columns():
    point = study_from_table(table()).points[1]
    assert point.config().run.seed == 104
    assert point.derived == {"run.seed": 104, "inverse": 1.0}


def test_parents_are_neighbours_along_the_warm_start_axis():
    points = study_from_table(table()).points
    ids = [point.id for point in points]
    assert [point.parent for point in points] == [None, ids[0], ids[1], None, ids[3], ids[4]]


def test_fingerprint_follows_all_that_decides_a_result():
    base = study_from_table(table()).points
    other = study_from_table(table(sampling={"n_samples": 256, "n_chains": 8})).points
    assert all(a.fingerprint != b.fingerprint for a, b in zip(base, other, strict=True))
    shifted = table()
    shifted["grid"]["model"]["parameters"]["h"]["start"] = 0.4  # 0.4, 0.95, 1.5: same last field
    last = study_from_table(shifted).points[2]
    assert last.axes == base[2].axes
    assert last.fingerprint != base[2].fingerprint, "its parent differs"


def test_all_problems_are_reported_together():
    found = problems(
        ansatz={"alhpa": 1, "dtyp": "real"},
        grids={},
        study={"nam": "x", "warm_start": "model.parameters.J"},
        reference={"method": "magic"},
    )
    text = "\n".join(found)
    for word in ("'alhpa'", "'dtyp'", "[grids]", "'nam'", "warm_start", "method in [reference]"):
        assert word in text
    assert "all 6 points" in text


def test_impossible_points_and_exact_sizes_are_named_together():
    grid = {"lattice": {"length": [2, 8, 200]}, "model": {"total_sz": [0.0, 0.5]}}
    found = problems(
        grid=grid, model={"name": "heisenberg"}, study={}, derived={}, reference={"method": "exact"}
    )
    text = "\n".join(found)
    assert "exact diagonalisation allows at most" in text
    assert "total_sz" in text
    assert "length=2" in text
    assert "length=200_total_sz=0.0" in text


@pytest.mark.parametrize("ansatz", [{"alpha": -1.0}, {"n_hidden": -3}])
def test_unknown_keys_hide_nothing_else(ansatz):
    found = problems(
        grid={"lattice": {"length": [2, 8, 200]}}, model={"name": "heisenberg", "parametres": {}},
        ansatz=ansatz, run={"n_iteratons": 3}, study={}, derived={}, reference={"method": "exact"},
    )  # fmt: skip
    text = "\n".join(found)
    for word in (
        "'parametres'", "'n_iteratons'", next(iter(ansatz)), "at least 3 for a periodic chain",
        "exact diagonalisation",
    ):  # fmt: skip
        assert word in text


def test_exact_sampling_of_too_many_states_is_refused():
    found = problems(
        grid={"lattice": {"length": [4, 30]}}, sampling={"exact": True}, study={}, derived={}
    )
    assert len(found) == 1
    assert "exact sampling" in found[0]
    assert "length=30" in found[0]


def test_a_local_shift_of_tied_weights_is_refused_before_a_run():
    found = problems(optimiser={"local_shift": True}, ansatz={"tied": "translations"})
    assert any("local_shift = true takes plain weights" in problem for problem in found)


@pytest.mark.parametrize(
    ("grid", "word"),
    [
        ({"lattice": {"length": []}}, "not empty"),
        ({"lattice": {"length": 4}}, "must be a list"),
        ({"lattice": {"length": [4, 4]}}, "twice"),
        ({"h": {"start": 0, "stop": 1}}, "num"),
        ({"h": {"start": 0, "stop": 1, "num": 3, "step": 1}}, "step"),
        ({"h": {"start": 0, "stop": 1, "num": 3, "spacing": "log"}}, "positive"),
        ({"h": {"start": -1e308, "stop": 1e308, "num": 3}}, "too far apart"),
        ([1], "table"),
    ],
)
def test_bad_axes_are_refused(grid, word):
    with pytest.raises((ValueError, TypeError), match=word):
        axes_of(grid)


def test_ranges_hold_the_numbers_a_person_would_write():
    values = axes_of({"h": {"start": 0.5, "stop": 1.6, "num": 12}})["h"]
    assert values == [0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6]
    logs = axes_of({"h": {"start": 1, "stop": 100, "num": 3, "spacing": "log"}})["h"]
    assert logs == [1.0, 10.0, 100.0]


def test_expressions_are_arithmetic():
    names = {"lattice.length": 8, "h": 0.5}
    assert evaluate("max(512, 100 * lattice.length) // 3", names) == 266
    assert evaluate("-h ** 2 + sqrt(4) % 3 + pi", names) == -0.25 + 2 + math.pi


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "lattice.length.__class__",
        "[1][0]",
        "'a' * 3",
        "1 if h else 2",
        "9 ** 9 ** 9",
        "1 / 0",
        "unknown",
        "(" * 300,
        "1 +",
    ],
)
def test_other_expressions_are_refused(text):
    with pytest.raises(ValueError, match=r"expression|arithmetic|not a number"):
        evaluate(text, {"lattice.length": 8, "h": 0.5})


def test_reference_values_are_chosen_by_rule():
    values = [
        {
            "where": {"lattice": {"length": 6}},
            "energy_per_site": "-1 - inverse",
            "uncertainty": 0.01,
            "source": "a paper",
        }
    ]
    from rbmqs.studies.references import listed_reference

    study = study_from_table(table(reference={"values": values}))
    small, large = study.points[0], study.points[3]
    assert listed_reference(small, 4, study.reference) is None
    found = listed_reference(large, 6, study.reference)
    assert (found.energy, found.uncertainty, found.source) == (-18.0, 0.06, "a paper")
    values[0]["energy_per_site"] = "-1 - invers"
    assert "'invers'" in problems(reference={"values": values})[0]
