"""Wrong calls: every public function with each argument in turn wrong, and every command.

An argument is replaced by values of other kinds; a call may then succeed (what is given may be
allowed) or must raise a TypeError, a ValueError or an OSError of one line, within 2 s and without
taking 64 MiB.
"""

import contextlib
import io
import itertools
import signal
import tempfile
import time
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import hamiltonians as h
import rbmqs
from rbmqs.cli.main import main
from tests.campaign.good_calls import GOOD
from tests.campaign.rows import Parts, Row, figure

WRONG = {
    "None": None, "text": "nonsense", "nan": np.nan, "-1": -1, "2.5": 2.5, "10^12": 10**12,
    "inf": np.inf, "[]": [], "True": True, "object": object(), "complex": 1j,
    "array of NaN": np.full((3, 3), np.nan), "longer array": np.ones(7), "text array": ["a", "b"],
    "other H": h.heisenberg(h.chain(8), total_sz=0), "other psi": rbmqs.RBM.random(9, alpha=1),
}  # fmt: skip

# Allowed, and long: a default of hundreds of iterations, any number of them, no limit of time.
ENDLESS = {
    (name, label)
    for name in (
        "n_iterations",
        "max_seconds",
        "settings",
        "n_samples",
        "n_final_samples",
        "n_iter",
        "n_seeds",
    )
    for label in ("None", "inf", "10^12")
}

COMMANDS = [
    "ground-state", "ground-state isin --length 6", "ground-state ising --length x",
    "ground-state ising --length -3", "ground-state ising --length 1000000000",
    "ground-state ising --length 6 --alpha -1", "ground-state ising --length 6 --alpha 1e9",
    "ground-state ising --length 6 --chains 0", "ground-state ising --length 6 --chains 1000000000",
    "ground-state ising --length 6 --iterations -1", "ground-state ising --length 6 --move fly",
    "ground-state ising --length 6 --samples nan", "ground-state ising --length 6 --field nan",
    "ground-state heisenberg --length 6 --total-sz 0.3",
    "ground-state heisenberg --length 5 --total-sz 0", "ground-state --config no-such.toml",
    "ground-state heisenberg --lattice moon --length 4",
    "ground-state ising --length 6 --optimiser magic", "resume no-such-run",
    "resume no-such-run --iterations x", "exact", "exact isin --length 6",
    "exact ising --length 60", "exact ising --length 6 --states 0",
    "exact ising --length 6 --states 1000000", "exact heisenberg --length 6 --total-sz 99",
    "compare nothing --length 4", "compare ising --length -1", "lanczos no-such-run",
    "train no-such.npy --output m.npz", "train", "sample no-such.npz", "score no-such.npz x.npy",
    "score", "study run no-such.toml", "study check no-such.toml", "study status no-such",
    "study", "report no-such-run", "report", "info --nonsense", "nonsense",
]  # fmt: skip


N_PARTS = 12
LONGEST = 60  # seconds of processor time: what is allowed may compile


@contextlib.contextmanager
def silence() -> Iterator[io.StringIO]:
    """Keep what is printed, and no warning."""
    said = io.StringIO()
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(said),
        np.errstate(all="ignore"),
    ):
        warnings.simplefilter("ignore")
        yield said


class HangError(BaseException):
    """A call that gave no answer."""


def hang(*_: Any) -> None:
    """What a call is met with after `LONGEST` seconds."""
    raise HangError(f"no answer in {LONGEST} s") from None


def fault_of(call: Callable[[], Any]) -> str:
    """Empty where a call behaves as the docstring of this file says."""
    tracemalloc.start()
    begun, problem, refused = time.process_time(), "", False
    signal.signal(signal.SIGVTALRM, hang)
    signal.setitimer(signal.ITIMER_VIRTUAL, LONGEST)
    try:
        with silence():
            call()
    except (TypeError, ValueError, OSError, FloatingPointError) as error:
        refused = True
        if "\n" in str(error) or not str(error):
            problem = f"message of {len(str(error).splitlines())} lines"
        elif raised_inside(error):
            problem = f"raised by a library, not by us: {error}"
    except BaseException as error:
        problem = f"{type(error).__name__}: {str(error)[:80]}"
    seconds, peak = time.process_time() - begun, tracemalloc.get_traced_memory()[1]
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    tracemalloc.stop()
    if refused and not problem:  # what is allowed may take its time
        problem = f"{seconds:.0f} s" if seconds > 2 else ""
        problem += f" {peak / 2**20:.0f} MiB" if peak > 2**26 else ""
    return problem


def raised_inside(error: BaseException) -> bool:
    """Whether the last frame is of NumPy or Numba, or the text is Python's own."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    file = "" if trace is None else trace.tb_frame.f_code.co_filename
    texts = ("object has no attribute", "not subscriptable", "unsupported operand", "not iterable",
             "could not be broadcast", "cannot be interpreted",
             "not supported between")  # fmt: skip
    return "site-packages" in file or any(text in str(error) for text in texts)


def wrong_calls(functions: list[Callable[..., Any]], every: int) -> dict[str, Any]:
    """How many of the wrong calls of these functions were tried, and what went wrong."""
    tried, faults = 0, []
    cases = itertools.product(functions, WRONG.items())
    count = itertools.count(1)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):  # outputs may be made
        for function, (label, value) in cases:
            for argument in GOOD[function]:
                if (argument, label) in ENDLESS or next(count) % every:
                    continue
                tried += 1
                wrong = GOOD[function] | {argument: value}
                if problem := fault_of(lambda f=function, w=wrong: f(**w)):
                    faults.append(f"{function.__qualname__}({argument}={label}): {problem}")
    return {"tried": tried, "faults": faults}


def wrong_commands(commands: list[str]) -> dict[str, Any]:
    """The same of commands."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        faults = [problem for command in commands if (problem := fault_of_command(command))]
    return {"tried": len(commands), "faults": faults}


def fault_of_command(command: str) -> str:
    """Empty where a command ends with status 2 and a line that names the mistake."""
    with silence() as said:
        try:
            status = main(command.split())
        except SystemExit as error:
            status = int(error.code or 0)
        except BaseException as error:
            return f"rbmqs {command}: {type(error).__name__}: {error}"
    lines = said.getvalue().strip().splitlines()
    if status == 2 and lines and lines[-1].startswith("rbmqs"):
        return ""
    return f"rbmqs {command}: status {status}, {lines[-1:]}"


@figure("calls")
def calls(quick: bool, parts: Parts) -> Row:
    """How many wrong calls are met by one line, in time."""
    every = 12 if quick else 3
    found = [parts("commands", wrong_commands, COMMANDS[::4] if quick else COMMANDS)]
    for number, functions in enumerate(np.array_split(list(GOOD), N_PARTS)):
        found.append(parts(f"functions {number}", wrong_calls, functions.tolist(), every))
    total = sum(part["tried"] for part in found)
    bad = [fault for part in found for fault in part["faults"]]
    return Row(
        "wrong calls are met by one line",
        f"{len(GOOD)} public functions with each argument wrong in {len(WRONG)} ways (one call in "
        f"{every}), {found[0]['tried']} commands: TypeError, ValueError or OSError of ours, below "
        f"64 MiB", f"{total - len(bad)} of {total}", "all", not bad, tuple(bad),
    )  # fmt: skip
