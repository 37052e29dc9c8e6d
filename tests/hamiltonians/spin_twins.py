"""Operators on spins of any S by Kronecker products alone, to compare with."""

import numpy as np


def spin_matrix(word, spin):
    """S_x, ... from S_+|m> = sqrt(S(S+1) - m(m+1)) |m+1>, element by element."""
    m = [spin - k for k in range(round(2 * spin) + 1)]
    raising = np.array(
        [[np.sqrt(spin * (spin + 1) - b * (b + 1)) * (a == b + 1) for b in m] for a in m]
    )
    return {
        "Sp": raising, "Sm": raising.T, "Sz": np.diag(m), "Sx": (raising + raising.T) / 2,
        "Sy": (raising - raising.T) / 2j,
    }[word]  # fmt: skip


def product_matrix(factors, dims):
    """kron over all sites of matrices by site, identities elsewhere."""
    total = np.eye(1)
    for site, d in enumerate(dims):
        total = np.kron(total, factors.get(site, np.eye(d)))
    return total


def dot_matrix(i, j, spins):
    dims = [round(2 * s) + 1 for s in spins]
    pairs = [{i: spin_matrix(a, spins[i]), j: spin_matrix(a, spins[j])} for a in ("Sx", "Sy", "Sz")]
    return sum(product_matrix(pair, dims) for pair in pairs)


def full_levels(H, sectors):
    """Levels of several sectors with their copies, ascending."""
    import hamiltonians as hm

    found = []
    for block, sector in sectors:
        levels = hm.full_spectrum(block, symmetry=sector)
        found += (1 if sector is None else sector.copies) * levels.tolist()
    return np.sort(found)
