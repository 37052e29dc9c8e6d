"""The command line: every command in process, its exit status, and one line for bad input."""

import argparse
import json
import re
import shutil
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

import hamiltonians as hm
import rbmqs
from rbmqs.cli.exit_codes import BAD_INPUT, NOT_CONVERGED
from rbmqs.cli.main import build_parser, main
from rbmqs.runs.checkpoint import load_checkpoint
from rbmqs.runs.run import CHECKPOINT, LOG

ROOT = Path(__file__).parents[2]
ISING = ["ising", "--length", "4"]
TINY = ["--alpha", "1", "--samples", "64", "--chains", "8", "--final-samples", "256", "--quiet"]
SHORT = [*TINY, "--iterations", "3"]
COMMANDS = ["ground-state", "resume", "exact", "compare", "info"]

TOML = """
[model]
name = "ising"
parameters = { h = 0.5 }
[lattice]
length = 4
[ansatz]
alpha = 1
[run]
n_iterations = 3
seed = 5
[sampling]
n_samples = 64
n_chains = 8
n_final_samples = 256
"""


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A run of three iterations."""
    path = tmp_path_factory.mktemp("cli") / "run"
    assert main(["ground-state", *ISING, *SHORT, "--output", str(path)]) == 0
    return path


def test_ground_state_prints_energy_beside_exact(capsys):
    strict = ["--fail-if-not-converged"]
    assert main(["ground-state", *ISING, "--field", "0.5", *SHORT, *strict]) == NOT_CONVERGED
    out, err = capsys.readouterr()
    exact = hm.ising_chain_energy(4, 0.5)
    assert "Ising, chain of 4, periodic, J=1, h=0.5" in out
    assert f"{exact:.8f}" in out
    assert "NOT CONVERGED" in out
    assert "too few to judge convergence" in out
    assert err == ""


def test_converged_run_exits_with_zero(capsys):
    options = ["--alpha", "1", "--samples", "128", "--chains", "8", "--final-samples", "2048"]
    run = [*options, "--iterations", "150", "--quiet"]
    assert main(["ground-state", *ISING, "--field", "2", *run]) == 0
    assert "converged" in capsys.readouterr().out.splitlines()[-1]


def test_output_directory(directory, capsys):
    names = {path.name for path in directory.iterdir()}
    assert names == {CHECKPOINT, LOG, "result.json", "netket.log", "energy.png"}
    assert len(rbmqs.read_log(directory / LOG)[1]) == 3
    assert main(["ground-state", *ISING, *SHORT, "--output", str(directory)]) == BAD_INPUT
    assert "holds a run already" in capsys.readouterr().err


def test_plot_option(tmp_path, capsys):
    path = tmp_path / "run.svg"
    main(["ground-state", *ISING, *SHORT, "--plot", str(path)])
    assert "<svg" in path.read_text()
    assert str(path) in capsys.readouterr().out


def test_resume(tmp_path, capsys):
    path = str(tmp_path / "run")
    main(["ground-state", *ISING, *SHORT, "--output", path])
    code = main(["resume", path, "--iterations", "6", "--quiet"])
    assert code == 0
    assert "6 iterations" in capsys.readouterr().out
    assert load_checkpoint(tmp_path / "run" / CHECKPOINT).state.iteration == 6


def test_sector_real_and_own_parameters(capsys):
    model = ["j1j2", "--lattice", "rectangle", "--shape", "2", "3", "--open", "-p", "J2=0.25"]
    main(["ground-state", *model, "--total-sz", "0", "--marshall", "--real", *SHORT])
    out = capsys.readouterr().out
    assert "J2=0.25" in out
    assert "total S_z = 0" in out
    assert "real parameters" in out
    assert "Marshall basis" in out


def test_exact(capsys):
    options = ["heisenberg", "--length", "6", "--total-sz", "0", "--states", "2"]
    assert main(["exact", *options]) == 0
    out = capsys.readouterr().out
    energies = [float(line.split()[1]) for line in out.splitlines()[4:6]]
    expected = hm.ground_state(hm.heisenberg(hm.chain(6), total_sz=0), k=2).energies
    assert energies == pytest.approx(list(expected), abs=1e-9)
    assert "dimension 20:" in out


def test_exact_saves_at_the_end_of_its_time_and_goes_on(tmp_path, capsys):
    """Time is over at the first test of convergence."""
    options = ["exact", "heisenberg", "--length", "12", "--quiet", "--symmetry", "none"]
    options += ["--total-sz", "0", "--checkpoint", str(tmp_path / "12.npz")]
    assert main([*options, "--max-seconds", "1e-9", "--fail-if-not-converged"]) == 3
    assert "12.npz; the same command goes on" in capsys.readouterr().err
    assert main([*options, "--max-seconds", "1000"]) == 0
    energy = hm.ground_state(hm.heisenberg(hm.chain(12), total_sz=0), vectors=False).energy
    assert f"{energy:.9f}"[:-3] in capsys.readouterr().out
    assert main(["exact", "heisenberg", "--length", "6", "--max-seconds", "9"]) == 2
    assert "--max-seconds needs --checkpoint" in capsys.readouterr().err


def energy_of(capsys, *options):
    """Lowest energy that `rbmqs exact` prints, and all it prints."""
    assert main(["exact", *options, "--quiet"]) == 0
    out = capsys.readouterr().out
    rows = [line.split() for line in out.splitlines()]
    return float(next(row[1] for row in rows if row and row[0] == "0")), out


def test_exact_in_sectors(capsys):
    plain, _ = energy_of(capsys, "heisenberg", "--length", "10", "--symmetry", "none")
    chosen, out = energy_of(capsys, "heisenberg", "--length", "10", "--correlations")
    assert chosen == pytest.approx(plain, abs=1e-9)
    assert "total S_z 0" in out
    shell = next(line.split() for line in out.splitlines() if line.split()[:2] == ["1", "10"])
    assert float(shell[2]) == pytest.approx(plain / 30, abs=1e-9)  # <Z_0 Z_1> = E / (3 N)
    named, out = energy_of(
        capsys, "heisenberg", "--length", "10", "--symmetry", "k=pi even -", "--total-sz", "0"
    )
    assert named == pytest.approx(plain, abs=1e-9)
    assert "k=pi even -" in out


def test_exact_over_all_sectors(capsys):
    assert main(["exact", "heisenberg", "--length", "6", "--symmetry", "all", "--quiet"]) == 0
    out = capsys.readouterr().out
    lowest = out.splitlines()[2].split()
    assert float(lowest[0]) == pytest.approx(hm.heisenberg_chain_energy(6), abs=1e-9)
    assert lowest[2] == "1"
    assert "gap" in out


def test_compare_without_netket(capsys):
    assert main(["compare", *ISING, *SHORT, "--no-netket"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["method", "energy", "error"]
    assert lines[1].startswith("free fermions")
    assert f"{hm.ising_chain_energy(4, 1.0):.8f}" in lines[1]
    assert [line.split()[0] for line in lines[2:]] == ["exact", "rbmqs"]


def test_compare_scans_sizes_and_couplings(capsys, tmp_path):
    scan = ["--scan", "length=4,6", "--scan", "h=0.5,1", "--json", str(tmp_path / "rows.json")]
    files = ["--plot", str(tmp_path / "rows.png"), "--methods", "closed form,exact,rbmqs"]
    assert main(["compare", *ISING, *SHORT, *scan, *files, "--quiet"]) == 0
    rows = json.loads((tmp_path / "rows.json").read_text())
    assert len(rows) == 4 * 3
    assert [row["case"] for row in rows[::3]] == [
        {"length": length, "h": h} for length in (4, 6) for h in (0.5, 1)
    ]
    for row in rows[1::3]:
        assert row["relative_error"] == pytest.approx(0, abs=1e-10)
    assert all(0 < row["fidelity"] <= 1 + 1e-12 for row in rows[2::3])
    assert (tmp_path / "rows.png").stat().st_size > 1000
    assert capsys.readouterr().out.splitlines()[0].split()[:3] == ["length", "h", "method"]


def test_info(capsys):
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    assert rbmqs.__version__ in out
    assert "numba" in out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(command, capsys):
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert f"example:\n  rbmqs {command}" in capsys.readouterr().out


def test_help_of_all(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    out = capsys.readouterr().out
    assert "examples:" in out
    for command in COMMANDS:
        assert command in out


@pytest.fixture
def toml(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text(TOML)
    return path


def ran(path):
    """Header of the log of a run."""
    return rbmqs.read_log(path / LOG)


def test_config_file(toml, tmp_path, capsys):
    assert main(["ground-state", "--config", str(toml), "--quiet"]) == 0
    assert "h=0.5" in capsys.readouterr().out


def test_options_override_the_file(toml, tmp_path):
    out = tmp_path / "run"
    options = ["--field", "2", "--length", "5", "--seed", "9", "--iterations", "2", "--chains", "4"]
    rates = ["--learning-rate", "0.02", "--diag-shift", "0.01", "--solver", "dense"]
    command = ["ground-state", "--config", str(toml), *options, *rates]
    main([*command, "--output", str(out), "--quiet"])
    header, records = ran(out)
    assert header["hamiltonian"]["parameters"]["h"] == 2
    assert header["hamiltonian"]["n_sites"] == 5
    assert header["settings"]["seed"] == 9
    sampling, optimiser = header["settings"]["sampling"], header["settings"]["optimiser"]
    assert (sampling["n_chains"], sampling["n_samples"]) == (4, 64)
    assert optimiser["learning_rate"]["initial"] == 0.02
    assert optimiser["diag_shift"]["initial"] == 0.01
    assert records[0].solve["method"] == "dense"
    assert len(records) == 2


def test_file_alone_is_the_same_run_as_options(toml, tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    main(["ground-state", "--config", str(toml), "--output", str(a), "--quiet"])
    options = [*ISING, "--field", "0.5", *SHORT, "--seed", "5"]
    main(["ground-state", *options, "--output", str(b)])
    assert (a / LOG).read_bytes() == (b / LOG).read_bytes()


GROUND = "ground-state ising --length 4"
BAD = [
    ("fly", "invalid choice: 'fly'"),
    ("ground-state", "name a MODEL, or give --config FILE"),
    ("ground-state hubbard --length 4", "model must be one of ising, heisenberg"),
    ("ground-state ising", "lattice kind 'chain' needs length"),
    ("ground-state ising --length 2", "at least 3 for a periodic chain, got 2; write"),
    ("ground-state ising --length -4", "length must be at least 1, got -4"),
    ("ground-state ising --length 4.5", "invalid int value: '4.5'"),
    ("ground-state ising --lattice torus --length 4", "lattice kind must be one of chain, square"),
    ("ground-state ising --lattice square --length 2", "periodic must be False along a direction"),
    ("ground-state ising --length 4 --shape 2 2", "kind 'chain' takes length, not shape"),
    ("ground-state ising --lattice rectangle --shape 4", "must be two lengths, got [4]"),
    ("exact ising --lattice kagome --length 1", "shape must be longer than 1 along periodic"),
    ("exact ising --lattice kagome", "lattice kind 'kagome' needs length, shape or vectors"),
    ("exact ising --lattice kagome --vectors 1 2 3", "--vectors must be 4 or 9 integers"),
    ("exact ising --lattice tilted --shape 3 1 --open", "lattice kind 'tilted' is periodic"),
    (f"{GROUND} --total-sz 0", "model 'ising' takes no total_sz"),
    ("ground-state heisenberg --length 5 --total-sz 0", "total_sz must be half an odd integer"),
    ("ground-state heisenberg --length 4 --total-sz 7", "between -2 and 2 for 4 sites, got 7"),
    ("ground-state heisenberg --length 4 --field 1", "unknown parameter 'h' of model"),
    ("ground-state heisenberg --length 5 --marshall", "no two sublattices"),
    ("ground-state heisenberg --length 4 --total-sz 0 --move flip", "'flip' changes total S_z"),
    (f"{GROUND} --move exchange", "move 'exchange' conserves total S_z, which is free here"),
    (
        f"{GROUND} --move jump",
        "move must be one of flip, exchange, pair-exchange, mixed, got 'jump'",
    ),
    (f"{GROUND} --field nan", "h must be finite, got nan"),
    (f"{GROUND} -p J", "--parameter must read NAME=VALUE, got 'J'"),
    (f"{GROUND} -p J=big", "--parameter J must be a number, got 'big'"),
    (f"{GROUND} -p K=1", "unknown parameter 'K' of model 'ising'; known: h, J, hz"),
    (f"{GROUND} --alpha -1", "alpha must be positive"),
    (f"{GROUND} --alpha nan", "alpha must be positive"),
    (f"{GROUND} --alpha 1 --n-hidden 4", "give alpha or n_hidden, not both"),
    (f"{GROUND} --n-hidden 0", "n_hidden must be at least 1, got 0"),
    (f"{GROUND} --iterations -1", "n_iterations must be at least 0, got -1"),
    (f"{GROUND} --seed -1", "seed must be at least 0, got -1"),
    (f"{GROUND} --samples 8", "at least 32 for 16 chains, got 8"),
    (f"{GROUND} --chains 0", "n_chains must be at least 1, got 0"),
    (f"{GROUND} --learning-rate 0", "learning_rate must be greater than 0, got 0.0"),
    (f"{GROUND} --diag-shift inf", "diag_shift must be finite, got inf"),
    (f"{GROUND} --solver cg", "solver must be one of"),
    (f"{GROUND} --config /nowhere/run.toml", "No such file"),
    (f"{GROUND} --speed 3", "unrecognized arguments: --speed 3"),
    ("resume /nowhere/run", "no checkpoint to resume from"),
    ("exact ising --length 60", "60"),
    ("exact ising --length 4 --states 0", "k must be"),
    ("compare ising --length 4 --alpha 0", "alpha must be positive"),
    ("compare ising --length 4 --scan h", "--scan must read NAME=V1,V2"),
    ("compare ising --length 4 --scan h=a", "must list numbers"),
    ("compare ising --length 4 --scan h=1,1.0", "--scan h has a value twice"),
    ("compare ising --length 4 --max-dimension 0", "--max-dimension must be at least 1, got 0"),
    ("compare ising --length 4 --methods luck", "method must be one of"),
    ("exact heisenberg --length 6 --symmetry A7", "symmetry must be auto, none, all or one of"),
    ("exact ising --length 24 --memory-limit 0.01", "would take 0.0"),
]


@pytest.mark.parametrize(("command", "reason"), BAD)
def test_bad_input_is_one_line(command, reason, capsys):
    started = time.perf_counter()
    try:
        code = main(command.split())
    except SystemExit as stop:
        code = stop.code
    out, err = capsys.readouterr()
    assert code == BAD_INPUT
    assert err.startswith("rbmqs: error: ")
    assert err.count("\n") == 1
    assert reason in err
    assert out == ""
    assert time.perf_counter() - started < 30  # a busy wavefunction, before anything is solved


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[model", "is not valid TOML"),
        ('model = "ising"', "model must be a table, got 'ising'"),
        ('[model]\nname = "ising"\nparameters = 5', "parameters in [model] must be a table, got 5"),
        ('lattice = 4\n[model]\nname = "ising"', "lattice must be a table, got 4"),
        ("[[model]]", "model must be a table"),
        ("[model]\nnam = 1", "name a MODEL"),
        ('speed = 1\n[model]\nname = "ising"', "unknown key 'speed'; known: model, lattice"),
        ('[model]\nname = "ising"\n[run]\nn_iterations = 5.7', "an integer, got 5.7"),
        ('[model]\nname = "ising"\n[run]\nstop_when_converged = "yes"', "true or false, got 'yes'"),
    ],
)
def test_bad_file_is_one_line(toml, text, reason, capsys):
    toml.write_text(text)
    code = main(["ground-state", "--config", str(toml), "--length", "4", "-p", "h=1"])
    err = capsys.readouterr().err
    assert code == BAD_INPUT
    assert err.startswith("rbmqs: error: ")
    assert err.count("\n") == 1
    assert reason in err


def test_damaged_checkpoint_is_one_line(directory, tmp_path, capsys):
    data = (directory / CHECKPOINT).read_bytes()
    (tmp_path / CHECKPOINT).write_bytes(data[: len(data) // 2])
    assert main(["resume", str(tmp_path)]) == BAD_INPUT
    err = capsys.readouterr().err
    assert err.startswith("rbmqs: error: ")
    assert err.count("\n") == 1
    assert "not a readable checkpoint" in err


def test_bad_input_leaves_no_run_behind(tmp_path, capsys):
    out = tmp_path / "run"
    main(["ground-state", *ISING, *SHORT, "--move", "exchange", "--output", str(out)])
    assert main(["ground-state", *ISING, *SHORT, "--output", str(out)]) == 0


def test_second_interrupt_ends_without_a_traceback(monkeypatch, capsys):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("rbmqs.runs.run.ground_state", interrupted)
    assert main(["ground-state", *ISING, *SHORT]) == 130
    assert capsys.readouterr().err == "rbmqs: interrupted\n"


def test_module_is_the_command():
    command = [sys.executable, "-m", "rbmqs", "exact", "ising", "--length", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == BAD_INPUT
    assert done.stderr.startswith("rbmqs: error: length must be at least 3")


def test_result_names_the_run(directory):
    result = json.loads((directory / "result.json").read_text())
    assert result["n_iterations"] == 3
    assert result["hamiltonian"]["model"] == "ising"


OF_OTHER_TOOLS = {"--no-deps", "--no-index", "--branch"}  # of pip and git


def known_options(parser):
    """Every option of a parser and of the commands below it."""
    found = set()
    for action in parser._actions:
        found.update(action.option_strings)
        if isinstance(action, argparse._SubParsersAction):
            found |= set().union(*map(known_options, action.choices.values()))
    return found


def quoted_options(text):
    return set(re.findall(r"(?<![-\w])--[a-z][a-z0-9-]*[a-z0-9]\b", text))


def test_options_that_messages_name_exist():
    known = known_options(build_parser()) | OF_OTHER_TOOLS
    files = [*(ROOT / "rbmqs").rglob("*.py"), *(ROOT / "hamiltonians").rglob("*.py")]
    unknown = {
        f"{file.name}: {option}"
        for file in files
        for option in quoted_options(file.read_text()) - known
    }
    assert unknown == set()


def test_options_in_commands_of_the_documents_exist():
    known = known_options(build_parser()) | OF_OTHER_TOOLS
    documents = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    lines = [line for file in documents for line in file.read_text().splitlines()]
    commands = [line for line in lines if re.match(r"\s*(\$ |`)?rbmqs [a-z-]+ ", line)]
    assert commands
    assert set().union(*map(quoted_options, commands)) - known == set()


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"rbmqs {rbmqs.__version__}\n"


def test_alone_it_shows_where_to_begin(capsys):
    assert main([]) == 0
    shown = capsys.readouterr().out
    for line in shown.splitlines():
        if line.startswith("  rbmqs "):
            build_parser().parse_args(line.split()[1:])
    assert "rbmqs --help" in shown


def test_bash_completes_commands_and_options(tmp_path, capsys):
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash on this computer")
    assert main(["completion", "bash"]) == 0
    script = tmp_path / "completion"
    script.write_text(capsys.readouterr().out)
    ask = "source {}; COMP_WORDS=({}); COMP_CWORD={}; _rbmqs; echo ${{COMPREPLY[@]}}"
    for words, expected in (
        ("rbmqs gr", "ground-state"),
        ("rbmqs study run --proc", "--processes"),
    ):
        command = ask.format(script, words, len(words.split()) - 1)
        done = subprocess.run([bash, "-c", command], capture_output=True, text=True, check=True)
        assert done.stdout.split() == [expected]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_have_a_script(shell, capsys):
    assert main(["completion", shell]) == 0
    assert "ground-state" in capsys.readouterr().out


def test_a_model_of_the_current_folder_is_found(tmp_path, monkeypatch, capsys):
    model = "import hamiltonians as hm\n\ndef weak(lattice, h): return hm.ising(lattice, h / 2)\n"
    (tmp_path / "model_of_this_folder.py").write_text(model)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))  # main adds to it
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    words = ["exact", "model_of_this_folder:weak", "--length", "4", "-p", "h=2"]
    monkeypatch.setattr(sys, "argv", ["rbmqs", *words])
    assert main() == 0
    assert f"{hm.ising_chain_energy(4, 1.0):.10f}" in capsys.readouterr().out
