"""Checkpoints: exact, atomic, and never anything but a one-line error from a bad file."""

import io
import json
import os
import pickle
import tracemalloc
import zipfile
from dataclasses import replace

import numpy as np
import pytest

import hamiltonians as hm
import rbmqs
from hamiltonians.utils import archive
from hamiltonians.utils.archive import CheckpointError
from rbmqs.runs.checkpoint import load_checkpoint, save_checkpoint
from rbmqs.runs.config import describe_run, describe_terms
from rbmqs.vmc import loop as vmc
from rbmqs.vmc.settings import RunSettings, SamplingSettings

ISING = hm.ising(hm.chain(4), h=1.0)
SETTINGS = RunSettings(sampling=SamplingSettings(n_samples=16, n_chains=4, summation=False))


def made_state(dtype=complex, n=3):
    psi = rbmqs.RBM.random(4, 1, dtype=dtype, visible_bias=False)
    loop = vmc.iterate(ISING, psi, SETTINGS)
    return [next(loop) for _ in range(n)][-1][1]


STATE = made_state()
HEADER = describe_run(ISING, STATE.psi, SETTINGS) | {"terms": describe_terms(ISING)}


@pytest.fixture
def path(tmp_path):
    save_checkpoint(tmp_path / "checkpoint.npz", STATE, HEADER)
    return tmp_path / "checkpoint.npz"


def contents(path):
    with np.load(path) as archive:
        arrays = dict(archive)
    return json.loads(arrays.pop("meta").tobytes()), arrays


def rewrite(path, meta, arrays, declare=True, save=np.savez):
    if declare:
        meta["arrays"] = {k: [a.dtype.str, list(a.shape)] for k, a in arrays.items()}
    text = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    save(path, meta=text, **arrays)


def refused(path):
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def assert_same(a, b):
    assert (a.iteration, a.n_rollbacks) == (b.iteration, b.n_rollbacks)
    assert a.optimiser.damping == b.optimiser.damping
    pairs = [
        (a.psi.flat, b.psi.flat),
        (a.chains.spins, b.chains.spins),
        (a.chains.rng, b.chains.rng),
        (a.optimiser.direction, b.optimiser.direction),
    ]
    assert a.psi.describe() == b.psi.describe()
    assert (a.last_good is None) == (b.last_good is None)
    if a.last_good is not None:
        assert a.last_good.energy == b.last_good.energy
        pairs += [(a.last_good.psi.flat, b.last_good.psi.flat)]
        pairs += [(a.last_good.spins, b.last_good.spins)]
    for x, y in pairs:
        assert x.dtype == y.dtype
        assert np.array_equal(x, y)


@pytest.mark.parametrize("dtype", [complex, float])
def test_round_trip_is_exact(tmp_path, dtype):
    state = made_state(dtype)
    damped = replace(state.optimiser, damping=1 / 3)
    state = replace(state, n_rollbacks=2, optimiser=damped)
    for one in (state, replace(state, last_good=None)):
        save_checkpoint(tmp_path / "c.npz", one, HEADER)
        loaded = load_checkpoint(tmp_path / "c.npz")
        assert_same(loaded.state, one)
        assert loaded.hamiltonian == ISING.describe()
        assert loaded.settings == json.loads(json.dumps(SETTINGS.describe()))


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_checkpoint(tmp_path / "none.npz")


def test_truncated_at_any_place(path):
    data = path.read_bytes()
    for size in [*range(0, len(data), 64), len(data) - 1]:
        path.write_bytes(data[:size])
        refused(path)


def test_flipped_bits_never_give_another_state(path):
    data = path.read_bytes()
    for position in range(0, len(data), 41):
        damaged = bytearray(data)
        damaged[position] ^= 0x10
        path.write_bytes(damaged)
        try:
            loaded = load_checkpoint(path)
        except CheckpointError:
            continue
        assert_same(loaded.state, STATE)  # dates and flags of the archive carry no data


@pytest.mark.parametrize("data", [b"", b"hello\n" * 99, b"\x93NUMPY", b"PK\x03\x04" + bytes(99)])
def test_foreign_file(path, data):
    path.write_bytes(data)
    assert "not a readable checkpoint" in refused(path)


def test_foreign_npz(path):
    np.savez(path, weights=np.zeros(3))
    assert "not an rbmqs checkpoint: it has no description" in refused(path)
    np.savez(path, meta=np.zeros(3))
    assert "its description is no text" in refused(path)
    np.savez(path, meta=np.frombuffer(b"[1, 2]", np.uint8))
    assert "its description is not a table" in refused(path)
    np.savez(path, meta=np.frombuffer(b"[" * 100000, np.uint8))
    refused(path)


def test_directory_in_its_place(tmp_path):
    refused(tmp_path)


class Exploit:
    """Runs code when unpickled."""

    def __reduce__(self):
        return os.mkdir, (os.environ["RBMQS_TEST_EXPLOIT"],)


@pytest.mark.parametrize("name", ["meta", "psi_weights", "spins"])
def test_pickled_objects_are_never_read(path, tmp_path, monkeypatch, name):
    target = tmp_path / "exploited"
    monkeypatch.setenv("RBMQS_TEST_EXPLOIT", str(target))
    meta, arrays = contents(path)
    exploit = np.array([Exploit()], dtype=object)
    arrays[name] = exploit
    meta["arrays"] = {k: [a.dtype.str, list(a.shape)] for k, a in arrays.items() if k != "meta"}
    arrays.setdefault("meta", np.frombuffer(json.dumps(meta).encode(), np.uint8))
    np.savez(path, **arrays)
    refused(path)
    assert not target.exists()
    pickle.loads(pickle.dumps(Exploit()))  # the exploit itself works
    assert target.exists()


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("format", "netket", "not an rbmqs checkpoint: format 'netket'"),
        ("version", 2, "checkpoint version 2, this rbmqs reads 1"),
        ("convention", "spin up is -1", "another convention: 'spin up is -1'"),
        ("iteration", "5", "iteration must be an integer"),
        ("iteration", 5.7, "iteration must be an integer"),
        ("iteration", -1, "iteration must be at least 0"),
        ("n_rollbacks", None, "n_rollbacks must be an integer"),
        ("damping", 0.0, "damping must lie in"),
        ("damping", float("nan"), "damping must lie in"),
        ("damping", "much", "could not convert"),
        ("good_energy", "low", "not a readable checkpoint"),
        ("good_energy", {"mean": 1.0}, "not a readable checkpoint"),
        ("arrays", [], "not a readable checkpoint"),
        ("arrays", {"spins": []}, "not a readable checkpoint"),
        ("arrays", {}, "it lacks 'psi_hidden_bias'"),
        ("hamiltonian", "ising", "hamiltonian must be a table"),
        ("settings", None, "settings must be a table"),
    ],
)
def test_wrong_description(path, key, value, reason):
    meta, arrays = contents(path)
    meta[key] = value
    rewrite(path, meta, arrays, declare=False)
    assert reason in refused(path)


@pytest.mark.parametrize("key", ["iteration", "damping", "settings", "hamiltonian", "arrays"])
def test_lacking_description(path, key):
    meta, arrays = contents(path)
    del meta[key]
    rewrite(path, meta, arrays, declare=False)
    assert f"it lacks '{key}'" in refused(path)


def changed(name, change):
    return lambda arrays: arrays | {name: change(arrays[name])}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (changed("psi_weights", lambda a: a * np.nan), "not finite"),
        (changed("good_weights", lambda a: a * np.inf), "not finite"),
        (changed("psi_weights", lambda a: a[:-1]), "must have shape"),
        (changed("psi_weights", lambda a: a.astype(np.complex64)), "float64 or complex128"),
        (changed("good_weights", lambda a: a[:, :-1]), "must have shape"),
        (changed("direction", lambda a: a[1:]), "direction must be"),
        (changed("direction", lambda a: a.real), "direction must be"),
        (changed("direction", lambda a: a * np.nan), "not finite"),
        (changed("spins", lambda a: a * 0), "other than +1 and -1"),
        (changed("spins", lambda a: a * 1.5), "spins must be int8"),
        (changed("spins", lambda a: a[:, 1:]), "spins must be int8"),
        (changed("good_spins", lambda a: a[1:]), "good_spins must be int8"),
        (changed("rng", lambda a: a.astype(np.int64)), "rng must be uint64"),
        (changed("rng", lambda a: a[:, :2]), "rng must be uint64"),
        (lambda arrays: {k: a for k, a in arrays.items() if k != "rng"}, "it lacks 'rng'"),
    ],
)
def test_wrong_arrays(path, change, reason):
    meta, arrays = contents(path)
    with np.errstate(all="ignore"):
        rewrite(path, meta, change(arrays))
    assert reason in refused(path)


@pytest.mark.parametrize(
    "declared", [["<c16", [5, 4]], ["<f8", [4, 4]], ["<c16", [16]], ["|O", [4, 4]], ["<c16", [-16]]]
)
def test_declared_type_and_shape_must_be_those_of_the_array(path, declared):
    meta, arrays = contents(path)
    meta["arrays"]["psi_weights"] = declared
    rewrite(path, meta, arrays, declare=False)
    assert "psi_weights" in refused(path)


def test_huge_declarations_are_refused_without_allocating(path):
    size = 2**40
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (size,)}
    )
    meta, arrays = contents(path)
    meta["arrays"]["psi_weights"] = ["<f8", [size]]
    rewrite(path, meta, arrays, declare=False)
    members = {"psi_weights.npy": header.getvalue(), "meta.npy": None}
    for name in members:
        with zipfile.ZipFile(path) as archive:
            kept = {i: archive.read(i) for i in archive.namelist()}
        kept[name] = header.getvalue()
        bomb = path.with_name("bomb.npz")
        with zipfile.ZipFile(bomb, "w") as archive:
            for member, data in kept.items():
                archive.writestr(member, data)
        tracemalloc.start()
        refused(bomb)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2**23


def test_compressed_bomb_is_refused_unread(path):
    meta, arrays = contents(path)
    arrays["psi_weights"] = np.zeros((2**12, 2**12))
    rewrite(path, meta, arrays, save=np.savez_compressed)
    assert path.stat().st_size < 2**20
    tracemalloc.start()
    assert "members declare" in refused(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**23


@pytest.mark.parametrize("failure", [OSError("disk full"), KeyboardInterrupt()])
def test_failed_write_leaves_the_old_file(path, monkeypatch, failure):
    before = path.read_bytes()

    def half(archive, name, array):
        with archive.open(f"{name}.npy", "w") as member:
            member.write(b"half")
        raise failure

    monkeypatch.setattr(archive, "_write_array", half)
    with pytest.raises(type(failure)):
        save_checkpoint(path, replace(STATE, iteration=99), HEADER)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "change",
    [{"model": "hubbard"}, {"lattice": {"kind": "torus"}}, {"parameters": 5}, {"lattice": None}],
)
def test_resume_of_a_description_that_builds_nothing(path, change):
    meta, arrays = contents(path)
    meta["hamiltonian"] |= change
    meta["terms"] = "X0"
    rewrite(path, meta, arrays, declare=False)
    with pytest.raises(CheckpointError, match="does not describe a run"):
        rbmqs.resume(path.parent, progress=False)


def test_resume_of_unknown_settings(path):
    meta, arrays = contents(path)
    meta["settings"]["temperature"] = 1.0
    rewrite(path, meta, arrays, declare=False)
    with pytest.raises(CheckpointError, match="unknown key 'temperature'"):
        rbmqs.resume(path.parent, progress=False)
