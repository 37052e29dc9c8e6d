"""Every file that is read: flipped bits are found or harmless, hostile ones cost nothing."""

import io
import json
import shutil
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from studies.synthetic import ising_table

import hamiltonians as hm
import rbmqs
from hamiltonians.exact.checkpoints import Checkpoint
from hamiltonians.exact.lanczos import Recurrence
from hamiltonians.utils.archive import CheckpointError, read_array, read_arrays
from hamiltonians.utils.files import bounded_json, check_beside, write_beside
from rbmqs.boltzmann import BernoulliRBM
from rbmqs.boltzmann.files import read_table
from rbmqs.cli.main import main
from rbmqs.runs.checkpoint import load_checkpoint
from rbmqs.runs.loading import read_files
from rbmqs.runs.log import LOG, read_log
from rbmqs.runs.result import RESULT
from rbmqs.runs.resume import CHECKPOINT
from rbmqs.studies.table_files import load_table, write_tables
from rbmqs.utils.json_files import read_json, write_json

ROOT = Path(__file__).parents[2]
ISING = hm.ising(hm.chain(4), h=1.0)
ROWS = (np.random.default_rng(0).random((60, 6)) < 0.5).astype(np.int8)
N_FLIPS = 60


def lanczos_checkpoint(path):
    return Checkpoint(path, "a run", 40, np.dtype(float))


def seen(value):
    """What a reader returned, as something that can be compared."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, dict):
        return {key: seen(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [seen(item) for item in value]
    return repr(value)


def read_checkpoint(path):
    found = load_checkpoint(path)
    state = found.state
    return state.psi.flat, state.chains, state.optimiser.direction, found.meta["settings"]


def read_model(path):
    rbm = BernoulliRBM.load(path).rbm_
    return rbm.weights, rbm.visible_bias, rbm.hidden_bias


def read_columns(path):
    table = load_table(path)
    return {name: list(column) for name, column in table.columns.items()}, table.axes, table.meta


def read_recurrence(path):
    run = lanczos_checkpoint(path).load()
    return run.current, run.previous, run.alpha, run.beta, run.scale


READERS = {
    LOG: lambda path: (lambda first, records: (first, [vars(r) for r in records]))(*read_log(path)),
    RESULT: read_json,
    CHECKPOINT: read_checkpoint,
    "model.npz": read_model,
    "lanczos.npz": read_recurrence,
    "table.csv": read_columns,
    "table.h5": read_columns,
    "correlations.npz": read_arrays,
    "data.npy": read_table,
    "sparse.npz": lambda path: vars(read_table(path)),
}


@pytest.fixture(scope="module")
def kinds(tmp_path_factory):
    """One file of each kind."""
    root = tmp_path_factory.mktemp("kinds")
    rbmqs.ground_state(ISING, 1, n_iterations=5, n_samples=64, n_chains=8, n_final_samples=64,
                       seed=1, output=root, progress=False)  # fmt: skip
    BernoulliRBM(3, n_iter=2, random_state=0).fit(ROWS, checkpoint=root / "model.npz")
    rng = np.random.default_rng(0)
    run = Recurrence(rng.random(40), rng.random(40), 1.0, 1.0, [0.5] * 6, [1.0] * 6)
    lanczos_checkpoint(root / "lanczos.npz").save(run)
    write_tables(ising_table(), root)
    np.savez(root / "correlations.npz", zz=rng.random((4, 4)), error=rng.random(4))
    np.save(root / "data.npy", ROWS)
    write_beside(root / "data.npy")
    sparse.save_npz(root / "sparse.npz", sparse.csr_matrix(ROWS))
    return root


@pytest.mark.parametrize("name", READERS)
def test_flipped_bits_are_found_or_harmless(kinds, tmp_path, name):
    """60 random places in each kind of file."""
    read, expected = READERS[name], seen(READERS[name](kinds / name))
    data = (kinds / name).read_bytes()
    rng = np.random.default_rng(len(data))
    if name == "data.npy":
        shutil.copy(kinds / "data.npy.sha256", tmp_path)
    n_found = n_harmless = 0
    for place in rng.choice(8 * len(data), N_FLIPS, replace=False):
        damaged = bytearray(data)
        damaged[place // 8] ^= 1 << (place % 8)
        (tmp_path / name).write_bytes(damaged)
        try:
            got = seen(read(tmp_path / name))
        except ValueError as error:  # CheckpointError and DamagedError are
            n_found += "\n" not in str(error) and name in str(error)
            continue
        if name == RESULT:  # where the name of the checksum itself was hit
            got = {key: got.get(key) for key in expected}
        assert got == expected
        n_harmless += 1
    assert n_found + n_harmless == N_FLIPS  # each refusal is one line that names the file
    assert n_found > N_FLIPS // 2


@pytest.mark.parametrize("name", READERS)
def test_a_file_cut_anywhere_is_one_line(kinds, tmp_path, name):
    data = (kinds / name).read_bytes()
    expected = seen(READERS[name](kinds / name))
    for size in np.linspace(0, len(data) - 1, 25).astype(int):
        (tmp_path / name).write_bytes(data[:size])
        if name == LOG and data[:size].count(b"\n"):  # of a run under way
            found = seen(READERS[name](tmp_path / name))
            assert found[1] == expected[1][: len(found[1])]
            continue
        if name == "table.h5" and size > len(data) - 16:
            assert seen(READERS[name](tmp_path / name)) == expected
            continue
        with pytest.raises(ValueError, match=name) as caught:
            READERS[name](tmp_path / name)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("place", [0.0, 0.3, 0.9])
def test_damaged_files_on_the_command_line(kinds, tmp_path, capsys, place):
    root = tmp_path / "run"
    shutil.copytree(kinds, root)
    np.save(root / "other.npy", ROWS)
    commands = {
        CHECKPOINT: [["resume", root], ["lanczos", root], ["report", root],
                     ["ground-state", "ising", "--length", "4", "--from", root]],
        RESULT: [["report", root]],
        LOG: [["report", root]],
        "model.npz": [["sample", root / "model.npz"],
                      ["score", root / "model.npz", root / "other.npy"],
                      ["train", root / "other.npy", "--output", root / "model.npz", "--resume"]],
        "data.npy": [["train", root / "data.npy", "--output", root / "new.npz"]],
    }  # fmt: skip
    for name, uses in commands.items():
        kept = (root / name).read_bytes()
        at = int(place * (len(kept) - 1))
        flipped = kept[:at] + bytes([kept[at] ^ 0x10]) + kept[at + 1 :]
        for damaged in (kept[:at], flipped):
            (root / name).write_bytes(damaged)
            for command in uses:
                status = main([*map(str, command)])
                err = capsys.readouterr().err
                if (
                    status != 2
                ):  # a date of an archive, a log of which a whole number of lines is left
                    assert "Traceback" not in err
                    continue
                assert err.startswith("rbmqs: error: ")
                assert err.count("\n") == 1
        (root / name).write_bytes(kept)


def overlapping(path, n_members=400, size=2**21):
    """A zip of some megabytes whose members are all the same bytes: 0.8 GB."""
    array = io.BytesIO()
    np.save(array, np.zeros(size, np.uint8))
    data = array.getvalue()
    crc = zipfile.crc32(data)
    head = struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, 0, 0, 0, 0, crc, len(data), len(data), 5, 0)
    listed = b"".join(
        struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, 0, 0, 0, 0, crc, len(data), len(data),
                    9, 0, 0, 0, 0, 0, 0) + f"a{k:04d}.npy".encode()
        for k in range(n_members)
    )  # fmt: skip
    start = head + b"a.npy" + data
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, n_members, n_members, len(listed),
                      len(start), 0)  # fmt: skip
    path.write_bytes(start + listed + end)


def many_members(path):
    """A list of members that is all the file holds: each costs its reader ten times its bytes."""
    listed = struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, *[0] * 14) * 100_000
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 65535, 65535, len(listed), 0, 0)
    path.write_bytes(listed + end)


def declares(path, n):
    """A .npy header of n float64 without data."""
    with open(path, "wb") as file:
        header = {"descr": "<f8", "fortran_order": False, "shape": (n,)}
        np.lib.format.write_array_header_1_0(file, header)


def small_lists(path):
    path.write_bytes(b'{"a": [' + b"[]," * 3_000_000 + b"[]]}")


HOSTILE = """
import resource, sys
from pathlib import Path
import numpy, rbmqs
from hamiltonians.exact.checkpoints import Checkpoint
from rbmqs.boltzmann import BernoulliRBM
from rbmqs.boltzmann.files import read_table
from rbmqs.runs.checkpoint import load_checkpoint
from rbmqs.runs.log import read_log
from rbmqs.studies.table_files import load_table
from rbmqs.utils.json_files import read_json
import h5py
path = Path(sys.argv[1])
readers = {"npz": [load_checkpoint, BernoulliRBM.load, read_table,
                   Checkpoint(path, "", 40, numpy.dtype(float)).load],
           "npy": [read_table], "json": [read_json], "jsonl": [read_log], "h5": [load_table]}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for read in readers[path.suffix[1:]]:
    try:
        read() if read.__name__ == "load" and not isinstance(read.__self__, type) else read(path)
        print("read")
    except ValueError as error:
        print(type(error).__name__, error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def hostile_file(kind, directory):
    if kind == "overlap":
        overlapping(directory / "a.npz")
    elif kind == "members":
        many_members(directory / "a.npz")
    elif kind == "compressed":
        np.savez_compressed(directory / "a.npz", meta=np.zeros(3), a=np.zeros((2**14, 2**13)))
    elif kind == "header":
        declares(directory / "a.npy", 2**40)
    elif kind == "negative":
        declares(directory / "a.npy", -1)
    elif kind in ("lists.json", "lists.jsonl"):
        small_lists(directory / f"a.{kind.partition('.')[2]}")
    elif kind == "nested":
        (directory / "a.json").write_bytes(b"[" * 10**6)
    else:
        h5py = pytest.importorskip("h5py")
        with h5py.File(directory / "a.h5", "w") as file:
            file.attrs.update({"format": "rbmqs-table 1", "axes": "", "columns": ["a"]})
            file.create_dataset("a", shape=(2**27,), dtype="<f8")  # without data
    return next(directory.iterdir())


@pytest.mark.submission
@pytest.mark.parametrize(
    "kind",
    ["overlap", "members", "compressed", "header", "negative", "lists.json", "lists.jsonl",
     "nested", "h5"],
)  # fmt: skip
def test_hostile_files_are_refused_within_64_mib(tmp_path, kind):
    path = hostile_file(kind, tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", HOSTILE, str(path)],
        capture_output=True, text=True, timeout=100, cwd=ROOT, check=True,
    )  # fmt: skip
    *answers, growth = done.stdout.splitlines()
    assert answers
    for answer in answers:
        assert answer.startswith(("CheckpointError ", "DamagedError ", "ValueError "))
    assert float(growth) < 64


def test_indices_outside_of_a_sparse_matrix_are_refused(tmp_path):
    good = sparse.csr_matrix(np.eye(4, dtype=np.int8))
    parts = {"data": good.data, "indices": good.indices, "indptr": good.indptr}
    for name, value in (("indices", good.indices + 10**6), ("indptr", good.indptr * 5)):
        np.savez(tmp_path / "a.npz", format=b"csr", shape=(4, 4), **parts | {name: value})
        with pytest.raises(ValueError, match="does not hold a table"):
            read_table(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", format=b"csr", shape=(4, 4), **parts)
    assert (read_table(tmp_path / "a.npz") != good).nnz == 0


def test_files_of_others_are_read_as_numpy_wrote_them(tmp_path):
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.asfortranarray(np.eye(3)),
              "c": np.array("word"), "d": np.zeros((0, 3), np.int8)}  # fmt: skip
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "a.npz", **arrays)
        found = read_arrays(tmp_path / "a.npz")
        assert found.keys() == arrays.keys()
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[name], array)
            assert found[name].dtype == array.dtype
    np.save(tmp_path / "a.npy", arrays["b"])
    np.testing.assert_array_equal(read_array(tmp_path / "a.npy"), np.eye(3))
    with pytest.raises(FileNotFoundError):
        read_arrays(tmp_path / "none.npz")
    np.save(tmp_path / "a.npy", np.array([{}], dtype=object))
    with pytest.raises(CheckpointError, match="Python objects"):
        read_array(tmp_path / "a.npy")


def test_a_table_keeps_its_checksum_in_any_layout(tmp_path):
    value = {"b": [1, 2.5, None], "a": {"x": "\u00e4"}, 3: True}
    write_json(tmp_path / "a.json", value)
    text = json.loads((tmp_path / "a.json").read_text())
    (tmp_path / "a.json").write_text(json.dumps(text, sort_keys=True, indent=7))
    assert read_json(tmp_path / "a.json") == {"b": [1, 2.5, None], "a": {"x": "\u00e4"}, "3": True}
    text["b"][0] = 2
    (tmp_path / "a.json").write_text(json.dumps(text))
    with pytest.raises(ValueError, match="does not match its checksum"):
        read_json(tmp_path / "a.json")


def test_json_of_many_small_values_is_refused_by_what_it_would_take():
    assert bounded_json(b"[" + b"1," * 10**5 + b"1]") == [1] * (10**5 + 1)
    with pytest.raises(ValueError, match="of memory or more"):
        bounded_json(b"[" + b"{}," * 10**6 + b"1]")


def test_a_checksum_beside_a_file(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("0,1\n1,0\n")
    check_beside(path)
    write_beside(path)
    check_beside(path)
    path.write_text("0,1\n1,1\n")
    with pytest.raises(
        ValueError, match=r"data.csv does not match its checksum in data.csv.sha256"
    ):
        read_table(path)


def test_logs_and_results_without_checksums_still_load(kinds, tmp_path):
    """As version 0.1.0 wrote them."""
    shutil.copytree(kinds, tmp_path / "old")
    old = tmp_path / "old"
    lines = [json.loads(line) for line in (old / LOG).read_text().splitlines()]
    for line in lines:
        del line["crc32"]
    del lines[0]["run_id"]
    (old / LOG).write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = json.loads((old / RESULT).read_text())
    del result["crc32"], result["run_id"]
    (old / RESULT).write_text(json.dumps(result))
    assert read_files(old) == read_files(kinds)._replace(result=result)
    mixed = (old / LOG).read_bytes() + (kinds / LOG).read_bytes().splitlines()[-1] + b"\n"
    (old / LOG).write_bytes(mixed)
    with pytest.raises(ValueError, match="line 7"):
        read_log(old / LOG)
