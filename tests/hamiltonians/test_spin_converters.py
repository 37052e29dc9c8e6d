"""Spins of S >= 1 to NetKet and QuSpin and back."""

import numpy as np
import pytest

import hamiltonians as hm
from hamiltonians import chain, convert


def random_hamiltonian(spin, seed=0):
    rng, d = np.random.default_rng(seed), round(2 * spin) + 1
    bond = rng.normal(size=(d * d, d * d)) + 1j * rng.normal(size=(d * d, d * d))
    site = np.diag(rng.normal(size=d))
    operator = hm.SpinOperator.from_matrix(bond + bond.conj().T, (2, 0), spin)
    return hm.spin_hamiltonian(operator + hm.SpinOperator.from_matrix(site, (1,), spin) - 0.7, 3)


@pytest.mark.parametrize("spin", [1, 1.5, 2])
def test_quspin_lists_hold_the_matrix(spin):
    H = random_hamiltonian(spin)
    again = convert.from_quspin(convert.to_quspin(H, pauli=False), 3, pauli=False, spin=spin)
    np.testing.assert_allclose(again.to_dense(), H.to_dense(), atol=1e-11)
    static = [["z+", [[0.5, 0, 1]]], ["-z", [[0.5, 1, 0]]], ["zz", [[0.3, 1, 1]]]]
    # Products on one site are matrix products, the leftmost letter acts last.
    found = convert.from_quspin(static[2:], 2, pauli=False, spin=spin).terms
    assert (found - 0.3 * hm.Sz(1, spin) ** 2).parts == {}
    heisenberg = convert.to_quspin(hm.heisenberg(chain(3), spin=1), pauli=False)
    assert {letters for letters, _ in heisenberg} == {"zz", "+-", "-+"}
    assert all(isinstance(row[0], float) for _, rows in heisenberg for row in rows)


@pytest.mark.submission
@pytest.mark.netket
@pytest.mark.parametrize("spin", [1])
def test_netket_operators_hold_the_matrix_and_the_sector(spin):
    pytest.importorskip("netket")
    H = random_hamiltonian(spin)
    operator = convert.to_netket(H, units="spin")
    np.testing.assert_allclose(operator.to_dense(), H.to_dense(), atol=1e-12)
    again = convert.from_netket(operator, units="spin")
    np.testing.assert_allclose(again.to_dense(), H.to_dense(), atol=1e-12)
    fixed = hm.heisenberg(chain(4), spin=spin, total_sz=0)
    there = convert.from_netket(convert.to_netket(fixed, units="spin"), units="spin")
    assert there.total_sz == 0
    np.testing.assert_allclose(there.to_dense(), fixed.to_dense(), atol=1e-12)


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (lambda: convert.to_quspin(hm.aklt(chain(4)), pauli=True), "pauli must be False for spins"),
        (
            lambda: convert.to_quspin(hm.heisenberg(chain(4), spin=(1, 2, 1, 2)), pauli=False),
            "QuSpin's spin bases hold spins of one S, got spins (1.0, 2.0, 1.0, 2.0)",
        ),
        (lambda: convert.to_netket(hm.aklt(chain(4)), units="pauli"), "units must be 'spin'"),
        (
            lambda: convert.to_netket(hm.rydberg(chain(4), blockade=True), units="spin"),
            "without a constraint, got a blockade",
        ),
        (lambda: convert.to_networkx(hm.aklt(chain(4)), operators="spin"), "must be a PauliSum"),
        (
            lambda: convert.from_quspin([["zz", [[1.0, 0]]]], 2, pauli=False, spin=1),
            "a coupling of 'zz' must name 2 sites",
        ),
    ],
)
def test_bad_input_is_one_line(build, reason):
    with pytest.raises((TypeError, ValueError)) as caught:
        build()
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
