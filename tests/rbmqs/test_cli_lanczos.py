"""The command `rbmqs lanczos` on finished runs, and the analysis behind it."""

import json

import pytest

import hamiltonians as hm
from rbmqs.cli.exit_codes import BAD_INPUT
from rbmqs.cli.lanczos import FILE
from rbmqs.cli.main import main
from rbmqs.runs.lanczos_analysis import analyse_run

MODEL = ["heisenberg", "--length", "8", "--total-sz", "0", "--marshall", "--seed", "2"]
SETTINGS = ["--alpha", "1", "--samples", "64", "--final-samples", "4096", "--iterations", "70"]


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    path = tmp_path_factory.mktemp("lanczos") / "run"
    main(["ground-state", *MODEL, *SETTINGS, "--quiet", "--output", str(path)])
    return path


@pytest.fixture(scope="module")
def levels():
    H = hm.heisenberg(hm.chain(8), total_sz=0)
    return hm.ground_state(H, k=2).energies


def test_numbers_agree_with_diagonalisation(directory, levels):
    found = analyse_run(directory, max_samples=2048, first_excited=levels[1], progress=False)
    before, after = found.plain.energy, found.step.after.energy
    assert before.mean > after.mean
    assert after.mean > levels[0] - 4 * after.error_of_mean
    assert found.step.moments.shape[:2] == (16, 128)
    for value, error in found.extrapolated.values():
        assert abs(value - levels[0]) < 4 * error
    upper, weinstein, temple = found.bounds
    assert weinstein.value <= temple.value <= levels[0] <= upper.value
    assert all(bound.proven for bound in found.bounds)
    assert found.reference.energy == pytest.approx(levels[0])


def test_command_prints_and_writes(directory, levels, capsys):
    options = ["--samples", "1024", "--quiet", "--fail-if-not-converged"]
    code = main(["lanczos", str(directory), *options])
    out = capsys.readouterr().out
    table = json.loads((directory / FILE).read_text())
    assert code == (3 if table["status"] else 0)
    for words in ("psi ", "Lanczos step", f"{levels[0]:.8f}", "E0 <=", "E0 >="):
        assert words in out
    assert table["format"] == "rbmqs-lanczos"
    assert table["step"]["n_samples"] == 1024
    assert table["bounds"][1]["proven"] is False
    assert table["reference"]["energy"] == pytest.approx(levels[0])


def test_what_cannot_be_had_is_said(directory, levels):
    found = analyse_run(directory, max_samples=1024, first_excited=levels[0], progress=False)
    assert [bound.side for bound in found.bounds] == ["upper"]
    assert any("Temple's bound needs" in sentence for sentence in found.missing)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--samples", "3"], "max_samples must be at least the 16 chains, got 3"),
        (["--confidence", "1.5"], "confidence must lie between 0.5 and 1, got 1.5"),
        (["--first-excited", "nan"], "first_excited must be finite"),
    ],
)
def test_bad_options(directory, capsys, options, message):
    assert main(["lanczos", str(directory), *options, "--quiet"]) == BAD_INPUT
    assert message in capsys.readouterr().err


def test_no_run(tmp_path, capsys):
    assert main(["lanczos", str(tmp_path)]) == BAD_INPUT
    assert "no checkpoint" in capsys.readouterr().err
