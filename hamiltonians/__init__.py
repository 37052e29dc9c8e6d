"""Spin-1/2 Hamiltonians: lattices, Pauli sums, models, exact diagonalisation, reference energies.

    >>> from hamiltonians import chain, ising, ground_state
    >>> ground_state(ising(chain(10), h=1.0)).energy

Pauli matrices throughout; sigma = +1 is up and comes first; site 0 is the leftmost Kronecker
factor. Names below come from the files of the same subject; solvers are imported on first use.
"""

from importlib import import_module
from typing import Any

from hamiltonians.lattices import (
    LATTICES,
    Lattice,
    UnitCell,
    chain,
    checkerboard,
    cubic,
    from_cell,
    from_edges,
    honeycomb,
    kagome,
    ladder,
    pyrochlore,
    rectangle,
    shuriken,
    square,
    tilted_square,
    triangular,
    unit_cell,
)
from hamiltonians.models.driven import DrivenHamiltonian
from hamiltonians.models.hamiltonian import ModelSpec, SpinHamiltonian, spin_hamiltonian
from hamiltonians.models.named import MODELS, heisenberg, ising, j1j2, model, xxz, xyz
from hamiltonians.models.sign_rules import SIGN_RULES, average_sign, rules_of
from hamiltonians.models.terms import bond_sum
from hamiltonians.operators.connections import (
    BitConnections,
    Connections,
    bit_connections,
    compile_connections,
    observable_connections,
)
from hamiltonians.operators.local_space import LocalSpace
from hamiltonians.operators.pauli import PauliSum, Sm, Sp, X, Y, Z, identity
from hamiltonians.symmetry.groups import SymmetryGroup, SymmetrySector
from hamiltonians.symmetry.rotations import Rotation

_ON_FIRST_USE = {
    "Sector": "operators.sectors",
    "ExactResult": "exact.diagonalisation",
    "TooLargeError": "utils.memory",
    "entanglement_entropy": "exact.entanglement",
    "expectation": "exact.diagonalisation",
    "full_spectrum": "exact.diagonalisation",
    "ground_state": "exact.diagonalisation",
    "memory_needed": "exact.diagonalisation",
    "memory_plan": "exact.diagonalisation",
    "evolve": "exact.evolution",
    "ising_chain_dynamics": "exact.free_fermions",
    "loschmidt_echo": "exact.evolution",
    "product_state": "exact.product_states",
    "ground_sector": "exact.ground_sector",
    "low_spectrum": "exact.spectrum",
    "with_smallest_sz": "exact.ground_sector",
    "Reference": "references.lookup",
    "best_reference": "references.lookup",
    "heisenberg_chain_energy": "references.lookup",
    "ising_chain_energy": "references.lookup",
    "automorphism_group": "symmetry.automorphisms",
    "symmetry_group": "symmetry.automorphisms",
}

__all__ = [
    "LATTICES",
    "MODELS",
    "SIGN_RULES",
    "BitConnections",
    "Connections",
    "DrivenHamiltonian",
    "ExactResult",
    "Lattice",
    "LocalSpace",
    "ModelSpec",
    "PauliSum",
    "Reference",
    "Rotation",
    "Sector",
    "Sm",
    "Sp",
    "SpinHamiltonian",
    "SymmetryGroup",
    "SymmetrySector",
    "TooLargeError",
    "UnitCell",
    "X",
    "Y",
    "Z",
    "automorphism_group",
    "average_sign",
    "best_reference",
    "bit_connections",
    "bond_sum",
    "chain",
    "checkerboard",
    "compile_connections",
    "cubic",
    "entanglement_entropy",
    "evolve",
    "expectation",
    "from_cell",
    "from_edges",
    "full_spectrum",
    "ground_sector",
    "ground_state",
    "heisenberg",
    "heisenberg_chain_energy",
    "honeycomb",
    "identity",
    "ising",
    "ising_chain_dynamics",
    "ising_chain_energy",
    "j1j2",
    "kagome",
    "ladder",
    "loschmidt_echo",
    "low_spectrum",
    "memory_needed",
    "memory_plan",
    "model",
    "observable_connections",
    "product_state",
    "pyrochlore",
    "rectangle",
    "rules_of",
    "shuriken",
    "spin_hamiltonian",
    "square",
    "symmetry_group",
    "tilted_square",
    "triangular",
    "unit_cell",
    "with_smallest_sz",
    "xxz",
    "xyz",
]


def __getattr__(name: str) -> Any:
    if name in _ON_FIRST_USE:
        return getattr(import_module(f"hamiltonians.{_ON_FIRST_USE[name]}"), name)
    raise AttributeError(f"module 'hamiltonians' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
