"""What each solver computes and sends: the choice between them, and a model of runs on ranks.

Counts are those of a rank on average: multiply-adds, messages and bytes by part of the work. They
follow `rbmqs.utils.ranks` message for message; `benchmarks/mpi_scaling.py` compares them with what
ranks did send, and times them for more ranks than a machine has.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from rbmqs.sr.layout import Layout
from rbmqs.sr.preconditioner import n_columns
from rbmqs.utils.ranks import SHORT_BYTES

# Of a core and of the lines between ranks, as far as they decide between solvers.
RATE_REAL, RATE_COMPLEX = 2.4e10, 6e9  # multiply-adds a second in matrix products
LATENCY, BANDWIDTH = 2e-6, 10e9
MEMORY = 10e9  # bytes a second of a rank whose node has other ranks that read too
_SINGLE = 0.5  # of the time in double precision
_THROUGH = 0.8  # of it, products with O: 35 ms where "sample-space-cg" takes 10 (10x10, 4,096)
# Preconditioned conjugate gradients take so many iterations at such a shift: with 4,096 samples of
# 10x10 17 to 35 for random parameters, 118 after one step, 208 after ten and 263 after twenty; with
# 1,024 samples 200 to 350 at 1e-4 (6x6, 10x10, chain of 40).
_SHIFT, _ITERATIONS = 1e-2, 200
_ROUNDS = 3  # in which single precision reaches ten digits
_FEWEST, _MOST = 20, 2000
_REFINEMENTS = 4
_MAX_MATRIX_BYTES = 4 * 2**30  # of a rank

Parts = Iterator[tuple[str, "Count"]]


@dataclass(slots=True)  # not frozen, which takes 0.2 ms of the 2 ms of a small solve
class Count:
    """Work of a rank.

    Parameters
    ----------
    multiply_adds : float
        In products of matrices in double precision.
    messages, sent : float
        `sent` in bytes.
    moved : float
        Bytes between memory and core beyond those that the multiply-adds hide.
    """

    multiply_adds: float = 0.0
    messages: float = 0.0
    sent: float = 0.0
    moved: float = 0.0

    def __add__(self, other: Count) -> Count:
        return Count(
            self.multiply_adds + other.multiply_adds,
            self.messages + other.messages,
            self.sent + other.sent,
            self.moved + other.moved,
        )

    def __mul__(self, times: float) -> Count:
        own = (self.multiply_adds, self.messages, self.sent, self.moved)
        return Count(*(number * times for number in own))

    def seconds(self, rate: float, latency: float, bandwidth: float) -> float:
        """Time that it takes, memory being read at the rate `MEMORY`."""
        between = self.messages * latency + self.sent / bandwidth
        return self.multiply_adds / rate + between + self.moved / MEMORY


_NOTHING = Count()


def work(multiply_adds: float) -> Count:
    """Multiply-adds without messages."""
    return Count(multiply_adds)


def summed(n_bytes: float, n_ranks: int) -> Count:
    """`Ranks.sum` of so many bytes."""
    if n_ranks == 1:
        return _NOTHING
    paired = 1 << (n_ranks.bit_length() - 1)
    depth, outside = paired.bit_length() - 1, n_ranks - paired
    short = n_bytes <= SHORT_BYTES
    each = (depth, depth * n_bytes) if short else (2 * depth, 2 * n_bytes * (1 - 1 / paired))
    messages = (paired * each[0] + 2 * outside) / n_ranks
    return Count(0.0, messages, (paired * each[1] + 2 * outside * n_bytes) / n_ranks)


def gathered(n_bytes: float, n_ranks: int) -> Count:
    """`Ranks.gathered` of so many bytes in all."""
    if n_ranks == 1:
        return _NOTHING
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
    width : float
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
    width: float
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
        expected = _ITERATIONS * (_SHIFT / self.diag_shift) ** 0.25
        return int(min(max(expected, _FEWEST), _MOST, self.n_rows))

    @property
    def keeps_double(self) -> bool:
        """Whether Cholesky's matrix is made in double precision on one rank.

        It takes longer to make, and saves products through O when the solution is corrected.
        """
        more = self.n_rows**2 * self.width / 4
        return self.n_ranks == 1 and more < 2 * (_REFINEMENTS + 1) * self.product

    @cached_property
    def n_columns(self) -> int:
        """Columns of the preconditioner."""
        return sum(n_columns(self.lengths))

    def of_iterations(self, n: int, n_rounds: int, product: Count) -> Count:
        """Of preconditioned `rbmqs.sr.positive.conjugate_gradients` over ranks, and x of z.

        Three inner products an iteration, an exact product and a length a round.
        """
        k, r = self.n_ranks, self.n_columns
        applied = Count(moved=2 * self.n_rows * r * self.item / k) + summed(r * self.item, k)
        rounds = (_exact_times(self) + summed(16, k)) * n_rounds
        around = summed(16, k) * (3 * n + 1)
        return (product + applied * (r > 0)) * n + rounds + around + _direction(self)


def parts_of(
    name: str, problem: Problem, n_iterations: int | None = None, n_rounds: int = _ROUNDS
) -> dict[str, Count]:
    """Work of a solver by part.

    Parameters
    ----------
    n_iterations : int, optional
        Of conjugate gradients, or of the refinement behind Cholesky; expected ones by default.
    n_rounds : int
        Exact products in conjugate gradients.
    """
    return dict(PARTS[name](problem, n_iterations, n_rounds))


def _parameter_sum(p: Problem) -> Count:
    return summed(p.n_parameters * p.item, p.n_ranks)


def _exact_times(p: Problem) -> Count:
    """A product with the Gram matrix through O and its adjoint, in double precision."""
    return work(2 * p.product / p.n_ranks) + _parameter_sum(p)


def _rough_times(p: Problem) -> Count:
    """A product with the divided matrix in single precision."""
    n, k, item = p.n_rows, p.n_ranks, p.item // 2
    elements = Count(moved=n * n * item / (2 * k))
    return elements + gathered(n * item, k) + summed(n * item, k)


def _gram(p: Problem) -> Count:
    """In single precision."""
    n, k = p.n_rows, p.n_ranks
    ring = Count(0.0, 2 * (k - 1), (k - 1) * max(p.lengths) * p.factor_bytes)
    means = gathered(8 * n, k) + gathered(n * p.item, k)
    elements = Count(_SINGLE * n * n * p.width / (2 * k), moved=n * n * p.item / (4 * k))
    return elements + gathered(8 * k, k) + ring + means


def _direction(p: Problem) -> Count:
    return work(p.product / p.n_ranks) + _parameter_sum(p) + summed(p.item, p.n_ranks)


def _sample_space(p: Problem, n_iterations: int | None, n_rounds: int) -> Parts:
    n, k, item = p.n_rows, p.n_ranks, p.item // 2
    gram, times = _gram(p), _exact_times(p)
    if p.keeps_double:
        gram, times = gram * 2, Count(moved=n * n * item)
    factor = work(_SINGLE * n**3 / (6 * k))
    solve = Count(moved=n * n * item / k)
    tiles = Layout.of(p.lengths, 0).tiles.tolist() if k > 1 else []
    for _, _, height, column in tiles:
        left = n - column - height
        factor += told((height * height + 1) * item, k)
        factor += gathered(left * height * item, k) if left else Count()
        solve += told(height * item, k) + summed(height * item, k)
    n_refined = _REFINEMENTS if n_iterations is None else n_iterations
    refined = (times + solve) * n_refined + times
    # Inner products and lengths in conjugate gradients, and the largest number on the diagonal.
    around = summed(16, k) * (4 * n_refined + 3) + gathered(8 * k, k)
    yield "gram", gram
    yield "cholesky", factor + refined + around + _direction(p)


def _preconditioner(p: Problem) -> Count:
    n, k, r = p.n_rows, p.n_ranks, p.n_columns
    if r == 0:
        return Count()
    made = work(_SINGLE * n * r * p.width / k + n * r * r / k * 1.5 + r**3)
    factors = gathered(r * p.factor_bytes, k) + Count(messages=math.ceil(math.log2(k)))
    means = gathered(8 * r, k) + gathered(r * p.item, k)
    return made + factors + means + gathered(r * r * p.item, k) + summed(r * r * p.item, k)


def _sample_space_cg(p: Problem, n_iterations: int | None, n_rounds: int) -> Parts:
    n = p.n_iterations if n_iterations is None else n_iterations
    yield "gram", _gram(p)
    yield "preconditioner", _preconditioner(p)
    yield "cg", p.of_iterations(n, n_rounds, _rough_times(p))


def _matrix_free(p: Problem, n_iterations: int | None, n_rounds: int) -> Parts:
    n, k = p.n_iterations if n_iterations is None else n_iterations, p.n_ranks
    product = work(_THROUGH * 2 * p.product / k) + summed(p.n_parameters * p.item // 2, k)
    yield "preconditioner", gathered(8 * k, k) + _preconditioner(p)
    yield "cg", p.of_iterations(n, n_rounds, product)


def _dense(p: Problem, n_iterations: int | None, n_rounds: int) -> Parts:
    n = float(p.n_parameters)
    own = work(p.n_samples * n * n / p.n_ranks + _SINGLE * n**3 / 6)
    yield "covariance", own + summed(n * n * p.item, p.n_ranks) + _parameter_sum(p)


PARTS: Mapping[str, Callable[[Problem, int | None, int], Parts]] = {
    "sample-space": _sample_space,
    "sample-space-cg": _sample_space_cg,
    "matrix-free": _matrix_free,
    "dense": _dense,
}


def _matrix_bytes(name: str, p: Problem) -> float:
    """What a rank holds of matrices."""
    if name == "dense":
        return 1.5 * p.n_parameters**2 * p.item
    if name == "matrix-free":
        return 0.0
    factors = name == "sample-space" and p.n_ranks == 1  # in a square beside the triangle
    quarters = 2 * factors + (2 if factors and p.keeps_double else 1)
    return p.n_rows**2 * quarters / (4 * p.n_ranks) * p.item


def cost_of(name: str, problem: Problem) -> Count:
    """Work of a solver, infinite where its matrix would not fit."""
    if _matrix_bytes(name, problem) > _MAX_MATRIX_BYTES:
        return work(math.inf)
    return sum(parts_of(name, problem).values(), Count())


def seconds_of(count: Count, problem: Problem) -> float:
    """Time that it takes."""
    rate = RATE_COMPLEX if problem.is_complex else RATE_REAL
    return count.seconds(rate, LATENCY, BANDWIDTH)
