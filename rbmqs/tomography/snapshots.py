"""Between classical RBMs and the wavefunction: the same energy function, other units.

For real parameters psi(s)^2 = exp(2 a.s) prod_j (2 cosh(b_j + (s W)_j))^2 is the marginal of a
RBM over spins with every hidden unit present twice. In units v = (1 + s) / 2, and with hidden
units of 0 and 1, each of the two copies has

    weights 4 W,   hidden bias 2 b - 2 sum_i W_i,   visible bias 4 a - 4 sum_j W_j,

so that contrastive divergence on measured spins, with the copies tied, trains the wavefunction
itself, and the result starts the variational solver without conversion.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from hamiltonians.utils.checks import positive_int, spin_array
from rbmqs.boltzmann import BernoulliRBM
from rbmqs.boltzmann.descent import Descent
from rbmqs.boltzmann.learner import RBMLearner
from rbmqs.boltzmann.linalg import one_pool
from rbmqs.boltzmann.parameters import Parameters
from rbmqs.boltzmann.plan import Training
from rbmqs.boltzmann.randomness import new_stream, seed_sequence
from rbmqs.boltzmann.rbm_model import negative_phase
from rbmqs.boltzmann.recipes import Recipe
from rbmqs.boltzmann.rows import Rows
from rbmqs.boltzmann.training import train
from rbmqs.states.rbm import RBM
from rbmqs.tomography.learnt import LearntRBM
from rbmqs.tomography.modes import lost_mode
from rbmqs.utils.interrupts import pass_on

RATE_RATIO = 32  # a step of 4 W in both copies is 4 x 8 times one of W: rates are in units of W


def classical_rbm_of(psi: RBM) -> Parameters:
    """The classical RBM whose p(v) is psi(s)^2 / norm, v = (1 + s) / 2, with 2M hidden units.

    Raises
    ------
    ValueError
        Complex parameters: psi^2 is then no Boltzmann machine.
    """
    if psi.is_complex:
        raise ValueError("psi must have real parameters: only then is psi^2 a Boltzmann machine")
    weights, a, b = psi.weights, psi.visible_bias, psi.hidden_bias
    # a pair contributes (2 cosh theta)^2 = exp(-2 theta) (1 + exp(2 theta))^2, theta = b + s W
    visible = 4 * a - 4 * weights.sum(axis=1)
    hidden = 2 * b - 2 * weights.sum(axis=0)
    return Parameters(np.tile(4 * weights, (1, 2)), visible, np.tile(hidden, 2))


def train_wavefunction(
    spins: Any,
    n_hidden: int,
    *,
    learning_rate: float | str = "auto",
    n_iter: int | str = "auto",
    batch_size: int | str = "auto",
    n_chains: int | None = None,
    method: str = "auto",
    random_state: object = None,
) -> tuple[RBM, Training]:
    """A positive wavefunction from measured spins, by stochastic gradient ascent.

    Parameters
    ----------
    spins : int array (n, N)
        Measurements +1 and -1, rows independent.
    n_hidden : int
        M of the wavefunction.
    learning_rate : float or "auto"
        At the start; falls linearly to zero.
    n_iter : int or "auto"
        Epochs.
    batch_size, n_chains, method
        As of `rbmqs.boltzmann.BernoulliRBM`: "auto" sums over all configurations where that is
        cheap (2^16 states of sites or of 2 M units) and takes persistent chains elsewhere.
    random_state : int or None

    Returns
    -------
    RBM, Training
        Real parameters; psi^2 is close to the distribution of the measurements, and
        `rbmqs.ground_state` or `rbmqs.iterate` may start from it. `Training.status` says where
        the wavefunction has lost a part of the measurements. Error bars of what is measured in
        it contain the noise of the measurements (`rbmqs.estimators.snapshot_noise`).

    Raises
    ------
    ValueError
        Values other than +1 and -1, fewer than two rows.
    """
    array = np.asarray(spins)
    if array.ndim != 2 or len(array) < 2:
        raise ValueError(f"spins must have shape (n, n_sites), n at least 2, got {array.shape}")
    array = spin_array("spins", array, array.shape[1])
    n_hidden = positive_int("n_hidden", n_hidden)
    seed = int(seed_sequence(random_state).generate_state(1, np.uint64)[0])
    keywords = BernoulliRBM().set_params(
        n_components=2 * n_hidden, learning_rate=learning_rate, n_iter=n_iter,
        batch_size=batch_size, n_chains=n_chains, method=method, dtype="float64",
    )  # fmt: skip
    recipe = Recipe(keywords, *array.shape)
    learner = _WavefunctionLearner(array, n_hidden, recipe, seed)
    plan = recipe.plan(seed % 2**32)
    if isinstance(learning_rate, str):
        plan = replace(plan, learning_rate=plan.learning_rate / RATE_RATIO)
    with one_pool(learner.work):
        training = train(learner, plan)
    found = learner.psi()
    arrays = found.visible_bias, found.hidden_bias, found.weights
    psi = LearntRBM(*arrays, n_snapshots=len(array))
    training.status = training.status or lost_mode(classical_rbm_of(psi), learner.bits, seed)
    pass_on(training.interrupted, (psi, training))
    return psi, training


class _WavefunctionLearner(RBMLearner):
    """Gradient of the mean log psi^2 of the data: the two copies of a hidden unit stay tied."""

    def __init__(self, spins: np.ndarray, n_hidden: int, recipe: Recipe, seed: int) -> None:
        of_weights, of_draws = np.random.SeedSequence(seed).spawn(2)
        psi = RBM.random(spins.shape[1], n_hidden=n_hidden, dtype=float, seed=of_weights)
        self._psi = {name: np.array(getattr(psi, name)) for name in _NAMES}
        self.bits = ((1 + spins) // 2).astype(np.uint8)
        rbm, rows, stream = classical_rbm_of(self.psi()), Rows(self.bits), new_stream(of_draws)
        batch = min(recipe.batch_size, len(rows))
        negative = negative_phase(recipe, rbm, rows, batch, stream)
        super().__init__(rbm, rows, negative, recipe.step_options(), stream, batch)
        self.watch(self.bits, None)

    def _prepare(self) -> None:
        self.arrays = self._psi
        self.descent = Descent(self.arrays, self.options.momentum)

    def psi(self) -> RBM:
        """The present wavefunction."""
        arrays = self._psi
        return RBM(arrays["visible_bias"], arrays["hidden_bias"], arrays["weights"])

    def update(self, rows: np.ndarray, rate: float) -> None:
        """One step of the wavefunction's parameters."""
        self.rbm = classical_rbm_of(self.psi())
        change = self.gradient(self.rows.batch(rows, self.rbm.dtype))
        weights, hidden = (_both_copies(change[name]) for name in ("weights", "hidden_bias"))
        visible = 4 * change["visible_bias"]
        own = {
            "visible_bias": visible,
            "hidden_bias": 2 * hidden,
            "weights": 4 * weights - visible[:, None] - 2 * hidden,
        }
        self.descent.step(own, rate)


_NAMES = ("visible_bias", "hidden_bias", "weights")


def _both_copies(change: np.ndarray) -> np.ndarray:
    """Sum over the two copies of the hidden units."""
    n = change.shape[-1] // 2
    return change[..., :n] + change[..., n:]
