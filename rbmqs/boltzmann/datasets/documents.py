"""A corpus that every installation has: the docstrings of numpy's and scipy's functions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from hamiltonians.utils.checks import positive_int

MODULES = (
    "numpy", "numpy.linalg", "numpy.fft", "numpy.random", "numpy.ma", "numpy.polynomial.chebyshev",
    "scipy.cluster.hierarchy", "scipy.fft", "scipy.integrate", "scipy.interpolate", "scipy.io",
    "scipy.linalg", "scipy.ndimage", "scipy.optimize", "scipy.signal", "scipy.sparse",
    "scipy.sparse.csgraph", "scipy.sparse.linalg", "scipy.spatial.distance", "scipy.special",
    "scipy.stats",
)  # fmt: skip
MAX_SHARE = 0.3  # of the documents: a word of more of them says nothing of a topic
_WORD = re.compile(r"[a-z]{3,}")


class Documents(NamedTuple):
    """Documents as bags of words.

    Attributes
    ----------
    counts : scipy.sparse.csr_matrix (documents, vocabulary)
        How often each document has each word.
    words : array of str (vocabulary,)
    names : array of str (documents,)
    """

    counts: sparse.csr_matrix
    words: np.ndarray
    names: np.ndarray


def docstrings(
    modules: tuple[str, ...] = MODULES, n_words: int = 1000, min_length: int = 20
) -> Documents:
    """Docstrings of the public functions of modules as bags of words.

    Words are three or more letters a to z, in lower case; the `n_words` most frequent ones are
    kept of those that are in at most 30% of the documents, and documents of at least `min_length`
    such words. Texts that occur twice count once. The counts depend on the installed versions.

    Parameters
    ----------
    modules : tuple of str
        Modules to import, by name.
    n_words : int
    min_length : int

    Returns
    -------
    Documents
    """
    positive_int("n_words", n_words)
    positive_int("min_length", min_length)
    texts = {text: name for name, text in _texts(modules)}
    bags = [Counter(_WORD.findall(text.lower())) for text in texts]
    present = Counter(word for bag in bags for word in bag)
    total = sum(bags, Counter())
    useful = {word: n for word, n in total.items() if present[word] <= MAX_SHARE * len(bags)}
    words = sorted(sorted(useful, key=lambda word: (-useful[word], word))[:n_words])
    counts = _counted(bags, words)
    long_enough = np.asarray(counts.sum(axis=1)).ravel() >= min_length
    names = np.array(list(texts.values()))
    return Documents(counts[long_enough], np.array(words), names[long_enough])


def _texts(modules: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for name in modules:
        module = import_module(name)
        for attribute in sorted(vars(module)):
            if not attribute.startswith("_"):
                text = _docstring(getattr(module, attribute))
                if text:
                    yield f"{name}.{attribute}", text


def _docstring(thing: Any) -> str:
    """The text of a function, ufunc or other callable that is no class; else nothing."""
    if isinstance(thing, type | ModuleType) or not callable(thing):
        return ""
    return getattr(thing, "__doc__", None) or ""


def _counted(bags: list[Counter[str]], words: list[str]) -> sparse.csr_matrix:
    column = {word: k for k, word in enumerate(words)}
    entries = [
        (row, column[word], n) for row, bag in enumerate(bags) for word, n in bag.items()
        if word in column
    ]  # fmt: skip
    rows, columns, values = np.array(entries, dtype=np.int64).reshape(-1, 3).T
    return sparse.csr_matrix((values, (rows, columns)), shape=(len(bags), len(words)))
