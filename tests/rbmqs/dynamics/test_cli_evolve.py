"""The command `rbmqs evolve`."""

import json

import numpy as np
import pytest

import hamiltonians as hm
import rbmqs
from rbmqs.cli.main import main

ISING = ["evolve", "ising", "--length", "6", "-p", "J=-1", "--sum", "--quiet"]


def test_a_drive_from_a_product_state_resumed(tmp_path, capsys):
    output = tmp_path / "out"
    start = [*ISING, "--start", "+x", "--drive", "h=1+t", "--tolerance", "1e-5"]
    start += ["--density", "3", "--output", str(output)]
    assert main([*start, "--until", "0.1", "--every", "0.05"]) == 0
    assert "mx" in capsys.readouterr().out
    assert main([*start, "--until", "0.15", "--every", "0.05", "--resume"]) == 0
    saved = json.loads((output / "result.json").read_text())
    assert saved["times"] == pytest.approx([0, 0.05, 0.1, 0.15])
    found = [stats["mean"] for stats in saved["observables"]["mx"]]
    found = [m["real"] if isinstance(m, dict) else m for m in found]
    assert np.abs(np.array(found) - saved["exact"]["mx"]).max() < 1e-3
    assert main(["report", str(output)]) == 0
    report = (output / "report.md").read_text()
    assert "| time | energy | mx |" in report
    assert f"| 0.15 | {saved['observables']['energy'][-1]['mean']['real']:.10g} |" in report
    assert "](figures/evolution.png)" in report


def test_from_a_run_whose_signs_were_taken_by_itself(tmp_path, capsys):
    H = hm.heisenberg(hm.chain(6), total_sz=0)
    run = tmp_path / "run"
    rbmqs.ground_state(
        H, 1, n_iterations=40, n_samples=128, n_final_samples=128, output=run, progress=False
    )
    arguments = ["evolve", "xxz", "--length", "6", "--total-sz", "0", "-p", "delta=0.5", "--sum"]
    arguments += ["--from", str(run), "--until", "0.02", "--every", "0.01", "--quiet", "--echo"]
    arguments += ["--fidelity", "--renyi", "0", "1"]
    assert main([*arguments, "--plot", str(tmp_path / "picture.png")]) == 0
    printed = capsys.readouterr().out
    assert all(word in printed for word in ("exact", "echo", "fidelity", "renyi2", "errors add up"))
    assert (tmp_path / "picture.png").exists()
    start = rbmqs.load(run, progress=False)
    after = hm.xxz(hm.chain(6), delta=0.5, total_sz=0)
    found = rbmqs.evolve(after, start, [0.0, 0.02], summation=True, progress=False)
    sector = hm.Sector(6, 0)
    exact = hm.evolve(after, start.psi.state_vector(sector), [0.02])[0]
    assert found.psi.overlap(exact, sector) == pytest.approx(1, abs=1e-4)
    assert found.values("zz") == pytest.approx(found.exact["zz"], abs=1e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--until", "1"], "give either --from DIR or --start DIRECTION"),
        (["--start", "+x", "--until", "-1"], "--until must be greater than 0"),
        (["--start", "+x", "--until", "1", "--every", "0"], "--every must be greater than 0"),
        (["--start", "+x", "--until", "1", "--every", "3"], "--every must lie between 1"),
        (["--start", "up", "--until", "1"], "directions must be vectors or names"),
        (["--start", "+x", "--until", "1", "--drive", "h=t+"], "expression 't+' has no value"),
        (["--start", "+x", "--until", "1", "--drive", "g=t"], "g"),
        (["--start", "+x", "--until", "1", "--tolerance", "0"], "tolerance must be greater than 0"),
        (["--start", "+x", "--until", "1", "--resume"], "output must be a directory"),
        (["--from", "nowhere", "--until", "1"], "nowhere"),
    ],
)
def test_bad_input_is_one_line(arguments, message, capsys):
    assert main([*ISING, *arguments]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
