"""Each mistake is met at the door by one line that says what was got and what is allowed."""

import numpy as np
import pytest

from hamiltonians import (
    PauliSum,
    Sector,
    X,
    Y,
    Z,
    chain,
    cubic,
    expectation,
    from_edges,
    ground_state,
    heisenberg,
    heisenberg_chain_energy,
    ising,
    ising_chain_energy,
    j1j2,
    rectangle,
    spin_hamiltonian,
    square,
    tilted_square,
    triangular,
    xxz,
)
from hamiltonians.operators.connections import bit_connections, compile_connections
from hamiltonians.symmetry.rotations import Rotation

NAN, INF = float("nan"), float("inf")

MISTAKES = [
    (lambda: chain(2), ValueError, "length must be at least 3", "chain(2, periodic=False)"),
    (lambda: chain(-4), ValueError, "length must be at least 1", "-4"),
    (lambda: chain(4.0), TypeError, "length must be an integer", "4.0"),
    (lambda: chain(True), TypeError, "length must be an integer", "True"),
    (lambda: chain(4, periodic="yes"), TypeError, "periodic must be True or False", "'yes'"),
    (lambda: rectangle(2, 4), ValueError, "periodic", "periodic=(False, True)"),
    (lambda: square(4, (True,)), TypeError, "a pair of them", "(True,)"),
    (lambda: square(4).bonds(99), ValueError, "shell must be between 1 and 5", "99"),
    (lambda: from_edges([(0, 0)]), ValueError, "two different sites", "(0, 0)"),
    (lambda: from_edges([(0, 1), (1, 0)]), ValueError, "each bond once", "(0, 1)"),
    (lambda: from_edges([(0, 5)], 3), ValueError, "sites 0 to 2", "5"),
    (lambda: from_edges([(0, -1)]), ValueError, "at least 0", "-1"),
    (lambda: from_edges([(0, 1.5)]), TypeError, "integer", "1.5"),
    (lambda: from_edges([3]), TypeError, "pairs of sites", "3"),
    (lambda: from_edges([]), ValueError, "at least one edge", "none"),
    (lambda: X(-1), ValueError, "site must be at least 0", "-1"),
    (lambda: X(0.5), TypeError, "site must be an integer", "0.5"),
    (lambda: NAN * X(0), ValueError, "coefficient must be finite", "nan"),
    (lambda: PauliSum.from_strings({"X": INF}), ValueError, "coefficient must be finite", "inf"),
    (lambda: PauliSum.from_strings({"XA": 1}), ValueError, "I, X, Y, Z", "'XA'"),
    (lambda: PauliSum.from_strings({"X": 1, "XX": 1}), ValueError, "same length", "[1, 2]"),
    (lambda: PauliSum.from_terms([("1", [])]), TypeError, "must be a number", "'1'"),
    (lambda: PauliSum.from_terms([(1, [(0, "Q")])]), ValueError, "X, Y or Z", "'Q'"),
    (lambda: PauliSum.from_terms([(1, [(0, "X"), (0, "Z")])]), ValueError, "once", "X(0) Z(0)"),
    (lambda: ising("chain"), TypeError, "lattice must be a Lattice", "str"),
    (lambda: ising(chain(4), h=NAN), ValueError, "h must be finite", "nan"),
    (lambda: ising(chain(4), J=[1, 2]), ValueError, "J must be one number", "(2,)"),
    (lambda: ising(chain(4), hz=[1, 2, 3, INF]), ValueError, "hz must be finite", "inf"),
    (lambda: ising(chain(4), h="strong"), TypeError, "h must be real", "'strong'"),
    (lambda: ising(chain(4), h=1j), TypeError, "h must be real", "1j"),
    (lambda: ising(chain(4), h=None), TypeError, "h must be real", "None"),
    (lambda: ising(chain(4), J=[[1], [1, 2]]), TypeError, "J must be real", "ragged"),
    (lambda: xxz(chain(4), delta=[1, 2]), ValueError, "delta must be one number", "(2,)"),
    (lambda: heisenberg(chain(4), field=1.0), ValueError, "field must have shape (3,)", "()"),
    (lambda: heisenberg(chain(4), field=(0, 0, NAN)), ValueError, "field must be finite", "nan"),
    (lambda: heisenberg(chain(5), marshall=True), ValueError, "bipartite", "chain of 5"),
    (lambda: heisenberg(chain(4), marshall="no"), TypeError, "marshall must be", "'no'"),
    (lambda: heisenberg(chain(4), signs="x"), ValueError, "signs must be one of marshall", "'x'"),
    (lambda: heisenberg(chain(4), signs=3), TypeError, "or a list of sites", "3"),
    (lambda: heisenberg(chain(4), signs=[0.5]), TypeError, "or a list of sites", "[0.5]"),
    (lambda: heisenberg(chain(4), signs=[4]), ValueError, "sites 0 to 3 once each", "[4]"),
    (lambda: heisenberg(chain(4), signs=[1, 1]), ValueError, "sites 0 to 3 once each", "[1, 1]"),
    (lambda: heisenberg(chain(4), signs=[-1]), ValueError, "must be at least 0", "-1"),
    (lambda: heisenberg(chain(4), signs="stripe-x"), ValueError, "rows and columns", "chain of 4"),
    (lambda: heisenberg(cubic(3), signs="stripe-x"), ValueError, "rows and columns", "cubic"),
    (lambda: heisenberg(rectangle(4, 3), signs="stripe-x"), ValueError, "even number of rows", "3"),
    (lambda: heisenberg(rectangle(3, 4), signs="stripe-y"), ValueError, "number of columns", "3"),
    (lambda: heisenberg(tilted_square(3, 1), signs="stripe-x"), ValueError, "even", "(3,1)"),
    (lambda: heisenberg(square(4), signs="sublattice"), ValueError, "of triangles", "square 4x4"),
    (lambda: heisenberg(triangular(4), signs="sublattice"), ValueError, "no 3 sublattices", "4x4"),
    (lambda: heisenberg(chain(4), marshall=True, signs=[0]), ValueError, "must be False", "[0]"),
    (lambda: heisenberg(chain(4), signs=[0]).with_signs([1]), ValueError, "once", "chain of 4"),
    (lambda: spin_hamiltonian(X(0)).with_signs("stripe-x"), ValueError, "lattice", "without"),
    (lambda: Rotation("sites", (6,)), ValueError, "0 to below 6 sixths", "6"),
    (lambda: Rotation("sites", ("x",)), TypeError, "must be a number", "'x'"),
    (lambda: Rotation("sites", (float("nan"),)), ValueError, "must be finite", "nan"),
    (lambda: j1j2(chain(3)), ValueError, "shell must be between 1 and 1", "2"),
    (lambda: heisenberg(chain(5), total_sz=0), ValueError, "half an odd integer", "got 0"),
    (lambda: heisenberg(chain(4), total_sz=0.5), ValueError, "an integer between -2 and 2", "0.5"),
    (lambda: heisenberg(chain(4), total_sz=3), ValueError, "between -2 and 2", "3"),
    (lambda: heisenberg(chain(4), total_sz=NAN), ValueError, "between -2 and 2", "nan"),
    (lambda: heisenberg(chain(4), total_sz="0"), TypeError, "number or None", "'0'"),
    (lambda: ising(chain(4)).with_total_sz(0), ValueError, "total_sz must be None", "X(0)"),
    (lambda: spin_hamiltonian(1j * X(0)), ValueError, "Hermitian", "X(0)"),
    (lambda: spin_hamiltonian(X(3), n_sites=2), ValueError, "n_sites must be at least 4", "2"),
    (lambda: spin_hamiltonian("XX"), TypeError, "terms must be a PauliSum", "str"),
    (lambda: spin_hamiltonian(X(0), 2, lattice=chain(4)), ValueError, "n_sites=2", "4"),
    (lambda: spin_hamiltonian(X(0)).in_marshall_basis(), ValueError, "lattice", "without"),
    (lambda: ising(chain(3)) + X(5), ValueError, "n_sites must be at least 6", "3"),
    (lambda: ising(chain(3)) + ising(chain(4)), ValueError, "same sites", "chain of 4"),
    (lambda: compile_connections(1j * Z(0), 1), ValueError, "real diagonal", "Z(0)"),
    (lambda: compile_connections(Y(2), 1), ValueError, "sites 0 to 0", "Y(2)"),
    (lambda: bit_connections(ising(chain(64)).connections), ValueError, "at most 63", "64"),
    (lambda: Sector(64), ValueError, "at most 63", "64"),
    (lambda: Sector(4, 0).rank([1]), ValueError, "total_sz=0", "1"),
    (lambda: Sector(3).spins_to_states([1, 0, 1]), ValueError, "+1 or -1", "0"),
    (lambda: Sector(3).spins_to_states([1, 1]), ValueError, "3 columns", "(2,)"),
    (lambda: ground_state(ising(chain(3)), k=9), ValueError, "at most the dimension 8", "9"),
    (lambda: ground_state(ising(chain(3)), k=0), ValueError, "k must be at least 1", "0"),
    (lambda: expectation(np.ones(3), X(0), Sector(2)), ValueError, "shape (4,)", "(3,)"),
    (lambda: expectation(np.zeros(4), X(0), Sector(2)), ValueError, "positive norm", "0"),
    (lambda: heisenberg_chain_energy(7), ValueError, "even", "7"),
    (lambda: ising_chain_energy(2), ValueError, "at least 3", "2"),
    (lambda: ising_chain_energy(4, J=[1, 1, 1]), ValueError, "J must be one number", "(3,)"),
]


@pytest.mark.parametrize(("mistake", "error", "allowed", "got"), MISTAKES)
def test_mistake_is_met_at_the_door(mistake, error, allowed, got):
    with pytest.raises(error) as caught:
        mistake()
    message = str(caught.value)
    assert type(caught.value) is error
    assert allowed in message
    assert got in message
    assert "\n" not in message


def test_unknown_operands_are_refused_by_python():
    for wrong in (lambda: X(0) + "Y", lambda: X(0) * "Y", lambda: X(0) - None):
        with pytest.raises(TypeError):
            wrong()
