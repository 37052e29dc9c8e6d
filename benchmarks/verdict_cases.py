"""Short runs on random small models with exact answers, for the calibration of verdicts.

A case is a number: it decides the model, the ansatz, the settings and the seed.
"""

import itertools

import numpy as np
from full_sum import full_sum_energy

import rbmqs
from hamiltonians import (
    X,
    Y,
    Z,
    chain,
    from_edges,
    ground_state,
    heisenberg,
    ising,
    j1j2,
    ladder,
    rectangle,
    spin_hamiltonian,
    triangular,
    xxz,
    xyz,
)
from hamiltonians.models.symmetries import find_sector

MAX_WORK = 2e6  # hidden units x iterations x samples


def _lattice(rng):
    """A chain, ladder, rectangle, triangular cluster or random graph of 4 to 14 sites."""
    kind = rng.choice(["chain", "open chain", "ladder", "rectangle", "triangular", "graph"])
    if kind == "graph":
        n = int(rng.integers(4, 15))
        pairs = [(i, j) for i in range(n) for j in range(i)]
        kept = rng.random(len(pairs)) < rng.choice([0.25, 0.5])
        path = {(i + 1, i) for i in range(n - 1)}
        edges = sorted(path | {pair for pair, k in zip(pairs, kept, strict=True) if k})
        return from_edges(edges, n)
    if kind == "ladder":
        return ladder(int(rng.integers(3, 8)), periodic=bool(rng.integers(2)))
    if kind == "rectangle":
        shape = ((2, 3), (3, 3), (2, 4), (3, 4), (2, 6))[rng.integers(5)]
        return rectangle(*shape, periodic=(shape[0] > 2, True))
    if kind == "triangular":
        return triangular(((3, 3), (3, 4))[rng.integers(2)])
    return chain(int(rng.integers(4, 15)), periodic=kind == "chain")


def _signs(rng, lattice):
    return bool(rng.integers(2)) and lattice.is_bipartite


def _ising(rng, lattice):
    n_bonds = len(lattice.bonds())
    J = rng.choice([1.0, -1.0]) if rng.integers(2) else rng.normal(size=n_bonds)
    hz = rng.normal(scale=0.5, size=lattice.n_sites) if rng.random() < 0.3 else 0.0
    return ising(lattice, h=rng.uniform(0.2, 3) * rng.choice([1, 1, 1, -1]), J=J, hz=hz)


def _heisenberg(rng, lattice):
    total_sz = rng.choice([0.0, None]) if lattice.n_sites % 2 == 0 else None
    n_bonds = len(lattice.bonds())
    J = 1.0 if rng.integers(2) else rng.uniform(0.2, 2, size=n_bonds)
    return heisenberg(lattice, J, total_sz=total_sz, marshall=_signs(rng, lattice))


def _xxz(rng, lattice):
    field = np.zeros((lattice.n_sites, 3))
    if rng.integers(2):
        field[:, 2] = rng.normal(size=lattice.n_sites)
    total_sz = (lattice.n_sites % 2) / 2 if rng.integers(2) else None
    delta = rng.uniform(-1.5, 2)
    return xxz(lattice, delta=delta, field=field, total_sz=total_sz, marshall=_signs(rng, lattice))


def _xyz(rng, lattice):
    Jx, Jy, Jz = rng.uniform(-1, 1.5, size=3)
    return xyz(lattice, Jx, Jy, Jz, marshall=_signs(rng, lattice))


def _j1j2(rng, lattice):
    if lattice.cell is None or min(len(lattice.bonds()), len(lattice.bonds(2))) == 0:
        return _heisenberg(rng, lattice)
    total_sz = 0.0 if lattice.n_sites % 2 == 0 and rng.integers(3) else None
    J2 = rng.uniform(0.1, 1.1)
    return j1j2(lattice, J2=J2, total_sz=total_sz, marshall=_signs(rng, lattice))


def _glass(rng, lattice):
    """Random fields and couplings of all kinds: complex, without any symmetry."""
    terms = 0 * Z(0)
    for i, j in lattice.bonds().tolist():
        for a, b in ((X, X), (Y, Y), (Z, Z)):
            terms = terms + rng.normal() * a(i) * b(j)
    for i in range(lattice.n_sites):
        terms = terms + rng.normal() * X(i) + rng.normal() * Z(i)
    return spin_hamiltonian(terms, lattice.n_sites)


FAMILIES = {
    "ising": _ising,
    "heisenberg": _heisenberg,
    "xxz": _xxz,
    "xyz": _xyz,
    "j1j2": _j1j2,
    "glass": _glass,
}


def case(number):
    """Hamiltonian, keywords of `rbmqs.ground_state`, and a name."""
    rng = np.random.default_rng([20, number])
    family = rng.choice(list(FAMILIES), p=[0.25, 0.2, 0.2, 0.1, 0.15, 0.1])
    lattice = _lattice(rng)
    hamiltonian = FAMILIES[family](rng, lattice)
    keywords = {
        "alpha": float(rng.choice([1, 1, 2, 3])),
        "n_iterations": int(np.exp(rng.uniform(np.log(60), np.log(500)))),
        "n_samples": int(rng.choice([128, 256, 512, 1024])),
        "n_final_samples": int(rng.choice([1024, 4096, 8192])),
        "seed": int(rng.integers(2**31)),
        "summation": None if rng.random() < 0.15 else False,
        "signs": None,  # excited states are what a verdict has to notice
    }
    symmetric = lattice.cell is not None and rng.random() < 0.25
    if symmetric:
        try:
            find_sector(hamiltonian, "symmetric")
            keywords["project"] = "symmetric"
        except ValueError:
            pass
    elif hamiltonian.is_real and rng.random() < 0.2:
        keywords["dtype"] = float
    return hamiltonian, keywords, f"{hamiltonian.name} {family}"


def short_cases(n, first=0):
    """n numbers, from `first` on, of cases that take a few seconds."""
    return list(itertools.islice(filter(_is_short, itertools.count(first)), n))


def _is_short(number):
    hamiltonian, keywords, _ = case(number)
    work = hamiltonian.n_sites * keywords["alpha"]
    work *= keywords["n_iterations"] * keywords["n_samples"]
    return work * (6 if "project" in keywords else 1) <= MAX_WORK


def run_case(number):
    """The result of a case, the exact energy, and that of its wavefunction without sampling."""
    hamiltonian, keywords, _ = case(number)
    result = rbmqs.ground_state(hamiltonian, **keywords, progress=False)
    sector = getattr(result.psi, "sector", None)
    exact = ground_state(hamiltonian, symmetry=sector, vectors=False).energy
    return result, exact, full_sum_energy(result)
