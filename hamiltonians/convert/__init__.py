"""Exchange with QuSpin, NetKet, scipy.sparse and NetworkX.

Here operators are Pauli matrices sigma; other programs and papers may mean spins S = sigma / 2, a
factor of four in a Heisenberg energy. So every function asks which, and none assumes it:

- Where the other side spells operators with coefficients (QuSpin lists, NetworkX edges) it asks
  which operators they multiply. The operator and its energies are the same on both sides.
- Where the other side holds matrix elements (scipy.sparse, NetKet) it asks for their ``units``:
  "pauli" for the Hamiltonian as it is, "spin" for the one with S in place of each sigma, in which
  a product of w operators is 2^-w times as large.

Sites and basis states come in the same order everywhere: site 0 is the leftmost Kronecker factor
and spin up comes first.
"""

from hamiltonians.convert.matrices import from_scipy, to_scipy
from hamiltonians.convert.netket import (
    from_netket,
    lattice_from_netket,
    lattice_to_netket,
    to_netket,
)
from hamiltonians.convert.networkx import (
    from_networkx,
    lattice_from_networkx,
    lattice_to_networkx,
    to_networkx,
)
from hamiltonians.convert.quspin import from_quspin, to_quspin

__all__ = [
    "from_netket",
    "from_networkx",
    "from_quspin",
    "from_scipy",
    "lattice_from_netket",
    "lattice_from_networkx",
    "lattice_to_netket",
    "lattice_to_networkx",
    "to_netket",
    "to_networkx",
    "to_quspin",
    "to_scipy",
]
