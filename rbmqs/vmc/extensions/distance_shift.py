"""Distance-dependent shift: weights to sites far from the centre of a hidden unit move less.

A thousand samples of 200 sites leave the 40,000 weights of a plain RBM open. Of all solutions
the shift takes the shortest, which spreads what belongs to neighbouring sites over pairs of sites
at all distances: noise everywhere, and little of what was meant. So each unit has a centre, and the
shift of a weight grows with the distance from there,

    shift_ij = diag_shift / f(d),      f(d) = 1 / ((1 + d)^2 n(d)),

d counting steps along terms of the Hamiltonian and n(d) being the number of sites within d. Samples
that do determine a weight move it all the same: only the shift differs, not S. Random starts have
weights times f^(1/2), in the same proportion: those of far sites, which would not move, added up to
a random factor in psi. docs/notes/distance-shift.md has the figures behind both.

Features of tied RBMs are determined by samples; later restarts (`rbmqs.vmc.extensions.multistart`)
centre them on sites all the same, as minima found from there are lower.

Units with centres in the same block of sites share a profile f, averaged over these, so that the
Gram matrix keeps its factors (`rbmqs.states.unit_blocks`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from rbmqs.sampling.initial_configurations import sites_of_terms
from rbmqs.states.rbm import RBM
from rbmqs.states.symmetric_rbm import SymmetricRBM
from rbmqs.states.unit_blocks import UnitBlocks
from rbmqs.vmc.batch import Batch
from rbmqs.vmc.extension import Extension, RunContext, register_extension
from rbmqs.vmc.run_state import RunState
from rbmqs.vmc.settings import RunSettings

if TYPE_CHECKING:
    from hamiltonians import SpinHamiltonian
    from rbmqs.states.state import VariationalState

# At least so many blocks of sites, and at most so many sites in one: on a chain of 64 blocks of
# eight ended 1.0 % above the ground state after 160 iterations, single sites 0.9 %.
_BLOCKS = 12
_LARGEST_BLOCK = 8
# On chains of 20, 32 and 48 sites (1.6, 2 and 3.4 parameters a sample) errors after 400 iterations
# were 8e-5, 1.7e-4 and 5e-4 with profiles and 7e-6, 1.4e-4 and 1.5e-3 without.
_FEW_SITES = 32
_NEAR = 32  # sites with values of their own in a profile; the others share one
_OWN = 0.1  # a unit is centred on site j mod N until a weight elsewhere is larger by this much


@dataclass(frozen=True, eq=False)
class DistanceShift:
    """Profiles of the shift around blocks of sites.

    Parameters
    ----------
    hamiltonian : SpinHamiltonian
        Sites are one step apart where a term of it acts on both of them.
    asked : bool, optional
        Whether the shift depends on distances. None for where samples are fewer than parameters,
        as more of them tell all weights apart, and there are more than 32 sites.
    """

    hamiltonian: SpinHamiltonian
    asked: bool | None = None

    @classmethod
    def of(cls, hamiltonian: SpinHamiltonian, settings: RunSettings) -> DistanceShift:
        """As the settings of a run ask for it."""
        return cls(hamiltonian, settings.optimiser.local_shift)

    def of_sums(self) -> DistanceShift | None:
        """For sums over all configurations, which leave no weight open: only where it is asked."""
        return self if self.asked else None

    @cached_property
    def distances(self) -> np.ndarray:
        """Steps between sites, int (N, N); N where there is no way."""
        from hamiltonians.lattices.neighbours import steps_between

        n = self.hamiltonian.n_sites
        edges = {
            pair
            for sites in sites_of_terms(self.hamiltonian)
            for pair in combinations(sorted(set(sites)), 2)
        }
        steps = steps_between(n, sorted(edges))
        return np.where(steps < 0, n, steps)

    @property
    def _none_is_far(self) -> bool:
        """Whether every site acts on every other."""
        return bool(self.distances.max() <= 1)

    @cached_property
    def _blocks(self) -> np.ndarray:
        """Block of each site, int (N,): compact ones, begun where fewest neighbours are left."""
        n = len(self.distances)
        size = min(max(n // _BLOCKS, 1), _LARGEST_BLOCK)
        blocks = np.full(n, -1)
        for block in range(n):
            left = blocks < 0
            if not left.any():
                break
            open_neighbours = (self.distances == 1) @ left
            seed = np.argmin(np.where(left, open_neighbours, n))
            order = np.lexsort((np.arange(n), open_neighbours, self.distances[seed]))
            blocks[order[left[order]][:size]] = block
        return blocks

    @cached_property
    def _profiles(self) -> np.ndarray:
        """f around each block, float64 (n_blocks, N)."""
        d = self.distances
        ordered = np.sort(d, axis=1)
        within = np.array([np.searchsorted(ordered[i], d[i], "right") for i in range(len(d))])
        each = 1.0 / ((1.0 + d) ** 2 * within)
        n_blocks = self._blocks.max() + 1
        return np.array([each[self._blocks == block].mean(axis=0) for block in range(n_blocks)])

    def unit_blocks(self, psi: VariationalState, n_samples: int) -> UnitBlocks | None:
        """Which units share which profile; None where the shift is the same for all weights.

        Raises
        ------
        ValueError
            The shift is asked to depend on distances, and weights are not plain.
        """
        if not isinstance(psi, RBM):
            if self.asked:
                raise ValueError("local_shift = true takes plain weights, not tied or projected")
            return None
        is_open = psi.n_parameters > n_samples and psi.n_sites > _FEW_SITES
        if not (is_open if self.asked is None else self.asked):
            return None
        if self._none_is_far:
            return None
        n_sites, n_hidden = psi.weights.shape
        size = abs(psi.weights)
        size[np.arange(n_hidden) % n_sites, np.arange(n_hidden)] += _OWN
        return UnitBlocks.of(self._blocks[size.argmax(axis=0)], self._profiles, _NEAR)

    def falling_with_distance(
        self, psi: VariationalState, n_samples: int, n_old: int = 0
    ) -> VariationalState:
        """Random weights that fall with distance as the shift grows, but for the first units."""
        blocks = self.unit_blocks(psi, n_samples)
        if blocks is None or not isinstance(psi, RBM):
            return psi
        factors = np.sqrt(blocks.profiles(psi.n_sites))
        factors[:, :n_old] = 1.0
        return replace(psi, weights=psi.weights * factors)

    def near_centres(self, psi: VariationalState) -> VariationalState:
        """Random weights of tied features that fall with distance d from a site as (1 + d)^-3/2.

        Sites that the group does not carry to each other take turns as centres. Other kinds of
        wavefunctions are handed back.
        """
        if not isinstance(psi, SymmetricRBM) or self._none_is_far:
            return psi
        one_of_each_orbit = np.unique(psi.orbits, return_index=True)[1]
        centres = np.resize(one_of_each_orbit, psi.n_features)
        return replace(psi, weights=psi.weights * (1.0 + self.distances[:, centres]) ** -1.5)


@register_extension("distance_shift")
class ShiftByDistance(Extension):
    """Hands the profiles of the shift to the solver of each iteration."""

    def __init__(self, run: RunContext) -> None:
        super().__init__(run)
        self.shift = DistanceShift.of(run.hamiltonian, run.settings)

    def optimiser_options(self, batch: Batch, state: RunState) -> Mapping[str, Any]:
        """See `rbmqs.sr.solve`."""
        shift = self.shift.of_sums() if batch.summed else self.shift
        blocks = None if shift is None else shift.unit_blocks(state.psi, batch.n_samples)
        return {} if blocks is None else {"blocks": blocks}
