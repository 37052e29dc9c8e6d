"""Memory of a long run: flat after its first part."""

import gc

import psutil

import rbmqs
from hamiltonians import chain, ising
from tests.campaign.rows import Parts, Row, figure


@figure("leaks")
def leaks(quick: bool, parts: Parts) -> Row:
    """Growth of the resident memory between a tenth of the run and its end."""
    n_iterations = 300 if quick else 5000
    grown = parts("run", growth, n_iterations)
    return Row(
        "a run does not leak",
        f"resident memory over {n_iterations:,} iterations, from a tenth of them on",
        f"{grown:+.1f} MiB", "8 MiB", grown <= 8,
    )  # fmt: skip


def growth(n_iterations: int) -> float:
    """MiB by which a run's memory grew after its first tenth."""
    process, sizes = psutil.Process(), []

    def look(record, psi) -> None:
        if record.iteration % (n_iterations // 10) == 0:
            gc.collect()
            sizes.append(process.memory_info().rss)

    rbmqs.ground_state(
        ising(chain(10), h=1.0), alpha=1, n_iterations=n_iterations, n_samples=64, n_chains=8,
        n_final_samples=64, callback=look, progress=False, summation=False,
    )  # fmt: skip
    return (sizes[-1] - sizes[1]) / 2**20
