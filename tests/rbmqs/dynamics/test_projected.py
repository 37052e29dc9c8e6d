"""Projected evolution and exact gates against exact evolution."""

import numpy as np
import pytest

import hamiltonians as hm
import rbmqs
from rbmqs.cli.main import main
from rbmqs.dynamics import gates, product_state
from rbmqs.dynamics.schemes import SCHEMES, order_of

SUMMED = {"method": "projected", "summation": True, "progress": False, "observables": {}}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_orders_of_the_products(scheme):
    """Errors of a step with matrices fall as step^(order + 1)."""
    rng = np.random.default_rng(0)
    X, z = rng.normal(size=(6, 6)), rng.normal(size=6)
    X = X + X.T
    np.fill_diagonal(X, 0)
    values, vectors = np.linalg.eigh(X + np.diag(z))

    def error(step):
        U, whole = np.eye(6, dtype=complex), -1j * step * (X + np.diag(z))
        for stage in SCHEMES[scheme]:
            U = np.exp(-1j * step * z * stage.right)[:, None] * U
            U = U + stage.factor * (-1j * step * X if stage.split else whole) @ U
            U = np.linalg.solve(np.eye(6) + stage.inverse * whole, U)
            U = np.exp(-1j * step * z * stage.left)[:, None] * U
        exact = vectors @ np.diag(np.exp(-1j * step * values)) @ vectors.T
        return np.linalg.norm(U - exact)

    assert np.log2(error(0.02) / error(0.01)) == pytest.approx(order_of(scheme) + 1, abs=0.05)


@pytest.fixture(scope="module")
def quench():
    """An Ising ring of 6 and a state with more parameters than configurations."""
    H = hm.ising(hm.chain(6), h=1.0, J=-1.0)
    psi = rbmqs.RBM.random(6, 8, stddev=0.15, seed=2)
    sector = hm.Sector(6)
    return H, psi, sector, hm.evolve(H, psi.state_vector(sector), [0.4])[0]


@pytest.mark.submission
# lpe2 and slpe2 have 4 and 5 times the error of ppe2.
@pytest.mark.parametrize(
    ("scheme", "infidelity"),
    [("lpe3", 1e-5), ("lpe4", 1e-7), ("slpe3", 1e-6), ("ppe4", 1e-8), ("trotter2", 5e-4)],
)
def test_a_sufficient_state_follows_its_scheme(quench, scheme, infidelity):
    H, psi, sector, exact = quench
    result = rbmqs.evolve(H, psi, [0, 0.4], scheme=scheme, step=0.05, **SUMMED)
    assert 1 - result.psi.overlap(exact, sector) < infidelity
    assert max(record.r2 for record in result.records) < 1e-8
    assert len(result.records) == 8
    assert result.status == ()


def test_order_by_halving_steps(quench):
    """The infidelity of order 3 falls by 2^6."""
    H, psi, sector, exact = quench
    found = [
        1
        - rbmqs.evolve(H, psi, [0, 0.4], scheme="lpe3", step=s, **SUMMED).psi.overlap(exact, sector)
        for s in (0.1, 0.05)
    ]
    assert np.log2(found[0] / found[1]) == pytest.approx(6, abs=0.7)


def test_a_small_state_is_as_far_off_as_its_r2_says():
    """What steps of projections lose is what their records say, within a factor of ten."""
    H = hm.ising(hm.chain(8), h=1.0, J=-1.0)
    psi = product_state(rbmqs.RBM.random(8, 1, seed=1), "+x", noise=0.05)
    options = {"summation": True, "progress": False, "observables": {}}
    one = rbmqs.evolve(H, psi, [0, 0.3], method="projected", step=0.05, **options)
    sector = hm.Sector(8)
    exact = hm.evolve(H, psi.state_vector(sector), [0.3])[0]
    infidelity = 1 - one.psi.overlap(exact, sector)
    assert infidelity < one.records[-1].integrated_r2 < 10 * infidelity


@pytest.mark.submission
def test_sampled_steps_with_records_and_resumption(tmp_path):
    """Ring of 8 from +x, 1024 samples: m_x within 0.03 of exact; resumed runs are the same bits."""
    H = hm.ising(hm.chain(8), h=0.5, J=-1.0)
    psi = product_state(rbmqs.RBM.random(8, 2, seed=1), "+x", noise=0.1)
    options = {
        "method": "projected", "scheme": "slpe2", "step": 0.05, "summation": False,
        "n_samples": 1024, "n_observable_samples": 2048, "progress": False,
    }  # fmt: skip
    result = rbmqs.evolve(H, psi, [0, 0.1, 0.2], output=tmp_path / "whole", **options)
    assert np.abs(result.values("mx") - result.exact["mx"]).max() < 0.03
    for record in result.records:
        assert 0 <= record.r2 < 0.2
        assert record.r2_probe < 0.5
        assert record.effective_share > 0.3
        assert np.isfinite(record.drift)
    rbmqs.evolve(H, psi, [0, 0.1], output=tmp_path / "cut", **options)
    again = rbmqs.evolve(H, psi, [0, 0.1, 0.2], output=tmp_path / "cut", resume=True, **options)
    np.testing.assert_array_equal(again.psi.flat, result.psi.flat)
    assert "projection, slpe2" in str(result)


def test_imaginary_time_and_a_driven_hamiltonian():
    H = hm.heisenberg(hm.chain(6), total_sz=0)
    psi = rbmqs.RBM.random(6, 2, stddev=0.1, seed=2)
    cooled = rbmqs.evolve(H, psi, [0, 1.0], imaginary=True, step=0.05, **SUMMED)
    energies = cooled.values("energy")
    assert energies[1] < energies[0] - 1
    lattice = hm.chain(6)

    def at(t):
        return hm.ising(lattice, h=1 + t, J=-1.0)

    start = rbmqs.RBM.random(6, 8, stddev=0.15, seed=2)
    driven = rbmqs.evolve(at, start, [0, 0.2], scheme="lpe3", step=0.025, **SUMMED)
    sector = hm.Sector(6)
    exact = hm.evolve(at, start.state_vector(sector), [0.2])[0]
    assert 1 - driven.psi.overlap(exact, sector) < 1e-6


def test_gates_are_exact():
    psi = rbmqs.RBM.random(5, 1, stddev=0.3, seed=4)
    sector = hm.Sector(5)
    vector = psi.state_vector(sector)
    operator = 0.3 * hm.Z(0) + 0.7 * hm.Z(1) * hm.Z(3) - 0.2 * hm.Z(2) * hm.Z(4) + 1.1 * hm.Z(2)
    H = hm.SpinHamiltonian("diagonal", 5, operator)
    exact = hm.evolve(H, vector, [0.6])[0]
    found = gates.diagonal_evolution(psi, operator, 0.6)
    assert found.n_hidden == psi.n_hidden + 2
    assert found.overlap(exact, sector) == pytest.approx(1, abs=1e-12)
    spins = sector.states_to_spins(sector.basis_states())
    turned = spins * np.array([-1, 1, 1, -1, 1], dtype=np.int8)
    np.testing.assert_allclose(gates.flipped(psi, [0, 3]).log_psi(spins), psi.log_psi(turned))


WRONG = [
    (
        lambda psi: product_state(psi, "+z", total_sz=0),
        ValueError,
        "directions must give a state with total_sz = 0, got one with 2",
    ),
    (lambda psi: gates.with_zz(psi, {(0, 0): 1j}), ValueError, "couplings must join two"),
    (lambda psi: gates.flipped(psi, [7]), ValueError, "sites must be 0 to 3"),
    (lambda psi: gates.diagonal_evolution(psi, hm.X(0), 1.0), ValueError, "operator must hold"),
    (lambda psi: gates.turned_about_z("psi", 0.1), TypeError, "psi must be an RBM"),
    (
        lambda psi: rbmqs.evolve(hm.ising(hm.chain(4)), psi, [0, 1], method="tebd"),
        ValueError,
        "method must be one of",
    ),
    (
        lambda psi: rbmqs.evolve(hm.ising(hm.chain(4)), psi, [0, 1], scheme="lpe9"),
        ValueError,
        "scheme must be one of",
    ),
]


@pytest.mark.parametrize(("call", "kind", "message"), WRONG)
def test_wrong_arguments_are_refused_in_one_line(call, kind, message):
    with pytest.raises(kind) as error:
        call(rbmqs.RBM.random(4, 1))
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_command(capsys):
    command = "evolve ising --length 5 -p J=-1 --start +x --until 0.1 --every 0.1 --sum --quiet"
    code = main([*command.split(), "--method", "projected", "--scheme", "slpe2", "--step", "0.05"])
    assert code in (0, 3)
    assert "projection, slpe2" in capsys.readouterr().out
