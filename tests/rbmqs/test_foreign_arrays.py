"""Checkpoints whose checksums are right and whose arrays are not those of a run reach no kernel."""

import json

import numpy as np
import pytest

import rbmqs
from hamiltonians import chain, ising
from hamiltonians.utils.archive import read_archive, write_archive
from rbmqs.dynamics import files as evolutions
from rbmqs.studies.quenches import read_curves
from rbmqs.tomography import files as reconstructions
from rbmqs.utils.parsing import DamagedError

H, PSI = ising(chain(4)), rbmqs.RBM.random(4, 1, seed=0, stddev=0.1)
SHORT = {"n_samples": 64, "n_chains": 8, "n_observable_samples": 64, "summation": False, "seed": 0}
SHOTS = {"ZZZZ": {"0000": 30, "1111": 30}, "XXXX": {"0000": 20}}


def evolve(root, **options):
    return rbmqs.evolve(H, PSI, [0.0, 0.01], output=root, progress=False, **SHORT, **options)


def reconstruct(root):
    return rbmqs.reconstruct(SHOTS, n_hidden=2, n_iter=3, n_starts=1, incomplete=True,
                             readout=0.01, output=root)  # fmt: skip


def answers(root):
    """Whatever uses shots and state of a reconstruction that is read."""
    with np.errstate(all="ignore"):
        found = reconstructions.load_reconstruction(root)
        return str(found), found.psi.log_psi(np.ones((1, 4), np.int8))


RUNS = {
    "evolution": (evolve, evolutions.KIND, lambda root: evolve(root, resume=True)),
    "reconstruction": (reconstruct, reconstructions.KIND, answers),
}
CHANGES = {
    "longer": lambda a: np.concatenate([a, a]) if a.ndim else np.array([a, a]),
    "empty": lambda a: a[:0] if a.ndim else a.reshape(1)[:0],
    "of another type": lambda a: a.astype(np.complex64 if a.dtype.kind == "c" else np.int16),
    "far out": lambda a: np.full_like(a, 100),
    "flat": lambda a: a.reshape(-1),
}
HARMLESS = {  # converted where they are used, or not used
    ("states", "of another type"), ("numbers", "of another type"), ("times", "of another type"),
    ("times", "longer"), ("shots_unitaries", "of another type"),
    ("shots_outcomes", "of another type"),
}  # fmt: skip


def refusal(read, root):
    """What a file is refused with, or nothing."""
    try:
        read(root)
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", RUNS)
def test_arrays_of_other_shape_type_or_value_are_refused(tmp_path, name):
    make, kind, read = RUNS[name]
    make(tmp_path)
    path = tmp_path / "checkpoint.npz"
    meta, arrays = read_archive(path, kind, lambda meta, arrays: (meta, arrays))
    read(tmp_path)
    taken = []
    for key, array in arrays.items():
        for what, change in CHANGES.items():
            changed = change(array)
            if changed.shape == array.shape and changed.tobytes() == array.tobytes():
                continue
            write_archive(path, kind, {**arrays, key: changed}, meta)
            said = refusal(read, tmp_path)
            assert "\n" not in said, (key, what)
            taken += [] if said or what == "far out" else [(key, what)]
    assert set(taken) <= HARMLESS


def test_curves_that_lack_a_part_are_damaged(tmp_path):
    place = tmp_path / "evolution"
    place.mkdir()
    (place / "result.json").write_text(json.dumps({"times": [0.0]}))
    with pytest.raises(DamagedError, match=r"result.json is damaged: it lacks 'observables'"):
        read_curves(tmp_path)
