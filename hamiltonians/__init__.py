"""Spin Hamiltonians: lattices, operators, models, exact diagonalisation, reference energies.

    >>> from hamiltonians import chain, ising, ground_state
    >>> ground_state(ising(chain(10), h=1.0)).energy

Spins 1/2 by Pauli matrices, others by S_x, S_y, S_z; the highest S_z is up and comes first; site 0
is the leftmost Kronecker factor. Names below come from the files of the same subject; solvers are
imported on first use.
"""

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
from hamiltonians.models.higher_spins import aklt, bilinear_biquadratic, blume_capel
from hamiltonians.models.long_range import long_range_ising, long_range_xy, rydberg
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
from hamiltonians.operators.level_connections import LevelConnections, connected
from hamiltonians.operators.local_space import LocalSpace
from hamiltonians.operators.pauli import PauliSum, X, Y, Z, identity
from hamiltonians.operators.spin import Sm, Sp, SpinOperator, Sx, Sy, Sz, spin_dot
from hamiltonians.symmetry.groups import SymmetryGroup, SymmetrySector
from hamiltonians.symmetry.rotations import Rotation
from hamiltonians.utils.lazy import names_on_first_use

_on_first_use, __getattr__, _ = names_on_first_use(
    __name__,
    {
        "exact.checkpoints": "StoppedError",
        "exact.diagonalisation": (
            "ExactResult expectation full_spectrum ground_state memory_needed memory_plan"
        ),
        "exact.entanglement": "entanglement_entropy entanglement_spectrum",
        "exact.evolution": "evolve loschmidt_echo",
        "exact.free_fermions": "ising_chain_dynamics",
        "exact.level_statistics": "LevelStatistics level_statistics",
        "exact.ground_sector": "ground_sector with_smallest_sz",
        "exact.product_states": "product_state",
        "exact.response": "DynamicalCorrelation dynamical_correlation",
        "exact.spectrum": "low_spectrum",
        "exact.thermal": "Thermal thermal",
        "operators.sectors": "Sector",
        "operators.spin_sectors": "SpinSector",
        "references.lookup": "Reference best_reference heisenberg_chain_energy ising_chain_energy",
        "symmetry.automorphisms": "automorphism_group symmetry_group",
        "utils.memory": "TooLargeError",
    },
)

__all__ = [
    "LATTICES",
    "MODELS",
    "SIGN_RULES",
    "BitConnections",
    "Connections",
    "DrivenHamiltonian",
    "Lattice",
    "LevelConnections",
    "LocalSpace",
    "ModelSpec",
    "PauliSum",
    "Rotation",
    "Sm",
    "Sp",
    "SpinHamiltonian",
    "SpinOperator",
    "Sx",
    "Sy",
    "SymmetryGroup",
    "SymmetrySector",
    "Sz",
    "UnitCell",
    "X",
    "Y",
    "Z",
    "aklt",
    "average_sign",
    "bilinear_biquadratic",
    "bit_connections",
    "blume_capel",
    "bond_sum",
    "chain",
    "checkerboard",
    "compile_connections",
    "connected",
    "cubic",
    "from_cell",
    "from_edges",
    "heisenberg",
    "honeycomb",
    "identity",
    "ising",
    "j1j2",
    "kagome",
    "ladder",
    "long_range_ising",
    "long_range_xy",
    "model",
    "observable_connections",
    "pyrochlore",
    "rectangle",
    "rules_of",
    "rydberg",
    "shuriken",
    "spin_dot",
    "spin_hamiltonian",
    "square",
    "tilted_square",
    "triangular",
    "unit_cell",
    "xxz",
    "xyz",
    *_on_first_use,
]


def __dir__() -> list[str]:
    return sorted(__all__)
