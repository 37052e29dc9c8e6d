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
    "data frame of other names": (
        pd.DataFrame({"Bases": LABELS, "bitstring": STRINGS, " Counts": [1] * 5}),
        None,
    ),
    "data frame of sites": (pd.DataFrame(BITS, columns=["q0", "q1", "q2"]), LABELS),
    "series": (pd.Series(STRINGS, index=[7, 5, 3, 2, 9]), pd.Series(LABELS)),
    "series of counts": ([pd.Series(one) for one in COUNTS.values()], pd.Index(COUNTS)),
    "bytes": (np.array(STRINGS, dtype="S3"), np.array(LABELS, dtype="S3")),
    "letters of bits": (np.array([list(s) for s in STRINGS]), LABELS),
    "objects": (BITS.astype(object), LABELS),
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
    elif kind.startswith("text of"):
        path, spins = path.with_suffix(".dat"), 1 - 2 * BITS
        path.write_text("\n".join(" ".join(map(str, row)) for row in spins.tolist()))
        if "floats" in kind:  # as NumPy writes them
            np.savetxt(path, spins if "spins" in kind else BITS)
        return path, {"bases": LABELS}
    elif kind == "text of a spreadsheet":
        path = path.with_suffix(".TXT")
        rows = zip(LABELS, STRINGS, strict=True)
        lines = [", ".join([*b.lower(), *s]) for b, s in rows]
        path.write_text("\n".join(lines), encoding="utf-8-sig")
    elif kind == "tsv":
        path = path.with_suffix(".tsv")
        FORMS["data frame of counts"][0].to_csv(path, sep="\t")
    elif kind == "csv of bits":
        path = path.with_suffix(".csv")
        np.savetxt(path, BITS, fmt="%d", delimiter=",")
        return path, {"bases": LABELS}
    elif kind == "npy":
        path = path.with_suffix(".npy")
        np.save(path, 1 - 2 * BITS)
        return path, {"bases": LABELS}
    elif kind == "list of counts":
        path = path.with_suffix(".json")
        path.write_text(json.dumps(list(COUNTS.values())))
        return path, {"bases": list(COUNTS)}
    elif kind == "csv":
        path = path.with_suffix(".csv")
        FORMS["wide data frame"][0].to_csv(path, index=False)
    elif kind == "json":
        path = path.with_suffix(".json")
        path.write_text(json.dumps(COUNTS))
    elif kind.startswith("qiskit"):
        path = path.with_suffix(".json")
        has_names = kind == "qiskit"
        counts = [{hex(int(s[::-1], 2)): n for s, n in one.items()} for one in COUNTS.values()]
        results = [
            {"header": {"name": label[::-1] if has_names else "circuit-7", "memory_slots": 3},
             "data": {"counts": one} if has_names else
                     {"memory": [k for k, n in one.items() for _ in range(n)]}}
            for label, one in zip(COUNTS, counts, strict=True)
        ]  # fmt: skip
        path.write_text(json.dumps({"backend_name": "any", "results": results}))
        return path, {} if has_names else {"bases": [label[::-1] for label in COUNTS]}
    elif kind == "cirq one by one":
        path = path.with_suffix(".json")
        sets = {"XZY": BITS[[0, 1, 4]], "ZZX": BITS[[2, 3]]}
        path.write_text(json.dumps([{"measurements": {k: v.tolist()}} for k, v in sets.items()]))
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
    elif kind == "hdf5 in a group":
        path = path.with_suffix(".h5")
        with h5py.File(path, "w") as file:
            file["run/shots"], file["run/bases"] = BITS, LABELS
        return path, {"table": "run/shots"}
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


KINDS = [
    "qucumber", "text", "text of spins", "text of floats", "text of spins as floats",
    "text of a spreadsheet", "csv", "tsv", "csv of bits", "json", "list of counts", "qiskit",
    "qiskit without bases", "cirq", "cirq packed", "cirq one by one", "npz", "npy", "hdf5",
    "hdf5 in a group", "table of frequencies",
]  # fmt: skip


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
    "a column of another name": (
        (pd.DataFrame({"basis": ["ZZ"], "outcome": ["01"], "weight": [3]}), None),
        "must have columns basis, outcome and count, or n0101, got basis, outcome, weight",
    ),
    "two states in a table": (
        (pd.DataFrame({"state": list("ab"), "basis": ["ZZ"] * 2, "n00": [5, 2]}), None),
        "got several for 'ZZ': choose those of one state by state",
    ),
    "zeros lost": (
        (pd.DataFrame({"outcome": [11, 1], "count": [3, 4]}), None),
        'must hold strings such as "0101", got',
    ),
    "masked": ((np.ma.masked_equal(BITS, 0), LABELS), "must not be masked, got 7 masked values"),
    "counts of other length": (({"outcome": ["00", "01"], "count": [3]}, None), r"shape \(2,\)"),
    "too many": (({"00": 10**19}, None), "at most 9007199254740992, got 1e"),
    "a generator": ((iter(STRINGS), LABELS), "must be an array, strings, counts or a file"),
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
        ("a.json", "{", "a.json is not valid JSON"),
        ("a.json", "1", "a table of bases"),
        ("a.json", "[1]", "must have shape"),
        ("a.json", '{"results": [{"header": "x"}]}', "a.json is damaged: 'str' object has no"),
        ("a.json", '{"records": {"ZZ": {"shape": [9, 1, 2], "packed_digits": "d0"}}}', "reshape"),
        ("a.json", '{"measurements": {"a": [[0, 1]], "b": [[0, 0]]}}', "names are none: 'a, b'"),
        ("a.csv", "basis,outcome,count\nZZ,01\n", "must have rows of 3 columns, got ZZ,01"),
        ("a.txt", "0 1\n1 a\n", "a.txt must hold bits or spins, got 'a'"),
        ("a.txt", "XZ 01\n11\n", "a basis and an outcome a row, got '11'"),
        (
            "a.json",
            '{"results": [{"header": {"memory_slots": 1e9}, "data": {"counts": {}}}]}',
            "memory_slots must be 0 to 4096, got 1000000000",
        ),
        ("a.json", "[" * 10**5, "a.json"),
        ("a.h5", "no table", "must be an HDF5 file"),
        ("a.npz", "no archive", "not a readable .npz file"),
    ],
)
def test_wrong_files_are_refused(tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=words) as caught:
        read_shots(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_file_that_declares_more_than_it_has_is_refused_before_it_is_read(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("shots", (10**6, 10**4), np.int8, chunks=(100, 100))
    np.savez_compressed(tmp_path / "a.npz", shots=np.zeros(10**8, np.int8))
    np.save(tmp_path / "a.npy", np.zeros(4))
    whole = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(whole.replace(b"(4,)", b"(9999999999,)"[:4]))
    for name, reader in {"a.h5": read_shots, "a.npz": read_shots, "a.npy": read_target}.items():
        with pytest.raises(ValueError, match=rf"{name}.*(declare|not a readable)"):
            reader(tmp_path / name)


def test_options_of_tables_are_refused_elsewhere(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["counts"], file["bases"], file["shots"] = np.eye(4) * 3, ["ZZ"] * 4, BITS
    np.save(tmp_path / "a.npy", BITS)
    cases = [
        ("a.npy", {"table": "counts"}, "table must not be given for a.npy"),
        ("a.h5", {"table": "counts", "entry": 1}, "entry must be left out for table counts, got 1"),
        ("a.h5", {"table": "counts", "n_shots": 9}, "n_shots must not be given: .* holds counts"),
        ("a.h5", {"n_shots": 9}, "must not be given for shots"),
        ("a.h5", {"table": "frequencies"}, "table must be one of bases, counts, shots in a.h5"),
    ]
    for name, keywords, words in cases:
        with pytest.raises(ValueError, match=words):
            read_shots(tmp_path / name, **keywords)
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_shots(tmp_path / "b.txt")


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
