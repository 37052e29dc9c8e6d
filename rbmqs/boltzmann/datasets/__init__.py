"""Data sets with known optima, made here, and MNIST from a file the user has."""

from rbmqs.boltzmann.datasets.documents import Documents, docstrings
from rbmqs.boltzmann.datasets.generated import Dataset, bars_and_stripes, labelled_shifter
from rbmqs.boltzmann.datasets.ising import ising_samples
from rbmqs.boltzmann.datasets.mnist import binarise, find_mnist, read_mnist
from rbmqs.boltzmann.datasets.ratings import RatingSet, taste_ratings

__all__ = [
    "Dataset",
    "Documents",
    "RatingSet",
    "bars_and_stripes",
    "binarise",
    "docstrings",
    "find_mnist",
    "ising_samples",
    "labelled_shifter",
    "read_mnist",
    "taste_ratings",
]
