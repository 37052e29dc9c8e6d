"""Which site an isometry carries each site to."""

import numpy as np
from numpy.typing import NDArray

from hamiltonians.lattices.cluster_of_points import ClusterOfPoints

_FEW_SITES = 64  # up to which all pairs are compared
_TOLERANCE = 1e-6  # of a lattice constant: positions closer than this are one site


class SiteMaps:
    """Looks up images of sites in a cluster with its periodic directions."""

    def __init__(self, lattice: ClusterOfPoints) -> None:
        self._positions = np.array(lattice.positions)
        self._translations = np.array(lattice.translations).reshape(-1, self._positions.shape[1])
        self._frame = np.linalg.inv(_completed(self._translations))
        n_periodic = len(self._translations)
        box = np.zeros(self._positions.shape[1])
        box[:n_periodic] = 1.0
        self._n_periodic = n_periodic
        self._points = self._folded(self._positions)
        self._tree = None
        if len(self._points) > _FEW_SITES:
            from scipy.spatial import cKDTree  # late: 0.4 s of a start

            self._tree = cKDTree(self._points, boxsize=box)

    def find(self, R: NDArray[np.float64], shift: NDArray[np.float64]) -> NDArray[np.int64] | None:
        """Site at the image R r + shift of each site, or None if an image is no site."""
        images = self._folded(self._positions @ R.T + shift)
        if self._tree is None:
            steps = images[:, None] - self._points
            steps[..., : self._n_periodic] -= np.rint(steps[..., : self._n_periodic])
            distances = np.linalg.norm(steps, axis=-1)
            apart, sites = distances.min(axis=1), distances.argmin(axis=1)
        else:
            apart, sites = self._tree.query(images)
        return None if apart.max() > _TOLERANCE else sites

    def permutation(self, R: NDArray[np.float64], shift: NDArray[np.float64]) -> NDArray[np.int64]:
        """The isometry as a permutation in the gather convention.

        Raises
        ------
        ValueError
            If it does not map sites to sites.
        """
        sites = self.find(R, shift)
        if sites is None:
            raise ValueError(f"the isometry {R.tolist()}, {shift.tolist()} must map sites to sites")
        return np.argsort(sites)

    def keeps_translations(self, R: NDArray[np.float64]) -> bool:
        """Whether R maps the translations of the cluster onto themselves."""
        if not self._n_periodic:
            return True
        rotated = self._translations @ R.T @ self._frame
        return bool(
            np.allclose(rotated, rotated.round(), atol=_TOLERANCE)
            and np.allclose(rotated[:, self._n_periodic :], 0, atol=_TOLERANCE)
        )

    def _folded(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Coordinates along the translations in [0, 1), and across them as they are."""
        coordinates = points @ self._frame
        wrapped = coordinates[:, : self._n_periodic]
        wrapped -= np.floor(wrapped)
        wrapped[wrapped >= 1] = 0
        return coordinates


def _completed(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rows, and unit vectors across them, as the rows of a square matrix."""
    dimension = rows.shape[1]
    if not len(rows):
        return np.eye(dimension)
    across = np.linalg.svd(rows)[2][len(rows) :]
    return np.concatenate([rows, across])
