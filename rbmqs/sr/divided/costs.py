"""What each solver computes and sends over ranks: the choice between them, and a model of runs.

Counts are those of a rank on average: multiply-adds, messages and bytes by part of the work. They
follow `rbmqs.utils.ranks` message for message; `benchmarks/mpi_scaling.py` compares them with what
ranks did send, and times them for more ranks than a machine has.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from rbmqs.sr.divided.layout import Layout
from rbmqs.utils.ranks import SHORT_BYTES

# Of a core and of the lines between ranks, as far as they decide between solvers.
RATE_REAL, RATE_COMPLEX = 1.2e10, 4e9  # multiply-adds a second in matrix products
LATENCY, BANDWIDTH = 2e-6, 10e9
_MEMORY_BOUND = 6.0  # an element read from memory, in multiply-adds of a matrix product
_SHIFT, _ITERATIONS = 4e-3, 350  # conjugate gradients take so many iterations at such a shift
_FEWEST, _MOST = 50, 2000
_REFINEMENTS = 4
_MAX_MATRIX_BYTES = 4 * 2**30  # of a rank


@dataclass(frozen=True)
class Count:
    """Work of a rank.

    Parameters
    ----------
    multiply_adds, messages, sent : float
        `sent` in bytes.
    """

    multiply_adds: float = 0.0
    messages: float = 0.0
    sent: float = 0.0

    def __add__(self, other: Count) -> Count:
        return Count(
            self.multiply_adds + other.multiply_adds,
            self.messages + other.messages,
            self.sent + other.sent,
        )

    def __mul__(self, times: float) -> Count:
        return Count(self.multiply_adds * times, self.messages * times, self.sent * times)

    def seconds(self, rate: float, latency: float, bandwidth: float) -> float:
        """Time that it takes."""
        return self.multiply_adds / rate + self.messages * latency + self.sent / bandwidth


def work(multiply_adds: float) -> Count:
    """Multiply-adds without messages."""
    return Count(multiply_adds)


def summed(n_bytes: float, n_ranks: int) -> Count:
    """`Ranks.sum` of so many bytes."""
    paired = 1 << (n_ranks.bit_length() - 1)
    depth, outside = paired.bit_length() - 1, n_ranks - paired
    short = n_bytes <= SHORT_BYTES
    each = (depth, depth * n_bytes) if short else (2 * depth, 2 * n_bytes * (1 - 1 / paired))
    messages = (paired * each[0] + 2 * outside) / n_ranks
    return Count(0.0, messages, (paired * each[1] + 2 * outside * n_bytes) / n_ranks)


def gathered(n_bytes: float, n_ranks: int) -> Count:
    """`Ranks.gathered` of so many bytes in all."""
    return Count(0.0, math.ceil(math.log2(n_ranks)), n_bytes * (1 - 1 / n_ranks))


def told(n_bytes: float, n_ranks: int) -> Count:
    """`Ranks.broadcast` of so many bytes."""
    return Count(0.0, 1 - 1 / n_ranks, n_bytes * (1 - 1 / n_ranks))


@dataclass(frozen=True)
class Problem:
    """Sizes of the equations of a step.

    Parameters
    ----------
    n_samples : int
        Of all ranks.
    lengths : tuple of int
        Rows of the Gram matrix on each rank; samples that are alike share one.
    n_parameters : int
    width : int
        Multiply-adds of an element of the Gram matrix.
    factor_bytes : int
        Of what a row hands on for it.
    product : float
        Multiply-adds of a product with O, of all samples.
    is_complex : bool
    diag_shift : float
    """

    n_samples: int
    lengths: tuple[int, ...]
    n_parameters: int
    width: int
    factor_bytes: int
    product: float
    is_complex: bool
    diag_shift: float = 1e-3

    @property
    def n_ranks(self) -> int:
        """Number of ranks."""
        return len(self.lengths)

    @property
    def n_rows(self) -> int:
        """Rows of the Gram matrix."""
        return sum(self.lengths)

    @property
    def item(self) -> int:
        """Bytes of a number."""
        return 16 if self.is_complex else 8

    @property
    def n_iterations(self) -> int:
        """Conjugate-gradient iterations to be expected."""
        expected = _ITERATIONS * math.sqrt(_SHIFT / self.diag_shift)
        return int(min(max(expected, _FEWEST), _MOST, self.n_rows))

    def of_iterations(self, n: int, product: Count) -> Count:
        """Of `rbmqs.sr.positive.conjugate_gradients` over ranks: three inner products each."""
        return product * n + summed(16, self.n_ranks) * (3 * n + 1)


def parts_of(name: str, problem: Problem, n_iterations: int | None = None) -> dict[str, Count]:
    """Work of a solver by part.

    Parameters
    ----------
    n_iterations : int, optional
        Of conjugate gradients, or of the refinement behind Cholesky; expected ones by default.
    """
    return dict(_PARTS[name](problem, n_iterations))


def _parameter_sum(p: Problem) -> Count:
    return summed(p.n_parameters * p.item, p.n_ranks)


def _times(p: Problem) -> Count:
    """A product with the divided matrix."""
    n, k = p.n_rows, p.n_ranks
    elements = work(_MEMORY_BOUND * n * n / (2 * k))
    return elements + gathered(n * p.item, k) + summed(n * p.item, k)


def _gram(p: Problem) -> Count:
    n, k = p.n_rows, p.n_ranks
    ring = Count(0.0, 2 * (k - 1), (k - 1) * max(p.lengths) * p.factor_bytes)
    means = gathered(8 * n, k) + _times(p) + gathered(n * p.item, k)
    return work(n * n * p.width / (2 * k)) + gathered(8 * k, k) + ring + means


def _direction(p: Problem) -> Count:
    return work(p.product / p.n_ranks) + _parameter_sum(p)


def _sample_space(p: Problem, n_iterations: int | None) -> Iterator[tuple[str, Count]]:
    n, k, item = p.n_rows, p.n_ranks, p.item // 2
    tiles = Layout.of(p.lengths, 0).tiles
    heights = tiles[:, 2].tolist()
    factor, solve = work(n**3 / (6 * k)), work(n * n / k)
    for height, left in zip(heights, (n - tiles[:, 3] - tiles[:, 2]).tolist(), strict=True):
        factor += told((height * height + 1) * item, k)
        factor += gathered(left * height * item, k) if left else Count()
        solve += told(height * item, k) + summed(height * item, k)
    n_refined = _REFINEMENTS if n_iterations is None else n_iterations
    refined = (_times(p) + solve) * n_refined + _times(p)
    # Inner products and lengths in conjugate gradients, and the largest number on the diagonal.
    around = summed(16, k) * (4 * n_refined + 3) + gathered(8 * k, k)
    yield "gram", _gram(p)
    yield "cholesky", factor + refined + around + _direction(p)


def _sample_space_cg(p: Problem, n_iterations: int | None) -> Iterator[tuple[str, Count]]:
    n = p.n_iterations if n_iterations is None else n_iterations
    yield "gram", _gram(p)
    yield "cg", p.of_iterations(n, _times(p)) + _direction(p)


def _matrix_free(p: Problem, n_iterations: int | None) -> Iterator[tuple[str, Count]]:
    n = p.n_iterations if n_iterations is None else n_iterations
    product = work(2 * p.product / p.n_ranks) + _parameter_sum(p)
    yield "cg", p.of_iterations(n, product) + _direction(p)


def _dense(p: Problem, n_iterations: int | None) -> Iterator[tuple[str, Count]]:
    n = float(p.n_parameters)
    own = work(p.n_samples * n * n / (2 * p.n_ranks) + n**3 / 6)
    yield "covariance", own + summed(n * n * p.item, p.n_ranks) + _parameter_sum(p)


_PARTS: Mapping[str, Callable[[Problem, int | None], Iterator[tuple[str, Count]]]] = {
    "sample-space": _sample_space,
    "sample-space-cg": _sample_space_cg,
    "matrix-free": _matrix_free,
    "dense": _dense,
}


def _matrix_bytes(name: str, p: Problem) -> float:
    """What a rank holds of matrices."""
    own = p.n_rows**2 / (2 * p.n_ranks) * p.item
    return {
        "sample-space": 1.5 * own, "sample-space-cg": own, "dense": 1.5 * p.n_parameters**2 * p.item
    }.get(name, 0.0)  # fmt: skip


def seconds_of(
    name: str, problem: Problem, latency: float = LATENCY, bandwidth: float = BANDWIDTH
) -> float:
    """Time of a solver, infinite where its matrix would not fit."""
    if _matrix_bytes(name, problem) > _MAX_MATRIX_BYTES:
        return math.inf
    rate = RATE_COMPLEX if problem.is_complex else RATE_REAL
    counts = parts_of(name, problem).values()
    return sum(count.seconds(rate, latency, bandwidth) for count in counts)
