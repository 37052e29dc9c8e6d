"""How configurations are drawn in a run, with defaults that hold."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hamiltonians.utils.checks import choice, flag, number, plain_fields, positive_int, short
from hamiltonians.utils.memory import require_memory
from rbmqs.sampling.moves import MOVES
from rbmqs.sampling.replica_exchange import BETA_MIN
from rbmqs.vmc.recommended import recommended

if TYPE_CHECKING:
    from rbmqs.states.state import VariationalState


MAX_REPLICAS = 1000  # far more than separate maxima ask for; a million would run without an end


@dataclass(frozen=True)
class SamplingSettings:
    """How configurations are drawn.

    Parameters
    ----------
    n_samples : int or None
        Configurations per iteration; rounded up to whole draws per chain. None for the
        `n_samples` of the wavefunction, 1024, and 4096 for one whose weights are tied.
    n_chains : int
    move : str or None
        "flip", "exchange", "pair-exchange", "mixed", or None for the sector's natural one.
    sweep_size : int or None
        Proposals between recorded configurations, N when None.
    n_discard_per_chain : int
        Sweeps discarded after each change of the parameters.
    n_replicas : int
        More than 1 puts a ladder of replicas behind every chain, see `ReplicaExchangeSampler`.
    beta_min : float
        The ladder ends at |psi|^(2 beta_min).
    exact : bool
        Draw by enumeration instead of Markov chains (small sectors).
    n_final_samples : int
        Configurations of the final estimate.
    n_first_samples : int or None
        Configurations of the first iteration, where fewer do: their number then doubles every
        `sample_doubling` iterations until it is `n_samples`. Where both numbers are open,
        projected wavefunctions begin with a quarter, doubled every 150 iterations.
    sample_doubling : float
        In iterations.
    probe_share : float
        Weight that probe chains have in the equations of a step if all of them are outliers,
        relative to all samples (`rbmqs.vmc.extensions.probe_chains`); 0 for no probe chains.
    summation : bool or None
        Sum over all configurations in an iteration instead of drawing samples; None for where
        there are, up to symmetry, no more of them than samples.
    """

    n_samples: int | None = None
    n_chains: int = 16
    move: str | None = None
    sweep_size: int | None = None
    n_discard_per_chain: int = 5
    n_replicas: int = 1
    beta_min: float = BETA_MIN
    exact: bool = False
    n_final_samples: int = 16384
    n_first_samples: int | None = None
    sample_doubling: float = 50.0
    probe_share: float = 1e-4
    summation: bool | None = None

    def __post_init__(self) -> None:
        plain_fields(self)
        for name in ("n_chains", "n_final_samples", "n_replicas"):
            positive_int(name, getattr(self, name))
        if self.n_replicas > MAX_REPLICAS:
            raise ValueError(f"n_replicas must be at most {MAX_REPLICAS}, got {self.n_replicas}")
        if self.n_samples is not None:
            positive_int("n_samples", self.n_samples)
        positive_int("n_discard_per_chain", self.n_discard_per_chain, minimum=0)
        if self.sweep_size is not None:
            positive_int("sweep_size", self.sweep_size)
        if self.move is not None:
            choice("move", self.move, tuple(MOVES))
        flag("exact", self.exact)
        if not isinstance(self.summation, bool | None):
            raise TypeError(f"summation must be true, false or None, got {short(self.summation)}")
        if not 0 < number("beta_min", self.beta_min) < 1:
            raise ValueError(f"beta_min must lie in (0, 1), got {self.beta_min}")
        if not 0 <= number("probe_share", self.probe_share) < 1:
            raise ValueError(f"probe_share must lie in [0, 1), got {self.probe_share}")
        if self.exact and self.n_replicas > 1:
            raise ValueError(f"n_replicas must be 1 with exact sampling, got {self.n_replicas}")
        if self.n_samples is not None and self.n_samples < 2 * self.n_chains:
            raise ValueError(
                f"n_samples must give every chain two draws: at least {2 * self.n_chains} for "
                f"{self.n_chains} chains, got {self.n_samples}"
            )
        self._check_growth()

    def _check_growth(self) -> None:
        number("sample_doubling", self.sample_doubling, above=0)
        if self.n_first_samples is None:
            return
        positive_int("n_first_samples", self.n_first_samples)
        largest = math.inf if self.n_samples is None else self.n_samples
        if not 2 * self.n_chains <= self.n_first_samples <= largest:
            raise ValueError(
                f"n_first_samples must lie between two draws for each of {self.n_chains} chains "
                f"and n_samples = {self.n_samples}, got {self.n_first_samples}"
            )

    def n_samples_of(self, psi: VariationalState) -> int:
        """Configurations per iteration of a run with this wavefunction."""
        return recommended(psi).n_samples if self.n_samples is None else self.n_samples

    def n_draws_at(self, iteration: int, psi: VariationalState) -> int:
        """Draws per chain of an iteration, a function of its number and the wavefunction's size."""
        n_samples, first, doubling = (
            self.n_samples_of(psi),
            self.n_first_samples,
            self.sample_doubling,
        )
        if first is None and self.n_samples is None:
            found = recommended(psi)
            first, doubling = found.n_first_samples, found.sample_doubling
        if first is not None:
            n_samples = min(n_samples, int(first * 2.0 ** min(iteration / doubling, 64.0)))
        return max(2, -(-n_samples // self.n_chains))

    @property
    def n_final_draws(self) -> int:
        """Draws per chain of the final estimate."""
        return max(4, -(-self.n_final_samples // self.n_chains))

    def memory(self, psi: VariationalState) -> float:
        """Bytes that a run holds at most, about, on all ranks together.

        The largest batch of samples with what a step holds of each, and the smaller of the two
        matrices of stochastic reconfiguration.
        """
        row, (n_samples, n_final, _) = self._row(psi), self._numbers(psi).values()
        order = min(n_samples, psi.n_parameters)
        return max(n_samples * row + 16.0 * order**2, n_final * row)

    def check_memory(self, psi: VariationalState, part: float = 1.0) -> None:
        """Refuse samples that do not fit.

        Parameters
        ----------
        part : float
            Of all samples, that ranks of this node have.

        Raises
        ------
        TooLargeError
        """
        for name, n in self._numbers(psi).items():
            what = f"{n} samples of {psi.n_sites} sites and {_n_units(psi)} hidden units ({name})"
            require_memory(part * n * self._row(psi), what)

    def _numbers(self, psi: VariationalState) -> dict[str, int]:
        return {
            "n_samples": self.n_samples_of(psi),
            "n_final_samples": self.n_final_samples,
            "n_chains": 4 * self.n_chains,
        }

    @staticmethod
    def _row(psi: VariationalState) -> int:
        """Bytes of a sample: spins; units before and after, of complex numbers."""
        return psi.n_sites + 64 * _n_units(psi)


def _n_units(psi: VariationalState) -> int:
    return getattr(psi, "n_hidden", psi.n_parameters)
