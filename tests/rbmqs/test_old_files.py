"""Checkpoints in the layout of version 0.1.0, made by renaming what has another name now."""

import shutil

import numpy as np

import rbmqs
from hamiltonians import chain, heisenberg
from hamiltonians.utils.archive import read_archive, write_archive
from rbmqs import RunSettings
from rbmqs.runs.checkpoint import KIND

H = heisenberg(chain(8), total_sz=0, marshall=True)


def as_version_0_1_0(path):
    """The arrays of probe chains and of restarts under their names of then."""
    meta, arrays = read_archive(path, KIND, lambda meta, arrays: (meta, dict(arrays)))
    prefixes = {
        "probe_chains.chains": "scout",
        "multistart.chains": "best",
        "multistart.best": "best",
    }
    for new, old in prefixes.items():
        for name in [name for name in arrays if name.startswith(new + "_")]:
            arrays[old + name.removeprefix(new)] = arrays.pop(name)
    tables = meta.pop("extensions", {})
    plain = tables.get("multistart", {}).get("plain", {})
    meta["trials"] = {
        "energies": [float(e) for e in plain.get("energies", ())],
        "total": plain.get("total", 0.0),
        "n_judged": plain.get("n_judged", 0),
        "unprojected": meta.pop("has_target", False),
    }
    for name in ("format", "version", "convention", "arrays"):
        meta.pop(name, None)
    write_archive(path, KIND, arrays, meta)


def test_a_checkpoint_of_version_0_1_0_goes_on_like_one_of_today(tmp_path):
    """A run with restarts and probe chains that stopped within its second restart."""
    settings = RunSettings(n_iterations=8, n_restarts=2, restart_iterations=6, seed=3)
    rbmqs.ground_state(
        H, alpha=1, tied="translations", settings=settings, output=tmp_path / "new", progress=False
    )
    shutil.copytree(tmp_path / "new", tmp_path / "old")
    as_version_0_1_0(tmp_path / "old" / "checkpoint.npz")
    new, old = (
        rbmqs.resume(tmp_path / name, n_iterations=14, progress=False) for name in ("new", "old")
    )
    np.testing.assert_array_equal(old.psi.flat, new.psi.flat)
    assert [r.energy.mean for r in old.history] == [r.energy.mean for r in new.history]
