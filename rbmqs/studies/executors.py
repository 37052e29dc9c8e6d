"""Where the points of a study run: processes here, MPI ranks, a Dask cluster, a SLURM queue."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Executor, Future
from typing import Any

from hamiltonians.utils.checks import choice
from rbmqs.studies.processes import LocalProcesses

EXECUTORS = ("local", "mpi", "dask", "slurm")
_POLL_SECONDS = 1.0


def make_executor(
    kind: str = "local",
    *,
    n_processes: int | None = None,
    n_threads: int | None = None,
    address: str | None = None,
    options: dict[str, Any] | None = None,
) -> Executor:
    """An executor by name; any other `concurrent.futures.Executor` serves as well.

    Parameters
    ----------
    kind : {"local", "mpi", "dask", "slurm"}
        "mpi" is for `mpirun -n K python -m mpi4py.futures -m rbmqs study run FILE`.
    n_processes, n_threads : int, optional
        Of "local", and of the cluster that "dask" starts here without an address.
    address : str, optional
        Of a Dask scheduler.
    options : dict, optional
        Of the SLURM job, as submitit's `update_parameters` takes them.

    Returns
    -------
    concurrent.futures.Executor

    Raises
    ------
    ImportError
        The package behind it is not installed.
    """
    choice("executor", kind, EXECUTORS)
    if kind == "local":
        return LocalProcesses(n_processes, n_threads)
    if kind == "mpi":
        from mpi4py.futures import MPIPoolExecutor

        return MPIPoolExecutor()
    if kind == "dask":
        return DaskExecutor(address, n_processes, n_threads)
    return SlurmExecutor(options or {})


class DaskExecutor(Executor):
    """A Dask cluster as an executor, its own where no scheduler's address is given."""

    def __init__(
        self, address: str | None, n_processes: int | None = None, n_threads: int | None = None
    ) -> None:
        from distributed import Client, LocalCluster

        self._cluster = None
        if address is None:
            self._cluster = LocalCluster(
                n_workers=n_processes, threads_per_worker=1, dashboard_address=None
            )
        self._client = Client(address or self._cluster)
        self._executor = self._client.get_executor(retries=0, pure=False)

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future:
        """Run a call on the cluster."""
        return self._executor.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Close the connection, and the cluster if it is our own."""
        self._executor.shutdown(wait=wait)
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()


class SlurmExecutor(Executor):
    """One SLURM job for each point, through submitit; a local process where there is no SLURM.

    Parameters
    ----------
    options : dict
        Such as `timeout_min`, `cpus_per_task`, `slurm_partition`.
    folder : str
        Of submitit's scripts and logs.
    """

    def __init__(self, options: dict[str, Any], folder: str = "submitit") -> None:
        import submitit

        self._executor = submitit.AutoExecutor(folder=folder)
        self._executor.update_parameters(**options)

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future:
        """Queue a call; the future follows the job."""
        job = self._executor.submit(fn, *args, **kwargs)
        future: Future = Future()
        future.set_running_or_notify_cancel()
        threading.Thread(target=_follow, args=(job, future), daemon=True).start()
        return future


def _follow(job: Any, future: Future) -> None:
    while not job.done():
        time.sleep(_POLL_SECONDS)
    try:
        future.set_result(job.result())
    except Exception as error:
        future.set_exception(error)
