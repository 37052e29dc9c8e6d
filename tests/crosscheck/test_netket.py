"""Amplitudes, local energies and steps against NetKet on the same samples."""

import sys
from typing import Any

import numpy as np
import pytest

netket = pytest.importorskip("netket")

from hamiltonians import (  # noqa: E402
    PauliSum,
    Sector,
    SpinHamiltonian,
    X,
    Y,
    Z,
    chain,
    heisenberg,
    identity,
    ising,
    j1j2,
    rectangle,
    spin_hamiltonian,
)
from rbmqs.estimators.local import local_energies  # noqa: E402
from rbmqs.runs.netket import (  # noqa: E402
    _alpha,
    _netket_driver,
    ground_state_with_netket,
    netket_local_energies,
    parameters_from_netket,
    parameters_to_netket,
    to_netket,
    to_netket_state,
)
from rbmqs.sampling.metropolis import MetropolisSampler  # noqa: E402
from rbmqs.sr import SOLVERS, solve  # noqa: E402
from rbmqs.states.rbm import RBM  # noqa: E402
from rbmqs.states.spin_rbm import SpinRBM  # noqa: E402

pytestmark = pytest.mark.netket

N_CHAINS, N_DRAWS, DIAG_SHIFT = 4, 50, 1e-2
# Conjugate gradients stop at a residual of 1e-10, which the condition number amplifies.
TOLERANCE = {
    "sample-space": 1e-10, "dense": 1e-10, "matrix-free": 1e-7, "sample-space-cg": 1e-7
}  # fmt: skip


def dzyaloshinskii_moriya(total_sz: float | None) -> SpinHamiltonian:
    """XY exchange with complex elements: X Y - Y X on the bonds of a ring."""
    bonds = [(i, (i + 1) % 8) for i in range(8)]
    terms = PauliSum.sum(
        X(i) * X(j) + Y(i) * Y(j) + 0.7 * (X(i) * Y(j) - Y(i) * X(j)) + 0.3 * Z(i) * Z(j)
        for i, j in bonds
    )
    if total_sz is None:
        terms += PauliSum.sum(0.4 * Y(i) for i in range(8)) + 0.25 * identity()
    return spin_hamiltonian(terms, 8, name="XY with Dzyaloshinskii-Moriya", total_sz=total_sz)


def three_site_terms() -> SpinHamiltonian:
    """Cluster terms Z X Z, chiral X Y Z and a field on a ring."""
    triples = [(i, (i + 1) % 8, (i + 2) % 8) for i in range(8)]
    return spin_hamiltonian(
        PauliSum.sum(
            -1.0 * Z(i) * X(j) * Z(k) + 0.6 * X(i) * Y(j) * Z(k) - 0.2 * X(i) for i, j, k in triples
        ),
        8,
        name="three-site terms",
    )


HAMILTONIANS = {
    "ising": ising(chain(8), h=0.8),
    "heisenberg sector": heisenberg(chain(8), total_sz=0, marshall=True),
    "j1j2 in a field": j1j2(rectangle(3, 4), J2=0.4, field=(0.3, 0.2, -0.5)),
    "complex elements": dzyaloshinskii_moriya(None),
    "three sites": three_site_terms(),
}
MORE_MATRICES = {
    "complex in sector": dzyaloshinskii_moriya(1.0),
    "odd ring": heisenberg(chain(5), field=(0, 0, 0.4), total_sz=0.5),
    "all up": heisenberg(chain(4), total_sz=2.0),
    "identity": spin_hamiltonian(-1.5 * identity(), 3),
    "tiny coefficient": spin_hamiltonian(1e-12 * X(0) + 3e-11 * Z(0) * Y(1), 2),
    "one site": spin_hamiltonian(X(0) + 0.5 * Y(0) - Z(0), 1),
    "unsorted sites": spin_hamiltonian(X(4) * Y(0) * Z(2) + Y(3) * Z(1), 6),
    "long string": spin_hamiltonian(
        PauliSum.from_strings({"XYZXYZXYZXY": 0.7, "ZZIIIIIIIII": 1.0, "YIIIIIIIIII": -0.3}), 11
    ),
}


class Case:
    """One Hamiltonian with a random RBM, samples of it, and NetKet's state on them."""

    def __init__(self, hamiltonian: SpinHamiltonian, **rbm: Any) -> None:
        self.hamiltonian = hamiltonian
        self.psi = RBM.random(hamiltonian.n_sites, 2, seed=3, stddev=0.2, **rbm)
        sampler = MetropolisSampler.for_hamiltonian(hamiltonian, n_chains=N_CHAINS)
        self.samples, _ = sampler.sample(self.psi, sampler.start(5), N_DRAWS)
        self.operator = to_netket(hamiltonian)
        self.state = to_netket_state(
            self.psi, hamiltonian, n_samples=N_CHAINS * N_DRAWS, n_chains=N_CHAINS
        )
        self.state._samples = self.samples.spins

    def direction(self, method: str) -> np.ndarray:
        """Our (S + shift)^-1 F."""
        jacobian = self.psi.jacobian(self.samples.flat)
        energies = local_energies(self.psi, self.hamiltonian, self.samples).ravel()
        return solve(jacobian, energies, DIAG_SHIFT, method).direction

    def netket_direction(self, use_ntk: bool) -> np.ndarray:
        """NetKet's step is 2 (S + shift)^-1 F, in the tree of its parameters."""
        driver = netket.driver.VMC_SR(
            self.operator,
            netket.optimizer.Sgd(0.1),
            diag_shift=DIAG_SHIFT,
            variational_state=self.state,
            use_ntk=use_ntk,
            on_the_fly=False,
        )
        _, step = driver.compute_loss_and_update()
        return parameters_from_netket(step).flat / 2


@pytest.fixture(scope="module", params=HAMILTONIANS)
def case(request: pytest.FixtureRequest) -> Case:
    return Case(HAMILTONIANS[request.param])


def largest_difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.max(np.abs(ours - theirs)))


def relative_difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))


def modulo_2_pi_i(values: np.ndarray) -> np.ndarray:
    """Logarithms on one branch: only exp of them has a meaning."""
    return values.real + 1j * np.angle(np.exp(1j * values.imag))


def assert_same_amplitudes(case: Case) -> None:
    """log psi differs by M ln 2, up to the branch of the logarithm."""
    ours = case.psi.log_psi(case.samples.flat)
    theirs = np.asarray(case.state.log_value(case.samples.flat))
    constant = case.psi.n_hidden * np.log(2)
    assert largest_difference(modulo_2_pi_i(ours - theirs - constant), np.zeros(1)) <= 1e-12


def assert_same_local_energies(case: Case) -> None:
    ours = local_energies(case.psi, case.hamiltonian, case.samples)
    theirs = netket_local_energies(case.state, case.operator)
    assert ours.shape == theirs.shape
    assert largest_difference(ours, theirs) <= 1e-10


def test_amplitudes(case: Case) -> None:
    assert_same_amplitudes(case)


def test_local_energies(case: Case) -> None:
    assert_same_local_energies(case)


@pytest.mark.submission
def test_step_by_every_solver(case: Case) -> None:
    for theirs in (case.netket_direction(use_ntk=True), case.netket_direction(use_ntk=False)):
        for method in SOLVERS:
            assert relative_difference(case.direction(method), theirs) <= TOLERANCE[method], method


@pytest.mark.submission
@pytest.mark.parametrize(
    "rbm",
    [
        {"visible_bias": False},
        {"hidden_bias": False},
        {"dtype": float},
    ],
    ids=str,
)
def test_other_machines(rbm: dict[str, Any]) -> None:
    case = Case(HAMILTONIANS["heisenberg sector"], **rbm)
    assert_same_amplitudes(case)
    assert_same_local_energies(case)
    theirs = case.netket_direction(use_ntk=True)
    for method in SOLVERS:
        assert relative_difference(case.direction(method), theirs) <= TOLERANCE[method], method


def test_real_machine_with_complex_elements() -> None:
    case = Case(HAMILTONIANS["complex elements"], dtype=float)
    assert_same_local_energies(case)
    theirs = case.netket_direction(use_ntk=True)
    for method in SOLVERS:
        assert relative_difference(case.direction(method), theirs) <= TOLERANCE[method], method


def netket_matrix(operator: Any, hamiltonian: SpinHamiltonian) -> np.ndarray:
    """NetKet's elements in our order of states; it orders a sector's states otherwise."""
    sector = Sector(hamiltonian.n_sites, hamiltonian.total_sz)
    states = sector.basis_states()
    connected, elements = map(np.asarray, operator.get_conn_padded(sector.states_to_spins(states)))
    numbers = (connected < 0) @ 2 ** np.arange(hamiltonian.n_sites)[::-1]
    columns = np.searchsorted(states, numbers)
    assert np.array_equal(states[columns], numbers)
    matrix = np.zeros((len(states), len(states)), elements.dtype)
    np.add.at(matrix, (np.arange(len(states))[:, None], columns), elements)
    return matrix


@pytest.mark.parametrize("name", ["heisenberg sector", *MORE_MATRICES])
def test_matrices(name: str) -> None:
    hamiltonian = {**HAMILTONIANS, **MORE_MATRICES}[name]
    operator = to_netket(hamiltonian)
    theirs = netket_matrix(operator, hamiltonian)
    assert operator.hilbert.n_states == hamiltonian.dimension
    assert np.iscomplexobj(theirs) != hamiltonian.is_real
    np.testing.assert_allclose(theirs, hamiltonian.to_dense(), rtol=0, atol=1e-14)


def test_long_string_in_a_sector_is_refused() -> None:
    hamiltonian = spin_hamiltonian(PauliSum.from_strings({"Z" * 12: 1.0}), total_sz=0)
    with pytest.raises(ValueError, match="at most 10 sites"):
        to_netket(hamiltonian)


@pytest.mark.parametrize(
    ("dtype", "hidden_bias", "visible_bias"),
    [(complex, True, True), (complex, False, True), (float, True, False), (float, False, False)],
)
def test_parameters_there_and_back(dtype: type, hidden_bias: bool, visible_bias: bool) -> None:
    psi = RBM.random(
        6, n_hidden=9, dtype=dtype, hidden_bias=hidden_bias, visible_bias=visible_bias, stddev=0.2
    )
    state = to_netket_state(psi, ising(chain(6)))
    assert state.n_parameters == psi.n_parameters
    for tree in (parameters_to_netket(psi), state.parameters, state.variables):
        back = parameters_from_netket(tree)
        assert back.describe() == psi.describe()
        np.testing.assert_array_equal(back.flat, psi.flat)


@pytest.mark.submission
def test_parameters_from_netkets_own_machine_and_back() -> None:
    hilbert = netket.hilbert.Spin(0.5, 5)
    sampler = netket.sampler.MetropolisLocal(hilbert, n_chains=4)
    model = netket.models.RBM(alpha=3, param_dtype=complex, use_visible_bias=False)
    theirs = netket.vqs.MCState(sampler, model, n_samples=8)
    psi = parameters_from_netket(theirs.parameters)
    ours = to_netket_state(psi, ising(chain(5)))
    np.testing.assert_array_equal(
        ours.log_value(hilbert.all_states()), theirs.log_value(hilbert.all_states())
    )


def test_every_number_of_hidden_units_survives() -> None:
    for n_sites in range(1, 60):
        for n_hidden in range(1, 4 * n_sites):
            psi_alpha = _alpha(n_hidden, n_sites)
            assert int(psi_alpha * n_sites) == n_hidden


@pytest.mark.parametrize(
    "tree",
    [
        {},
        {"Dense": {"bias": np.zeros(2)}},
        {"Dense": {"kernel": np.zeros((2, 1, 2))}},
        {"Dense": {"kernel": np.zeros((2, 2)), "scale": np.zeros(2)}},
        {"Dense": {"kernel": np.zeros((2, 2))}, "Dense_1": {"kernel": np.zeros((2, 2))}},
    ],
)
def test_foreign_parameters_are_refused(tree: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must be those of nk\.models\.RBM"):
        parameters_from_netket(tree)


def test_sampler_follows_ours() -> None:
    settings = {"n_samples": 64, "n_chains": 8, "sweep_size": 5, "n_discard_per_chain": 3}
    psi, ring = RBM.random(8), HAMILTONIANS["heisenberg sector"]
    local = to_netket_state(psi, HAMILTONIANS["ising"], **settings)
    bonds = to_netket_state(psi, ring, **settings)
    pairs = to_netket_state(psi, ring, move="pair-exchange", **settings)
    assert isinstance(local.sampler.rule, netket.sampler.rules.LocalRule)
    assert {tuple(sorted(c)) for c in np.asarray(bonds.sampler.rule.clusters).tolist()} == {
        tuple(sorted((i, (i + 1) % 8))) for i in range(8)
    }
    assert len(pairs.sampler.rule.clusters) == 28
    for state in (local, bonds, pairs):
        assert (state.n_samples, state.sampler.n_chains) == (64, 8)
        assert (state.sampler.sweep_size, state.n_discard_per_chain) == (5, 3)
    assert pairs.hilbert.n_states == ring.dimension


def test_state_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="psi has 6 sites, the Hamiltonian 8"):
        to_netket_state(RBM.random(6), HAMILTONIANS["ising"])


def test_other_states_are_refused() -> None:
    ring = heisenberg(chain(4), spin=1)
    psi = SpinRBM.random(4, spin=1)
    for call in (
        lambda: parameters_to_netket(psi),
        lambda: to_netket_state(psi, ring),
        lambda: ground_state_with_netket(ring, psi, n_iterations=1, learning_rate=1, diag_shift=1),
    ):
        with pytest.raises(TypeError, match="psi must be a plain RBM for NetKet, got SpinRBM"):
            call()


@pytest.mark.submission
def test_ground_state_with_netket(capfd: pytest.CaptureFixture[str]) -> None:
    hamiltonian = HAMILTONIANS["heisenberg sector"]
    exact = np.linalg.eigvalsh(hamiltonian.to_dense())[0]
    result = ground_state_with_netket(
        hamiltonian,
        RBM.random(8, 2, seed=1, stddev=0.1),
        n_iterations=60,
        learning_rate=0.1,
        diag_shift=0.01,
        n_samples=256,
        seed=2,
        n_final_samples=256,
    )
    assert capfd.readouterr() == ("", "")
    assert set(result) == {"energy", "error", "variance", "seconds"}
    assert 0 < result["error"] < 0.05 * abs(exact)
    assert result["energy"] == pytest.approx(exact, abs=5 * result["error"] + 0.01 * abs(exact))
    assert result["variance"] >= 0
    assert result["seconds"] > 0


def test_one_iteration_is_our_step() -> None:
    """Learning rates mean the same: halving for NetKet happens inside."""
    case = Case(HAMILTONIANS["three sites"])
    rates, shifts = np.array([0.03, 0.0]), np.array([DIAG_SHIFT, 0.0])
    driver = _netket_driver(netket, case.operator, case.state, rates, shifts)
    _, gradient = driver.compute_loss_and_update()
    driver.update_parameters(gradient)
    step = case.psi.flat - parameters_from_netket(case.state.parameters).flat
    assert relative_difference(0.03 * case.direction("dense"), step) <= TOLERANCE["dense"]


def test_missing_netket_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "netket", None)
    with pytest.raises(ImportError, match=r'pip install "rbmqs\[netket\]"') as caught:
        to_netket(HAMILTONIANS["ising"])
    assert "\n" not in str(caught.value)
