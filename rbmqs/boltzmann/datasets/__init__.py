"""Data sets with known optima, made here, and MNIST from a file the user has."""

from rbmqs.boltzmann.datasets.generated import Dataset, bars_and_stripes, labelled_shifter
from rbmqs.boltzmann.datasets.ising import ising_samples
from rbmqs.boltzmann.datasets.mnist import binarise, find_mnist, read_mnist

__all__ = [
    "Dataset",
    "bars_and_stripes",
    "binarise",
    "find_mnist",
    "ising_samples",
    "labelled_shifter",
    "read_mnist",
]
