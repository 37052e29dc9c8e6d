"""The table of good calls: complete, good, and without effect on what is passed in."""

import contextlib
import dataclasses
import importlib
import inspect

import numpy as np
import pytest

from tests.campaign.good_calls import GOOD

ROOMS = ("hamiltonians", "rbmqs", "rbmqs.dynamics", "rbmqs.studies", "rbmqs.sr")
# Values that the package returns, checked where they are made; and what only registers.
RETURNED = {
    "BitConnections", "Connections", "Correlations", "DynamicalCorrelation", "Evolution",
    "EvolutionRecord", "ExactResult", "ExcitedStates", "Extrapolation",
    "Jacobian", "Lattice", "LevelConnections", "LevelStatistics", "ModelSpec", "PauliSum",
    "Point", "Reconstruction", "Reference", "Rotation", "RunResult", "SRSolution",
    "SpinHamiltonian", "SpinOperator", "Stats", "StepRecord", "Study", "StudyOutcome",
    "SymmetrySector", "Table", "Thermal", "UnitCell", "VariationalState", "identity",
    "register_solver", "solution_of", "zero_variance_energy",
}  # fmt: skip
NO_FILE = (OSError, ValueError)  # "no-such-run" and others do not exist


def name_of(function):
    return function.__qualname__


@pytest.mark.parametrize("room", ROOMS)
def test_no_public_callable_is_left_out(room):
    module = importlib.import_module(room)
    found = {
        name
        for name in module.__all__
        if callable(value := getattr(module, name))
        and not (inspect.isclass(value) and issubclass(value, BaseException))
        and value not in GOOD
    }
    assert found <= RETURNED


def arrays_in(value, seen=None):
    """All arrays that a value holds, in lists, dictionaries and dataclasses too."""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from arrays_in(item, seen)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from arrays_in(item, seen)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from arrays_in(getattr(value, field.name), seen)


@pytest.mark.slow
@pytest.mark.submission
@pytest.mark.parametrize("function", GOOD, ids=name_of)
def test_good_call_leaves_its_inputs_alone(function, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = GOOD[function]
    arrays = list(arrays_in(arguments))
    before = [(array.copy(), array.flags.writeable) for array in arrays]
    for array in arrays:
        array.flags.writeable = False  # so that a write is an error where it happens
    reads = any("no-such" in str(value) for value in arguments.values())
    try:
        with pytest.raises(NO_FILE, match="no-such") if reads else contextlib.nullcontext():
            function(**arguments)
    finally:
        for array, (_, writeable) in zip(arrays, before, strict=True):
            if writeable:
                array.flags.writeable = True
    for array, (value, _) in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, value)
