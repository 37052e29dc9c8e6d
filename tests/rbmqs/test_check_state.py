"""check_state passes for every shipped state, and names the fault of deliberately wrong ones."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from hamiltonians import LocalSpace, SymmetrySector, X, Y, chain, spin_hamiltonian
from rbmqs import RBM, MetropolisSampler, ProjectedRBM, SymmetricRBM, ground_state
from rbmqs.sr.choice import solve
from rbmqs.states.generic import metropolis_sweep
from rbmqs.states.jastrow import Jastrow, JastrowRBM
from rbmqs.states.state import VariationalState
from rbmqs.testing import ContractError, check_state

LATTICE = chain(6)
GROUP = LATTICE.translation_group()
SHIPPED = {
    "RBM": lambda dtype: RBM.random(6, 1, dtype=dtype),
    "SymmetricRBM": lambda dtype: SymmetricRBM.random(GROUP, 1, dtype=dtype),
    "ProjectedRBM": lambda dtype: ProjectedRBM(
        RBM.random(6, 1, dtype=dtype), SymmetrySector(GROUP, np.ones(6), 1, "k = 0 +")
    ),
    "Jastrow": lambda dtype: Jastrow.random(LATTICE, dtype=dtype),
    "JastrowRBM": lambda dtype: JastrowRBM.random(LATTICE, dtype=dtype, alpha=1),
}


# Compiling the kernels of projected states takes 20 s.
NAMES = [
    pytest.param(name, marks=pytest.mark.submission) if name == "ProjectedRBM" else name
    for name in SHIPPED
]


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("name", NAMES)
def test_shipped_states_keep_the_contract(name, dtype):
    check_state(SHIPPED[name](dtype), total_sz=0 if name == "ProjectedRBM" else None)


@dataclass(frozen=True, eq=False)
class Chain(VariationalState):
    """log psi = sum_i v_i sigma_i sigma_i+1 + w_i sigma_i: right, and wrong in its subclasses."""

    v: np.ndarray
    w: np.ndarray

    @property
    def hilbert(self):
        return LocalSpace(len(self.w))

    @property
    def parameters(self):
        return {"v": self.v, "w": self.w}

    def log_psi(self, sigma):
        return (sigma * np.roll(sigma, -1, axis=1)) @ self.v + sigma @ self.w

    def log_derivatives(self, sigma):
        return np.hstack([sigma * np.roll(sigma, -1, axis=1), sigma]).astype(self.v.dtype)


class AmplitudeAndPhase(Chain):
    """Real parameters, complex psi: the field w turns the phase."""

    def log_psi(self, sigma):
        return (sigma * np.roll(sigma, -1, axis=1)) @ self.v + 1j * (sigma @ self.w)

    def log_derivatives(self, sigma):
        return np.hstack([sigma * np.roll(sigma, -1, axis=1), 1j * sigma])


def amplitude_and_phase():
    rng = np.random.default_rng(3)
    return AmplitudeAndPhase(0.3 * rng.normal(size=6), 0.3 * rng.normal(size=6))


def test_real_parameters_of_a_complex_wavefunction_keep_the_contract():
    check_state(amplitude_and_phase())


@pytest.mark.parametrize("method", ["dense", "sample-space", "matrix-free"])
@pytest.mark.parametrize("weighted", [False, True])
def test_equations_of_real_parameters_hold_the_real_parts(method, weighted):
    psi, rng = amplitude_and_phase(), np.random.default_rng(4)
    sigma = rng.choice(np.array([1, -1], dtype=np.int8), size=(50, 6))
    energies = rng.normal(size=50) + 1j * rng.normal(size=50)
    weights = rng.uniform(0.5, 1.5, size=50)
    weights = weights / weights.mean() if weighted else np.ones(50)
    found = solve(psi.jacobian(sigma, None, weights if weighted else None), energies, 0.01, method)
    rows = psi.log_derivatives(sigma)
    rows = rows - weights @ rows / 50
    metric = (rows.conj().T @ (weights[:, None] * rows)).real / 50
    force = (rows.conj().T @ (weights * energies)).real / 50
    expected = np.linalg.solve(metric + 0.01 * np.eye(12), force)
    np.testing.assert_allclose(found.direction, expected, rtol=1e-7, atol=1e-9)
    assert found.slope == pytest.approx(-2 * force @ expected)


@pytest.mark.parametrize("summation", [True, False])
def test_a_phase_of_real_parameters_is_optimised(summation):
    terms = [X(i) * X((i + 1) % 6) for i in range(6)] + [Y(i) for i in range(6)]
    hamiltonian = spin_hamiltonian(sum(terms[1:], terms[0]), n_sites=6)
    result = ground_state(
        hamiltonian, psi=amplitude_and_phase(), n_iterations=120, n_samples=512,
        n_final_samples=4096, seed=1, progress=False, summation=summation,
    )  # fmt: skip
    # sigma_i and sigma_i sigma_i+1 hold the product state along -y, of energy -6, and more
    assert result.energy.mean.real < -6.05


class Doubled(Chain):
    def log_derivatives(self, sigma):
        return super().log_derivatives(sigma) * np.repeat([1, 2], len(self.v))


class Conjugate(Chain):
    def log_psi(self, sigma):
        return np.conj(super().log_psi(sigma))


class Column(Chain):
    def log_psi(self, sigma):
        return super().log_psi(sigma)[:, None]


class Shifted(Chain):
    """Centres log psi over the call: amplitudes of a call depend on what else is asked for."""

    def log_psi(self, sigma):
        found = super().log_psi(sigma)
        return found - found.mean()


class InvertedSweep(Chain):
    def sweep(self, task):
        return metropolis_sweep(lambda sigma: -self.log_psi(sigma), task)


class FlatSweep(Chain):
    def sweep(self, task):
        return metropolis_sweep(lambda sigma: 2 * self.log_psi(sigma), task)


class InvertedRatio(Chain):
    def add_off_diagonal(self, sigma, connections, fixed_sector, per_flip, out, cache=None):
        other = replace(self, v=-self.v, w=-self.w)
        other_add = super(InvertedRatio, other).add_off_diagonal
        other_add(sigma, connections, fixed_sector, per_flip, out)


class Mutating(Chain):
    def with_parameters(self, parameters):
        for name, array in parameters.items():
            self.parameters[name][:] = array
        return self


class Ignoring(Chain):
    def with_parameters(self, parameters):
        return replace(self, v=parameters["v"])


class TurnsSpins(Chain):
    def log_psi(self, sigma):
        sigma *= -1
        return super().log_psi(sigma)


class OwnRandomness(Chain):
    def sweep(self, task):
        task.spins[:] = np.random.default_rng().choice([1, -1], size=task.spins.shape)
        task.drawn[:] = task.spins[:, None]
        return np.zeros(len(task.spins), dtype=np.int64)


class WrongProduct(Chain):
    def jacobian(self, sigma, cache=None, weights=None):
        return replace(super().jacobian(sigma, cache, weights), sample_weights=None)


class Forgetful(Chain):
    @classmethod
    def from_structure(cls, structure, parameters):
        return cls(parameters["v"], 0 * parameters["w"])


WRONG = {
    Doubled: r"log_derivatives\['w'\] are 2.0 times the central differences of log_psi",
    Conjugate: "log_derivatives.*complex conjugates|not holomorphic",
    Column: r"log_psi of 7 configurations must have shape \(7,\), got \(7, 1\)",
    Shifted: "log_psi of a configuration depends on the others of the call",
    InvertedSweep: r"sweep samples 1/\|psi\|\^2: amplitude ratio inverted\?",
    FlatSweep: r"sweep samples \|psi\|\^4, not \|psi\|\^2",
    InvertedRatio: "local_values differ from the sparse matrix.*amplitude ratio inverted",
    Mutating: "with_parameters altered 'v' of the state",
    Ignoring: "with_parameters ignored 'w'",
    TurnsSpins: "log_psi altered sigma in place",
    OwnRandomness: r"draw random numbers from task.rng only",
    WrongProduct: "jacobian.*differs from that of the stored",
    Forgetful: "comes back from a file has another log_psi",
}


def of_kind(kind, dtype=complex):
    rng = np.random.default_rng(3)
    return kind(*(rng.normal(scale=0.1, size=(2, 6)).astype(dtype)))


@pytest.mark.parametrize("dtype", [float, complex])
def test_an_ansatz_of_ones_own_keeps_it(dtype):
    check_state(of_kind(Chain, dtype))
    check_state(of_kind(Chain, dtype), total_sz=0)


@pytest.mark.parametrize("kind", WRONG, ids=lambda kind: kind.__name__)
def test_the_fault_is_named(kind):
    with pytest.raises(ContractError, match=WRONG[kind]):
        check_state(of_kind(kind))


def test_members_are_asked_for():
    with pytest.raises(ContractError, match="must derive from"):
        check_state(3)
    with pytest.raises(ContractError, match="float64 or all complex128"):
        check_state(Chain(np.ones(6, np.float32), np.ones(6, np.float32)))
    with pytest.raises(ContractError, match="takes 10 sites, got 12"):
        check_state(Chain(np.ones(12), np.ones(12)))


def test_false_alarms_are_rare():
    """40 seeds of a correct state: none at a chance of 1e-5 each."""
    from rbmqs import testing

    psi = of_kind(Chain, float)
    basis = np.array([[1 - 2 * (k >> i & 1) for i in range(6)] for k in range(64)], np.int8)
    values = []
    for seed in range(40):
        sampler = MetropolisSampler(6, n_chains=500, n_discard_per_chain=30)
        drawn, _ = sampler.sample(psi, sampler.start(seed), 1)
        counts = testing._counts(basis, drawn.flat, 2)
        values.append(testing._p_value(counts, 2 * psi.log_psi(basis)))
    assert min(values) > 1e-4  # a chance of 0.4 % that one of 40 lies below
    assert 0.25 < np.mean(values) < 0.75  # five standard errors of a uniform mean
