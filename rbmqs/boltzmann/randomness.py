"""Randomness as data: a key and the number of the next call, nothing else.

Kernels address random words by (key, call, row, column), see `core.philox`; the state of a
training run is therefore the seed and one number, and results do not depend on threads.
"""

from __future__ import annotations

import numbers

import numpy as np

from hamiltonians.utils.checks import short

STREAM = np.dtype(np.uint64)


def seed_sequence(random_state: object) -> np.random.SeedSequence:
    """A seed from None (fresh entropy), an integer, a SeedSequence, a Generator or RandomState.

    Raises
    ------
    TypeError, ValueError
        Anything else, or a negative integer.
    """
    if random_state is None:
        return np.random.SeedSequence()
    if isinstance(random_state, np.random.SeedSequence):
        return random_state
    if isinstance(random_state, np.random.Generator):
        return np.random.SeedSequence(int(random_state.integers(2**63)))
    if isinstance(random_state, np.random.RandomState):
        return np.random.SeedSequence(int(random_state.randint(2**31)))
    if isinstance(random_state, bool) or not isinstance(random_state, numbers.Integral):
        raise TypeError(f"random_state must be an integer or None, got {short(random_state)}")
    if random_state < 0:
        raise ValueError(f"random_state must be at least 0, got {random_state}")
    return np.random.SeedSequence(int(random_state))


def new_stream(seed: np.random.SeedSequence) -> np.ndarray:
    """A stream for the kernels: uint64 (4,), two key words, call number, use (zero)."""
    key = seed.generate_state(2, np.uint32)
    return np.array([key[0], key[1], 0, 0], dtype=STREAM)


def next_call(stream: np.ndarray) -> np.ndarray:
    """Advance the stream to its next call, in place, and return it."""
    stream[2] += 1
    return stream
