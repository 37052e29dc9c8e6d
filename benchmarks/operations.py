"""Real operations of each algorithm, counted by hand from its formulas.

One addition, multiplication, division, exponential or sine counts as one operation. What a formula
does not need is not counted, even where a kernel does it: padding, folding of lanes, the rows of
two-site flips that a block of samples shares, centring, refreshes every few thousand proposals,
residual checks. A fraction of the machine's rate is therefore a lower bound.

Per hidden unit, with q from the table of flips:

                                                    complex parameters    real parameters
    factor of a ratio, g + w q                      8                     2
    factor of |ratio|^2, c + z q with c real        7                     2
    its norm |f|^2                                  3                     (one square a ratio)
    product of factors                              6 (1 of norms)        1
    row of an exchange not in a table, q = q_i q_j  6                     1
    accepted move, z <- z q                         6                     1

A matrix product is all fused multiply-adds, two operations an instruction; these formulas are
not. `Work.ceiling` is the fraction of the matrix-product rate that the mix of fused and plain
instructions allows if nothing else costs any time.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Work:
    """Operations, and the fused or plain instructions that carry them (per number)."""

    operations: float
    instructions: float

    def __add__(self, other: Work) -> Work:
        return Work(self.operations + other.operations, self.instructions + other.instructions)

    def __rmul__(self, times: float) -> Work:
        return Work(times * self.operations, times * self.instructions)

    @property
    def ceiling(self) -> float:
        """Largest fraction of the rate of fused multiply-adds."""
        return self.operations / (2.0 * self.instructions)


@dataclass(frozen=True)
class Size:
    """What the counts depend on: N, M, samples, complex or real parameters."""

    n_sites: int
    n_hidden: int
    n_samples: int
    is_complex: bool

    def of(self, complex_work: Work, real_work: Work) -> Work:
        """The one of two counts that holds for these parameters."""
        return complex_work if self.is_complex else real_work


FUSED = Work(2, 1)  # one real multiply-add, as in a matrix product
PRODUCT = (Work(6, 4), Work(1, 1))
MULTIPLY_ADD = (Work(8, 4), FUSED)
RATIO_FACTOR = (Work(8 + 6, 4 + 4), Work(2 + 1, 1 + 1))
NORM_FACTOR = (Work(7 + 3 + 1, 4 + 2 + 1), Work(2 + 1, 1 + 1))
IMAGE_FACTOR = (Work(7 + 6, 4 + 4), Work(2 + 1, 1 + 1))  # of a complex ratio of pairs (c, z)
# g and w of one theta, see rbmqs.core.amplitude.unit_factors
UNIT_FACTORS = (Work(20, 20), Work(7, 7))


def sampling(size: Size, evaluated: float, accepted: float, *, two_rows: bool) -> Work:
    """`evaluated` ratios and `accepted` moves; a proposal that changes nothing needs no ratio.

    `two_rows`: exchanges without a table by bonds multiply the rows of their sites.
    """
    ratio = size.of(*NORM_FACTOR)
    if two_rows:
        ratio = ratio + size.of(*PRODUCT)
    return size.n_hidden * (evaluated * ratio + accepted * size.of(*PRODUCT))


def projected_sampling(size: Size, evaluated: float, accepted: float) -> Work:
    """`sampling` of a projected RBM by exchanges; `n_hidden` counts the units of all images."""
    return size.n_hidden * (evaluated * size.of(*IMAGE_FACTOR) + accepted * size.of(*PRODUCT))


def image_gradients(size: Size) -> Work:
    """Sums of log-derivatives over images: their units, and images^T times weighted tanh's."""
    return prepare(size) + size.n_samples * size.n_hidden * size.n_sites * size.of(2 * FUSED, FUSED)


def local_energies(size: Size, n_ratios: float) -> Work:
    """`n_ratios` amplitude ratios over all samples."""
    return n_ratios * size.n_hidden * size.of(*RATIO_FACTOR)


def prepare(size: Size) -> Work:
    """theta = b + sigma W, then g and w of every unit."""
    angles = size.n_sites * size.of(2 * FUSED, FUSED)
    return size.n_samples * size.n_hidden * (angles + size.of(*UNIT_FACTORS))


def jacobian_product(size: Size) -> Work:
    """O v, or O^dagger y: real spins times a complex matrix, and one pass over tanh(theta)."""
    matrix = size.n_sites * size.of(2 * FUSED, FUSED)
    return size.n_samples * size.n_hidden * (matrix + 2 * size.of(*MULTIPLY_ADD))


def gram(size: Size) -> Work:
    """Lower triangle of S S^T + (1 + S S^T) o T T^dagger."""
    entry = size.n_sites * FUSED + size.n_hidden * size.of(*MULTIPLY_ADD)
    return size.n_samples**2 / 2 * entry


def cholesky(size: Size) -> Work:
    """Factorisation, n^3/6 multiply-adds, and two triangular solves, n^2/2 each."""
    n = size.n_samples
    return (n**3 / 6 + n**2) * size.of(*MULTIPLY_ADD)


def solve(size: Size) -> Work:
    """The step in the space of samples: Gram matrix, Cholesky, one adjoint product."""
    return gram(size) + cholesky(size) + jacobian_product(size)
