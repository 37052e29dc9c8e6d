"""Evolution in time on real MPI ranks: against one process, twice, and resumed by one."""

import json

import numpy as np
import pytest
from evolution_on_ranks import CASES, evolved
from on_ranks import needs_ranks, on_ranks

pytestmark = needs_ranks


def found_by(size, output):
    status, text, errors = on_ranks(size, __file__.replace("test_evol", "evol"), str(output))
    assert status == 0, errors[-2000:]
    return json.loads(text)


def agree(found, expected):
    """Within the error bars; sums up to the tolerance of the integrator."""
    for name in CASES:
        for key, series in expected[name]["observables"].items():
            for (a, da), (b, db) in zip(found[name]["observables"][key], series, strict=True):
                assert abs(a - b) <= 5 * np.hypot(da, db) + 1e-4, (name, key)


def test_ranks_find_the_velocity_of_one_process():
    """With more parameters than samples and fewer, with weights and `min_snr`, and without."""
    assert max(found_by(2, "")["errors of velocities"]) < 1e-8


@pytest.mark.slow
def test_two_ranks_evolve_as_one_process_and_one_process_goes_on(tmp_path):
    found = found_by(2, tmp_path / "run")
    assert max(found["errors of velocities"]) < 1e-8
    expected = {}
    for name, (density, options) in CASES.items():
        series = evolved(density, None, **options).observables
        pairs = {k: [[s.mean.real, s.error_of_mean] for s in v] for k, v in series.items()}
        expected[name] = {"observables": pairs}
    agree(found, expected)
    # The same times again, and two more of them.
    done = evolved(1, None, 0.04, n_samples=256, output=tmp_path / "run", resume=True, n_times=5)
    assert len(done.times) == 5
    assert not done.status


@pytest.mark.slow
def test_as_many_ranks_give_the_same_bytes_and_more_the_same_numbers(tmp_path):
    first, again = (found_by(3, tmp_path / name) for name in ("a", "b"))
    assert first == again
    assert max(first["errors of velocities"]) < 1e-8
    agree(found_by(5, tmp_path / "c"), first)


def test_projected_steps_are_refused():
    status, _, errors = on_ranks(
        2, "-m", "rbmqs", "evolve", "ising", "--length", "4", "--start", "+x", "--until", "1",
        "--method", "projected", "--quiet",
    )  # fmt: skip
    assert status == 2
    assert errors.count("rbmqs: error: method must be tdvp on 2 ranks, got projected") == 1
