"""Local worker processes that share the cores and never outlive the study that started them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from multiprocessing.connection import wait
from multiprocessing.synchronize import Event
from typing import Any

from hamiltonians.utils.checks import positive_int

_POLL_SECONDS = 0.2


MOST = 1024  # more than any host has cores


class LocalProcesses(Executor):
    """A pool of processes with the threads of the host divided between them.

    Parameters
    ----------
    n_processes : int, optional
        One for each core by default.
    n_threads : int, optional
        Of each process; by default the cores divided by the processes.

    Notes
    -----
    Processes start afresh (not by fork, which compiled threads do not survive), in sessions of
    their own, so that a Ctrl-C reaches the study and not them. They end when their parent does.
    """

    def __init__(self, n_processes: int | None = None, n_threads: int | None = None) -> None:
        cores = available_cores()
        self.n_processes = positive_int("processes", cores if n_processes is None else n_processes)
        if self.n_processes > MOST:
            raise ValueError(f"processes must be at most {MOST}, got {n_processes}")
        shared = max(1, cores // self.n_processes)
        self.n_threads = positive_int("threads", shared if n_threads is None else n_threads)
        self._context = multiprocessing.get_context("spawn")
        self._stop = self._context.Event()
        self._pool = self._new_pool()

    def _new_pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self.n_processes,
            mp_context=self._context,
            initializer=_start_worker,
            initargs=(self.n_threads, self._stop),
        )

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future:
        """Run a call in one of the processes, in a new pool if one of the old has died."""
        try:
            return self._pool.submit(fn, *args, **kwargs)
        except BrokenExecutor:
            self._pool = self._new_pool()
            return self._pool.submit(fn, *args, **kwargs)

    def interrupt(self) -> None:
        """Ask every run under way to save and return."""
        self._stop.set()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes."""
        self._pool.shutdown(wait, cancel_futures=cancel_futures)


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def limit_threads(n_threads: int) -> None:
    """Let compiled loops of this thread use at most so many threads."""
    import numba

    launched = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
    numba.set_num_threads(min(n_threads, launched))


def _start_worker(n_threads: int, stop: Event) -> None:
    """First call in a worker."""
    limit_threads(n_threads)
    if hasattr(os, "setsid"):
        os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a run sets its own handler while it goes
    threading.Thread(target=_watch, args=(stop,), daemon=True).start()


def _watch(stop: Event) -> None:
    """End with the parent; pass the wish to stop on to the run as one SIGINT."""
    parent = multiprocessing.parent_process()
    stopping = False
    while parent is None or not wait([parent.sentinel], timeout=_POLL_SECONDS):
        if stop.is_set() and not stopping:
            stopping = True
            os.kill(os.getpid(), signal.SIGINT)
    os._exit(1)
