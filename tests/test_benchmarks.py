"""The benchmarks run, in their small versions, and count what they say they count."""

import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import accuracy  # noqa: E402
import frontier  # noqa: E402
import operations  # noqa: E402
from accuracy import file_name  # noqa: E402
from accuracy_cases import SUITES, Case  # noqa: E402
from choice import chosen  # noqa: E402
from first_iteration import in_fresh_process  # noqa: E402
from operations import Size, Work  # noqa: E402
from random_starts import has_risen  # noqa: E402
from scaling import slope  # noqa: E402
from workload import antiparallel_share  # noqa: E402

from hamiltonians import chain, heisenberg  # noqa: E402
from rbmqs.states.factory import initial_wavefunction  # noqa: E402


def run(script: str, tmp_path: Path, *options: str) -> dict[str, Any]:
    """The JSON record of a benchmark's small version."""
    record = tmp_path / "record.json"
    command = [sys.executable, BENCHMARKS / script, "--quick", "--json", record, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(record.read_text())


@pytest.mark.submission
def test_cases_are_chosen_by_parts_of_their_names() -> None:
    cases = ["Ising chain 20", "Ising 4x4", "Heisenberg 4x4"]
    assert chosen(cases, None) == cases
    assert chosen(cases, ["heis", "chain"]) == [cases[0], cases[2]]
    with pytest.raises(SystemExit, match=r"'6x6'.*known: Ising chain 20"):
        chosen(cases, ["4x4", "6x6"])


@pytest.mark.submission
def test_limit_prints_every_kernel(tmp_path: Path) -> None:
    rows = run("limit.py", tmp_path, "--rounds", "1")["rows"]
    assert len(rows) == 2 * len({row["kernel"] for row in rows}) == 2 * 9
    for row in rows:
        # no bound on the fraction: where another program takes a core, the product's rate is halved
        assert row["rate"] > 0.0
        assert row["fraction"] == pytest.approx(row["rate"] / row["gemm"])
        assert 0.0 < row["ceiling"] <= 1.0
        assert row["rate"] == pytest.approx(row["operations"] / row["seconds"] / 1e9)


@pytest.mark.submission
def test_limit_prints_the_parts_of_a_projected_iteration(tmp_path: Path) -> None:
    rows = run("limit.py", tmp_path, "--projected", "--rounds", "1")["rows"]
    assert len(rows) == 5
    assert all(row["rate"] > 0.0 and row["ceiling"] <= 1.0 for row in rows)


@pytest.mark.submission
def test_scaling_prints_exponents(tmp_path: Path) -> None:
    rows = run("limit.py", tmp_path, "--scaling", "--rounds", "1")["rows"]
    assert {row["against"] for row in rows} == {"N", "alpha", "samples"}
    assert all(np.isfinite([row["measured"], row["promised"]]).all() for row in rows)


@pytest.mark.submission
def test_peak_memory_is_of_the_fresh_process() -> None:
    ballast = np.ones(75_000_000)  # 600 MB here must not count there
    case = {"model": "ising", "lattice": "chain", "length": 6, "alpha": 1, "n_samples": 64}
    elapsed, memory = in_fresh_process({"library": "rbmqs", "case": case}, {})
    assert elapsed > 0
    assert 50 < memory < ballast.nbytes / 1e6


@pytest.mark.submission
def test_small_published_clusters_agree(tmp_path: Path) -> None:
    rows = run("published.py", tmp_path)["rows"]
    assert len(rows) == 6
    assert all(row["sites"] <= 20 for row in rows.values())
    known = [row for row in rows.values() if "published" in row]
    assert len(known) == 4
    for row in known:
        assert abs(row["per_site"] - row["published"]) <= row["last_digit"]


@pytest.mark.submission
def test_random_starts_end_well_or_say_so(tmp_path: Path) -> None:
    runs = run("random_starts.py", tmp_path)["runs"]
    assert {run["model"] for run in runs} == {"Ising chain 12, h=1", "Heisenberg chain 12"}
    for one in runs:
        assert not any(one[fault] for fault in ("not_finite", "diverged", "wrong_claim"))
        assert one["converged"] or one["status"]
        assert 0 < one["relative_error"] < 0.2
        assert abs(one["relative_error"] - one["sampled_error"]) < 6 * one["error_bar"]


@pytest.mark.submission
def test_verdicts_are_never_false(tmp_path: Path) -> None:
    """Good, excited and collapsed states, judged with their exact energies and without."""
    rows = run("verdicts.py", tmp_path)["rows"]
    assert not any(row[name]["false"] for row in rows for name in ("with", "without"))
    assert not any(row["with"]["alarm"] for row in rows)
    assert sum(row["with"]["converged"] for row in rows) >= 3
    assert sum(row["error"] > 0.01 and row["v_score"] < 2e-3 for row in rows) >= 2


@pytest.mark.slow
def test_a_hundred_random_starts(tmp_path: Path) -> None:
    """Ten models, ten starts each, in about an hour: none fails, none claims what is not so."""
    record = tmp_path / "record.json"
    command = [sys.executable, BENCHMARKS / "random_starts.py", "--json", record]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(json.loads(record.read_text())["runs"]) == 100


@pytest.mark.submission
def test_a_run_that_rose_has_diverged() -> None:
    def course(energies: list[float]) -> list[SimpleNamespace]:
        return [SimpleNamespace(energy=SimpleNamespace(mean=complex(e))) for e in energies]

    falling = [10.0 - 0.2 * t for t in range(100)]
    assert not has_risen(course(falling))
    assert not has_risen(course([*falling, *[-9.5] * 40]))
    assert has_risen(course([*falling, *[-3.0] * 40]))
    assert has_risen(course([*falling, *[float("nan")] * 2]))


@pytest.mark.submission
def test_optimisers_are_compared(tmp_path: Path) -> None:
    picture = tmp_path / "optimisers.png"
    runs = run("optimisers.py", tmp_path, "--figure", str(picture))["runs"]
    assert len(runs) == len({one["variant"] for one in runs}) >= 9
    assert all(np.isfinite(one["relative_error"]) and len(one["course"]) == 10 for one in runs)
    assert picture.stat().st_size > 0


@pytest.mark.submission
def test_local_shift_is_compared(tmp_path: Path) -> None:
    """Which is lower after so many iterations is for tests/rbmqs/test_distance_shift.py."""
    (row,) = run("local_shift.py", tmp_path)["rows"].values()
    for found in (row["same"], row["local"]):
        assert found["n_iterations"] > 1
        assert -43 < found["energy"] < 24  # between ground and ferromagnetic states
        assert found["variance"] > 0
    assert row["same"]["energy"] != row["local"]["energy"]


@pytest.mark.submission
def test_warm_starts_are_compared(tmp_path: Path) -> None:
    record = run("warm_start.py", tmp_path)
    (row,) = record["rows"].values()
    assert len(row) == len(record["shares"]) == 3
    for found in row:
        assert found["n_iterations"] > 1
        assert -0.01 < found["relative_error"] < 1.6  # between ground and ferromagnetic states
        assert found["variance"] > 0
    assert len({found["energy"] for found in row}) == 3


@pytest.mark.submission
@pytest.mark.netket
def test_versus_netket_agrees_and_draws(tmp_path: Path) -> None:
    pytest.importorskip("netket")
    chart = tmp_path / "chart.png"
    (case,) = run("versus_netket.py", tmp_path, "--rounds", "1", "--chart", str(chart))["cases"]
    stages = {"sampling", "local energies", "reconfiguration", "iteration"}
    assert stages | {"start to first iteration", "peak memory"} < set(case["rows"])
    assert case["agreement"]["local energies"] < 1e-10
    assert chart.stat().st_size > 0


@pytest.mark.submission
def test_products_are_counted_as_textbooks_do() -> None:
    """Leading terms: matrix product 2nmk, complex Cholesky 4/3 n^3, Hermitian rank-k 4 n^2 k."""
    n, m = 4000, 300
    assert operations.cholesky(Size(1, 1, n, True)).operations == pytest.approx(
        4 / 3 * n**3, rel=2e-3
    )
    assert operations.gram(Size(0, m, n, True)).operations == 4 * n**2 * m
    assert operations.gram(Size(0, m, n, False)).operations == n**2 * m


@pytest.mark.submission
def test_ratio_counts() -> None:
    complex_size, real_size = Size(10, 7, 5, True), Size(10, 7, 5, False)
    assert operations.local_energies(complex_size, 3).operations == 3 * 7 * 14
    assert operations.local_energies(real_size, 3).operations == 3 * 7 * 3
    one_row = operations.sampling(complex_size, 20, 4, two_rows=False)
    two_rows = operations.sampling(complex_size, 20, 4, two_rows=True)
    assert one_row.operations == 7 * (20 * 11 + 4 * 6)
    assert two_rows.operations - one_row.operations == 7 * 20 * 6


@pytest.mark.submission
def test_ceiling_of_mixed_instructions() -> None:
    assert operations.FUSED.ceiling == 1.0
    assert Work(1, 1).ceiling == 0.5
    assert (operations.FUSED + Work(1, 1)).ceiling == 0.75


@pytest.mark.submission
def test_antiparallel_share() -> None:
    bonds = np.array([[0, 1], [1, 2], [2, 0]])
    spins = np.array([[1, 1, -1], [1, 1, 1]], dtype=np.int8)
    assert antiparallel_share(bonds, spins) == pytest.approx(2 / 6)


@pytest.mark.submission
def test_slope_finds_the_exponent() -> None:
    values = [1.0, 2.0, 8.0]
    assert slope(values, [3 * value**1.7 for value in values]) == pytest.approx(1.7)


@pytest.mark.submission
@pytest.mark.parametrize(
    "case", [c for suite in SUITES.values() for c in suite()], ids=lambda c: c.name
)
def test_problems_of_accuracy_can_be_built(case: Case) -> None:
    hamiltonian = case.build()
    named = re.search(r"_(\d+)_[PO]", case.name)  # as VarBench names its instances
    assert named is None or hamiltonian.n_sites == int(named[1])
    initial_wavefunction(hamiltonian, 0, **case.ansatz)


@pytest.mark.submission
def test_accuracy_measures_once_and_compares(tmp_path: Path) -> None:
    options = ("--case", "chain_20_P", "--minutes", "0.03", "--output", str(tmp_path / "runs"))
    (row,) = run("accuracy.py", tmp_path, *options)["rows"]
    assert row["relative_error"] == pytest.approx(1 - row["energy"] / row["exact"], abs=1e-12)
    assert row["below_published"] == (row["energy"] + 2 * row["error_bar"] < -35.60392)
    assert row["seconds"] >= 1.6  # of 1.8, which a run keeps to a tenth
    assert run("accuracy.py", tmp_path, *options)["rows"] == [row]


@pytest.mark.submission
def test_a_row_of_accuracy_may_end_with_a_lanczos_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    case = Case(
        "small", "chain 10", lambda: heisenberg(chain(10), total_sz=0, marshall=True),
        {"n_hidden": 2}, minutes=0.02, published_error=1.0, lanczos_samples=512,
    )  # fmt: skip
    monkeypatch.setitem(SUITES, "small", lambda: [case])
    record = tmp_path / "record.json"
    words = ["", "--suite", "small", "--output", str(tmp_path / "runs"), "--json", str(record)]
    monkeypatch.setattr(sys, "argv", words)
    assert accuracy.main() == 0
    (row,) = json.loads(record.read_text())["rows"]
    before = row["before_lanczos"]
    assert row["energy"] + row["error_bar"] < before["energy"]
    assert row["v_score"] < before["v_score"]
    assert row["energy"] > row["exact"] - 5 * row["error_bar"]
    assert row["relative_error"] == pytest.approx(1 - row["energy"] / row["exact"], abs=1e-12)
    assert row["ansatz"]["lanczos_steps"] == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("chain 10")]
    assert len(lines) == 2
    assert f"{before['energy']:.6f}" in lines[0]
    assert f"{row['energy']:.6f}" in lines[1]


@pytest.mark.submission
def test_the_frontier_goes_on_and_draws_its_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    case = Case(
        "small", "chain 10", lambda: heisenberg(chain(10), total_sz=0, marshall=True),
        {"n_hidden": 2}, minutes=0.02, goal=1e-3,
    )  # fmt: skip
    monkeypatch.setitem(SUITES, "small", lambda: [case])
    record, chart, runs = tmp_path / "record.json", tmp_path / "chart.png", tmp_path / "runs"
    asked = ["", "--suite", "small", "--output", str(runs), "--json", str(record)]
    monkeypatch.setattr(sys, "argv", asked)
    assert frontier.main() == 0
    (row,) = json.loads(record.read_text())["rows"]
    seconds, energies, _, _ = np.array(row["curves"]["rbmqs"]).T
    assert np.all(np.diff(seconds) >= 0)
    assert len(energies) == row["n_iterations"]
    assert (row["goal"], row["exact"] < row["energy"]) == (1e-3, True)
    (runs / file_name(case) / "row.json").unlink()
    assert frontier.main() == 0  # goes on with the run: its time is over after an iteration
    (after,) = json.loads(record.read_text())["rows"]
    assert after["curves"]["rbmqs"][: len(seconds)] == row["curves"]["rbmqs"]
    monkeypatch.setattr(sys, "argv", ["", "--from", str(record), "--chart", str(chart)])
    assert frontier.main() == 0
    assert chart.stat().st_size > 10_000
    assert "chain 10" in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.slow
def test_dynamics_agree_with_exact_ones(tmp_path: Path) -> None:
    names = ("velocity", "orders", "summed", "ising_40", "xxz_half", "neel_20", "square_10")
    found = run("dynamics.py", tmp_path, *names, "coverage", "netket_chain")
    assert max(found["velocity"].values()) < 1e-8
    assert found["orders"]["rk4"] == pytest.approx(4, abs=0.3)
    assert found["summed"]["ising_6"]["infidelity"] < 1e-6
    assert found["ising_40"]["mx_largest"] < 0.02
    assert found["xxz_half"]["zz_largest"] < 0.05
    assert found["neel_20"]["mx_largest"] < 0.05
    assert found["square_10"]["mx_largest"] < 0.05
    assert 0.8 < found["coverage"]["all"] <= 1.0
    assert found["netket_chain"]["ratio"] > 1.0


@pytest.mark.slow
def test_tomography_recovers_states(tmp_path: Path) -> None:
    found = run("tomography.py", tmp_path, "ghz", "heisenberg", "sampled")
    assert min(found["ghz"].values()) > 0.97
    assert found["heisenberg"]["fidelity"] > 0.95
    assert abs(found["heisenberg"]["relative_energy_error"]) < 0.03
    # Student's t of three degrees: beyond 12.9 once in a thousand
    assert abs(found["sampled"]["deviation_in_errors"]) < 13
