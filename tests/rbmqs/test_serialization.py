"""Wavefunctions as arrays and tables: every kind comes back, files of old too, faults are named."""

import json
from dataclasses import dataclass

import numpy as np
import pytest

from hamiltonians import LocalSpace, SymmetrySector, chain
from rbmqs import RBM, ProjectedRBM, SymmetricRBM
from rbmqs.states.jastrow import Jastrow, JastrowRBM
from rbmqs.states.serialization import (
    Rebuild,
    innermost,
    parameter_arrays,
    structure_arrays,
    structure_table,
)
from rbmqs.states.state import VariationalState

GROUP = chain(6).translation_group()


@dataclass(frozen=True, eq=False)
class Product(VariationalState):
    """log psi = w . sigma, a class of its own outside the package."""

    hilbert: LocalSpace
    w: np.ndarray
    kind: str = "plain"

    @property
    def parameters(self):
        return {"w": self.w}

    def log_psi(self, sigma):
        return sigma @ self.w

    def log_derivatives(self, sigma):
        return sigma.astype(self.w.dtype)


def wavefunctions(dtype):
    rbm = RBM.random(6, 2, dtype=dtype, visible_bias=False)
    tied = SymmetricRBM.random(GROUP, 1, dtype=dtype, hidden_bias=False)
    sector = SymmetrySector(GROUP, np.ones(6), 1, "k = 0 +")
    states = [rbm, tied, ProjectedRBM(rbm, sector), Jastrow.random(chain(6), dtype=dtype)]
    states.append(JastrowRBM.random(chain(6), alpha=1, dtype=dtype))
    states.append(Product(LocalSpace(6), np.arange(6).astype(dtype), "special"))
    return states


def there_and_back(psi):
    table = json.loads(json.dumps(structure_table(psi)))
    arrays = {**structure_arrays(psi), **parameter_arrays("psi", psi)}
    return Rebuild(arrays, table)(arrays, "psi")


@pytest.mark.parametrize("dtype", [float, complex])
def test_every_kind_comes_back(dtype):
    for psi in wavefunctions(dtype):
        found = there_and_back(psi)
        assert type(found) is type(psi)
        assert found.describe() == psi.describe()
        assert found.flat.dtype == psi.flat.dtype
        assert np.array_equal(found.flat, psi.flat)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("projected", [False, True])
def test_files_from_when_there_were_rbms_only(tied, projected):
    arrays = {"psi_visible_bias": np.zeros(1 if tied else 6), "psi_hidden_bias": np.ones(2)}
    arrays["psi_weights"] = np.arange(12.0).reshape(6, 2)
    table = {"has_visible_bias": False, "has_hidden_bias": True}
    psi = RBM(np.zeros(6), np.ones(2), arrays["psi_weights"], False, True)
    if tied:
        arrays["tied_permutations"], table["tied_spin_inversion"] = GROUP.permutations, False
        weights = arrays["psi_weights"]
        psi = SymmetricRBM(np.zeros(1), np.ones(2), weights, GROUP, False, False, True)
    if projected:
        sector = SymmetrySector(GROUP, np.ones(6), 1, "k = 0 +")
        arrays["sector_permutations"] = GROUP.permutations
        arrays["sector_characters"] = sector.characters
        table["sector"] = {"parity": 1, "label": "k = 0 +"}
        psi = ProjectedRBM(psi, sector)
    rebuild = Rebuild(arrays, table)
    found = rebuild(arrays, "psi")
    assert found.describe() == psi.describe()
    assert np.array_equal(found.flat, psi.flat)
    base = rebuild.unprojected()(arrays, "psi")
    assert base.describe() == innermost(psi).describe()
    arrays["psi_visible_bias"] = arrays["psi_visible_bias"] + 1
    with pytest.raises(ValueError, match="must be zero"):
        rebuild(arrays, "psi")


def test_a_class_that_cannot_be_imported_is_named_in_one_line():
    table = structure_table(Product(LocalSpace(3), np.ones(3)))
    table["wavefunction"]["class"] = "no_such_module:Mine"
    with pytest.raises(ValueError, match="'no_such_module:Mine' cannot be imported") as caught:
        Rebuild({}, table)
    assert "\n" not in str(caught.value)
    table["wavefunction"]["class"] = "numpy:ndarray"
    with pytest.raises(TypeError, match="derived from VariationalState"):
        Rebuild({}, table)


def test_what_cannot_be_saved_is_refused():
    with pytest.raises(TypeError, match=r"structure.kind must hold plain JSON.*got set"):
        structure_table(Product(LocalSpace(3), np.ones(3), {1}))

    class Bad(Product):
        parameters = {"spins": np.ones(3)}  # noqa: RUF012

    with pytest.raises(ValueError, match="no parameter may be called 'spins'"):
        parameter_arrays("good", Bad(LocalSpace(3), np.ones(3)))


def test_arrays_of_other_types_or_shapes_are_refused():
    psi = Product(LocalSpace(3), np.ones(3))
    rebuild = Rebuild({}, structure_table(psi))
    with pytest.raises(ValueError, match="w must have shape"):
        rebuild({"psi_w": np.ones(4)}, "psi")
    with pytest.raises(ValueError, match="float64 or complex128"):
        rebuild({"psi_w": np.ones(3, np.float32)}, "psi")
