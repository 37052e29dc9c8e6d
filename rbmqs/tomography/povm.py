"""States as distributions of outcomes of one generalised measurement of each site (POVM).

Effects E_a of a site with Tr E_a rho = p(a) determine rho = sum_a p(a) D_a, D_a their dual frame.
A softmax RBM models p(a_1 ... a_N) of all sites (J. Carrasquilla, G. Torlai, R. G. Melko and
L. Aolita, Nature Machine Intelligence 1, 155 (2019)). Given its hidden units the sites are
independent, so that means of Pauli strings are sums over hidden states of products over sites, for
any number of sites. Nothing makes the state positive.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logsumexp

from hamiltonians.operators.pauli import PauliSum
from hamiltonians.utils.brief import Brief
from hamiltonians.utils.checks import choice, positive_int
from rbmqs.boltzmann import SoftmaxRBM
from rbmqs.tomography.bases import LETTERS, PAULI
from rbmqs.tomography.functionals import check_observable
from rbmqs.tomography.raw import Raw
from rbmqs.tomography.shots import Shots

_CORNERS = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
STEPS = 400  # of BFGS
PENALTY = 1e-5  # of squared parameters, in nats a shot: they would grow without end
MAX_HIDDEN, MAX_SITES = 16, 8  # of sums over hidden states; of density matrices


def effects_of(name: str) -> np.ndarray:
    """Effects of a site, complex128 (n_outcomes, 2, 2).

    Parameters
    ----------
    name : {"pauli-6", "tetrahedral"}
        A letter drawn at random and its outcome, in the order +X, -X, +Y, -Y, +Z, -Z; or the four
        corners of a tetrahedron in the Bloch sphere.
    """
    if choice("povm", name, ("pauli-6", "tetrahedral")) == "tetrahedral":
        return (np.eye(2) + np.einsum("ak,kij->aij", _CORNERS, PAULI)) / 4
    signs = np.array([1, -1])[:, None, None]
    return np.concatenate([(np.eye(2) + signs * pauli) / 6 for pauli in PAULI])


def dual_frame(effects: np.ndarray) -> np.ndarray:
    """D_a with rho = sum_a Tr(E_a rho) D_a, the canonical one, (n_outcomes, 2, 2)."""
    overlaps = np.einsum("aij,bji->ab", effects, effects).real
    return np.einsum("ab,bij->aij", np.linalg.pinv(overlaps, hermitian=True), effects)


class Outcomes(NamedTuple):
    """Distinct outcomes of a POVM: categories int (n, N), their counts, and bases they are from."""

    categories: np.ndarray
    counts: np.ndarray
    basis: np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class POVMState(Brief):
    """A state as a softmax RBM over outcomes.

    Parameters
    ----------
    rbm : SoftmaxRBM
        Fitted; one column a site.
    povm : str
        See `effects_of`.
    outcomes : Outcomes
        Measured.
    """

    rbm: SoftmaxRBM
    povm: str
    outcomes: Outcomes

    @property
    def n_sites(self) -> int:
        """Number of sites N."""
        return len(self.rbm.n_categories_)

    @cached_property
    def _hidden(self) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities of all hidden states, and those of outcomes given them (n, N, K)."""
        rbm = self.rbm.rbm_.in_double()
        states = rbm.hidden.all_states().astype(float)
        log_weight = rbm.hidden.log_weight(states) + rbm.visible.log_sum(rbm.visible_inputs(states))
        given = rbm.visible_mean(states).reshape(len(states), self.n_sites, -1)
        return np.exp(log_weight - logsumexp(log_weight)), given

    def expect(self, operator: PauliSum) -> Raw:
        """The mean of a Hermitian Pauli sum, with its standard error.

        A fit moves by F^-1 (s* - s), F being the Fisher information and s the score of the shots;
        the spread of s is taken basis by basis. A model with too few hidden units has a bias
        besides. The dual frame's mean over the shots has none; where it is further from the model's
        than noise explains (of an efficient mean the difference has the variance e_frame^2 -
        e_model^2: Hausman, Econometrica 46, 1251 (1978)), the rest counts as bias in the error.
        """
        check_observable(operator, self.n_sites)
        plain = self._moments(())
        mean, slope = 0.0, np.zeros(len(plain) - 1)
        for string, coefficient in operator.terms.items():
            found = coefficient.real * self._moments(string)
            mean += float(found[0])
            slope += found[1:] - found[0] * plain[1:]
        fisher, spread = self._information
        step = np.linalg.solve(fisher, slope)
        variance = float(step @ spread @ step)
        frame = self.of_frame(operator)
        bias = (mean - frame.mean) ** 2 - max(frame.error**2 - variance, 0.0)
        return Raw(mean, float(np.sqrt(variance + max(bias, 0.0))))

    def of_frame(self, operator: PauliSum) -> Raw:
        """The same from the shots and the dual frame alone: no bias, more noise."""
        categories, counts, _ = self.outcomes
        values = np.zeros(len(counts))
        for string, coefficient in operator.terms.items():
            factors = [
                self._letters[LETTERS.index(letter)][categories[:, site]] for site, letter in string
            ]
            values += coefficient.real * np.prod(factors, axis=0)
        mean = float(counts @ values / counts.sum())
        spread = self._spread(values[:, None] - mean)
        return Raw(mean, float(np.sqrt(spread[0, 0]) / counts.sum()))

    @cached_property
    def _letters(self) -> np.ndarray:
        """Tr P D_a of each letter, (3, n_outcomes)."""
        return np.einsum("kij,aji->ka", PAULI, dual_frame(effects_of(self.povm))).real

    def _spread(self, scores: np.ndarray) -> np.ndarray:
        """Covariance of the sum over shots of scores (n, m), taken basis by basis."""
        _, counts, basis = self.outcomes
        scores = scores.copy()
        for one in np.unique(basis):
            own = basis == one
            scores[own] -= np.average(scores[own], axis=0, weights=counts[own])
        return np.asarray((scores.T * counts) @ scores)

    def _moments(self, string: tuple) -> np.ndarray:
        """Of a Pauli string o alone, and times what its parameters multiply: v h, v and h."""
        probability, given = self._hidden
        states = self.rbm.rbm_.hidden.all_states().astype(float)
        of_site = {site: self._letters[LETTERS.index(letter)] for site, letter in string}
        with_visible = np.empty_like(given)
        for site in range(self.n_sites):
            others = [given[:, k] @ value for k, value in of_site.items() if k != site]
            weight = probability * np.prod(others, axis=0)
            with_visible[:, site] = given[:, site] * of_site.get(site, 1.0) * weight[:, None]
        flat = with_visible.reshape(len(states), -1)
        alone = with_visible[:, 0].sum(axis=1)
        return np.concatenate(
            [[alone.sum()], (flat.T @ states).ravel(), flat.sum(axis=0), alone @ states]
        )

    @cached_property
    def _information(self) -> tuple[np.ndarray, np.ndarray]:
        """Fisher information of the shots with that of the penalty, and the spread of scores."""
        rbm, rows = self.rbm.rbm_, self.outcomes
        v = self.rbm.check_rows(rows.categories).toarray()
        hidden = expit(v @ rbm.weights + rbm.hidden_bias)
        pairs = (v[:, :, None] * hidden[:, None, :]).reshape(len(v), -1)
        scores = np.hstack([pairs, v, hidden]) - self._moments(())[1:]
        fisher = (scores.T * rows.counts) @ scores
        penalty = 2 * PENALTY * rows.counts.sum() * np.eye(len(fisher))
        return fisher + penalty, self._spread(scores)

    @property
    def density_matrix(self) -> np.ndarray:
        """rho, complex128 (2^N, 2^N), of trace one; noise may make eigenvalues negative.

        Raises
        ------
        ValueError
            More than eight sites.
        """
        if self.n_sites > MAX_SITES:
            raise ValueError(f"density matrices have at most {MAX_SITES} sites, got {self.n_sites}")
        probability, given = self._hidden
        of_site = np.einsum("hna,aij->hnij", given, dual_frame(effects_of(self.povm)))
        total = probability[:, None, None].astype(complex)
        for site in range(self.n_sites):
            size = 2 * total.shape[1]
            total = np.einsum("hij,hkl->hikjl", total, of_site[:, site]).reshape(-1, size, size)
        return total.sum(axis=0)


def reconstruct_povm(
    shots: Shots | np.ndarray,
    *,
    povm: str = "pauli-6",
    n_hidden: int | None = None,
    n_starts: int = 3,
    seed: int = 0,
) -> POVMState:
    """The softmax RBM of outcomes of a POVM.

    Parameters
    ----------
    shots : Shots, or int array (n, N)
        Shots in Pauli bases whose letters were drawn at random for each site, or all of them
        equally often, for "pauli-6"; or outcomes 0, 1, ... of the POVM.
    povm : {"pauli-6", "tetrahedral"}
    n_hidden : int, optional
        Hidden units, four a site by default and at most sixteen.
    n_starts : int
        Random starts, the likeliest of which is kept.
    seed : int

    Raises
    ------
    TypeError, ValueError
        Bases other than Pauli strings, outcomes out of range, too many hidden units.
    """
    n_outcomes = len(effects_of(povm))
    if isinstance(shots, Shots):
        if povm != "pauli-6":
            raise ValueError(f"povm must be 'pauli-6' for shots in Pauli bases, got {povm!r}")
        outcomes = Outcomes(_categories(shots), shots.counts, shots.basis)
    else:
        rows = np.asarray(shots)
        if rows.ndim != 2 or rows.dtype.kind not in "iu":
            raise ValueError(
                f"shots must be Shots or integers (n, n_sites), got {rows.dtype} {rows.shape}"
            )
        rows, counts = np.unique(rows, axis=0, return_counts=True)
        outcomes = Outcomes(rows, counts, np.zeros(len(rows), np.int64))
    rows, counts, _ = outcomes
    m = positive_int(
        "n_hidden", min(4 * rows.shape[1], MAX_HIDDEN) if n_hidden is None else n_hidden
    )
    if m > MAX_HIDDEN:
        raise ValueError(f"n_hidden must be at most {MAX_HIDDEN}, got {m}")
    fits = []
    for root in np.random.SeedSequence(seed).spawn(positive_int("n_starts", n_starts)):
        draw = int(root.generate_state(1)[0])
        rbm = SoftmaxRBM(m, n_categories=n_outcomes, method="exact", dtype="float64", n_iter=1,
                         random_state=draw)  # fmt: skip
        fits.append(_climbed(rbm.fit(rows, sample_weight=counts), rows, counts, draw))
    return POVMState(max(fits, key=lambda fit: fit[0])[1], povm, outcomes)


def _climbed(
    rbm: SoftmaxRBM, rows: np.ndarray, counts: np.ndarray, seed: int
) -> tuple[float, SoftmaxRBM]:
    """The RBM at a maximum of the likelihood of all rows, by BFGS from random weights.

    Weights of 0.01 lie on a plateau on which stochastic gradients stay for 5,000 steps.
    """
    v = rbm.check_rows(rows).toarray()
    share, n_outcomes = counts / counts.sum(), v.shape[1] // rows.shape[1]
    n_units, m = rbm.rbm_.weights.shape
    hidden = rbm.rbm_.hidden.all_states().astype(float)
    shapes, ends = ((n_units, m), (n_units,), (m,)), [n_units * m, n_units * m + n_units]

    def parts(x: np.ndarray) -> list[np.ndarray]:
        return [part.reshape(s) for part, s in zip(np.split(x, ends), shapes, strict=True)]

    def loss(x: np.ndarray) -> tuple[float, np.ndarray]:
        weights, bias, hidden_bias = parts(x)
        inputs = v @ weights + hidden_bias
        log_weight = v @ bias + np.logaddexp(0, inputs).sum(axis=1)
        of_hidden = expit(inputs) * share[:, None]
        groups = (hidden @ weights.T + bias).reshape(len(hidden), -1, n_outcomes)
        log_sums = logsumexp(groups, axis=2, keepdims=True)
        log_hidden = hidden @ hidden_bias + log_sums.sum(axis=(1, 2))
        log_z = logsumexp(log_hidden)
        p = np.exp(log_hidden - log_z)
        of_visible = np.exp(groups - log_sums).reshape(len(hidden), -1) * p[:, None]
        slopes = (
            of_visible.T @ hidden - v.T @ of_hidden,
            of_visible.sum(axis=0) - v.T @ share,
            p @ hidden - of_hidden.sum(axis=0),
        )
        value = float(log_z - share @ log_weight + PENALTY * (x @ x))
        return value, np.concatenate([s.ravel() for s in slopes]) + 2 * PENALTY * x

    bias = np.log(share @ v + 1 / counts.sum())
    first = np.random.default_rng(seed).normal(size=n_units * m)
    start = np.concatenate([first, bias, np.zeros(m)])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    names = ("weights", "visible_bias", "hidden_bias")
    rbm.rbm_ = rbm.rbm_.with_arrays(dict(zip(names, parts(found.x), strict=True)))
    return -float(found.fun), rbm


def _categories(shots: Shots) -> np.ndarray:
    """Outcomes of "pauli-6" (n_distinct, N): twice the letter, and one more where it is -1."""
    if not shots.bases.are_pauli:
        raise ValueError("shots must be in Pauli bases, got other unitaries")
    return 2 * shots.bases.letters[shots.basis] + (shots.outcomes < 0)
