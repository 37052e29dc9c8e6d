"""RBMs of spins S >= 1: the contract, naive twins, exact sums, moves, what is refused."""

import numpy as np
import pytest

import hamiltonians as hm
import rbmqs
from hamiltonians.operators.level_connections import level_connections
from hamiltonians.operators.spin_sectors import sector_of
from rbmqs.sampling.metropolis import MetropolisSampler
from rbmqs.states.generic import SweepTask, metropolis_sweep
from rbmqs.states.projected_rbm import ProjectedRBM
from rbmqs.states.spin_rbm import SpinRBM
from rbmqs.states.state import VariationalState
from rbmqs.testing import _hamiltonian, check_state
from rbmqs.vmc.full_summation import Summation

RING = hm.chain(4)
STATES = {
    "quadratic": SpinRBM.random(4, 1, seed=1),
    "one-hot, real, S = 3/2": SpinRBM.random(3, 1, spin=1.5, units="one-hot", dtype=float, seed=2),
    "tied": SpinRBM.random(4, n_features=2, group=RING.translation_group(), seed=3),
    "tied, S = 3/2": SpinRBM.random(
        4, n_features=1, spin=1.5, units="one-hot", group=RING.translation_group(), seed=4
    ),
}


@pytest.mark.parametrize("name", STATES)
def test_states_keep_the_contract(name):
    """Derivatives, local values, Jacobian, chains, files, a resumed run; in a sector too."""
    check_state(STATES[name])
    if "3/2" not in name:
        check_state(STATES[name], total_sz=0)


@pytest.mark.submission
def test_projected_state_keeps_the_contract():
    """Projected onto momentum pi, with the fast local values of a Hamiltonian that commutes."""
    sector = hm.SymmetrySector(RING.translation_group(), np.array([1, -1, 1, -1]))
    psi = ProjectedRBM(SpinRBM.random(4, 1, stddev=0.3, seed=5), sector)
    check_state(psi, total_sz=0)
    c = hm.bilinear_biquadratic(RING, 0.3, total_sz=0).connections
    assert psi._commutes_with(c)
    sigma = sector_of(psi.hilbert, 0).configurations()
    sigma = sigma[np.isfinite(psi.log_psi(sigma).real)]
    slow = VariationalState.diagonal_values(psi, sigma, c)
    VariationalState.add_off_diagonal(psi, sigma, c, True, False, slow[:, None], psi.log_psi(sigma))
    weight = abs(np.exp(psi.log_psi(sigma)))
    np.testing.assert_allclose(
        psi.local_values(sigma, c, True) * weight, slow * weight, atol=1e-9 * weight.max()
    )


def sampled(spin, units, dtype, seed=0, n=5):
    """A state with weights that matter, an operator, and configurations."""
    psi = SpinRBM.random(n, 2, spin=spin, units=units, dtype=dtype, stddev=0.3, seed=seed)
    sigma = psi.hilbert.configurations(
        np.random.default_rng(seed).integers(psi.hilbert.local_dims, size=(40, n))
    )
    return psi, _hamiltonian(psi.hilbert, None).connections, sigma


CASES = [(1, "quadratic", complex), (1.5, "one-hot", float)]


@pytest.mark.parametrize(("spin", "units", "dtype"), CASES)
@pytest.mark.parametrize("per_group", [False, True])
def test_local_values_are_those_of_log_psi_alone(spin, units, dtype, per_group):
    """The kernel against ratios of amplitudes, sum and group by group."""
    psi, c, sigma = sampled(spin, units, dtype)
    n_columns = len(c.first_row) if per_group else 1
    own, expected = np.zeros((2, len(sigma), n_columns), complex)
    psi.add_off_diagonal(sigma, c, False, per_group, own)
    VariationalState.add_off_diagonal(psi, sigma, c, False, per_group, expected, psi.log_psi(sigma))
    np.testing.assert_allclose(own, expected, rtol=1e-10, atol=1e-10 * abs(expected).max())
    diagonal = VariationalState.diagonal_values(psi, sigma, c)
    np.testing.assert_allclose(psi.diagonal_values(sigma, c), diagonal, rtol=1e-13, atol=1e-13)


def test_operators_on_three_sites_and_large_weights():
    """Products of more than two rows, and tables that would overflow, by logarithms."""
    psi, _, sigma = sampled(1, "quadratic", complex)
    three = hm.Sp(0, 1) * hm.Sm(2, 1) * hm.Sx(4, 1) + hm.Sm(0, 1) * hm.Sp(2, 1) * hm.Sx(4, 1)
    c = level_connections(three, psi.hilbert)
    for scale in (1, 40, 4000):
        large = psi.with_flat(scale * psi.flat)
        own, expected = np.zeros((2, len(sigma), 1), complex)
        large.add_off_diagonal(sigma, c, False, False, own)
        VariationalState.add_off_diagonal(
            large, sigma, c, False, False, expected, large.log_psi(sigma)
        )
        finite = np.isfinite(expected) & (abs(expected) < 1e290)
        np.testing.assert_allclose(own[finite], expected[finite], rtol=1e-8 * scale)


@pytest.mark.parametrize(("spin", "units", "dtype"), CASES)
@pytest.mark.parametrize("move", range(4))
@pytest.mark.parametrize("scale", [1, 100])
def test_chains_take_the_path_of_the_naive_twin(spin, units, dtype, move, scale):
    """Every move, with weights of 0.3 and with weights whose ratios are taken by logarithms."""
    psi, _, sigma = sampled(spin, units, dtype)
    psi = psi.with_flat(scale * psi.flat)
    assert psi.flip_tables.may_overflow == (scale == 100)
    bonds, found = np.array([(i, (i + 1) % 5) for i in range(5)]), []
    top = psi.hilbert.values[0]
    for sweep in (psi.sweep, lambda task: metropolis_sweep(psi.log_psi, task, top)):
        rng = np.random.default_rng(1).integers(2**63, size=(6, 4)).astype(np.uint64)
        drawn = np.empty((6, 20, 5), np.int8)
        accepted = sweep(SweepTask(sigma[:6].copy(), rng, np.ones(6), move, bonds, 2, 5, drawn))
        found.append((drawn, accepted, rng))
    for own, naive in zip(*found, strict=True):
        np.testing.assert_array_equal(own, naive)
    assert found[0][1].sum() > 0
    assert abs(found[0][0]).max() <= top


def test_exchanges_reach_a_whole_sector_as_swaps_alone_do_not():
    """From all spins in 0, (0, 0) goes to (+, -): a swap of two equal values changes nothing."""
    sampler = MetropolisSampler(4, 0, "exchange", np.array([[0, 1], [1, 2], [2, 3]]), 400, spin=1)
    chains = sampler.start(0)
    chains.spins[:] = 0
    samples, _ = sampler.sample(SpinRBM.random(4, 1, seed=0), chains, 20)
    assert len(np.unique(samples.flat, axis=0)) == sector_of(sampler.space, 0).dimension


@pytest.mark.parametrize("units", ["quadratic", "one-hot"])
def test_gradient_of_the_energy_from_exact_sums(units):
    """2 Re <O* (E_loc - E)> against central differences of <H>, real and imaginary directions."""
    psi = SpinRBM.random(4, 1, units=units, stddev=0.2, seed=6)
    hamiltonian = hm.heisenberg(hm.chain(4, periodic=False), spin=1, total_sz=0)
    sector = sector_of(psi.hilbert, 0)
    matrix = hamiltonian.to_sparse()

    def energy(flat):
        vector = psi.with_flat(flat).state_vector(sector)
        return np.vdot(vector, matrix @ vector).real

    batch = Summation(hamiltonian, sector.configurations(), np.ones(sector.dimension)).batch(psi)
    jacobian = psi.jacobian(batch.spins, batch.cache, batch.weights)
    force = jacobian.adjoint_times(batch.local_energies) / jacobian.n_samples
    for direction, part in ((1e-5, 2 * force.real), (1e-5j, 2 * force.imag)):
        steps = direction * np.eye(psi.n_parameters)
        found = [energy(psi.flat + s) - energy(psi.flat - s) for s in steps]
        np.testing.assert_allclose(np.array(found) / 2e-5, part, atol=1e-7)


def test_spin_half_is_the_rbm_of_plus_and_minus_one():
    """One-hot units of S = 1/2 with weights +w and -w are the RBM with weights w."""
    plain = rbmqs.RBM.random(4, 2, stddev=0.3, seed=7)
    both = np.stack([plain.visible_bias, -plain.visible_bias], axis=1)
    weights = np.stack([plain.weights, -plain.weights], axis=1)
    psi = SpinRBM(both, plain.hidden_bias, weights, 0.5, "one-hot")
    sigma = sector_of(psi.hilbert, None).configurations()
    np.testing.assert_allclose(psi.log_psi(sigma), plain.log_psi(sigma), rtol=1e-13)


@pytest.mark.parametrize("spin", [1, 1.5])
def test_quadratic_units_see_sz_and_its_square(spin):
    """The formula of the module, with numbers of S_z themselves."""
    psi = SpinRBM.random(3, 2, spin=spin, stddev=0.3, seed=8)
    sigma = sector_of(psi.hilbert, None).configurations()
    s = sigma / 2
    phi = np.stack([s, s**2], axis=2)
    theta = psi.hidden_bias + np.einsum("nic,icj->nj", phi, psi.weights)
    expected = np.einsum("nic,ic->n", phi, psi.visible_bias) + np.log(2 * np.cosh(theta)).sum(
        axis=1
    )
    np.testing.assert_allclose(np.exp(psi.log_psi(sigma)), np.exp(expected), rtol=1e-12)


def test_ground_state_of_a_chain_of_spins_one():
    """Full sums find the ground state of six spins; its report, its sector and its observables."""
    H = hm.heisenberg(hm.chain(6, periodic=False), spin=1, total_sz=0)
    exact = np.linalg.eigvalsh(H.to_dense())[0]
    result = rbmqs.ground_state(H, alpha=2, dtype="real", n_iterations=150, progress=False)
    assert isinstance(result.psi, SpinRBM)
    assert abs(result.energy.mean.real - exact) < 1e-4 * abs(exact)
    dot = result.expect(hm.spin_dot(2, 3, 1))
    vector = np.linalg.eigh(H.to_dense())[1][:, 0]
    matrix = hm.spin_hamiltonian(hm.spin_dot(2, 3, 1), 6, total_sz=0, spin=1).to_dense()
    assert abs(dot.mean.real - vector @ matrix @ vector) < 5 * dot.error_of_mean
    found = rbmqs.correlations(result.psi, H, result.final.samples)
    total = found.xx + found.yy + found.zz
    np.testing.assert_allclose(np.diag(total), 2, rtol=1e-12)
    assert total[2, 3] == pytest.approx(dot.mean.real, rel=1e-9)
    assert found.xx[2, 3] == found.yy[2, 3]
    assert rbmqs.magnetisations(result.psi, H, result.final.samples)["z"].mean == 0
    measured = rbmqs.staggered_magnetisation(result.psi, H, result.final.samples)
    signs = (-1.0) ** np.arange(6) / 6
    assert measured["zz"].mean == pytest.approx(signs @ found.zz @ signs, rel=1e-9)
    assert measured["spin"].mean == pytest.approx(signs @ total @ signs, rel=1e-9)
    dimers = rbmqs.dimer_correlations(result.psi, H, result.final.samples)
    bonds = dimers.bonds.tolist()
    np.testing.assert_allclose(dimers.means, [total[i, j] for i, j in bonds], rtol=1e-9)
    a, b = bonds.index([0, 1]), bonds.index([1, 2])  # S_0.S_1 and S_1.S_2 do not commute
    both = hm.spin_dot(0, 1, 1) @ hm.spin_dot(1, 2, 1)
    both = (both + both.hermitian_conjugate()) / 2
    matrix = hm.spin_hamiltonian(both, 6, total_sz=0, spin=1).to_dense()
    exact = vector @ matrix @ vector
    assert abs(dimers.products[a, b] - exact) < 5 * dimers.products_error[a, b] + 1e-3


def test_squares_of_spin_components_in_a_free_sector():
    """<(S^x)^2> and <(S^y)^2> differ where S_z is free; the exact ones are those of all states."""
    H = hm.heisenberg(hm.chain(3), spin=1)
    psi = SpinRBM.random(H, 1, seed=3, stddev=0.4)
    sampler = rbmqs.ExactSampler(sector_of(H.local_space, None), n_chains=16)
    samples, _ = sampler.sample(psi, sampler.start(1), 2000)
    found = rbmqs.correlations(psi, H, samples)
    vector = psi.state_vector(sampler.sector)
    for name, word in (("xx", hm.Sx), ("yy", hm.Sy), ("zz", hm.Sz)):
        matrix, errors = getattr(found, name), getattr(found, f"{name}_error")
        for i in range(3):
            exact = hm.expectation(vector, word(i, 1) ** 2, sampler.sector).real
            assert 0 < errors[i, i] < 0.01
            assert abs(matrix[i, i] - exact) < 5 * errors[i, i]
    assert abs(found.xx - found.yy).diagonal().max() > 0.1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SpinRBM.random(4, 1, spin=0.7), "spin must be one of"),
        (lambda: SpinRBM.random(4, 1, units="cubic"), "units must be"),
        (lambda: SpinRBM.random(0), "n_sites must be"),
        (lambda: SpinRBM(np.zeros((4, 2)), np.zeros(4), np.zeros((4, 3, 4))), "weights must have"),
        (lambda: SpinRBM(np.zeros((3, 2)), np.zeros(4), np.zeros((4, 2, 4))), "visible_bias must"),
        (lambda: STATES["quadratic"].log_psi([1, 0, 0, 0]), "sigma must hold 2 S_z"),
        (lambda: MetropolisSampler(4, 5, "pair-exchange", spin=1), "total_sz must be an integer"),
        (lambda: MetropolisSampler(2, spin=(0.5, 1)), "spin must be the same on all sites"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
