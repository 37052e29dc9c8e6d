"""Between classical RBMs and the wavefunction: the same energy function, other units.

For real parameters psi(s)^2 = exp(2 a.s) prod_j (2 cosh(b_j + (s W)_j))^2 is the marginal of a
RBM over spins with every hidden unit present twice. In units v = (1 + s) / 2, and with hidden
units of 0 and 1, each of the two copies has

    weights 4 W,   hidden bias 2 b - 2 sum_i W_i,   visible bias 4 a - 4 sum_j W_j,

so that contrastive divergence on measured spins, with the copies tied, trains the wavefunction
itself, and the result starts the variational solver without conversion.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hamiltonians.utils.checks import positive_int, spin_array
from rbmqs.boltzmann.linalg import one_pool
from rbmqs.boltzmann.parameters import Parameters
from rbmqs.boltzmann.randomness import new_stream, seed_sequence
from rbmqs.boltzmann.training import Plan, Training, train
from rbmqs.states.rbm import RBM
from rbmqs.utils.interrupts import pass_on


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
    learning_rate: float = 0.02,
    n_iter: int = 200,
    batch_size: int = 100,
    n_chains: int = 200,
    random_state: object = None,
) -> tuple[RBM, Training]:
    """A positive wavefunction from measured spins, by persistent contrastive divergence.

    Parameters
    ----------
    spins : int array (n, N)
        Measurements +1 and -1, rows independent.
    n_hidden : int
        M of the wavefunction.
    learning_rate : float
        At the start; falls linearly to zero.
    n_iter : int
        Epochs.
    batch_size, n_chains : int
    random_state : int or None

    Returns
    -------
    RBM, Training
        Real parameters; psi^2 is close to the distribution of the measurements, and
        `rbmqs.ground_state` or `rbmqs.iterate` may start from it.

    Raises
    ------
    ValueError
        Values other than +1 and -1, fewer than two rows.
    """
    array = np.asarray(spins)
    if array.ndim != 2 or len(array) < 2:
        raise ValueError(f"spins must have shape (n, n_sites), n at least 2, got {array.shape}")
    array = spin_array("spins", array, array.shape[1])
    positive_int("n_hidden", n_hidden)
    positive_int("n_chains", n_chains)
    seed = int(seed_sequence(random_state).generate_state(1, np.uint64)[0])
    learner = _WavefunctionLearner(array, n_hidden, n_chains, seed)
    plan = Plan(len(array), n_iter, batch_size, learning_rate, seed=seed % 2**32, limit=1e2)
    with one_pool():
        training = train(learner, plan)
    pass_on(training.interrupted, (learner.psi(), training))
    return learner.psi(), training


class _WavefunctionLearner:
    """Gradient of the mean log psi^2 of the data: the two copies of a hidden unit stay tied."""

    def __init__(self, spins: np.ndarray, n_hidden: int, n_chains: int, seed: int) -> None:
        of_weights, of_draws = np.random.SeedSequence(seed).spawn(2)
        self._spins = spins.astype(float)
        psi = RBM.random(spins.shape[1], n_hidden=n_hidden, dtype=float, seed=of_weights)
        self._arrays = {name: np.array(getattr(psi, name)) for name in _NAMES}
        self._stream = new_stream(of_draws)
        self._chains = 0.5 * (1 + self._spins[np.arange(n_chains) % len(spins)])

    def psi(self) -> RBM:
        """The present wavefunction."""
        arrays = self._arrays
        return RBM(arrays["visible_bias"], arrays["hidden_bias"], arrays["weights"])

    def parameters(self) -> dict[str, np.ndarray]:
        return self._arrays

    def memory(self) -> dict[str, np.ndarray]:
        return {"chains": self._chains, "stream": self._stream}

    def update(self, rows: np.ndarray, rate: float) -> None:
        machine = classical_rbm_of(self.psi())
        self._chains[...] = machine.gibbs(self._chains, self._stream)
        data, model = self._spins[rows], 2 * self._chains - 1
        for name, change in _mean_derivatives(self._arrays, data).items():
            change -= _mean_derivatives(self._arrays, model)[name]
            self._arrays[name] += 2 * rate * change

    def monitor(self) -> dict[str, float]:
        return {}


_NAMES = ("visible_bias", "hidden_bias", "weights")


def _mean_derivatives(arrays: dict[str, np.ndarray], spins: np.ndarray) -> dict[str, np.ndarray]:
    """Means over spins of the derivatives of log psi: s, tanh theta, s tanh theta."""
    tanh = np.tanh(arrays["hidden_bias"] + spins @ arrays["weights"])
    return {
        "visible_bias": spins.mean(axis=0),
        "hidden_bias": tanh.mean(axis=0),
        "weights": spins.T @ tanh / len(spins),
    }
