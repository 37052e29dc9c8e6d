"""One stream of random numbers per chain, held as data.

xoshiro256++ (Blackman & Vigna, ACM Trans. Math. Softw. 47, 36 (2021), arXiv:1805.01407): four
64-bit words per chain, seeded by ``numpy.random.SeedSequence`` outside. Results therefore depend
on the seed and the chain, never on the thread that runs it.
"""

import numba
import numpy as np

from hamiltonians.core.jit import inlined_kernel, kernel

_TO_UNIT = 1.0 / 9007199254740992.0  # 2^-53


@inlined_kernel
def _rotate(x, k):
    return (x << numba.uint64(k)) | (x >> numba.uint64(64 - k))


@inlined_kernel
def next_word(state):
    """Next 64 random bits of the stream; advances ``state`` (4 words of uint64)."""
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    word = _rotate(s0 + s3, 23) + s0
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= state[1] << numba.uint64(17)
    state[0], state[1], state[2], state[3] = s0, s1, s2, _rotate(s3, 45)
    return word


# NumPy's scalars warn where compiled words wrap around.
if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
    next_word = np.errstate(over="ignore")(next_word)


@inlined_kernel
def uniform(state):
    """Uniform double in [0, 1)."""
    return np.float64(next_word(state) >> numba.uint64(11)) * _TO_UNIT


@inlined_kernel
def below(state, n):
    """Uniform integer in [0, n), n < 2^31: the high half of a 32 by 32 bit product.

    The bias is below n / 2^32, under 1e-6 for any lattice this project can hold.
    """
    high = next_word(state) >> numba.uint64(32)
    return np.int64((high * numba.uint64(n)) >> numba.uint64(32))


@kernel
def fill_uniform(streams, out):
    """out[c, d] uniform in [0, 1), row c from stream c; advances ``streams`` (n_chains, 4)."""
    for chain in range(out.shape[0]):
        for draw in range(out.shape[1]):
            out[chain, draw] = uniform(streams[chain])
