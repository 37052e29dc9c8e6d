"""The log: one JSON object a line, and the same history in NetKet's form."""

import json
import math
from dataclasses import fields

import numpy as np
import pytest

from rbmqs.estimators.stats import Stats
from rbmqs.runs.log import LogWriter, netket_log, read_log
from rbmqs.vmc.records import StepRecord

NAN = float("nan")


def record(iteration, mean=-1.5 + 0.25j, tau=3.0, r_hat=1.01, status=""):
    energy = Stats(mean, 0.1, 2.0, r_hat, tau, 40.0, 4, 30, "", 0.2)
    solve = {"method": "dense", "residual": 1e-12, "rank": 3}
    return StepRecord(iteration, energy, 0.5, solve, 0.05, 0.01, -0.1, 1.0, status)


def equal(a, b):
    if isinstance(a, complex | float):
        return np.array_equal(a, b, equal_nan=True)
    return a == b


def assert_same(a, b):
    for one in fields(StepRecord):
        if one.name != "energy":
            assert getattr(a, one.name) == getattr(b, one.name)
    for one in fields(Stats):
        x, y = getattr(a.energy, one.name), getattr(b.energy, one.name)
        assert type(x) is type(y)
        assert equal(x, y), one.name


RECORDS = [
    record(0),
    record(1, mean=-1.0000000000000002),
    record(2, mean=NAN, tau=NAN, r_hat=NAN, status="step undone: the energy is not finite"),
    record(3, mean=complex(-1.0, 1e-300)),
]


def written(path, records, description=None):
    log = LogWriter(path, description or {"rbmqs": "0", "settings": {"seed": 1}})
    for one in records:
        log.append(one)
    log.close()


def test_header_and_records_come_back(tmp_path):
    path = tmp_path / "log.jsonl"
    written(path, RECORDS)
    first, records = read_log(path)
    assert first == {"format": "rbmqs-log", "version": 1, "rbmqs": "0", "settings": {"seed": 1}}
    assert len(records) == len(RECORDS)
    for a, b in zip(records, RECORDS, strict=True):
        assert_same(a, b)


def test_every_line_is_strict_json(tmp_path):
    path = tmp_path / "log.jsonl"
    written(path, RECORDS)
    for line in path.read_text().splitlines():
        json.loads(line, parse_constant=pytest.fail)


def test_each_line_is_flushed(tmp_path):
    path = tmp_path / "log.jsonl"
    log = LogWriter(path, {})
    for count, one in enumerate(RECORDS, start=1):
        log.append(one)
        assert len(read_log(path)[1]) == count
    log.close()


@pytest.mark.parametrize("cut", [0, 2, 4, 9])
def test_continued_log_drops_later_and_half_lines(tmp_path, cut):
    path, expected = tmp_path / "log.jsonl", tmp_path / "expected.jsonl"
    written(path, RECORDS)
    written(expected, RECORDS[:cut])
    with open(path, "a") as file:
        file.write('{"iteration": 1, "ene')
    LogWriter(path, {"rbmqs": "0", "settings": {"seed": 1}}, cut).close()
    assert path.read_bytes() == expected.read_bytes()


def test_failed_continuation_keeps_the_log(tmp_path, monkeypatch):
    path = tmp_path / "log.jsonl"
    written(path, RECORDS)
    before = path.read_bytes()

    def fail(*arguments):
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        LogWriter(path, {}, 2)
    assert path.read_bytes() == before


def test_log_of_a_running_run_can_be_read(tmp_path):
    path = tmp_path / "log.jsonl"
    written(path, RECORDS)
    path.write_bytes(path.read_bytes()[:-9])
    assert len(read_log(path)[1]) == len(RECORDS) - 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"hello\n",
        b"[1, 2]\n",
        b"5\n",
        b'{"format": "other"}\n',
        b'{"format": "rbmqs-log"}\n{"iteration": 0}\n',
        b'{"format": "rbmqs-log"}\n[]\n',
        b'{"format": "rbmqs-log"}\nnull\n',
        b'{"format": "rbmqs-log"}\n{"energy": "low"}\n',
        b"\x80\x81\xff\n",
    ],
)
def test_what_is_not_a_log(tmp_path, data):
    path = tmp_path / "log.jsonl"
    path.write_bytes(data)
    with pytest.raises(ValueError, match="is not a log of rbmqs") as caught:
        read_log(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_netket_form():
    log = json.loads(json.dumps(netket_log(RECORDS)), parse_constant=pytest.fail)
    energy = log["Energy"]
    assert set(energy) == {"iters", "Mean", "Variance", "Sigma", "R_hat", "TauCorr"}
    assert energy["iters"] == log["acceptance"]["iters"] == [0, 1, 2, 3]
    assert energy["Mean"]["real"] == [-1.5, -1.0000000000000002, None, -1.0]
    assert energy["Mean"]["imag"] == [0.25, 0.0, 0.0, 1e-300]
    assert energy["Sigma"] == [0.1] * 4
    assert energy["Variance"] == [2.0] * 4
    assert energy["R_hat"] == [1.01, 1.01, None, 1.01]
    assert energy["TauCorr"] == [1.0, 1.0, None, 1.0]
    assert log["acceptance"]["value"] == [0.5] * 4


def test_netket_form_of_nothing():
    assert netket_log([])["Energy"]["Mean"] == {"real": [], "imag": []}


def test_independent_draws_have_no_autocorrelation_time_in_netket():
    log = netket_log([record(0, tau=1.0)])
    assert math.isclose(log["Energy"]["TauCorr"][0], 0.0)
