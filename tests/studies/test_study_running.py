"""Running a study: killed, damaged, failed or interrupted, it ends as if nothing had happened."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, Executor, Future
from pathlib import Path

import pytest
from small_study import N_POINTS, TEXT, results_of, run_here, write_study

from hamiltonians.utils.locks import locked
from rbmqs.cli.main import main
from rbmqs.studies import load_table, read_study, run_study
from rbmqs.studies.storage import StudyDirectory


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Path:
    """The small study, run in one go."""
    root, outcome = run_here(tmp_path_factory.mktemp("undisturbed"))
    assert len(outcome.done) == N_POINTS
    return root


def start_study(path: Path, root: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "rbmqs", "study", "run", str(path), "--output", str(root)]
    return subprocess.Popen(
        [*command, "--processes", "1", "--quiet"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def kill_at_random(path: Path, root: Path, n_kills: int, n_points: int, seed: int) -> list[str]:
    """SIGKILL a study until it has been killed so often; the points that were published twice."""
    rng, seen, twice = random.Random(seed), {}, []
    for number in range(n_kills):
        process = start_study(path, root)
        target = (number + rng.random()) * n_points / (n_kills + 1)
        while process.poll() is None and progress(root) < target:
            time.sleep(0.005)
        process.kill()
        process.communicate()
        for point in (root / "points").glob("*"):
            inode = point.stat().st_ino
            twice += [point.name] if seen.setdefault(point.name, inode) != inode else []
    return twice


def progress(root: Path) -> float:
    """Points done, one under way with lines in its log counting a half."""
    logs = (root / "work").glob("*/log.jsonl") if (root / "work").exists() else ()
    return len(list((root / "points").glob("*"))) + 0.5 * any(p.stat().st_size for p in logs)


@pytest.mark.submission
def test_killed_study_ends_with_the_same_results(undisturbed, tmp_path):
    path, root = write_study(tmp_path), tmp_path / "killed"
    assert kill_at_random(path, root, 2, N_POINTS, seed=5) == []
    done = {p.name: p.stat().st_ino for p in (root / "points").glob("*")}
    process = start_study(path, root)
    out, err = process.communicate()
    assert process.returncode == 0, err.decode()
    assert f"{N_POINTS} done" in out.decode()
    assert all((root / "points" / name).stat().st_ino == inode for name, inode in done.items())
    assert results_of(root) == results_of(undisturbed)
    assert not any((root / "work").iterdir())


@pytest.mark.slow
def test_sixty_points_killed_ten_times(tmp_path):
    """The study of the example, 5 sizes and 12 fields."""
    text = (Path(__file__).parents[2] / "examples/studies/ising_transition.toml").read_text()
    (tmp_path / "calm").mkdir()
    calm, _ = run_here(tmp_path / "calm", text)
    path, root = write_study(tmp_path, text), tmp_path / "killed"
    assert kill_at_random(path, root, 10, 60, seed=6) == []
    process = start_study(path, root)
    out, err = process.communicate()
    assert process.returncode == 0, err.decode()
    assert "60 done" in out.decode()
    assert results_of(root) == results_of(calm)


def test_interrupted_study_saves_and_goes_on(undisturbed, tmp_path):
    long = TEXT.replace("n_iterations = 12", "n_iterations = 100000")
    path, root = write_study(tmp_path, long), tmp_path / "out"
    process = start_study(path, root)
    while process.poll() is None and progress(root) == 0:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT
    assert "go on with: rbmqs study run" in err.decode()
    assert list((root / "work").glob("*/checkpoint.npz"))


def test_finished_study_is_left_alone(undisturbed):
    times = {p: p.stat().st_mtime_ns for p in (undisturbed / "points").rglob("*")}
    _, outcome = run_here(undisturbed.parent)
    assert len(outcome.done) == N_POINTS
    assert {p: p.stat().st_mtime_ns for p in times} == times


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove", "remove-sums", "half-json"])
def test_damaged_point_is_named_and_only_it_is_run_again(damage, tmp_path, undisturbed, copied):
    root = copied(undisturbed, tmp_path / "out")
    victim = sorted((root / "points").iterdir())[1]
    before = {p: p.stat().st_ino for p in (root / "points").iterdir() if p != victim}
    name = {"remove-sums": "SHA256SUMS", "half-json": "point.json"}.get(damage, "log.jsonl")
    file = victim / name
    if damage.startswith("remove"):
        file.unlink()
    else:
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data if damage == "flip" else data[: len(data) // 2])
    _, outcome = run_here(tmp_path)
    assert len(outcome.damaged) == 1
    assert str(file) in outcome.damaged[0]
    assert len(outcome.done) == N_POINTS
    assert {p: p.stat().st_ino for p in before} == before
    assert [p.name for p in (root / "damaged").iterdir()] == [f"{victim.name}.1"]
    assert results_of(root) == results_of(undisturbed)


@pytest.mark.parametrize("name", ["study.json", "table.csv", "table.h5"])
@pytest.mark.parametrize("half", [False, True])
def test_unreadable_summary_is_named_and_written_anew(name, half, tmp_path, undisturbed, copied):
    root = copied(undisturbed, tmp_path / "out")
    whole = (root / name).read_bytes()
    (root / name).write_bytes(whole[: len(whole) // 2] if half else b"nonsense")
    times = {p: p.stat().st_mtime_ns for p in (root / "points").rglob("*")}
    _, outcome = run_here(tmp_path)
    assert outcome.damaged == [f"{root / name} cannot be read: it is written anew"]
    assert {p: p.stat().st_mtime_ns for p in times} == times
    assert results_of(root) == results_of(undisturbed)
    assert run_here(tmp_path)[1].damaged == []


@pytest.fixture
def copied():
    import shutil

    return lambda source, target: shutil.copytree(source, target)


def test_damaged_work_is_started_again(undisturbed, tmp_path):
    """A checkpoint or log that a crash of the host left unreadable costs no more than itself."""
    root = tmp_path / "out"
    ids = [point.id for point in read_study(write_study(tmp_path))]
    for k, name in enumerate(("checkpoint.npz", "log.jsonl")):
        work = StudyDirectory(root).work(ids[3 * k])
        work.mkdir(parents=True)
        (work / name).write_bytes(b"\0" * 100)
    assert len(run_here(tmp_path)[1].done) == N_POINTS
    assert results_of(root) == results_of(undisturbed)


def test_failure_is_recorded_the_rest_goes_on_and_is_retried(undisturbed, tmp_path, monkeypatch):
    from rbmqs.studies import work

    sound = work.begun_or_continued
    second = [point.id for point in read_study(write_study(tmp_path))][1]

    def failing(directory, point, comm=None):
        if point.id == second:
            raise RuntimeError("out of luck")
        return sound(directory, point, comm)

    monkeypatch.setattr(work, "begun_or_continued", failing)
    root, outcome = run_here(tmp_path)
    assert outcome.failed == [second]
    assert len(outcome.blocked) == 1
    assert len(outcome.done) == N_POINTS - 2
    record = json.loads((root / "failures" / f"{second}.json").read_text())
    assert record["error"] == "RuntimeError: out of luck"
    assert "failing" in record["traceback"]
    monkeypatch.setattr(work, "begun_or_continued", sound)
    assert run_here(tmp_path)[1].failed == [second], "only retried when asked"
    assert len(run_here(tmp_path, retry_failed=True)[1].done) == N_POINTS
    assert results_of(root) == results_of(undisturbed)


class DyingExecutor(Executor):
    """Runs calls at once, and loses its worker on the first ones."""

    def __init__(self, n_deaths: int) -> None:
        self.n_deaths = n_deaths

    def submit(self, fn, /, *args, **kwargs):
        future: Future = Future()
        self.n_deaths -= 1
        if self.n_deaths >= 0:
            future.set_exception(BrokenExecutor("a worker died"))
        else:
            future.set_result(fn(*args, **kwargs))
        return future


@pytest.mark.parametrize(("n_deaths", "n_failed"), [(1, 0), (4, 2)])
def test_lost_worker_is_tried_once_more(n_deaths, n_failed, tmp_path):
    study = read_study(write_study(tmp_path))
    outcome = run_study(study, tmp_path / "out", executor=DyingExecutor(n_deaths), progress=False)
    assert len(outcome.failed) == n_failed
    assert len(outcome.done) + len(outcome.failed) + len(outcome.blocked) == N_POINTS


def test_killed_worker_does_not_end_the_study(undisturbed, tmp_path):
    from rbmqs.studies.processes import LocalProcesses

    with LocalProcesses(1, 1) as pool:
        with pytest.raises(BrokenExecutor):
            pool.submit(os._exit, 9).result()
        assert pool.submit(abs, -3).result() == 3


def test_second_process_is_refused(tmp_path, capsys):
    root = tmp_path / "out"
    root.mkdir()
    with locked(root):
        assert main(["study", "run", str(write_study(tmp_path)), "--output", str(root)]) == 2
    assert f"{root} is being written by process {os.getpid()} on" in capsys.readouterr().err


def test_warm_start_begins_where_the_neighbour_ended(undisturbed):
    """The first energy of a warm run is that of the parent's parameters, far below a random one."""
    table = load_table(undisturbed)
    ids = [str(name) for name in table["id"]]
    first = {}
    for name in ids:
        lines = (undisturbed / "points" / name / "log.jsonl").read_text().splitlines()
        first[name] = json.loads(lines[1])["energy"]["mean"]["real"]
    assert first[ids[5]] < 0.98 * 6 * -1.5  # h = 1.5, N = 6: exact -10.06, random start -9
    record = json.loads((undisturbed / "points" / ids[5] / "point.json").read_text())
    assert record["parent"] == ids[4]


def test_every_point_says_where_it_comes_from(undisturbed):
    for path in (undisturbed / "points").glob("*/point.json"):
        record = json.loads(path.read_text())
        assert {"convention", "rbmqs", "versions", "command", "host"} <= set(record["provenance"])
        assert record["row"]["seed"] == record["derived"]["run.seed"]


def test_command_line(undisturbed, tmp_path, capsys):
    path = str(write_study(tmp_path))
    assert main(["study", "check", path]) == 0
    assert f"{N_POINTS} points" in capsys.readouterr().out
    assert main(["study", "status", path, "--output", str(undisturbed)]) == 0
    assert f"{N_POINTS} done" in capsys.readouterr().out
    assert main(["study", "status", path, "--output", str(tmp_path / "none")]) == 3
    (tmp_path / "small.toml").write_text(TEXT.replace("alpha = 1", "alpha = -1\nbeta = 2"))
    assert main(["study", "run", path]) == 2
    assert "unknown key 'beta'" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["study"], ["study", "run"], ["report"]])
def test_help_shows_an_example(arguments, capsys):
    with pytest.raises(SystemExit):
        main([*arguments, "--help"])
    assert "example" in capsys.readouterr().out
