"""Studies of tomography from TOML files."""

import csv

import pytest

from rbmqs.cli.main import main
from rbmqs.studies.fidelity import fidelity_study_from_table
from rbmqs.studies.study import StudyError

FILE = """
[study]
name = "pair"
output = "{output}"

[model]
name = "heisenberg"

[lattice]
kind = "chain"
length = 2
periodic = false

[tomography]
bases = "all"
shots = [20, 400]
n_sets = 2
n_hidden = 2
n_starts = 1
"""


def test_a_study_runs_goes_on_and_grows(tmp_path, capsys):
    file, output = tmp_path / "pair.toml", tmp_path / "out"
    text = FILE.format(output=output.as_posix())
    file.write_text(text)
    assert main(["study", "check", str(file)]) == 0
    assert "4 sets to do" in capsys.readouterr().out
    assert main(["study", "run", str(file), "--quiet"]) == 0
    assert "180 shots" in capsys.readouterr().out
    before = (output / "fidelities.jsonl").read_text().splitlines()
    assert len(before) == 5
    assert (output / "fidelity.png").stat().st_size > 5000
    # two sets are lost, and a size is added in front: what is there stays as it is
    (output / "fidelities.jsonl").write_text("\n".join(before[:3]) + "\n")
    file.write_text(text.replace("[20,", "[10, 20,"))
    assert main(["study", "status", str(file)]) == 0
    assert "4 of 6 sets left" in capsys.readouterr().out
    assert main(["study", "run", str(file), "--quiet"]) == 0
    after = (output / "fidelities.jsonl").read_text().splitlines()
    assert set(before) < set(after)
    rows = list(csv.reader((output / "table.csv").read_text().splitlines()))
    assert [row[0] for row in rows[1:]] == ["90", "180", "3600"]
    assert float(rows[3][1]) > 0.98
    assert main(["report", str(output)]) == 0
    assert "| 3600 | 0.9" in (output / "report.md").read_text()
    file.write_text(text + "seed = 1\n")
    assert main(["study", "run", str(file), "--quiet"]) == 2
    assert "holds another study" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tomography": {"shoots": 3}}, r"unknown key 'shoots' in \[tomography\]"),
        ({"grid": {}}, r"unknown table \[grid\]"),
        ({"tomography": {"n_sets": 1}}, "n_sets must be at least 2, got 1"),
        ({"tomography": {"shots": [10, 10]}}, "shots must be a list of different numbers"),
        ({"tomography": {"bases": ["XXX"]}}, "bases must name 2 sites, got 3"),
        ({"tomography": {"target": "a.npy"}}, "give either target"),
        ({"study": {"output": ["a"]}}, r"output in \[study\] must be a text, got \['a'\]"),
        ({"tomography": 3}, "tomography must be a table, got 3"),
    ],
)
def test_wrong_studies_are_refused(change, words):
    table = {
        "model": {"name": "heisenberg"},
        "lattice": {"kind": "chain", "length": 2, "periodic": False},
        "tomography": {},
    }
    with pytest.raises(StudyError, match=words):
        fidelity_study_from_table(table | change)
