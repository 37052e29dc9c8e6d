"""Study files and directories that somebody else wrote: one sentence, nothing outside, no hang."""

import json
import shutil
import time

import numpy as np
import pytest
from small_study import TEXT, run_here, write_study

from rbmqs.cli.main import main
from rbmqs.studies import StudyError, study_from_table, write_report
from rbmqs.studies.expressions import evaluate
from rbmqs.studies.reports.markdown import block, code, escaped
from rbmqs.studies.storage import StudyDirectory
from rbmqs.utils.parsing import DamagedError, parse_json, read_toml

LINE = "![x](http://a/b) <script>alert(1)</script> [l](u) | `c` *b* _e_ # h\n```\nend"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    text = TEXT.replace("num = 3", "num = 2").replace("[4, 6]", "[4]")
    return run_here(tmp_path_factory.mktemp("hostile"), text)[0]


@pytest.fixture
def root(finished, tmp_path):
    """A copy of a finished study that a test may damage."""
    return shutil.copytree(finished, tmp_path / "out")


def one_line(capsys, *command):
    """What a command says of bad input: one line within two seconds, and exit status 2."""
    started = time.perf_counter()
    assert main([str(word) for word in command]) == 2
    assert time.perf_counter() - started < 2
    err = capsys.readouterr().err
    assert err.startswith("rbmqs: error: ")
    assert err.count("\n") == 1
    return err


def rewrite(path, change):
    record = json.loads(path.read_text())
    record.pop("crc32", None)  # which somebody else leaves out
    change(record)
    path.write_text(json.dumps(record))


def test_an_id_cannot_leave_the_directory(root, capsys):
    secret = root.parent / "secret.json"
    secret.write_text(json.dumps({"error": "the password is 1234"}))
    rewrite(root / "study.json", lambda record: record["points"][0].update(id="../../secret"))
    assert "got '../../secret'" in one_line(capsys, "report", root)
    assert not (root / "report.md").exists()
    for name in ("..", ".hidden", "a/b", "a\\b", "", "a\0b", "x" * 300):
        with pytest.raises(DamagedError, match="a name must consist of"):
            StudyDirectory(root).point(name)


def test_checksums_name_files_of_the_point_only(root, capsys):
    sums = next((root / "points").iterdir()) / "SHA256SUMS"
    sums.write_text(sums.read_text() + f"{'0' * 64}  ../../../secret\n")
    assert "got '../../../secret'" in one_line(capsys, "report", root)


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record.pop("points"),
        lambda record: record.update(points={}),
        lambda record: record.update(points=[1]),
        lambda record: record["points"][0].pop("fingerprint"),
        lambda record: record["points"][0].update(table=[]),
        lambda record: record.update(provenance={"host": 3}),
        lambda record: record.update(axes="h"),
        lambda record: record.pop("name"),
    ],
)
def test_a_damaged_study_is_one_line(root, capsys, change):
    rewrite(root / "study.json", change)
    assert "study.json" in one_line(capsys, "report", root)


@pytest.mark.parametrize("text", ["", "[1]", "{", "[" * 100_000, '{"a": ' * 60 + "1" + "}" * 60])
def test_what_is_no_study_is_one_line(root, capsys, text):
    (root / "study.json").write_text(text)
    one_line(capsys, "report", root)


@pytest.mark.parametrize("name", ["hamiltonian", "energy", "seconds", "settings", "ansatz"])
@pytest.mark.parametrize("value", [None, [], "x"])
def test_a_damaged_result_is_one_line(root, tmp_path, capsys, name, value):
    run = shutil.copytree(next((root / "points").iterdir()), tmp_path / "run")
    rewrite(run / "result.json", lambda record: record.update({name: value}))
    one_line(capsys, "report", run)


def test_names_are_not_taken_for_markdown(root):
    rewrite(root / "study.json", lambda record: record.update(name=LINE))
    (root / "study.toml").write_text("# ```\n</pre><script>\n")
    write_report(root)
    text, page = (root / "report.md").read_text(), (root / "report.html").read_text()
    assert text.startswith(f"# {escaped(LINE)}\n\n")
    assert "\n````\n# ```\n</pre><script>\n````\n" in text
    assert "<script>" not in page


def test_escapes_of_markdown():
    assert escaped("a_b <i> ![x](y)\n# z|") == r"a\_b \<i\> \!\[x\](y) \# z\|"
    assert code("a`b``c") == "``` a`b``c ```"
    assert block("x\n````\ny").splitlines()[0] == "`````"


@pytest.mark.parametrize(
    "text",
    [
        "round(5, -1000000000)",
        "round(5, 10 ** 9)",
        "ceil(1e308) * 10",
        "floor(1e308)",
        "9" * 400,
        "1e308 * 10",
        "(1e308 + 1e308) * 0",
        "log(0)",
        "max()",
        "abs(*[1])",
        "1" + " + 1" * 120 + " + 1e999",
        "\0",
    ],
)
def test_expressions_are_bounded(text):
    started = time.perf_counter()
    with pytest.raises(ValueError, match="expression"):
        evaluate(text, {"h": 0.5})
    assert time.perf_counter() - started < 1


def test_expressions_round_as_before():
    assert evaluate("round(2.675, 1) + round(7.6)", {}) == 2.7 + 8
    assert isinstance(evaluate("round(7.6)", {}), int)


def test_a_key_is_given_once():
    table = {"model": {"name": "ising"}, "list": [{"lattice": {"length": 4}}]}
    for grid in ({"lattice": {"length": [6, 8]}}, {"lattice": [{"length": 4}]}):
        with pytest.raises(StudyError, match=r"in both \[\[list\]\] and \[grid\]"):
            study_from_table({**table, "grid": grid})
    derived = {"derived": {"lattice": {"length": "6"}}}
    with pytest.raises(StudyError, match=r"'lattice.length' is in both \[derived\] and"):
        study_from_table({**table, **derived})


def test_large_grids_are_read_in_linear_time_or_refused():
    grid = {"model": {"parameters": {"h": [0.1 * k for k in range(10_001)]}}}
    started = time.perf_counter()
    with pytest.raises(StudyError, match="has 10001 values, at most"):
        study_from_table({"grid": grid, "model": {"name": "ising"}, "lattice": {"length": 4}})
    product = {"model": {"parameters": {"h": list(range(400)), "J": list(range(1, 201))}}}
    with pytest.raises(StudyError, match="80000 points, at most"):
        study_from_table({"grid": product, "model": {"name": "ising"}, "lattice": {"length": 4}})
    values = {"start": 0.0, "stop": 1.0, "num": 100_000}
    with pytest.raises(StudyError, match="must be at most 10000, got 100000"):
        study_from_table({"grid": {"h": values}, "model": {"name": "ising"}})
    assert time.perf_counter() - started < 2


def test_nested_text_is_one_sentence(tmp_path, capsys):
    for text in ("a = " + "[" * 100_000, "a = " + "[" * 60 + "]" * 60, "[" + "a." * 60 + "b]"):
        path = tmp_path / "deep.toml"
        path.write_text(text)
        for command in ("study check", "study run", "study status", "ground-state --config"):
            assert "nested deeper than 50" in one_line(capsys, *command.split(), path)
    with pytest.raises(ValueError, match="nested deeper than 50"):
        parse_json("[" * 100_000, "a file")
    (tmp_path / "long.toml").write_bytes(b"#" * (2**24 + 1))
    with pytest.raises(ValueError, match="at most 16777216 bytes"):
        read_toml(tmp_path / "long.toml")


@pytest.mark.parametrize("command", ["check", "run", "status"])
def test_missing_and_binary_study_files_are_one_line(tmp_path, capsys, command):
    one_line(capsys, "study", command, tmp_path / "none.toml")
    one_line(capsys, "study", command, tmp_path)
    (tmp_path / "binary.toml").write_bytes(np.random.default_rng(0).bytes(1000))
    one_line(capsys, "study", command, tmp_path / "binary.toml")


def test_a_study_that_is_fine_has_the_same_report(root):
    write_report(root)
    assert "2 of 2 points done" in (root / "report.md").read_text()
    assert write_study(root.parent).exists()


@pytest.mark.parametrize(
    "text",
    [
        '[model]\nname = "ising"\n[lattice]\nkind = "graph"\nedges = [[0, 1000000000]]',
        '[model]\nname = "pauli"\nterms = { "X1000000000" = 1.0 }',
    ],
)
def test_sites_without_number_are_refused_before_they_are_made(tmp_path, capsys, text):
    (tmp_path / "run.toml").write_text(text)
    message = one_line(capsys, "ground-state", "--config", tmp_path / "run.toml", "--quiet")
    assert "sites" in message
    assert "of memory" in message
