"""A shift that grows with the distance between hidden unit and site: (S + shift / f) x = F.

With y = x / f^(1/2) these are the equations of a Jacobian with columns times f^(1/2) and the shift
as it was. Where units with the same profile f stand together, its Gram matrix is

    sum_b (S f_b S^T) o (T_b T_b^dagger)

over blocks b of units, in factors as that of the plain RBM; see `rbmqs.core.gram`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class UnitBlocks:
    """Hidden units by the profile that they share.

    Parameters
    ----------
    order : int array (M,)
        Units, those of a block together.
    first : int64 (n_blocks + 1,)
        Where each block begins in `order`, and the end.
    near : int64 (n_blocks, n_near)
        Sites of the largest values of a profile.
    near_profile : float64 (n_blocks, n_near)
        Their values above the floor.
    floor : float64 (n_blocks,)
        Value of a profile at all other sites.
    """

    order: np.ndarray
    first: np.ndarray
    near: np.ndarray
    near_profile: np.ndarray
    floor: np.ndarray

    @classmethod
    def of(cls, block_of_unit: np.ndarray, profiles: np.ndarray, n_near: int) -> UnitBlocks:
        """Blocks that have units.

        Parameters
        ----------
        block_of_unit : int array (M,)
        profiles : float64 (n_blocks, N)
            Positive.
        n_near : int
            Sites with values of their own; the others share the mean of theirs.
        """
        order = np.argsort(block_of_unit, kind="stable")
        blocks, first = np.unique(block_of_unit[order], return_index=True)
        sorted_sites = np.argsort(-profiles[blocks], axis=1, kind="stable")
        values = np.take_along_axis(profiles[blocks], sorted_sites, axis=1)
        far = values[:, n_near:]
        floor = far.mean(axis=1) if far.shape[1] else np.zeros(len(blocks))
        near_profile = np.ascontiguousarray(values[:, :n_near] - floor[:, None])
        near = np.ascontiguousarray(sorted_sites[:, :n_near])
        return cls(order, np.append(first, len(order)), near, near_profile, floor)

    def profiles(self, n_sites: int) -> np.ndarray:
        """f of every weight, float64 (N, M)."""
        of_blocks = np.repeat(self.floor[:, None], n_sites, axis=1)
        np.put_along_axis(of_blocks, self.near, self.near_profile + self.floor[:, None], axis=1)
        profiles = np.empty((n_sites, len(self.order)))
        profiles[:, self.order] = np.repeat(of_blocks, np.diff(self.first), axis=0).T
        return profiles
