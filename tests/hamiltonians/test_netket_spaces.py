"""Which Hilbert spaces of NetKet are taken, and which refused."""

import pytest

from hamiltonians import X, Z, chain, heisenberg, spin_hamiltonian
from hamiltonians.convert import from_netket, to_netket

pytestmark = pytest.mark.netket
netket = pytest.importorskip("netket")


def sigma_z(hilbert):
    return netket.operator.LocalOperator(hilbert, [[[1.0, 0.0], [0.0, -1.0]]], [[0]], dtype=float)


def test_lattice_is_kept():
    operator = to_netket(heisenberg(chain(4), total_sz=0), units="pauli")
    H = from_netket(operator, units="pauli", lattice=chain(4))
    assert H.lattice == chain(4)
    assert (H.total_sz, H.terms) == (0.0, heisenberg(chain(4)).terms)
    with pytest.raises(ValueError, match="lattice must have n_sites=4 sites, got 5"):
        from_netket(operator, units="pauli", lattice=chain(5))
    with pytest.raises(TypeError, match="lattice must be a Lattice, got int"):
        from_netket(operator, units="pauli", lattice=4)


def test_spins_and_qubits():
    spins = netket.hilbert.Spin(0.5, 3)
    operator = netket.operator.spin.sigmaz(spins, 0) + netket.operator.spin.sigmax(spins, 2)
    assert from_netket(operator, units="pauli").terms == Z(0) + X(2)
    assert from_netket(sigma_z(netket.hilbert.Qubit(2)), units="pauli") == spin_hamiltonian(
        Z(0), 2, "NetKet operator"
    )


def test_constraint_of_ones_own_is_refused():
    class NoNeighboursUp(netket.hilbert.constraint.DiscreteHilbertConstraint):
        def __call__(self, x):
            return ((x[..., 1:] < 0) | (x[..., :-1] < 0)).all(axis=-1)

        def __hash__(self):
            return 1

        def __eq__(self, other):
            return isinstance(other, NoNeighboursUp)

    hilbert = netket.hilbert.Spin(0.5, 4, constraint=NoNeighboursUp())
    with pytest.raises(ValueError, match="spins must have no constraint but total_sz, got"):
        from_netket(sigma_z(hilbert), units="pauli")


@pytest.mark.parametrize(
    "make",
    [
        lambda: sigma_z(netket.hilbert.Fock(n_max=1, N=4)),
        lambda: sigma_z(netket.hilbert.Fock(n_max=1, N=4, n_particles=2)),
        lambda: sigma_z(netket.hilbert.Spin(0.5, 2) * netket.hilbert.Qubit(2)),
        lambda: 3,
    ],
)
def test_other_spaces_are_refused(make):
    with pytest.raises(ValueError, match="operator must act on spins, got one on") as caught:
        from_netket(make(), units="pauli")
    assert "\n" not in str(caught.value)
