"""Shots in every form that users have, the conventions of order and sign, and what is refused."""

import json

import h5py
import numpy as np
import pandas as pd
import pytest
from tomography_twins import random_vector

import rbmqs
from rbmqs.tomography.bases import Bases, all_pauli_bases, haar_random_bases, random_pauli_bases
from rbmqs.tomography.conventions import (
    homogeneity,
    order_warning,
    target_warning,
    unmeasured_sites,
    unmeasured_strings,
)
from rbmqs.tomography.formats import Convention, as_shots
from rbmqs.tomography.reading import read_shots, read_target
from rbmqs.tomography.rotations import rotated
from rbmqs.tomography.shots import Shots

LABELS = ["XZY", "XZY", "ZZX", "ZZX", "XZY"]
BITS = np.array([[0, 1, 1], [0, 1, 1], [1, 0, 0], [0, 0, 0], [1, 1, 1]])
STRINGS = ["011", "011", "100", "000", "111"]
COUNTS = {"XZY": {"011": 2, "111": 1}, "ZZX": {"100": 1, "000": 1}}


def key(shots):
    """Shots as a mapping, whatever their order."""
    return {
        (shots.bases.labels[b], tuple(row)): int(n)
        for b, row, n in zip(shots.basis, shots.outcomes.tolist(), shots.counts, strict=True)
    }


EXPECTED = {
    ("XZY", (1, -1, -1)): 2,
    ("XZY", (-1, -1, -1)): 1,
    ("ZZX", (-1, 1, 1)): 1,
    ("ZZX", (1, 1, 1)): 1,
}
FORMS = {
    "bits": (BITS, LABELS),
    "lists": (BITS.tolist(), LABELS),
    "booleans": (BITS.astype(bool), LABELS),
    "floats": (BITS.astype(float), LABELS),
    "spins": (1 - 2 * BITS, LABELS),
    "strings": (STRINGS, LABELS),
    "strings with spaces": ([" ".join(s) for s in STRINGS], [" ".join(s) for s in LABELS]),
    "signs": (["".join("+-"[int(c)] for c in s) for s in STRINGS], LABELS),
    "letters in an array": (BITS, np.array([list(s) for s in LABELS])),
    "unitaries": (BITS, Bases.of_strings(LABELS).unitaries),
    "bases": (BITS, Bases.of_strings(LABELS)),
    "counts by basis": (COUNTS, None),
    "counts and bases": (list(COUNTS.values()), list(COUNTS)),
    "tuples as keys": ([{(0, 1, 1): 2, (1, 1, 1): 1}, COUNTS["ZZX"]], ["XZY", "ZZX"]),
    "arrays by basis": ({"XZY": BITS[[0, 1, 4]], "ZZX": BITS[[2, 3]]}, None),
    "strings by basis": ({"XZY": ["011", "011", "111"], "ZZX": ["100", "000"]}, None),
    "sets of arrays": ([BITS[[0, 1, 4]], BITS[[2, 3]]], ["XZY", "ZZX"]),
    "data frame": (pd.DataFrame({"basis": LABELS, "outcome": STRINGS}), None),
    "data frame of counts": (
        pd.DataFrame(
            {"basis": ["XZY", "XZY", "ZZX", "ZZX"], "outcome": ["011", "111", "100", "000"],
             "count": [2, 1, 1, 1]}
        ),
        None,
    ),
    "wide data frame": (
        pd.DataFrame(
            {"basis": ["XZY", "ZZX"], "n000": [0, 1], "n011": [2, 0], "n100": [0, 1],
             "n111": [1, 0]}
        ),
        None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_shots(form):
    assert key(as_shots(*FORMS[form])) == EXPECTED


def test_ends_and_bits_are_explicit():
    turned = [s[::-1] for s in STRINGS]
    bases = [s[::-1] for s in LABELS]
    assert key(as_shots(turned, bases, Convention(site_0="right"))) == EXPECTED
    mixed = Convention(site_0="right", basis_site_0="left")
    assert key(as_shots(turned, LABELS, mixed)) == EXPECTED
    flipped = ["".join("10"[int(c)] for c in s) for s in STRINGS]
    assert key(as_shots(flipped, LABELS, Convention(up=1))) == EXPECTED
    assert key(as_shots(1 - 2 * BITS, LABELS, Convention(up=1))) == EXPECTED  # eigenvalues already
    unitaries = Bases.of_strings(bases).unitaries
    assert key(as_shots(turned, unitaries, Convention(site_0="right"))) == EXPECTED


def test_without_bases_shots_are_along_z():
    assert as_shots(["01", "01", "11"]).bases.labels == ("ZZ",)
    assert as_shots({"01": 3, "11": 4}).n_shots == 7


def written(path, kind):
    """The shots above in a file of some kind; keywords to read it with."""
    if kind == "qucumber":
        bases = path.with_name("bases.txt")
        bases.write_text("\n".join(" ".join(s) for s in LABELS))
        path = path.with_suffix(".txt")
        path.write_text("\n".join(" ".join(s) + " " for s in STRINGS))
        return path, {"bases": bases}
    if kind == "text":
        path = path.with_suffix(".txt")
        rows = zip(LABELS, STRINGS, strict=True)
        path.write_text("# basis outcome\n" + "\n".join(f"{b} {s}" for b, s in rows))
    elif kind == "text of spins":
        path = path.with_suffix(".dat")
        path.write_text("\n".join(" ".join(str(1 - 2 * int(c)) for c in s) for s in STRINGS))
        return path, {"bases": LABELS}
    elif kind == "csv":
        path = path.with_suffix(".csv")
        FORMS["wide data frame"][0].to_csv(path, index=False)
    elif kind == "json":
        path = path.with_suffix(".json")
        path.write_text(json.dumps(COUNTS))
    elif kind == "qiskit":
        path = path.with_suffix(".json")
        counts = [{hex(int(s[::-1], 2)): n for s, n in one.items()} for one in COUNTS.values()]
        results = [
            {"header": {"name": label[::-1], "memory_slots": 3}, "data": {"counts": one}}
            for label, one in zip(COUNTS, counts, strict=True)
        ]
        path.write_text(json.dumps({"backend_name": "any", "results": results}))
    elif kind in ("cirq", "cirq packed"):
        path = path.with_suffix(".json")
        sets = {"XZY": BITS[[0, 1, 4]], "ZZX": BITS[[2, 3]]}
        if kind == "cirq":
            path.write_text(json.dumps({"measurements": {k: v.tolist() for k, v in sets.items()}}))
        else:
            records = {
                k: {"packed_digits": np.packbits(v.astype(bool)).tobytes().hex(), "binary": True,
                    "dtype": "uint8", "shape": [len(v), 1, 3]}
                for k, v in sets.items()
            }  # fmt: skip
            path.write_text(json.dumps({"cirq_type": "ResultDict", "records": records}))
    elif kind == "npz":
        path = path.with_suffix(".npz")
        np.savez(path, shots=BITS[[0, 2, 3, 4]], bases=np.array(LABELS)[[0, 2, 3, 4]],
                 counts=[2, 1, 1, 1])  # fmt: skip
    elif kind == "hdf5":
        path = path.with_suffix(".h5")
        with h5py.File(path, "w") as file:
            file["shots"], file["bases"] = BITS, LABELS
    else:
        path = path.with_suffix(".hdf5")
        with h5py.File(path, "w") as file:
            table = np.zeros((2, 2, 8))
            table[1, 0, [3, 7]], table[1, 1, [4, 0]] = [2 / 3, 1 / 3], [1 / 2, 1 / 2]
            table[1, 1] *= 2 / 3  # of three shots one was lost
            file["ions"] = table
            file["ions"].attrs["tomo_order"] = np.array(["XZY", "ZZX"], dtype="S3")
        return path, {"table": "ions", "entry": 1, "n_shots": 3}
    return path, {}


KINDS = ["qucumber", "text", "text of spins", "csv", "json", "qiskit", "cirq", "cirq packed", "npz",
         "hdf5", "table of frequencies"]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_gives_the_same_shots(tmp_path, kind):
    path, keywords = written(tmp_path / "shots", kind)
    assert key(read_shots(path, **keywords)) == EXPECTED


def test_a_target_is_read_from_text(tmp_path):
    psi = random_vector(2)
    np.savetxt(tmp_path / "psi.txt", np.stack([psi.real, psi.imag], 1))
    np.save(tmp_path / "psi.npy", psi)
    np.testing.assert_allclose(read_target(tmp_path / "psi.txt"), psi)
    np.testing.assert_array_equal(read_target(tmp_path / "psi.npy"), psi)
    with pytest.raises(ValueError, match=r"target must end in .npy, .txt or .dat, got psi.csv"):
        read_target(tmp_path / "psi.csv")


WRONG = {
    "unknown letters": ((BITS, ["XQY"] * 5), "the letters Q"),
    "lengths of bases": ((BITS, ["XZ", *LABELS[1:]]), "equally many sites"),
    "lengths of strings": ((["01", "011"], "ZZZ"), r"equal length, got lengths \[2, 3\]"),
    "lengths of rows": (([[0, 1], [0, 1, 1]], "ZZZ"), "rows of different lengths"),
    "another number of sites": ((BITS, ["XZ"] * 5), "bases have 2 sites, the shots 3"),
    "counts below zero": (({"XX": {"01": -1, "11": 4}}, None), "must not be below zero, got -1"),
    "counts with fractions": (({"XX": {"01": 0.5, "11": 4}}, None), "whole numbers, got 0.5"),
    "bits and spins": ((np.array([[0, 1], [-1, 1]]), "ZZ"), "mix bits 0, 1 with spins"),
    "bits and signs": ((["01", "+-"], "ZZ"), "mix bits with spins"),
    "other values": ((np.array([[0, 2], [1, 1]]), "ZZ"), "got 2"),
    "other letters": ((["01", "0a"], "ZZ"), "hold a"),
    "one shot in a basis": ((BITS[1:4], LABELS[1:4]), "at least 2 in each basis, got 1 in basis"),
    "numbers of bases": ((BITS, LABELS[:4]), "one for each of 5 rows .*, got 4"),
    "no shots": (([], None), "must not be empty"),
    "a number": ((3, None), "must be an array, strings, counts or a file"),
    "a column that lacks": ((pd.DataFrame({"n00": [1], "n11": [2]}), None), "a column 'basis'"),
    "bases twice": ((COUNTS, "XZY"), "must not be given"),
    "no unitaries": ((BITS, np.zeros((5, 3, 2, 2))), "unitary matrices"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_shots_are_refused_in_one_line(case):
    arguments, words = WRONG[case]
    with pytest.raises((ValueError, TypeError), match=words) as caught:
        as_shots(*arguments)
    assert "\n" not in str(caught.value)
    assert not isinstance(caught.value, IndexError)


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"up": 2}, "up must be the bit 0 or 1, got 2"),
        ({"site_0": "top"}, "site_0 must be one of left, right, got 'top'"),
        ({"basis_site_0": 0}, "basis_site_0 must be one of left, right"),
    ],
)
def test_wrong_conventions_are_refused(keywords, words):
    with pytest.raises(ValueError, match=words):
        Convention(**keywords)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.xyz", "", "must end in one of"),
        ("a.txt", "", "an empty file"),
        ("a.csv", "basis,n00,n11\nZZ,1,many\n", "whole numbers as counts, got 'many'"),
        ("a.json", "{", "must be JSON"),
        ("a.json", "[1]", "a table of bases"),
    ],
)
def test_wrong_files_are_refused(tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=words):
        read_shots(tmp_path / name)


def drawn(vector, bases, n_shots, seed=0):
    rng = np.random.default_rng(seed)
    n = bases.n_sites
    probabilities = abs(rotated(vector, bases.unitaries)) ** 2
    states = [rng.choice(2**n, n_shots, p=p / p.sum()) for p in probabilities]
    states = np.concatenate(states)
    spins = 1 - 2 * ((states[:, None] >> np.arange(n)[::-1]) & 1)
    return Shots.of(bases, spins, np.repeat(np.arange(len(bases)), n_shots))


def test_outcomes_from_the_wrong_end_are_noticed():
    shots = drawn(random_vector(4, seed=1), all_pauli_bases(4), 100)
    assert order_warning(shots) == ""
    wrong = Shots.of(shots.bases, shots.outcomes[:, ::-1], shots.basis, shots.counts)
    assert "with outcomes read from the other end" in order_warning(wrong)
    target = random_vector(4, seed=1)
    assert target_warning(shots, target) == ""
    assert target_warning(wrong, target).endswith("check site_0")
    flipped = Shots.of(shots.bases, -shots.outcomes, shots.basis, shots.counts)
    assert target_warning(flipped, target).endswith("check up")


def test_the_chance_of_the_test_of_homogeneity_is_one():
    """Of 100 sets of a state without correlations, a tenth have a chance below a tenth."""
    product = np.ones(1)
    for angle in np.random.default_rng(2).uniform(0.3, 1.2, 4):
        product = np.kron(product, [np.cos(angle), np.sin(angle)])
    bases = random_pauli_bases(4, 12, seed=3)
    chances = np.array([homogeneity(drawn(product, bases, 200, seed)) for seed in range(100)])
    # two tests at a level of 0.05 each: at most 10 of 100; 22 are four standard deviations more
    assert (chances < 0.1).sum() <= 22
    assert (chances < 1e-4).sum() == 0


def test_what_bases_leave_open():
    assert unmeasured_sites(Bases.of_strings(["ZZ", "XX"])) == ["Y of site 0", "Y of site 1"]
    assert unmeasured_sites(random_pauli_bases(3, 40)) == []
    assert unmeasured_sites(haar_random_bases(2, 3)) == []
    assert "YY" in unmeasured_strings(Bases.of_strings(["ZZ", "XX"]), 2)
    assert unmeasured_strings(all_pauli_bases(2), 2) == []


def test_a_reconstruction_refuses_before_any_work():
    shots = drawn(random_vector(2), Bases.of_strings(["ZZ", "XX"]), 50)
    cases = [
        ({}, "bases do not determine the state, never measured: Y of site 0, Y of site 1"),
        ({"model": "mixed", "incomplete": False}, "never measured"),
        ({"target": np.ones(8)}, "target must have shape"),
        ({"model": "deep"}, "model must be one of"),
        ({"n_hidden": 0}, "n_hidden must be at least 1"),
        ({"held_out": 1.0}, "held_out must be from 0 to 0.9"),
        ({"readout": 0.7}, "errors of at most 0.45, got 0.7"),
        ({"readout": "guess"}, "readout must be one of learn"),
        ({"readout": [[0.9, 0.2], [0.2, 0.8]]}, "columns P"),
        ({"psi": rbmqs.RBM.random(1)}, "psi must have 2 sites"),
        ({"psi": 3}, "psi must be a VariationalState"),
        ({"optimiser": "lbfgs"}, "optimiser must be one of"),
        ({"method": "guess"}, "method must be one of"),
        ({"resume": True}, "output must be a directory to resume from"),
        ({"seed": -1}, "seed must be at least 0"),
    ]
    for keywords, words in cases:
        with pytest.raises((ValueError, TypeError), match=words):
            rbmqs.reconstruct(shots, **{"incomplete": words not in cases[0][1], **keywords})
