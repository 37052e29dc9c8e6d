"""What the keywords of an RBM mean for data of a shape: "auto" resolved, and the whole plan."""

from __future__ import annotations

import math
from typing import Any

from hamiltonians.utils.checks import choice, number, positive_int
from hamiltonians.utils.memory import require_memory
from rbmqs.boltzmann.learner import StepOptions
from rbmqs.boltzmann.plan import UPDATES, Plan
from rbmqs.boltzmann.unit_types import UNIT_TYPES

METHODS = ("auto", "pcd", "cd", "pt", "ptt", "exact")
LARGEST = 1e3  # a sigmoid is saturated at 20: a parameter of this size has run away
AUTO_COST = 2.0**24  # units averaged exactly for one update of method "auto": 16 x 256, 15 ms
EXACT_COST = 2.0**27
RATE = 30.0  # learning rate times the root of the number of weights, see docs/boltzmann.md
# Without noise on the model's side momentum pays, and fewer updates are enough.
EXACT_UPDATES, EXACT_RATE, EXACT_MOMENTUM = 1_500, 10.0, 0.9
BATCH, SMALL_BATCH, SHORT_RUN = 100, 10, 5_000  # the last in updates
# A learning rate given as a number beside epochs bounds how far the weights get. scikit-learn's
# batches of 10 keep the rate; one that falls to zero needs smaller ones to get as far.
GIVEN_RATE_BATCH, GIVEN_RATE_BATCHES = 3, 2_000
CHAINS = 100  # at least, where rows are few
# Fewer rows than this make sharp peaks, between which chains stop moving early: the rate of a
# sampled gradient falls as this power of the rows, and plain persistent chains are more.
FEW_ROWS, FEW_ROWS_POWER, FEW_ROWS_CHAINS = 1_000, 2 / 3, 500


class Recipe:
    """The keywords of an estimator, resolved for `n_rows` rows of `n_features` units.

    Raises
    ------
    TypeError, ValueError
        A keyword out of bounds: before anything is allocated.
    """

    def __init__(self, keywords: Any, n_rows: int, n_features: int) -> None:
        self.keywords, self.n_rows, self.n_features = keywords, n_rows, n_features
        self.n_components = positive_int("n_components", keywords.n_components)
        what = f"weights of {n_features} and {self.n_components} units (n_components)"
        require_memory(24.0 * n_features * self.n_components, what)
        self.n_gibbs_steps = positive_int("n_gibbs_steps", keywords.n_gibbs_steps)
        self.n_temperatures = positive_int("n_temperatures", keywords.n_temperatures, minimum=2)
        positive_int("verbose", int(keywords.verbose), minimum=0)
        choice("dtype", keywords.dtype, ("float32", "float64"))
        self.method = choice("method", keywords.method, METHODS)
        cost = self._exact_cost()
        if self.method == "auto":
            self.method = "exact" if cost <= AUTO_COST else "pcd"
        elif self.method == "exact" and cost > EXACT_COST:
            raise ValueError(
                f"method 'exact' would average {cost:.3g} units for every update, at most "
                f"{EXACT_COST:.3g} are allowed: use 'pcd' or 'ptt'"
            )
        self.plan()
        self.step_options()

    def _exact_cost(self) -> float:
        """Units to average for one update by a sum over the states of the smaller layer."""
        sizes = {"visible": self.n_features, "hidden": self.n_components}
        finite = [n for side, n in sizes.items()
                  if not UNIT_TYPES[getattr(self.keywords, side)].is_real]  # fmt: skip
        return 2.0 ** min(*finite, 1000) * max(sizes.values()) if finite else math.inf

    def learning_rate(self, n_rows: int = FEW_ROWS) -> float:
        """The learning rate."""
        rate = self.keywords.learning_rate
        if not isinstance(rate, str):
            return number("learning_rate", rate, above=0)
        choice("learning_rate", rate, ("auto",))
        scale = 1 / math.sqrt(self.n_features * self.n_components)
        if self.method == "exact":
            return min(0.5, EXACT_RATE * scale)
        return min(0.5, RATE * scale) * min(1.0, n_rows / FEW_ROWS) ** FEW_ROWS_POWER

    @property
    def batch_size(self) -> int:
        """Rows of a mini-batch."""
        k = self.keywords
        if not isinstance(k.batch_size, str):
            return positive_int("batch_size", k.batch_size)
        choice("batch_size", k.batch_size, ("auto",))
        if isinstance(k.n_iter, str) or self.method == "exact":
            return BATCH
        if not isinstance(k.learning_rate, str):
            return min(BATCH, max(GIVEN_RATE_BATCH, self.n_rows // GIVEN_RATE_BATCHES))
        return min(BATCH, max(SMALL_BATCH, self.n_rows * k.n_iter // SHORT_RUN))

    @property
    def n_chains(self) -> int:
        """Persistent chains."""
        if self.keywords.n_chains is not None:
            return positive_int("n_chains", self.keywords.n_chains)
        few = self.method == "pcd" and self.n_rows < FEW_ROWS
        return max(FEW_ROWS_CHAINS if few else CHAINS, min(self.batch_size, self.n_rows))

    def plan(self, seed: int = 0) -> Plan:
        """How long and in which steps the run goes."""
        k = self.keywords
        return Plan(
            self.n_rows, k.n_iter, self.batch_size, self.learning_rate(self.n_rows), k.schedule,
            k.max_seconds, seed, LARGEST, EXACT_UPDATES if self.method == "exact" else UPDATES,
        )  # fmt: skip

    def step_options(self) -> StepOptions:
        """How a gradient becomes a step."""
        k, momentum = self.keywords, self.keywords.momentum
        if isinstance(momentum, str):
            choice("momentum", momentum, ("auto",))
            momentum = EXACT_MOMENTUM if self.method == "exact" else 0.0
        extra = {name: getattr(k, name) for name in ("centred", "sparsity_target", "sparsity_cost")
                 if hasattr(k, name)}  # fmt: skip
        return StepOptions(momentum, k.l1, k.l2, **extra)
