"""An evolution on disk: log, checkpoint, result; enough to go on bit for bit."""

from __future__ import annotations

import json
import time as clock
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hamiltonians.utils.archive import CheckpointError, Kind, read_archive
from hamiltonians.utils.files import goes_on_without
from hamiltonians.utils.locks import locked
from hamiltonians.utils.ranks import decided_by_first
from rbmqs.dynamics.records import Evolution, EvolutionRecord
from rbmqs.dynamics.stepping import EvolutionState
from rbmqs.estimators.stats import Stats
from rbmqs.sampling.chains import ChainState
from rbmqs.sampling.files import rows_for_file, write_together
from rbmqs.states.serialization import Rebuild, parameter_arrays, structure_arrays, structure_table
from rbmqs.utils.json_files import plain, write_json
from rbmqs.utils.json_lines import LineWriter, read_lines
from rbmqs.vmc.records import stats_from_dict

if TYPE_CHECKING:
    from hamiltonians import DrivenHamiltonian
    from rbmqs.dynamics.measurements import Observable, StateQuantities
    from rbmqs.dynamics.settings import EvolutionSettings
    from rbmqs.states.state import VariationalState

LOG, CHECKPOINT, RESULT, PICTURE = "log.jsonl", "checkpoint.npz", "result.json", "evolution.png"
LOG_FORMAT = "rbmqs-evolution-log"
KIND = Kind(
    "rbmqs-evolution",
    1,
    "Pauli matrices; +1 is up and first; site 0 leftmost; i dpsi/dt = H psi",
)
SAVE_SECONDS = 10.0


@dataclass(frozen=True, eq=False)
class Progressed:
    """How far an evolution has come, as a value.

    Parameters
    ----------
    start : VariationalState
    state : EvolutionState
    times : float64 (n_times,)
        All that are asked for.
    states : tuple of VariationalState
        At the first of them.
    series : mapping of str to tuple of Stats
    n_steps : int
    stopped : str
    interrupted : int or None
    """

    start: VariationalState
    state: EvolutionState
    times: np.ndarray
    states: tuple[VariationalState, ...] = ()
    series: Mapping[str, tuple[Stats, ...]] = field(default_factory=dict)
    n_steps: int = 0
    stopped: str = ""
    interrupted: int | None = None

    @property
    def measured_times(self) -> np.ndarray:
        """The times that have been reached."""
        return self.times[: len(self.states)]

    def with_measurement(self, found: Mapping[str, Stats], chains: ChainState) -> Progressed:
        """After observables were measured at the present time."""
        series = {name: (*self.series.get(name, ()), stats) for name, stats in found.items()}
        state = replace(self.state, chains=chains)
        return replace(self, states=(*self.states, self.state.psi), series=series, state=state)

    def until(self, times: np.ndarray) -> Progressed:
        """The same with other times to come."""
        n = len(self.states)
        known = self.measured_times  # up to the rounding of times that were made in another way
        if len(times) < n or np.any(abs(times[:n] - known) > 1e-12 * abs(known).max(initial=0.0)):
            raise ValueError(f"times must begin with the {n} that are done, {known.tolist()[:8]}")
        if len(times) > n and self.state.time > times[n]:
            raise ValueError(f"times must go on after t = {self.state.time:g}, got {times[n]:g}")
        times = np.concatenate([known, times[n:]])
        return replace(self, times=times, stopped="", interrupted=None)


class EvolutionFiles:
    """Log and checkpoint of an evolution, or nothing where there is no directory."""

    def __init__(self, directory: Path | None, header: dict[str, Any]) -> None:
        self.directory = directory
        self.history: list[EvolutionRecord] = []
        self.saved: Progressed | None = None
        self._header = header
        self._saved_at = -np.inf
        self._comm: Any = None

    @classmethod
    @contextmanager
    def opened(
        cls,
        output: str | Path | None,
        resume: bool,
        driven: DrivenHamiltonian,
        psi: VariationalState,
        observables: Mapping[str, Observable],
        settings: EvolutionSettings,
        quantities: StateQuantities,
    ) -> Iterator[EvolutionFiles]:
        """Files of a new evolution, or those of one to go on with; their directory is locked.

        Raises
        ------
        ValueError
            Nothing to resume, something in the way, or another evolution in the directory.
        LockedError
            Another process writes there.
        """
        header = {
            "hamiltonian": driven.first.describe() | {"driven": not driven.is_fixed},
            "observables": {n: repr(o) for n, o in observables.items()},
            **quantities.describe(),
            "psi": psi.describe(),
            "settings": settings.describe(),
        }
        header = json.loads(json.dumps(header))
        files = cls(None if output is None else Path(output), header)
        if files.directory is None:
            if resume:
                raise ValueError("output must be a directory to resume from, got None")
            yield files
            return
        if not resume:
            files.directory.mkdir(parents=True, exist_ok=True)
        elif not (files.directory / CHECKPOINT).exists():
            raise ValueError(f"output must hold an evolution to resume, {files.directory} does not")
        with locked(files.directory):
            files._begin(files.directory, resume)
            try:
                yield files
            finally:
                files._log.close()

    def shared_by(self, comm: Any) -> EvolutionFiles:
        """The files of the first rank, which all call on together; the others know what it read."""
        self._comm = comm
        self.saved, self.history = decided_by_first((self.saved, self.history), comm)
        return self

    def _begin(self, directory: Path, resume: bool) -> None:
        """Read what is there, or see that nothing is; write the log as far as it counts."""
        if resume:
            self._read(directory / CHECKPOINT)
        elif (directory / CHECKPOINT).exists() or not _is_bare(directory / LOG):
            raise ValueError(
                f"output must not hold a run, which {directory} does: go on with an evolution by "
                f"resume=True (--resume)"
            )
        lines = [{"format": LOG_FORMAT, **self._header}, *(r.to_dict() for r in self.history)]
        self._log = LineWriter(directory / LOG, map(plain, lines))

    def _read(self, path: Path) -> None:
        assert self.directory is not None
        found, header = read_archive(path, KIND, _assemble)
        for name in self._header.keys() | header.keys():
            if header.get(name) != self._header.get(name):
                raise ValueError(f"{path} belongs to another evolution: its {name} is not the same")
        self.saved = found
        self.history = read_evolution_log(self.directory / LOG)[: found.n_steps]
        if len(self.history) < found.n_steps:
            raise CheckpointError(f"{self.directory / LOG} lacks steps that the checkpoint has")

    def write(self, record: EvolutionRecord, done: Progressed) -> None:
        """Append a record; save now and then."""
        self.history.append(record)
        if self.directory is not None:
            self._log.write(plain(record.to_dict()))
        is_due = self.directory is not None and clock.monotonic() - self._saved_at > SAVE_SECONDS
        if decided_by_first(is_due, self._comm):
            self.save(done)

    def save(self, done: Progressed) -> Progressed:
        """Write the checkpoint; returns what is in it."""
        done = replace(done, n_steps=len(self.history))
        state, chains, probes = done.state, done.state.chains, done.state.probe_chains
        self._saved_at = clock.monotonic()
        arrays = {
            **structure_arrays(done.start),
            **parameter_arrays("start", done.start),
            **parameter_arrays("psi", state.psi),
            "times": done.times,
            "states": np.array([psi.flat for psi in done.states]).reshape(
                len(done.states), done.start.n_parameters
            ),
            "spins": rows_for_file(chains.spins, chains.division),
            "rng": rows_for_file(chains.rng, chains.division),
            "probe_spins": rows_for_file(probes.spins, probes.division),
            "probe_rng": rows_for_file(probes.rng, probes.division),
            "numbers": np.array([state.time, state.step, state.integrated_r2, *state.first_energy]),
        }
        meta = {
            "header": self._header,
            **structure_table(done.start),
            "series": {k: [s.to_dict() for s in v] for k, v in done.series.items()},
            "n_steps": done.n_steps,
        }
        path = None if self.directory is None else self.directory / CHECKPOINT
        with goes_on_without(path or Path(CHECKPOINT)):
            write_together(path, KIND, arrays, meta)
        return done

    def finish(self, result: Evolution) -> None:
        """Write the result and draw the picture."""
        if self.directory is None:
            return
        with goes_on_without(self.directory / RESULT):
            write_json(self.directory / RESULT, result.to_dict())
        if len(result.times) > 1:
            with goes_on_without(self.directory / PICTURE):
                result.plot(self.directory / PICTURE)


def _is_bare(log: Path) -> bool:
    """Whether a log may be begun anew: none, or one that a kill left before its checkpoint."""
    return not log.exists() or len(read_evolution_log(log)) <= 1


def read_evolution_log(path: Path) -> list[EvolutionRecord]:
    """Records of a log; a last line that was cut short is left out.

    Parameters
    ----------
    path : Path
        `log.jsonl` of an evolution.

    Returns
    -------
    list of EvolutionRecord

    Raises
    ------
    DamagedError
        Not a log of an evolution, or a line of it was changed.
    """
    return read_lines(path, LOG_FORMAT, EvolutionRecord.from_dict, "a log of an evolution")[1]


def _assemble(
    meta: dict[str, Any], arrays: dict[str, np.ndarray]
) -> tuple[Progressed, dict[str, Any]]:
    rebuild = Rebuild(arrays, meta)
    start, psi = rebuild(arrays, "start"), rebuild(arrays, "psi")
    time, step, integrated, mean, error = arrays["numbers"].tolist()
    state = EvolutionState(
        psi,
        time,
        step,
        ChainState.from_file(arrays["spins"], arrays["rng"], start.hilbert),
        ChainState.from_file(arrays["probe_spins"], arrays["probe_rng"], start.hilbert),
        integrated,
        (mean, error),
    )
    series = {k: tuple(stats_from_dict(s) for s in v) for k, v in meta["series"].items()}
    states = tuple(start.with_flat(flat) for flat in arrays["states"])
    n_steps = int(meta["n_steps"])
    return Progressed(start, state, arrays["times"], states, series, n_steps), meta["header"]
