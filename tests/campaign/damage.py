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
from tests.campaign.rows import Parts, Row, figure

EVOLUTION = ising(chain(4)), rbmqs.RBM.random(4, 1, seed=0, stddev=0.1), [0.0, 0.02]
SHORT = {"n_samples": 64, "n_observable_samples": 64, "seed": 0}
SHOTS: dict[str, Any] = {
    "shots": {"ZZZZ": {"0000": 30, "1111": 30, "0110": 8}, "XXXX": {"0000": 20}},
    "n_hidden": 2, "n_iter": 4, "n_starts": 1, "incomplete": True,
}  # fmt: skip
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


def learnt(root: Path) -> Any:
    """A reconstruction that is gone on with, which it need not be."""
    return rbmqs.reconstruct(**SHOTS, output=root, resume=True).psi.flat.tobytes()


def shots(root: Path) -> Any:
    """Shots of a file."""
    (path,) = (path for path in root.iterdir() if path.stem == "shots")
    found = rbmqs.read_shots(path)
    return found.outcomes.tolist(), found.counts.tolist()


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
    rbmqs.ground_state(
        heisenberg(chain(4), spin=1), 1, n_iterations=3, n_samples=64, n_final_samples=64, seed=0,
        output=root / "spin", progress=False,
    )  # fmt: skip
    rbmqs.reconstruct(**SHOTS, output=root / "learnt")
    table_of_shots = root / "shots" / "shots.npz"
    table_of_shots.parent.mkdir()
    rows = (1 - 2 * rows[:, :4]).astype(np.int8)
    np.savez(table_of_shots, shots=rows, bases=np.array(["ZZZZ"] * len(rows)))
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
        "spin 1's checkpoint.npz": (root / "spin" / "checkpoint.npz", state),
        "reconstruction's checkpoint.npz": (root / "learnt" / "checkpoint.npz", learnt),
        "reconstruction's log.jsonl": (root / "learnt" / "log.jsonl", learnt),
        "shots.npz": (table_of_shots, shots),
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


def damaged(kind: str, path: Path, reader: Reader, n: int) -> dict[str, Any]:
    """What came of n cuts of a file and n flipped bits."""
    rng, counts, faults = random.Random(kind), {"named": 0, "same": 0}, []
    whole = path.read_bytes()
    with silence():
        expected = canonical(reader(path.parent))
    contents = {f"cut at {k}": whole[:k] for k in range(0, len(whole), -(-len(whole) // n))}
    for bit in rng.sample(range(8 * len(whole)), n):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << (bit % 8)
        contents[f"bit {bit}"] = bytes(flipped)
    with tempfile.TemporaryDirectory() as kept:
        shutil.copytree(path.parent, kept, dirs_exist_ok=True)
        for what, content in contents.items():
            path.write_bytes(content)
            found = outcome(reader, path.parent, expected)
            if found in counts:
                counts[found] += 1
            else:
                faults.append(f"{kind}, {what}: {found}")
            shutil.copytree(kept, path.parent, dirs_exist_ok=True)  # a reader may write
    return counts | {"faults": faults}


@figure("damage")
def damage(quick: bool, parts: Parts) -> Row:
    """How many damaged files were neither refused by name nor harmless."""
    n = 6 if quick else 60
    with tempfile.TemporaryDirectory() as folder:
        files = made(Path(folder))
        found = {kind: parts(kind, damaged, kind, *file, n) for kind, file in files.items()}
    named, same = (sum(part[key] for part in found.values()) for key in ("named", "same"))
    faults = [fault for part in found.values() for fault in part["faults"]]
    return Row(
        "damaged files are noticed",
        f"{named + same + len(faults)} files, up to {n} cut short and {n} with one bit flipped of "
        f"each of {', '.join(files)}", f"{named} refused by name, {same} read to the same values, "
        f"{len(faults)} otherwise", "0 otherwise", not faults, tuple(faults),
    )  # fmt: skip
