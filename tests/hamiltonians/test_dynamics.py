"""Exact dynamics: free fermions, Hamiltonians that change in time, product states."""

import numpy as np
import pytest

import hamiltonians as hm
from hamiltonians.exact.free_fermions import ising_chain_dynamics, pfaffian
from hamiltonians.exact.product_states import product_state, spin_directions

# n, h before, h after, time: <x>, <zz>, energy per site, |<psi(0)|psi(t)>|^2, computed by an
# independent program (shared references: tfi_exact_curves.csv and tfi_small_exact.csv)
QUENCHES = [
    (40, 0.5, 1.0, 0.1, 0.277563506635, 0.915309855644, -1.192873362279, 0.906298199),
    (10, 0.5, 1.0, 0.2, 0.329519966774, 0.863525258278, -1.19304522505, 0.910310666335),
]


@pytest.mark.parametrize("row", QUENCHES)
def test_free_fermions_against_an_independent_program(row):
    n, before, after, time, x, zz, energy, echo = row
    found = ising_chain_dynamics(n, [0.0, time], h=after, initial_h=before)
    assert found.x[1].mean() == pytest.approx(x, abs=1e-11)
    assert found.zz_nearest[1] == pytest.approx(zz, abs=1e-11)
    assert found.energy[1] / n == pytest.approx(energy, abs=1e-11)
    assert found.loschmidt_echo[1] == pytest.approx(echo, abs=1e-9)


@pytest.mark.submission
@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("n", [5, 6])
def test_free_fermions_against_vectors_with_fields_that_change(periodic, n):
    rng = np.random.default_rng(n)
    J, before = rng.normal(size=n if periodic else n - 1), rng.normal(size=n)
    fields = rng.normal(size=(2, n))

    def chain(h):
        bonds = [J[i] * hm.Z(i) * hm.Z((i + 1) % n) for i in range(len(J))]
        return hm.spin_hamiltonian(hm.PauliSum.sum([*bonds, *(-h[i] * hm.X(i) for i in range(n))]))

    start = hm.ground_state(chain(before)).vector
    middle = hm.evolve(chain(fields[0]), start, [0.7])[0]
    end = hm.evolve(chain(fields[1]), middle, [0.5])[0]
    sector = hm.Sector(n, None)
    h = [(0.0, fields[0]), (0.7, fields[1])]
    found = ising_chain_dynamics(n, [0, 1.2], h=h, initial_h=before, J=J, periodic=periodic)
    for i in range(n):
        assert found.x[1, i] == pytest.approx(hm.expectation(end, hm.X(i), sector), abs=1e-10)
    for i, j in [(0, 1), (0, 3), (4, 1)]:
        exact = hm.expectation(end, hm.Z(i) * hm.Z(j), sector)
        assert found.zz(i, j)[1] == pytest.approx(exact, abs=1e-10)
    assert found.loschmidt_echo[1] == pytest.approx(abs(np.vdot(start, end)) ** 2, abs=1e-10)
    energy = hm.expectation(end, chain(fields[1]).terms, sector)
    assert found.energy[1] == pytest.approx(energy, abs=1e-10)


def test_pfaffian_squared_is_the_determinant_and_its_sign_is_right():
    A = np.random.default_rng(0).normal(size=(8, 8))
    A -= A.T
    assert pfaffian(A) ** 2 == pytest.approx(np.linalg.det(A))
    four = A[:4, :4]
    by_hand = four[0, 1] * four[2, 3] - four[0, 2] * four[1, 3] + four[0, 3] * four[1, 2]
    assert pfaffian(four) == pytest.approx(by_hand)


@pytest.mark.submission
def test_evolution_under_a_driven_hamiltonian_against_many_short_steps():
    lattice = hm.chain(6)
    parts = [(1.0, hm.ising(lattice, h=0.0)), (np.cos, hm.ising(lattice, h=1.0, J=0.0))]

    def as_function(t):
        return hm.ising(lattice, h=np.cos(t))

    start = product_state("+y", hm.Sector(6, None))
    psi, n, end = start, 400, 0.8
    for k in range(n):  # the midpoint rule: its error falls as n^-2
        psi = hm.evolve(as_function((k + 0.5) * end / n), psi, [end / n])[0]
    for H in (parts, as_function, hm.DrivenHamiltonian(parts)):
        found = hm.evolve(H, start, [0.0, end, 0.4])
        assert np.allclose(found[0], start)
        assert np.abs(found[1] - psi).max() < 1e-6
    back = hm.evolve(lambda t: as_function(end + t), found[1], [-end])[0]
    assert np.abs(back - start).max() < 1e-8
    echo = hm.loschmidt_echo(parts, start, [end])[0]
    assert echo == pytest.approx(abs(np.vdot(start, psi)) ** 2, abs=1e-6)


def test_neel_state_of_xxz_against_an_independent_program():
    H = hm.xxz(hm.chain(12), total_sz=0)
    start = product_state("neel", hm.Sector(12, 0))
    psi = hm.evolve(H, start, [0.1])[0]
    staggered = hm.PauliSum.sum((-1.0) ** i / 12 * hm.Z(i) for i in range(12))
    value = hm.expectation(psi, staggered, hm.Sector(12, 0))
    assert value == pytest.approx(0.848288012672, abs=1e-9)  # shared: xxz_neel_12_exact.csv
    assert hm.loschmidt_echo(H, start, [0.1])[0] == pytest.approx(0.617052822419, abs=1e-9)


def test_product_states_point_where_they_should():
    directions = np.random.default_rng(3).normal(size=(4, 3))
    directions[1] = (0, 0, -2)
    psi = product_state(directions, hm.Sector(4, None))
    unit = directions / np.linalg.norm(directions, axis=1)[:, None]
    for i in range(4):
        for k, pauli in enumerate((hm.X, hm.Y, hm.Z)):
            assert hm.expectation(psi, pauli(i), hm.Sector(4, None)) == pytest.approx(unit[i, k])


BAD = [
    (lambda: ising_chain_dynamics(6, [1.0, 0.5], h=1.0), "times must rise from 0"),
    (lambda: ising_chain_dynamics(6, [1.0], h=[(1.0, 1.0)]), "times of h must rise from 0"),
    (lambda: ising_chain_dynamics(6, [1.0], h=[1.0, 2.0]), "h must be one number or an array"),
    (lambda: hm.DrivenHamiltonian(3.0), "H must be a SpinHamiltonian, a function of the time"),
    (lambda: hm.DrivenHamiltonian([(1.0, hm.X(0))]), "first part of H must be a SpinHamiltonian"),
    (lambda: hm.DrivenHamiltonian(lambda t: 1), r"H\(t\) must be a SpinHamiltonian"),
    (
        lambda: hm.DrivenHamiltonian([(1.0, hm.ising(hm.chain(4))), (lambda t: 1j, hm.X(0))]),
        "coefficient 1 of H at t = 0 must be a number",
    ),
    (
        lambda: hm.DrivenHamiltonian([(1, hm.ising(hm.chain(4))), (1, 1j * hm.X(0))]),
        "terms must be Hermitian",
    ),
    (
        lambda: hm.DrivenHamiltonian(lambda t: hm.ising(hm.chain(3 + round(t)))).at(1.0),
        r"H\(t\) must keep its n_sites, got 3 at t = 0 and 4 at t = 1",
    ),
    (lambda: product_state("+z", hm.Sector(4, 0)), "total_sz = 0"),
    (lambda: spin_directions("up", 4), "directions must be vectors or names"),
    (lambda: spin_directions(np.zeros((4, 3)), 4), "directions must not be zero"),
    (lambda: spin_directions(["+x"] * 3, 4), "one for each of 4 sites"),
]


@pytest.mark.parametrize(("call", "message"), BAD)
def test_bad_input(call, message):
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("unit", [2.0**-60, 1e200])
def test_a_driven_evolution_knows_no_unit_of_energy(unit):
    def field(t, unit=1.0):
        return hm.ising(hm.chain(4), h=unit * (1 + t), J=-unit)

    start, times = hm.product_state("+x", hm.Sector(4, None)), np.array([0.5, -0.2])
    expected = hm.evolve(field, start, times)
    found = hm.evolve(lambda t: field(unit * t, unit), start, times / unit)
    assert np.abs(found - expected).max() < 1e-9
