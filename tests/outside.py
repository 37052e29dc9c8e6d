"""A lattice, a model and a sign rule from outside the package, named by import path."""

from hamiltonians import from_edges, ising


def star(length, periodic=True):
    return from_edges([(0, i) for i in range(1, length)])


def strong_field(lattice, strength=1.0):
    return ising(lattice, h=10 * strength)


def every_site(lattice):
    return (3,) * lattice.n_sites
