"""Configurations of a small classical Ising model, drawn exactly."""

from __future__ import annotations

import numpy as np

from hamiltonians.utils.checks import number, positive_int
from rbmqs.boltzmann.datasets.generated import Dataset
from rbmqs.boltzmann.enumeration import all_states
from rbmqs.boltzmann.randomness import seed_sequence

_MAX_SITES = 20


def ising_samples(
    length: int = 3,
    temperature: float = 2.269185,
    n_samples: int = 10_000,
    *,
    random_state: object = None,
) -> Dataset:
    """Independent configurations of the ferromagnetic Ising model on a periodic square lattice.

    p(s) = exp(sum_<ij> s_i s_j / T) / Z over the 2 L^2 bonds, s = +-1 written as v = (1 + s) / 2.
    Bonds are counted from each site to the right and below, so that on 2 x 2 they count twice.

    Parameters
    ----------
    length : int
        L, at most 4: the 2^(L^2) states are enumerated.
    temperature : float
        T, in units of the coupling.
    n_samples : int
    random_state : int or None

    Returns
    -------
    Dataset
        Its optimum is minus the entropy of p; the rows' own mean of log p fluctuates about it.
    """
    length = positive_int("length", length, minimum=2)
    if length**2 > _MAX_SITES:
        raise ValueError(f"length must be at most 4, all states are enumerated, got {length}")
    number("temperature", temperature, above=0)
    positive_int("n_samples", n_samples)
    states = all_states(length**2)
    log_p = _bond_sum(states, length) / temperature
    log_p -= np.logaddexp.reduce(log_p)
    p = np.exp(log_p)
    rng = np.random.default_rng(seed_sequence(random_state))
    rows = states[rng.choice(len(p), size=n_samples, p=p / p.sum())]
    name = f"Ising {length}x{length}, T = {temperature:g}"
    return Dataset(rows, float(p @ log_p), name)


def _bond_sum(states: np.ndarray, length: int) -> np.ndarray:
    """sum over bonds of s_i s_j for each state."""
    spins = 2.0 * states.reshape(-1, length, length) - 1
    return sum(np.sum(spins * np.roll(spins, 1, axis=axis), axis=(1, 2)) for axis in (1, 2))
