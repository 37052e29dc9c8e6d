"""Shots and a roughly known Hamiltonian together, and a learnt state as the start of a run."""

import numpy as np
import pytest

import rbmqs
from hamiltonians import PauliSum, Sector, X, Z, chain, ground_state, heisenberg, ising
from hamiltonians.models.hamiltonian import spin_hamiltonian
from rbmqs.tomography.bases import all_pauli_bases
from rbmqs.tomography.drawing import shots_of_vector
from rbmqs.tomography.hybrid import energy_prior, fit_with_energy
from rbmqs.tomography.scores import Tangent
from rbmqs.tomography.scoring import best_fit

N = 6
NOMINAL = ising(chain(N), h=1.2)


def disordered(seed):
    """The device: couplings and fields off by a fifth."""
    rng = np.random.default_rng(seed)
    terms = [(1 + 0.2 * rng.normal()) * Z(i) * Z((i + 1) % N) for i in range(N)]
    terms += [-1.2 * (1 + 0.2 * rng.normal()) * X(i) for i in range(N)]
    return spin_hamiltonian(PauliSum.sum(terms), N)


@pytest.mark.parametrize("dtype", [float, complex])
def test_the_prior_has_the_gradient_of_the_energy_and_its_second_derivative(dtype):
    H = heisenberg(chain(3))
    psi = rbmqs.RBM.random(3, 2, seed=1, stddev=0.3, dtype=dtype)
    prior = energy_prior(H, 2.0)
    found = prior(Tangent.of(psi))
    k, scale = 4, 2.0 / H.coupling_scale
    for part, unit in enumerate([1.0, 1j][: 1 + (dtype is complex)]):
        step = np.zeros(psi.n_parameters, dtype)
        step[k] = 1e-5 * unit
        ends = [prior(Tangent.of(psi.with_flat(psi.flat + s * step))) for s in (1, -1)]
        slope = (ends[0].log_likelihood - ends[1].log_likelihood) / 2e-5
        assert found.gradient[k + part * psi.n_parameters] == pytest.approx(slope, abs=1e-7)
    vector = psi.state_vector(Sector(3))
    sparse = H.to_sparse()
    assert found.log_likelihood == pytest.approx(-scale * np.vdot(vector, sparse @ vector).real)
    assert np.linalg.eigvalsh(found.fisher)[0] > -1e-9  # a metric


def test_shots_and_a_rough_hamiltonian_are_better_than_either():
    vector = ground_state(disordered(1)).expanded().ravel()
    shots = shots_of_vector(vector, ["Z" * N, "X" * N], 100, seed=1)
    starts = [rbmqs.RBM.random(N, n_hidden=4, seed=0, stddev=0.2, dtype=float)]
    both = fit_with_energy(starts, shots, NOMINAL, max_steps=60)
    of_energy = abs(ground_state(NOMINAL).expanded().ravel() @ vector) ** 2
    alone = fit_with_energy(starts, shots, NOMINAL, weight=0.0, max_steps=60)
    fidelities = [hybrid.psi.overlap(vector, Sector(N)) for hybrid in (both, alone)]
    assert both.weight > 0
    assert set(both.losses) > {0.0}
    assert fidelities[0] > max(of_energy, fidelities[1])


def test_a_state_learnt_in_all_bases_starts_the_variational_solver_with_its_signs():
    H = heisenberg(chain(4))  # its ground state has Marshall's signs, which nobody tells
    exact = ground_state(H)
    shots = shots_of_vector(exact.expanded(), all_pauli_bases(4).labels[::2], 200, seed=3)
    starts = (rbmqs.RBM.random(4, 2, seed=k, stddev=0.3) for k in range(2))
    learnt = best_fit(starts, shots).psi
    vector = exact.expanded().ravel()
    assert learnt.overlap(vector, Sector(4)) > 0.97
    result = rbmqs.ground_state(H, psi=learnt, n_iterations=40, seed=0, progress=False)
    first = result.history[0].energy.mean.real
    assert (first - exact.energy) / abs(exact.energy) < 0.05
    assert result.psi.overlap(vector, Sector(4)) > 0.999


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"weight": -1.0}, "weight must be at least 0, got -1"),
        ({"weight": "much"}, "weight must be one of auto, got 'much'"),
    ],
)
def test_wrong_weights_are_refused(options, words):
    shots = shots_of_vector(np.ones(2**N), ["Z" * N], 10)
    with pytest.raises(ValueError, match=words):
        fit_with_energy([rbmqs.RBM.random(N)], shots, NOMINAL, **options)
    with pytest.raises(ValueError, match="shots have 6 sites, psi 5"):
        fit_with_energy([rbmqs.RBM.random(5)], shots, NOMINAL)
    with pytest.raises(ValueError, match="shots have 6 sites, the Hamiltonian 4"):
        fit_with_energy([rbmqs.RBM.random(N)], shots, ising(chain(4)))
