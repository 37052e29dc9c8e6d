"""The Lanczos step against powers of the matrix on every basis state."""

import naive
import numpy as np
import pytest
from scipy.linalg import eigh

from hamiltonians import Sector, chain, ground_state, heisenberg, ising, j1j2, square, xyz
from rbmqs.estimators.fits import extrapolate_variance
from rbmqs.estimators.lanczos import energy_variance, extrapolate_step, lanczos_step
from rbmqs.estimators.lanczos.powers import local_powers
from rbmqs.estimators.lanczos.step import improved_energy, improved_variance, thinned
from rbmqs.sampling.chains import Samples
from rbmqs.sampling.exact import ExactSampler
from rbmqs.sampling.metropolis import MetropolisSampler

MODELS = {
    "ising": lambda: ising(chain(8), h=1.1),
    "heisenberg": lambda: heisenberg(chain(8), total_sz=0, marshall=True),
    "unrotated": lambda: heisenberg(chain(8), total_sz=0),
    "j1j2": lambda: j1j2(chain(10), J2=0.3, total_sz=0),
    "xyz": lambda: xyz(chain(7), Jx=1.0, Jy=0.6, Jz=0.3),
}


def sector_of(H):
    return Sector(H.n_sites, H.total_sz)


def exact_step(H, vector, n_steps=1):
    """Energy, variance and coefficients of the best vector in the span of psi ... H^p psi."""
    matrix = H.to_sparse()
    shift = np.vdot(vector, matrix @ vector).real / np.vdot(vector, vector).real
    powers = [vector]
    for _ in range(n_steps):
        powers.append(matrix @ powers[-1] - shift * powers[-1])
    basis = np.stack(powers, axis=1)
    energies, states = eigh(basis.conj().T @ (matrix @ basis), basis.conj().T @ basis)
    best = basis @ states[:, 0]
    best /= np.linalg.norm(best)
    residual = matrix @ best - energies[0] * best
    return energies[0], np.vdot(residual, residual).real, states[1:, 0] / states[0, 0]


def improved_rbm(H, n_steps=25, seed=4):
    """A wavefunction on its way to the ground state, by natural gradient steps over all states."""
    psi = naive.random_rbm(H.n_sites, H.n_sites, scale=0.05, seed=seed)
    spins = naive.all_spins(H.n_sites, H.total_sz)
    matrix = H.to_sparse()
    for _ in range(n_steps):
        vector = naive.amplitude(psi, spins)
        weights = np.sqrt(abs(vector) ** 2 / np.vdot(vector, vector).real)
        energies = matrix @ vector / vector
        rows = naive.log_derivatives(psi, spins)
        rows = weights[:, None] * (rows - weights**2 @ rows)
        force = rows.conj().T @ (weights * (energies - weights**2 @ energies))
        metric = rows.conj().T @ rows + 1e-3 * np.eye(psi.n_parameters)
        psi = psi.with_flat(psi.flat - 0.05 * np.linalg.solve(metric, force))
    return psi


def draw(H, psi, n_draws, n_chains=16, seed=1):
    sampler = ExactSampler(sector_of(H), n_chains)
    return sampler.sample(psi, sampler.start(seed), n_draws)[0]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kind", [float, complex])
def test_local_powers_are_those_of_the_matrix(model, kind):
    """The first three of every basis state, row by row."""
    H = MODELS[model]()
    psi = naive.random_rbm(H.n_sites, 5, kind)
    sector = sector_of(H)
    spins = sector.states_to_spins(sector.basis_states())
    found = local_powers(psi, H, Samples(spins[None], 1.0), n_powers=3)
    vector = psi.state_vector(sector)
    check_powers(found, H, vector, vector != 0, 1e-11)


def check_powers(found, H, vector, seen, tolerance):
    """Local values of (H - E0)^k where psi does not vanish, by products with the matrix."""
    power, scale = vector, 1.0
    for values in found.values:
        power = H.to_sparse() @ power - found.shift * power
        scale = max(scale, abs(power[seen] / vector[seen]).max())
        np.testing.assert_allclose(values[0], power[seen] / vector[seen], atol=tolerance * scale**2)


@pytest.mark.submission
@pytest.mark.parametrize("rbm", ["tied", "projected", "momentum"])
@pytest.mark.parametrize("model", ["ising", "unrotated"])
def test_local_powers_of_symmetric_machines(model, rbm):
    """Some amplitudes vanish by symmetry: such states are never drawn, and do no harm beside."""
    H = MODELS[model]()
    psi = naive.symmetric_machines(H.lattice)[rbm]
    sector = sector_of(H)
    vector = psi.state_vector(sector)
    seen = abs(vector) > 1e-12
    assert seen.all() == (rbm != "momentum")
    spins = sector.states_to_spins(sector.basis_states())[seen]
    found = local_powers(psi, H, Samples(spins[None], 1.0))
    check_powers(found, H, vector, seen, 1e-10)


@pytest.mark.parametrize("n_steps", [1, 2, 3])
@pytest.mark.parametrize("model", MODELS)
def test_moments_of_all_states_give_the_exact_steps(model, n_steps):
    """Each step lower than the last, as a Krylov space of the matrix has it."""
    H = MODELS[model]()
    psi = naive.random_rbm(H.n_sites, 6, scale=0.2)
    sector = sector_of(H)
    spins = sector.states_to_spins(sector.basis_states())
    vector = psi.state_vector(sector)
    powers = local_powers(psi, H, Samples(spins[None], 1.0), n_powers=n_steps + 1)
    h = [np.ones(len(vector)), *powers.values[:, 0]]
    pairs = [(i, j) for i in range(len(h)) for j in range(i, len(h)) if j]
    moments = np.array([abs(vector) ** 2 @ (h[i].conj() * h[j]).real for i, j in pairs])
    energy, variance, _ = exact_step(H, vector, n_steps)
    assert powers.shift + improved_energy(moments) == pytest.approx(energy, rel=1e-9)
    assert improved_variance(moments) == pytest.approx(variance, rel=1e-6, abs=1e-7)
    assert energy < exact_step(H, vector, n_steps - 1)[0]


@pytest.mark.parametrize("n_steps", [1, 2])
@pytest.mark.parametrize("model", ["ising", "heisenberg", "j1j2"])
def test_sampled_steps_agree_with_the_exact_ones(model, n_steps):
    """Three numbers of six runs within four bars: a false alarm below 2e-3."""
    H = MODELS[model]()
    psi = improved_rbm(H)
    vector = psi.state_vector(sector_of(H))
    energy, variance, coefficients = exact_step(H, vector, n_steps)
    step = lanczos_step(psi, H, draw(H, psi, 512), n_steps=n_steps)
    plain = np.vdot(vector, H.to_sparse() @ vector).real
    pairs = [
        (step.after.energy, energy),
        (step.after.variance, variance),
        (step.before.energy, plain),
    ]
    for found, exact in pairs:
        assert abs(found.mean - exact) < 4 * found.error_of_mean
        assert found.error_of_mean > 0
    assert step.coefficients == pytest.approx(coefficients.real, rel=0.2 if n_steps == 1 else 0.3)
    if n_steps == 1:
        assert step.after.energy.error_of_mean < step.before.energy.error_of_mean
    assert step.after.energy.variance == step.after.variance.mean


@pytest.mark.parametrize("n_steps", [1, 2])
def test_error_bars_and_bias_are_those_of_repetition(n_steps):
    """60 repetitions of few samples: the spread of energies is their bar, known to 10 %.

    The mean of the energies, with a chosen on the same few samples each time, has no bias left.
    """
    H = MODELS["heisenberg"]()
    psi = improved_rbm(H, 8)
    exact = exact_step(H, psi.state_vector(sector_of(H)), n_steps)[0]
    steps = [lanczos_step(psi, H, draw(H, psi, 16, 8, seed=s), n_steps=n_steps) for s in range(60)]
    energies = np.array([s.after.energy.mean for s in steps])
    bars = np.array([s.after.energy.error_of_mean for s in steps])
    spread = energies.std(ddof=1)
    assert np.sqrt((bars**2).mean()) == pytest.approx(spread, rel=0.4)
    assert abs(energies.mean() - exact) < 4 * spread / np.sqrt(60)


def test_two_dimensional_state_space_becomes_exact():
    """On two sites psi and H psi span the sector: the energy is exact, without error."""
    H = heisenberg(chain(2, periodic=False), total_sz=0)
    psi = naive.random_rbm(2, 3)
    step = lanczos_step(psi, H, draw(H, psi, 64))
    assert step.after.energy.mean == pytest.approx(-3, abs=1e-10)
    assert step.after.energy.error_of_mean < 1e-10
    assert step.after.variance.mean == pytest.approx(0, abs=1e-9)


def test_markov_chains_give_the_same_step():
    H = MODELS["heisenberg"]()
    psi = improved_rbm(H)
    sampler = MetropolisSampler.for_hamiltonian(H, n_chains=16)
    samples, _ = sampler.sample(psi, sampler.start(5), 512, n_discard=100)
    step = lanczos_step(psi, H, samples)
    exact = exact_step(H, psi.state_vector(sector_of(H)))[0]
    assert abs(step.after.energy.mean - exact) < 4 * step.after.energy.error_of_mean
    assert step.after.energy.r_hat < 1.05


def test_extrapolation_lies_between_its_error_and_the_truth():
    H = MODELS["heisenberg"]()
    psi = improved_rbm(H, 10)
    step = lanczos_step(psi, H, draw(H, psi, 512))
    fit = extrapolate_step(step)
    exact = ground_state(H).energy
    assert abs(fit.value - exact) < 4 * fit.error
    assert fit.value < step.after.energy.mean
    assert 0 < fit.statistical < fit.error


@pytest.mark.parametrize("model", ["ising", "heisenberg"])
def test_extrapolated_energies_are_as_far_off_as_they_say(model):
    """Exact energies and variances after 1 to 3 steps: all within three systematic errors.

    Not most within one: 2 of 6 are on this Ising chain.
    """
    H = MODELS[model]()
    exact = ground_state(H).energy
    pulls = []
    for seed in (4, 9):
        vector = improved_rbm(H, 10, seed).state_vector(sector_of(H))
        states = [exact_step(H, vector, p) for p in range(4)]
        for energy, variance, _ in states[1:]:
            pair = [states[0][1], variance], [states[0][0], energy]
            fit = extrapolate_variance(*pair, [1e-9, 1e-9])
            pulls.append(abs(fit.value - exact) / fit.systematic)
    assert max(pulls) < 3


def test_subset_is_spread_over_the_chains():
    spins = np.arange(4 * 100, dtype=np.int16).reshape(4, 100, 1)
    kept = thinned(Samples(spins, 1.0), 48).spins
    assert kept.shape == (4, 12, 1)
    np.testing.assert_array_equal(kept[0, :, 0], np.arange(0, 100, 9))
    assert thinned(Samples(spins, 1.0), 10_000).shape == (4, 100)
    with pytest.raises(ValueError, match="at least the 4 chains, got 3"):
        thinned(Samples(spins, 1.0), 3)


def test_an_eigenstate_is_refused():
    H = ising(chain(4), h=0.0, J=-1.0)
    psi = naive.random_rbm(4, 2)
    samples = Samples(np.ones((2, 8, 4), np.int8), 1.0)
    with pytest.raises(ValueError, match="psi is an eigenstate up to rounding"):
        lanczos_step(psi, H, samples)


@pytest.mark.parametrize("n_steps", [0, 4, 1.5])
def test_numbers_of_steps_that_are_refused(n_steps):
    H = MODELS["ising"]()
    samples = Samples(np.ones((2, 8, 8), np.int8), 1.0)
    with pytest.raises((TypeError, ValueError), match="n_steps must be"):
        lanczos_step(naive.random_rbm(8, 2), H, samples, n_steps=n_steps)


def test_energy_and_variance_by_enumeration():
    H = heisenberg(square(2, periodic=False), total_sz=0)
    psi = naive.random_rbm(4, 4)
    vector = psi.state_vector(sector_of(H))
    moved = H.to_sparse() @ vector
    energy = np.vdot(vector, moved).real
    variance = np.vdot(moved, moved).real - energy**2
    found = energy_variance(psi, H, draw(H, psi, 1024))
    assert abs(found.energy.mean - energy) < 4 * found.energy.error_of_mean
    assert abs(found.variance.mean - variance) < 4 * found.variance.error_of_mean
    assert set(found.to_dict()) == {"energy", "variance"}
