"""Files cut short and with flipped bits: noticed by name, or harmless; never another value."""

import pickle
import random
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from small_study import run_here

import rbmqs
from hamiltonians import chain, ground_state, heisenberg, ising
from rbmqs.boltzmann import BernoulliRBM
from rbmqs.studies import collect, load_table
from tests.campaign.calls import silence
from tests.campaign.rows import Row, figure

EVOLUTION = ising(chain(4)), rbmqs.RBM.random(4, 1, seed=0, stddev=0.1), [0.0, 0.02]
SHORT = {"n_samples": 64, "n_observable_samples": 64, "seed": 0}
EXACT = heisenberg(chain(12), total_sz=0)
Reader = Callable[[Path], Any]


def run(root: Path) -> Any:
    """All numbers of a run's files."""
    result = rbmqs.load(root, progress=False)
    _, records = rbmqs.read_log(root / "log.jsonl")
    return result.energy.mean, result.psi.flat.tobytes(), [r.to_dict() for r in records]


def state(root: Path) -> Any:
    """The wavefunction."""
    return rbmqs.wavefunction_of(root).flat.tobytes()


def log(root: Path) -> Any:
    """A run whose log may lack lines, which its status must then say."""
    result = rbmqs.load(root, progress=False)
    if told := [line for line in result.status if "lacks" in line or "damaged" in line]:
        raise ValueError(told[0])
    return [record.to_dict() for record in result.history]


def model(root: Path) -> Any:
    """A model of data."""
    return BernoulliRBM.load(root / "model.npz").components_.tobytes()


def lanczos(root: Path) -> Any:
    """An exact energy that goes on from the checkpoint."""
    return ground_state(EXACT, vectors=False, checkpoint=root / "lanczos.npz").energies.tolist()


def table(name: str) -> Reader:
    """A reader of a study's table."""

    def read(root: Path) -> Any:
        columns = load_table(root / name).columns
        return {key: np.asarray(value).tolist() for key, value in columns.items()}

    return read


def points(root: Path) -> Any:
    """All that a study's directory holds, from its records instead of its table."""
    study_root = next(parent for parent in (root, *root.parents) if (parent / "points").is_dir())
    columns = collect(study_root).columns
    return {key: np.asarray(value).tolist() for key, value in columns.items()}


def evolved(root: Path) -> Any:
    """An evolution that is gone on with, which it need not be."""
    found = rbmqs.evolve(*EVOLUTION, output=root, resume=True, progress=False, **SHORT)
    return [state.flat.tobytes() for state in found.states], [str(r) for r in found.records]


def made(root: Path) -> dict[str, tuple[Path, Reader]]:
    """One file of each kind, with its reader of the folder."""
    rbmqs.ground_state(
        ising(chain(6)), 1, n_iterations=8, n_samples=64, n_final_samples=64, seed=0,
        output=root / "run", progress=False,
    )  # fmt: skip
    fitted = root / "fitted"
    fitted.mkdir()
    rows = (np.random.default_rng(0).random((40, 8)) < 0.5).astype(float)
    BernoulliRBM(4, n_iter=2, random_state=0).fit(rows).save(fitted / "model.npz")
    solved = root / "solved"
    solved.mkdir()
    ground_state(EXACT, vectors=False, checkpoint=solved / "lanczos.npz")
    (root / "study").mkdir()
    out, _ = run_here(root / "study")
    rbmqs.evolve(*EVOLUTION, output=root / "evolution", progress=False, **SHORT)
    point = min((out / "points").iterdir())
    files = {
        "checkpoint.npz": (root / "run" / "checkpoint.npz", state),
        "log.jsonl": (root / "run" / "log.jsonl", log),
        "result.json": (root / "run" / "result.json", run),
        "model.npz": (fitted / "model.npz", model),
        "lanczos.npz": (solved / "lanczos.npz", lanczos),
        "study.json": (out / "study.json", points),
        "point.json": (point / "point.json", points),
        "SHA256SUMS": (point / "SHA256SUMS", points),
        "evolution's checkpoint.npz": (root / "evolution" / "checkpoint.npz", evolved),
        "evolution's log.jsonl": (root / "evolution" / "log.jsonl", evolved),
        "table.csv": (out / "table.csv", table("table.csv")),
        "table.h5": (out / "table.h5", table("table.h5")),
    }
    return {kind: value for kind, value in files.items() if value[0].exists()}


def canonical(value: Any) -> bytes:
    """Bytes that are equal where the values are, nan included."""
    return pickle.dumps(repr(value))


def outcome(reader: Reader, root: Path, expected: bytes) -> str:
    """One of: named, same, or what is wrong."""
    try:
        with silence():
            value = canonical(reader(root))
    except (ValueError, OSError) as error:
        return "named" if str(error) and "\n" not in str(error) else f"message {str(error)[:60]!r}"
    except BaseException as error:
        return f"{type(error).__name__}: {str(error)[:60]}"
    return "same" if value == expected else "another value, silently"


@figure("damage")
def damage(quick: bool) -> Row:
    """How many damaged files were neither refused by name nor harmless."""
    n = 6 if quick else 60
    rng, faults, counts = random.Random(0), [], {"named": 0, "same": 0}
    with tempfile.TemporaryDirectory() as folder:
        files = made(Path(folder))
        for kind, (path, reader) in files.items():
            whole = path.read_bytes()
            with silence():
                expected = canonical(reader(path.parent))
            damaged = [whole[: len(whole) * k // n] for k in range(n)]
            for _ in range(n):
                flipped = bytearray(whole)
                flipped[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
                damaged.append(bytes(flipped))
            kept = Path(folder) / "kept"
            shutil.copytree(path.parent, kept, dirs_exist_ok=True)
            for number, content in enumerate(damaged):
                path.write_bytes(content)
                found = outcome(reader, path.parent, expected)
                if found in counts:
                    counts[found] += 1
                else:
                    what = "cut" if number < n else "flipped"
                    faults.append(f"{kind} {what}: {found}")
                path.write_bytes(whole)
            shutil.rmtree(kept)
    total = 2 * n * len(files)
    return Row(
        "damaged files are noticed",
        f"{total} files, {n} cut short and {n} with one bit flipped of each of {', '.join(files)}",
        f"{counts['named']} refused by name, {counts['same']} read to the same values, "
        f"{len(faults)} otherwise", "0 otherwise", not faults, tuple(faults),
    )  # fmt: skip
