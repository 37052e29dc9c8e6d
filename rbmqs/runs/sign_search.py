"""Short runs with each sign rule, and a table of their energies.

Every candidate gets the same seeds, ansatz and budget. Its energy is the mean over the runs whose
error bar can be trusted, and the error comes from their spread, which contains the luck of the
start as well as the sampling. Runs with stuck chains are left out, and counted: at J2 = 1 on the
4x4 torus two of three by the stripe-x rule end so. Two candidates count as different if Welch's
t-test says so at `SIGNIFICANCE`, which takes two trusted runs of each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hamiltonians.utils.checks import instance, number, positive_int
from hamiltonians.utils.ranks import all_of, together
from rbmqs.utils.progress import Progress
from rbmqs.vmc.settings import RunSettings, SamplingSettings

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.estimators.stats import Stats

N_SEEDS, N_ITERATIONS = 3, 150
SIGNIFICANCE = 0.05
_SAMPLING = SamplingSettings(n_samples=512, n_final_samples=4096)


@dataclass(frozen=True)
class SignCandidate:
    """How one sign rule did.

    Parameters
    ----------
    signs : str, list of int, or None
        As `SpinHamiltonian.with_signs` takes it; None is the unrotated basis.
    energies : tuple of Stats
        Final energy of each run.
    p_value : float
        Of being no worse than the best candidate; nan for the best itself, and where there are
        not two trusted runs of each to compare.
    """

    signs: Any
    energies: tuple[Stats, ...]
    p_value: float = math.nan

    @property
    def trusted(self) -> list[float]:
        """Energies of the runs whose error bar can be trusted; an eigenstate's is exact."""
        kept = (e for e in self.energies if not e.status or e.variance == 0)
        return [float(e.mean.real) for e in kept]

    @property
    def mean(self) -> float:
        """Mean of the trusted energies, inf if there are none."""
        return float(np.mean(self.trusted)) if self.trusted else math.inf

    @property
    def error(self) -> float:
        """Standard error of the mean from the spread of the runs, or of the only run itself."""
        if len(self.trusted) < 2:
            errors = [e.error_of_mean for e in self.energies if not e.status or e.variance == 0]
            return errors[0] if errors else math.inf
        return float(np.std(self.trusted, ddof=1) / math.sqrt(len(self.trusted)))

    @property
    def label(self) -> str:
        """The rule in words."""
        if self.signs is None:
            return "none"
        return self.signs if isinstance(self.signs, str) else f"sites {list(self.signs)}"


@dataclass(frozen=True, eq=False)
class SignSearch:
    """Candidates from the lowest energy upwards.

    Parameters
    ----------
    hamiltonian : SpinHamiltonian
        Not rotated.
    candidates : tuple of SignCandidate
    budget : str
        What each candidate was given, in words.
    """

    hamiltonian: SpinHamiltonian
    candidates: tuple[SignCandidate, ...]
    budget: str

    @property
    def best(self) -> SignCandidate:
        """The candidate of lowest energy."""
        return self.candidates[0]

    @property
    def rivals(self) -> tuple[SignCandidate, ...]:
        """Candidates that the short runs cannot tell from the best."""
        return tuple(c for c in self.candidates[1:] if not c.p_value <= SIGNIFICANCE)

    def rotated(self) -> SpinHamiltonian:
        """The Hamiltonian in the basis of the best candidate."""
        return self.hamiltonian.with_signs(self.best.signs)

    def __str__(self) -> str:
        lines = [f"sign rules for {self.hamiltonian.name}: {self.budget}"]
        lines += [
            f"  {c.label:<12} {c.mean:>16.6f} +- {c.error:.1e}   {len(c.trusted)} of "
            f"{len(c.energies)} runs trusted   {_verdict(c, self.best)}"
            for c in self.candidates
        ]
        if self.rivals:
            names = " and ".join(c.label for c in self.rivals)
            lines.append(f"  {self.best.label} is taken; these runs cannot tell it from {names}")
        return "\n".join(lines)


def choose_signs(
    hamiltonian: SpinHamiltonian,
    candidates: Sequence[Any] | None = None,
    *,
    alpha: float = 1.0,
    n_seeds: int = N_SEEDS,
    n_iterations: int = N_ITERATIONS,
    settings: RunSettings | None = None,
    progress: bool = True,
    comm: Any = None,
) -> SignSearch:
    """Try sign rules by short runs and rank them by energy.

    Parameters
    ----------
    hamiltonian : SpinHamiltonian
        Not rotated yet.
    candidates : sequence, optional
        What `SpinHamiltonian.with_signs` takes; default None (no rotation) and every rule that
        exists on the lattice.
    alpha : float
        Hidden units per site of the short runs.
    n_seeds, n_iterations : int
        Runs for each candidate, at least 2, and their length.
    settings : RunSettings, optional
        Sampling, optimiser and first seed of the runs.
    progress : bool
        Show a progress bar on standard error.
    comm : mpi4py communicator, optional
        Ranks that share the runs out, each run on one of them; all find the same table.

    Returns
    -------
    SignSearch
        Its `rotated()` is the Hamiltonian to go on with, and its text the table.

    Raises
    ------
    ValueError
        A Hamiltonian that is rotated already, fewer than two seeds, or a rule that does not exist
        on the lattice.
    """
    from hamiltonians import SpinHamiltonian
    from hamiltonians.models.sign_rules import rules_of

    instance("hamiltonian", hamiltonian, SpinHamiltonian)
    if hamiltonian.rotation is not None:
        raise ValueError(f"signs can be chosen for an unrotated basis only, got {hamiltonian.name}")
    positive_int("n_seeds", n_seeds, minimum=2)
    alpha = number("alpha", alpha, above=0)
    instance("candidates", () if candidates is None else candidates, Sequence)
    if candidates is None:
        candidates = [None, *rules_of(hamiltonian.lattice)]
    rotated = [(signs, hamiltonian.with_signs(signs)) for signs in candidates]
    if not rotated:
        raise ValueError("candidates must name at least one sign rule or None, got none")
    settings = replace(settings or RunSettings(sampling=_SAMPLING), n_iterations=n_iterations)
    runs = [(H, settings.seed + seed) for _, H in rotated for seed in range(n_seeds)]
    rank, size = (0, 1) if comm is None else (comm.rank, comm.size)

    def own_energies() -> list[Stats]:
        found: list[Stats] = []
        with Progress(len(runs[rank::size]), show=progress, unit="run") as bar:
            for H, seed in runs[rank::size]:
                found.append(_short_run(H, alpha, replace(settings, seed=seed)))
                bar.advance(len(found), f"{H.name}: energy {found[-1]}", str(found[-1]))
        return found

    by_rank = all_of(together(own_energies, comm), comm)
    energies = [by_rank[run % size][run // size] for run in range(len(runs))]
    results = [
        SignCandidate(signs, tuple(energies[n_seeds * k : n_seeds * (k + 1)]))
        for k, (signs, _) in enumerate(rotated)
    ]
    budget = f"{n_seeds} runs of {n_iterations} iterations each, alpha = {alpha:g}"
    return SignSearch(hamiltonian, _ranked(results), budget)


def _short_run(hamiltonian: SpinHamiltonian, alpha: float, settings: RunSettings) -> Stats:
    from rbmqs.runs.run import ground_state

    run = ground_state(hamiltonian, alpha, signs=None, settings=settings, progress=False)
    return run.energy


def _ranked(results: list[SignCandidate]) -> tuple[SignCandidate, ...]:
    """Ascending in energy, each with its p-value against the lowest."""
    best, *others = sorted(results, key=lambda c: c.mean)
    return best, *(replace(c, p_value=_p_value(c, best)) for c in others)


def _p_value(candidate: SignCandidate, best: SignCandidate) -> float:
    """Probability of a distance like this between two candidates that are equally good."""
    from scipy.stats import ttest_ind

    if min(len(candidate.trusted), len(best.trusted)) < 2:
        return math.nan
    if candidate.error == best.error == 0:
        return float(candidate.mean == best.mean)
    found = ttest_ind(candidate.trusted, best.trusted, equal_var=False, alternative="greater")
    return float(found.pvalue)


def _verdict(candidate: SignCandidate, best: SignCandidate) -> str:
    if candidate is best:
        return "lowest"
    if math.isnan(candidate.p_value):
        return "too few trusted runs to tell"
    if candidate.p_value > SIGNIFICANCE:
        return f"not told apart (p = {candidate.p_value:.2g})"
    return f"higher (p = {candidate.p_value:.1g})"
