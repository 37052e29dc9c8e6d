"""Answers with errors where 2^N derivatives are too many: samples of the state, scores of shots.

The Fisher information is that of the measured outcomes,

    F = sum over bases of n Cov(s),    s = d log P = 2 Re (U psi O)_o / A_o + const,

whose constant, the norm, the covariance of each basis takes off. Steps d of the parameters that
have the covariance (1 + F)^-1 turn psi to psi (1 + e), e = O d, forwards and backwards; the same
samples of |psi|^2 tell how much what is asked for changes. As in `rbmqs.tomography.answers` the
even part is the bias and the odd one the error; that of the samples is added. A direction in which
shots know parameters no better than to 1 is not followed by a fit, hence 1 + F.

For an RBM a derivative by a weight is that by its hidden bias times a spin, and a spin commutes
with the rotations of all other sites: M vectors are rotated instead of N M.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from hamiltonians import observable_connections
from hamiltonians.operators.pauli import PauliSum
from hamiltonians.operators.sectors import Sector
from hamiltonians.utils.checks import positive_int
from rbmqs.estimators.error_bars import statistics
from rbmqs.estimators.observables.overlap import fidelity, state_fidelity
from rbmqs.sampling.chains import Samples
from rbmqs.states.generic import in_chunks
from rbmqs.states.rbm import RBM
from rbmqs.states.state import VariationalState
from rbmqs.tomography.answers import Answer, Response, answer_of
from rbmqs.tomography.functionals import check_observable, target_array
from rbmqs.tomography.raw import frequencies, shadow_of_operator
from rbmqs.tomography.rotations import BasisSum, adjoint, rotated
from rbmqs.tomography.scores import as_parameters, real_parts
from rbmqs.tomography.shots import Shots

N_DRAWS, N_SAMPLES, N_CHAINS = 60, 8192, 32
_STEP = 1e-5  # of the parameters, for differences
_AT_ONCE = 2**22  # complex numbers
_Z = np.diag([1.0, -1.0])


class SampledAnswers:
    """What a state of many sites that was fitted to shots says, with errors.

    Parameters
    ----------
    psi : VariationalState
        At a maximum of the likelihood.
    shots : Shots
        In bases each of which rotates so few sites that 2^k configurations fit into memory.
    n_draws : int
        Steps of the parameters, each forwards and backwards.
    n_samples : int
        Configurations drawn from |psi|^2.
    seed : int
    """

    def __init__(
        self,
        psi: VariationalState,
        shots: Shots,
        *,
        n_draws: int = N_DRAWS,
        n_samples: int = N_SAMPLES,
        seed: int = 0,
    ) -> None:
        if psi.n_sites != shots.n_sites:
            raise ValueError(f"psi must have {shots.n_sites} sites as the shots, got {psi.n_sites}")
        self.psi, self.shots, self.seed = psi, shots, seed
        self._n_draws = positive_int("n_draws", n_draws, minimum=2)
        self._n_samples = positive_int("n_samples", n_samples, minimum=N_CHAINS)

    @cached_property
    def samples(self) -> Samples:
        """Configurations drawn from |psi|^2."""
        return self.psi.sample(self._n_samples, seed=self.seed, n_chains=N_CHAINS)

    @cached_property
    def fisher(self) -> np.ndarray:
        """Fisher information of all shots, (real parameters, real parameters)."""
        shots, total = self.shots, 0.0
        for basis, unitaries in enumerate(shots.bases.unitaries):
            rows = shots.rows(basis)
            sums = BasisSum.of(unitaries, shots.outcomes[rows])
            scores = _scores(self.psi, sums, unitaries, shots.outcomes[rows])
            counts = shots.counts[rows]
            scores -= counts @ scores / counts.sum()
            total = total + (scores.T * counts) @ scores
        return np.asarray(total)

    @cached_property
    def _steps(self) -> list[tuple[np.ndarray, tuple[VariationalState, VariationalState], float]]:
        """e of each step in the samples, and states a little forwards and backwards, how much."""
        values, axes = np.linalg.eigh(self.fisher)
        directions = axes / np.sqrt(1 + np.maximum(values, 0))
        normal = np.random.default_rng(self.seed).normal(size=(self._n_draws, len(axes)))
        psi, found = self.psi, []
        for step in normal @ directions.T:
            change = as_parameters(step, psi.is_complex)
            part = _STEP / max(abs(change).max(), _STEP)
            ahead, behind = (psi.with_flat(psi.flat + sign * part * change) for sign in (1, -1))
            difference = self._log_psi_of(ahead) - self._log_psi_of(behind)
            # phases are told up to 2 pi
            e = (difference.real + 1j * np.angle(np.exp(1j * difference.imag))) / (2 * part)
            found.append((e - e.mean(), (ahead, behind), part))
        return found

    def _log_psi_of(self, psi: VariationalState) -> np.ndarray:
        return in_chunks(psi.log_psi, self.samples.flat)

    @staticmethod
    def _response(changes: Callable[[int], np.ndarray], start: float) -> Response:
        """From values after steps forwards and backwards."""
        ahead, behind = changes(1), changes(-1)
        return Response.of((ahead - behind) / 2, (ahead + behind) / 2 - start)

    def expect(self, operator: PauliSum) -> Answer:
        """A Hermitian Pauli sum."""
        check_observable(operator, self.shots.n_sites)
        connections = observable_connections(operator, self.psi.n_sites)

        def local(psi: VariationalState) -> np.ndarray:
            return psi.local_values(self.samples.flat, connections, False)

        values = local(self.psi)
        slopes = [
            (local(ahead) - local(behind)) / (2 * part) for _, (ahead, behind), part in self._steps
        ]

        def after(sign: int) -> np.ndarray:
            # O psi (1 + e) / psi is O_loc (1 + e) and the change of O_loc
            found = []
            for (e, _, _), slope in zip(self._steps, slopes, strict=True):
                ratio = 1 + sign * e
                mean = (ratio.conj() * (values * ratio + sign * slope)).mean().real
                found.append(mean / (abs(ratio) ** 2).mean())
            return np.array(found)

        drawn = statistics(values.real.reshape(self.samples.shape))
        response = self._response(after, values.real.mean())
        return answer_of(
            drawn.mean.real,
            response,
            response,
            sampling=drawn.error_of_mean,
            raw=frequencies(self.shots, operator),
            shadow=shadow_of_operator(self.shots, operator),
        )

    def energy(self, hamiltonian: Any) -> Answer:
        """The energy of a `SpinHamiltonian`, in the basis before its signs were turned."""
        return self.expect(hamiltonian.unrotated().terms)

    def fidelity(self, target: Any) -> Answer:
        """Fidelity with a wavefunction of any size, or with a pure state as of `target_array`."""
        rows, log_psi = self.samples.flat, self._log_psi_of(self.psi)
        if isinstance(target, VariationalState):
            other = target.sample(self._n_samples, seed=self.seed + 1, n_chains=N_CHAINS)
            drawn = state_fidelity(self.psi, self.samples, target, other)
            log_ratio = self._log_psi_of(target) - log_psi
            ratio = np.exp(log_ratio - log_ratio.real.max())
        else:
            sector = Sector(self.psi.n_sites)
            vector = target_array(target, self.psi.n_sites)
            if vector.ndim != 1:
                raise ValueError("target must be a pure state where answers come from samples")
            drawn = fidelity(self.psi, self.samples, vector, sector)
            values = vector[sector.rank_of_spins(rows)]
            ratio = values * np.exp(np.median(log_psi.real) - log_psi)
        fitted = drawn.mean.real
        ratio = ratio / abs(ratio.mean())

        def after(sign: int) -> np.ndarray:
            e = sign * np.array([step[0] for step in self._steps])
            overlaps = abs(((1 + e) * ratio.conj()).mean(axis=1)) ** 2
            return fitted * overlaps / (abs(1 + e) ** 2).mean(axis=1)

        response = self._response(after, fitted)
        return answer_of(fitted, response, response, sampling=drawn.error_of_mean)


def _scores(
    psi: VariationalState, sums: BasisSum, unitaries: np.ndarray, outcomes: np.ndarray
) -> np.ndarray:
    """d log |A_o|^2 by all real parameters, float64 (n_outcomes, real parameters)."""
    log_psi = in_chunks(psi.log_psi, sums.configurations)
    values = np.exp(log_psi - log_psi.real.max())
    amplitudes = sums.amplitudes(values)
    if isinstance(psi, RBM):
        columns = _columns_of_rbm(psi, sums, values, amplitudes, unitaries, outcomes)
    else:
        rows = in_chunks(psi.log_derivatives, sums.configurations)
        parts = [sums.amplitudes(values * row) for row in rows.T]
        columns = np.stack(parts, axis=1) / amplitudes[:, None]
    return 2 * real_parts(columns.T, psi.is_complex).T


def _columns_of_rbm(
    rbm: RBM,
    sums: BasisSum,
    values: np.ndarray,
    amplitudes: np.ndarray,
    unitaries: np.ndarray,
    outcomes: np.ndarray,
) -> np.ndarray:
    """(U psi O_k)_o / A_o in the order of parameters; see the module."""
    n_rotated = len(sums.unitaries)
    bits = dict(zip(sums.sites, 1 << np.arange(n_rotated - 1, -1, -1), strict=True))
    spin = unitaries @ _Z @ adjoint(unitaries)
    spins = sums.configurations.astype(float)
    of_units = np.empty((rbm.n_hidden + 1, rbm.n_sites, len(outcomes)), complex)
    plain = np.empty((rbm.n_hidden + 1, len(outcomes)), complex)
    for j in range(rbm.n_hidden + 1):
        tanh = 1.0 if j == 0 else np.tanh(spins @ rbm.weights[:, j - 1] + rbm.hidden_bias[j - 1])
        turned = rotated((values * tanh).reshape(-1, 1 << n_rotated), sums.unitaries).ravel()
        plain[j] = turned[sums.places] / amplitudes
        for site in range(rbm.n_sites):
            read, bit = (outcomes[:, site] < 0).astype(int), bits.get(site)
            if bit is None:
                of_units[j, site] = outcomes[:, site] * plain[j]
                continue
            pair = turned[sums.places & ~bit], turned[sums.places | bit]
            of_units[j, site] = sum(spin[site, read, b] * pair[b] for b in (0, 1)) / amplitudes
    parts = [of_units[0].T] if rbm.has_visible_bias else []
    parts += [plain[1:].T] if rbm.has_hidden_bias else []
    weights = of_units[1:].transpose(2, 1, 0).reshape(len(outcomes), -1)
    return np.hstack([*parts, weights])
