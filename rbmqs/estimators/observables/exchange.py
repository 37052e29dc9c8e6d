"""Local values of sigma^x_i sigma^x_j + sigma^y_i sigma^y_j for many pairs at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from hamiltonians.operators.connections import Connections
    from rbmqs.sampling.chains import Samples
    from rbmqs.states.state import VariationalState


def exchange_connections(hamiltonian: SpinHamiltonian, pairs: np.ndarray) -> Connections:
    """XX + YY of each pair in the basis of the Hamiltonian, a flip each.

    Parameters
    ----------
    pairs : int array (n_pairs, 2)
        Rows i < j, sorted: flips come in this order.
    """
    from hamiltonians import PauliSum, observable_connections

    terms = PauliSum.from_terms(
        (1.0, ((i, letter), (j, letter))) for i, j in pairs.tolist() for letter in "XY"
    )
    return observable_connections(hamiltonian.rotate_observable(terms), hamiltonian.n_sites)


def exchange_values(
    psi: VariationalState, hamiltonian: SpinHamiltonian, samples: Samples, connections: Connections
) -> np.ndarray:
    """Local values of XX + YY, complex (n_samples, n_pairs); parallel spins give zero."""
    fixed = hamiltonian.total_sz is not None
    return psi.flip_ratios(samples.flat, connections, fixed)
