import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
from textbook import matrix

from hamiltonians import (
    X,
    Y,
    Z,
    chain,
    expectation,
    ground_state,
    heisenberg,
    ising,
    j1j2,
    rectangle,
    spin_hamiltonian,
    square,
)
from hamiltonians.operators.sectors import Sector


@pytest.mark.parametrize("H", [heisenberg(chain(6)), j1j2(rectangle(4, 2, False), J2=0.4)])
def test_marshall_rotation_is_unitary(H):
    rotated = H.in_marshall_basis()
    signs = np.ones(2**H.n_sites)
    spins = Sector(H.n_sites).states_to_spins(np.arange(2**H.n_sites))
    signs = spins[:, np.array(rotated.rotation.sixths) == 3].prod(axis=1)
    np.testing.assert_array_equal(rotated.to_dense(), signs[:, None] * H.to_dense() * signs)


def test_marshall_ground_state_is_positive():
    vector = ground_state(heisenberg(square(4, False), total_sz=0, marshall=True)).vector
    assert (vector * np.sign(vector[0]) > 0).all()


def test_rotated_observables_keep_their_expectation():
    plain, rotated = (heisenberg(chain(8), total_sz=0, marshall=m) for m in (False, True))
    observable = X(0) * X(1) + 2 * Z(0) * Z(3) - Y(1) * Y(4) + 0.5 * X(0) * X(2)
    sector = Sector(8, 0)
    before = expectation(ground_state(plain).vector, observable, sector)
    after = expectation(ground_state(rotated).vector, rotated.rotate_observable(observable), sector)
    assert before == pytest.approx(after, abs=1e-10)
    assert plain.rotate_observable(observable) == observable


def test_marshall_is_in_the_name_and_the_fingerprint():
    plain, rotated = (heisenberg(chain(20), marshall=m) for m in (False, True))
    assert rotated.name == "Heisenberg, chain of 20, periodic, J=1, Marshall basis"
    assert plain.fingerprint != rotated.fingerprint


def test_description_is_json_and_the_fingerprint_does_not_move():
    H = j1j2(square(4), J2=0.25, total_sz=0)
    described = json.loads(json.dumps(H.describe()))
    assert described["parameters"] == {"J1": 1.0, "J2": 0.25, "field": [0.0, 0.0, 0.0]}
    assert described["fingerprint"] == H.fingerprint
    assert heisenberg(chain(4)).fingerprint == FINGERPRINT
    assert heisenberg(chain(4), total_sz=0).fingerprint != FINGERPRINT


FINGERPRINT = "94d90d984856a996"


def test_adding_terms_keeps_the_sector_if_it_can():
    H = heisenberg(chain(6), total_sz=1)
    assert (H + 0.3 * Z(0)).total_sz == 1
    assert (H + 0.3 * X(0)).total_sz is None
    assert (H + H).terms == 2 * H.terms
    assert (H + Z(0)).spec is None


def test_terms_added_to_a_marshall_basis_are_rotated_too():
    rotated = heisenberg(chain(4), marshall=True) + (X(0) + X(1))
    plain = heisenberg(chain(4)) + (X(0) + X(1))
    assert rotated.terms == plain.in_marshall_basis().terms


def test_own_hamiltonian():
    terms = X(0) * X(2) + 0.5 * Z(1)
    H = spin_hamiltonian(terms)
    assert (H.n_sites, H.dimension, H.lattice, H.spec) == (3, 8, None, None)
    np.testing.assert_array_equal(H.to_dense(), matrix(terms, 3).real)
    assert spin_hamiltonian(terms, lattice=chain(5)).n_sites == 5


def test_dimension_is_an_integer_of_any_size():
    assert ising(chain(1000)).dimension == 2**1000
    assert heisenberg(chain(24), total_sz=0).dimension == 2704156


def test_imaginary_rounding_is_removed():
    product = (X(0) + 1e-3j * Y(0)) * (X(0) - 1e-3j * Y(0))
    assert all(value.imag == 0 for value in spin_hamiltonian(product).terms.terms.values())


def test_values_can_be_pickled_and_compared():
    H = heisenberg(chain(4), total_sz=0, marshall=True)
    copy = pickle.loads(pickle.dumps(H))
    assert copy == H
    assert copy.spec.parameters["J"] == 1.0


def test_importing_is_light():
    heavy = "'scipy.sparse.linalg', 'matplotlib', 'netket', 'psutil', 'numba'"
    code = f"import sys, hamiltonians; print([m for m in ({heavy}) if m in sys.modules])"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert printed.stdout.strip() == "[]"
