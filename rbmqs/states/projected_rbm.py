"""A wavefunction projected onto a symmetry sector.

    Psi(sigma) = 1/|G| sum_g chi(g)^* psi(g sigma)

obeys Psi(g sigma) = chi(g) Psi(sigma): momentum, point-group and spin-inversion quantum numbers are
exact for every parameter (Nomura, J. Phys. Condens. Matter 33, 174003 (2021), arXiv:2009.14777;
Chen, Hendry, Weinberg & Feiguin, arXiv:2206.14307). Where psi is invariant under a subgroup, the
sum runs through its cosets.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from hamiltonians.operators.connections import is_invariant
from hamiltonians.operators.level_connections import LevelConnections
from hamiltonians.symmetry.groups import SymmetrySector
from rbmqs.core import images
from rbmqs.core.projected import (
    add_over_images,
    add_projected,
    image_table_pays,
    images_of_flips,
)
from rbmqs.core.projected_chains import sample_projected
from rbmqs.core.split_complex import split
from rbmqs.core.tables import rows_at_once
from rbmqs.states.jacobian import Jacobian
from rbmqs.states.projection import (
    check_sector,
    coset_representatives,
    rows_of_images,
    sector_from,
    sector_structure,
)
from rbmqs.states.rbm import RBM
from rbmqs.states.registry import register_ansatz
from rbmqs.states.spin_rbm import SpinRBM
from rbmqs.states.starts import projected_stddev, small_random
from rbmqs.states.state import OfBase, VariationalState
from rbmqs.states.symmetric_rbm import SymmetricRBM

if TYPE_CHECKING:
    from rbmqs.states.generic import SweepTask

_TRIVIAL = 1e-10  # how far characters may be from those that psi demands


@register_ansatz("projected-rbm")
@dataclass(frozen=True, eq=False)
class ProjectedRBM(OfBase):
    """A plain or tied RBM projected onto a one-dimensional irrep of a group.

    Parameters
    ----------
    base : RBM, SymmetricRBM or SpinRBM
        psi, whose parameters are those of the whole.
    sector : hamiltonians.SymmetrySector
        Group, characters and parity under spin inversion.

    Raises
    ------
    ValueError
        Complex characters of a wavefunction with real parameters; a sector in which every state of
        this wavefunction vanishes; different numbers of sites.
    """

    base: RBM | SymmetricRBM | SpinRBM
    sector: SymmetrySector

    def __post_init__(self) -> None:
        if not isinstance(self.base, RBM | SymmetricRBM | SpinRBM):
            raise TypeError(
                f"base must be RBM, SymmetricRBM or SpinRBM, got {type(self.base).__name__}"
            )
        check_sector("base", self.base.n_sites, self.base.is_complex, self.sector)
        if self.sector.spin_inversion == -1 and is_even(self.base):
            raise ValueError(
                "sector is odd under spin inversion, but the wavefunction is even: "
                "give it hidden biases (or visible ones)"
            )
        _ = self._images  # refuses a sector in which the wavefunction vanishes
        _ = self._asked  # one record for all copies of `with_flat`

    @cached_property
    def _images(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Permutations, signs and conjugate characters over their number of the sum's terms."""
        rows, characters = _coset_representatives(self.base, self.sector)
        parity = self.sector.spin_inversion
        signs = np.ones(len(rows))
        if parity is not None and not is_even(self.base):
            rows = np.concatenate([rows, rows])
            signs = np.concatenate([signs, -signs])
            characters = np.concatenate([characters, parity * characters])
        return np.ascontiguousarray(rows), signs, np.conj(characters) / len(rows)

    @cached_property
    def _group(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """`_images` and their `rows_of_images`."""
        permutations, signs, characters = self._images
        return permutations, signs, characters, rows_of_images(permutations, signs)

    @property
    def n_images(self) -> int:
        """Number of terms of the sum."""
        return len(self._images[0])

    @property
    def n_hidden(self) -> int:
        """Number of hidden units M of each term of the sum."""
        return self.base.n_hidden

    @property
    def alpha(self) -> float:
        """Density of hidden units M/N."""
        return self.base.alpha

    def with_parameters(self, parameters: Mapping[str, np.ndarray]) -> ProjectedRBM:
        """The same wavefunction with other values of its parameters, by name."""
        moved = copy(self)  # keeps what depends on the sector alone, and skips its checks
        object.__setattr__(moved, "base", self.base.with_parameters(parameters))
        for name in ("_plain", "_rbm", "flat"):
            moved.__dict__.pop(name, None)
        return moved

    def randomised(self, seed: np.random.SeedSequence) -> ProjectedRBM:
        """See `VariationalState.randomised`."""
        stddev = projected_stddev(self.sector)
        return self.with_flat(small_random(self.flat.shape, self.is_complex, seed, stddev))

    def structure(self) -> dict[str, Any]:
        """The structure of the base, by kind, and the sector."""
        kind = _KINDS[type(self.base)]
        return {kind: self.base.structure(), **sector_structure(self.sector)}

    @classmethod
    def from_structure(
        cls, structure: Mapping[str, Any], parameters: Mapping[str, np.ndarray]
    ) -> ProjectedRBM:
        """See `VariationalState.from_structure`."""
        kind, name = next((kind, name) for kind, name in _KINDS.items() if name in structure)
        base = kind.from_structure(structure[name], parameters)
        return cls(base, sector_from(structure))

    @cached_property
    def _plain(self) -> RBM | SpinRBM:
        return self.base if isinstance(self.base, RBM) else self.base.plain

    @cached_property
    def _rbm(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        psi = self._plain
        return split(psi.visible_bias), split(psi.hidden_bias), split(psi.weights)

    def _projected(self, sigma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights (n_samples, n_images) of the terms in Psi, and log Psi (n_samples,)."""
        permutations, signs, _ = self._images
        log_psi = np.empty((len(sigma), self.n_images), dtype=complex)
        if isinstance(self.base, SpinRBM):
            n_rows = rows_at_once(self._plain.flip_tables)
            for part, found in images.images_in_parts(sigma, permutations, signs, n_rows):
                amplitudes = self._plain.log_amplitudes(found.reshape(-1, self.n_sites))
                log_psi[part] = amplitudes.reshape(len(found), -1)
            return self._weighted(log_psi)
        n_units = self._plain.flip_tables.rows.shape[2]
        images.image_amplitudes(
            self._plain.flip_tables.split, np.ascontiguousarray(sigma, dtype=np.int8),
            permutations, signs, *self._rbm, n_units, log_psi,
        )  # fmt: skip
        return self._weighted(log_psi)

    def _weighted(self, log_psi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        image_weights, log_sums = np.empty_like(log_psi), np.empty(len(log_psi), dtype=complex)
        images.project(log_psi, self._images[2], image_weights, log_sums)
        return image_weights, log_sums

    def log_amplitudes(self, spins: np.ndarray) -> np.ndarray:
        """log Psi of spins (n_samples, N), unchecked; -inf where symmetry makes it vanish."""
        return self._projected(spins)[1]

    def prepare(self, sigma: np.ndarray) -> np.ndarray:
        """Weights of the terms in Psi(sigma), complex (n_samples, n_images)."""
        return self._projected(sigma)[0]

    def add_off_diagonal(
        self,
        sigma: np.ndarray,
        connections: Any,
        fixed_sector: bool,
        per_flip: bool,
        out: np.ndarray,
        cache: np.ndarray | None = None,
    ) -> None:
        """See `VariationalState.add_off_diagonal`."""
        sigma = np.ascontiguousarray(sigma, dtype=np.int8)
        of_levels = isinstance(connections, LevelConnections)
        ends = connections.change_ptr if of_levels else connections.flip_ptr
        commutes = not per_flip and self._commutes_with(connections)
        if self._plain.exceeds_tables(int(np.diff(ends).max(initial=0))) or (
            of_levels and not commutes
        ):
            where = (sigma, connections, fixed_sector, per_flip, out)
            VariationalState.add_off_diagonal(self, *where, self.log_psi(sigma))
            return
        if commutes:
            image_weights = self.prepare(sigma) if cache is None else cache
            self._add_over_images(sigma, connections, fixed_sector, image_weights, out[:, 0])
            return
        add_projected(
            sigma, connections, fixed_sector, per_flip, self._plain.flip_tables, self._rbm,
            self._group, out,
        )  # fmt: skip

    def _add_over_images(
        self,
        sigma: np.ndarray,
        connections: Any,
        fixed_sector: bool,
        image_weights: np.ndarray,
        out: np.ndarray,
    ) -> None:
        """Add the mean of psi's own values over the images, each with its weight in Psi.

        An operator that commutes with g connects g sigma to the g sigma', by the same elements:
        sum_sigma' <sigma|O|sigma'> Psi(sigma')/Psi(sigma) = sum_g weight_g O_psi(g sigma).
        """
        table = self._asked[0][2]
        tables = self._plain.flip_tables
        if table is not None and image_table_pays(tables, table):
            add_over_images(
                sigma, connections, fixed_sector, image_weights, tables, table, self._rbm,
                self._images[:2], out,
            )  # fmt: skip
            return
        permutations, signs, _ = self._images
        n_rows = rows_at_once(tables)
        for part, found in images.images_in_parts(sigma, permutations, signs, n_rows):
            rows = found.reshape(-1, self.n_sites)
            values = np.zeros((len(rows), 1), dtype=complex)
            self._plain.add_off_diagonal(rows, connections, fixed_sector, False, values)
            out[part] += (image_weights[part] * values.reshape(-1, self.n_images)).sum(axis=1)

    def _commutes_with(self, connections: Any) -> bool:
        """Whether the off-diagonal part of an operator is invariant under every image."""
        if not self._asked or self._asked[0][0] is not connections:
            permutations, signs, _ = self._images
            table = None
            if isinstance(self._plain, SpinRBM):
                answer = self._plain.is_invariant(connections, permutations, signs)
            else:
                answer = is_invariant(connections, permutations, signs)
                if answer:
                    table = images_of_flips(connections, self._group[3])
            self._asked[:] = [(connections, answer, table)]
        return self._asked[0][1]

    @cached_property
    def _asked(self) -> list[tuple[Any, bool, np.ndarray | None]]:
        """The operator that was asked for last, the answer, and the images of its flips.

        A run asks for H time and again.
        """
        return []

    def jacobian(
        self,
        sigma: np.ndarray,
        cache: np.ndarray | None = None,
        weights: np.ndarray | None = None,
    ) -> Jacobian:
        """See `VariationalState.jacobian`: means over images by their weights."""
        image_weights = self.prepare(sigma) if cache is None else cache
        permutations, signs, _ = self._images
        derivatives = self.base.image_derivatives(sigma, permutations, signs, image_weights)
        return Jacobian.of_rows(derivatives, weights)

    def sweep(self, task: SweepTask) -> np.ndarray:
        """Metropolis chains on |Psi|^(2 beta); see `rbmqs.core.projected_chains`."""
        if isinstance(self.base, SpinRBM) or self._plain.exceeds_tables(2):
            return VariationalState.sweep(self, task)
        return sample_projected(
            *task[:5], self._plain.flip_tables, self._rbm, self._group, *task[5:]
        )

    def describe(self) -> dict[str, Any]:
        """Shape of the wavefunction, for logs and checkpoints."""
        base = self.base.describe()
        return {
            "ansatz": "ProjectedRBM",
            "base": base,
            "sector": self.sector.label,
            "group_order": self.sector.group.order,
            "spin_inversion": self.sector.spin_inversion,
            "n_images": self.n_images,
            **{k: base[k] for k in ("n_sites", "n_hidden", "n_parameters", "dtype")},
        }


_KINDS: dict[type[RBM | SymmetricRBM | SpinRBM], str] = {
    RBM: "plain",
    SymmetricRBM: "tied",
    SpinRBM: "spins",
}  # of bases, in files


def is_even(psi: RBM | SymmetricRBM | SpinRBM) -> bool:
    """Whether psi(-sigma) = psi(sigma) for every value of its parameters."""
    if isinstance(psi, SpinRBM):
        return False
    if isinstance(psi, SymmetricRBM) and psi.spin_inversion:
        return True
    return not (psi.has_visible_bias or psi.has_hidden_bias)


def _coset_representatives(
    base: RBM | SymmetricRBM | SpinRBM, sector: SymmetrySector
) -> tuple[np.ndarray, np.ndarray]:
    """One element for each set of elements under which psi(g sigma) is the same.

    psi(h g sigma) = psi(g sigma) for h in the group that the weights are tied over, where it is
    part of the sector's group.
    """
    group, characters = sector.group, np.asarray(sector.characters)
    tied_over = getattr(base, "group", None)
    tied = [] if tied_over is None else list(tied_over.permutations)
    known = {row.tobytes(): g for g, row in enumerate(group.permutations)}
    inner = [known[row.tobytes()] for row in tied if row.tobytes() in known]
    if any(abs(characters[g] - 1) > _TRIVIAL for g in inner):
        raise ValueError(
            f"sector {sector.label!r} changes sign or phase under the group of the tied weights, "
            f"under which the wavefunction is invariant: tie over a smaller group"
        )
    if len(inner) <= 1:
        return group.permutations, characters
    chosen = coset_representatives(group.order, lambda g: group.product(np.array(inner), g))
    return group.permutations[chosen], characters[chosen]
