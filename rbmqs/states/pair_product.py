"""A pair product, the projected BCS state of one electron a site, times an RBM.

    psi(sigma) = s(sigma) det f(u_a, d_b) * psi_RBM(sigma)

with the sites u_a of spins up and d_b of spins down, as many of both, and the sign s that brings
the electrons c^+_u1 ... c^+_un c^+_d1 ... c^+_dn into the order of sites (Anderson, Science 235,
1196 (1987); with an RBM: Nomura, Darmawan, Yamaji & Imada, Phys. Rev. B 96, 205152 (2017),
arXiv:1709.06475). f_ij = f_ji makes singlets. Projected onto a sector of the lattice's symmetries,

    Psi(sigma) = 1/n sum_g chi(g)^* psi(g sigma),

it gave the lowest published energies of the J1-J2 model (Nomura & Imada, Phys. Rev. X 11, 031034
(2021), arXiv:2005.14142). Elements under which psi is invariant but for a sign, as those that f
and the weights are tied over, leave the sum: it runs through their cosets.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from hamiltonians.models.hamiltonian import SpinHamiltonian
from hamiltonians.models.symmetries import find_group, find_sector, is_even
from hamiltonians.operators.local_space import LocalSpace
from hamiltonians.symmetry.groups import SymmetryGroup, SymmetrySector
from hamiltonians.utils.checks import as_real, finite, instance, positive_int, root_seed, short
from rbmqs.core import images
from rbmqs.core.pair_product import add_pairs, pair_amplitudes, pair_gradients, sample_pairs
from rbmqs.core.split_complex import split
from rbmqs.states.generic import SweepTask
from rbmqs.states.jacobian import Jacobian
from rbmqs.states.pairing import TiedPairs, check_pairable, powers_in, starting_pairs
from rbmqs.states.projection import (
    SAME,
    check_sector,
    coset_representatives,
    factors_of,
    parity_of,
    rows_of_images,
    sector_from,
    sector_structure,
)
from rbmqs.states.rbm import RBM
from rbmqs.states.registry import register_ansatz
from rbmqs.states.starts import small_random
from rbmqs.states.state import FusedState, VariationalState
from rbmqs.states.symmetric_rbm import SymmetricRBM

_FIRST_VARIANCE = 0.1  # of log psi_RBM = sum_j log cosh theta_j, some M N^2 stddev^4 / 2


@register_ansatz("pair-product-rbm")
@dataclass(frozen=True, eq=False)
class PairProductRBM(FusedState):
    """A pair product times an RBM, perhaps projected onto a symmetry sector.

    Parameters
    ----------
    pairing : array (n_amplitudes,)
        Pairing amplitudes; float64 or complex128 as those of the RBM.
    rbm : RBM or SymmetricRBM
    pairs : int array (N, N)
        Number of the amplitude of an electron up at site i and one down at site j, negative where
        they do not pair.
    signs : float array (N, N)
        f_ij = signs_ij * pairing[pairs_ij].
    sector : hamiltonians.SymmetrySector, optional
        Onto which the product is projected.

    Raises
    ------
    ValueError
        Shapes that do not fit, an odd number of sites, real and complex parameters, a sector in
        which every state of this wavefunction vanishes.
    """

    pairing: np.ndarray
    rbm: RBM | SymmetricRBM
    pairs: np.ndarray
    signs: np.ndarray
    sector: SymmetrySector | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.rbm, RBM | SymmetricRBM):
            raise TypeError(f"rbm must be RBM or SymmetricRBM, got {type(self.rbm).__name__}")
        n = self.rbm.n_sites
        if n % 2:
            raise ValueError(f"rbm must have an even number of sites for pairs, got {n}")
        pairing = np.array(self.pairing)
        pairs, signs = np.asarray(self.pairs), as_real("signs", self.signs).copy()
        if pairs.dtype.kind not in "iu":
            raise TypeError(f"pairs must be integers (N, N), got {short(self.pairs)}")
        pairs = pairs.astype(np.int64)
        for name, array in (("pairs", pairs), ("signs", signs)):
            if array.shape != (n, n):
                raise ValueError(f"{name} must have shape ({n}, {n}), got {array.shape}")
        if pairing.shape != (pairs.max() + 1,) or not pairing.size:
            raise ValueError(
                f"pairing must have shape ({pairs.max() + 1},) for these pairs, got {pairing.shape}"
            )
        if np.iscomplexobj(pairing) != self.rbm.is_complex:
            raise ValueError("pairing and rbm must both be real or both be complex")
        finite("pairing", pairing)
        arrays = {"pairing": pairing.astype(self.rbm.weights.dtype), "pairs": pairs, "signs": signs}
        for name, array in arrays.items():
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        if self.sector is None:
            return
        check_sector("rbm", n, self.is_complex, self.sector)
        _ = self._group  # refuses a sector in which the wavefunction vanishes

    @classmethod
    def random(
        cls,
        hamiltonian: SpinHamiltonian,
        *,
        seed: int | np.random.SeedSequence = 0,
        dtype: type = complex,
        tied: str | SymmetryGroup | None = None,
        project: str | SymmetrySector | None = None,
        period: int = 1,
        stddev: float | None = None,
        n_features: int | None = None,
        **options: Any,
    ) -> PairProductRBM:
        """A mean-field pair product (`rbmqs.states.pairing`) and a random RBM.

        Weights begin at a size that gives log psi_RBM a variance of 0.1, unless `stddev` is given:
        from 0.01 they hardly grew (6x6 J1-J2, alpha = 4, after 100 iterations at 3.3e-3).

        Parameters
        ----------
        hamiltonian : SpinHamiltonian
            Of spins 1/2 with total_sz = 0; turned by pi about z at most.
        tied : {"translations", "space-group"} or SymmetryGroup, optional
            Tie the RBM's weights over this group and f over the translations in it.
        project : str or SymmetrySector, optional
            As of `rbmqs.states.factory.AnsatzSpec`.
        period : int
            Of translations only the powers are kept that are multiples of this: with 2 pairs and
            weights have a cell of two sites along each even direction, as antiferromagnets need.
        seed, dtype, stddev, n_features
            As in `SymmetricRBM.random`.
        **options
            Others of `RBM.random` or `SymmetricRBM.random`. Without biases, unless asked for,
            where the Hamiltonian is even under spin inversion.
        """
        instance("hamiltonian", hamiltonian, SpinHamiltonian)
        check_pairable(hamiltonian)
        root = root_seed(seed)
        own = np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, 0))
        group = None if tied is None else find_group(hamiltonian, tied)
        if positive_int("period", period) > 1:
            if group is None:
                raise ValueError("period belongs to tied translations: say tied")
            group = powers_in(group, period)
        sector = None if project is None else find_sector(hamiltonian, project)
        one = RBM.random(hamiltonian.n_sites, n_hidden=1, dtype=dtype, stddev=1e-9)

        def alone(pairs: TiedPairs, pairing: np.ndarray) -> PairProductRBM:
            return cls(pairing.astype(one.weights.dtype), one, *pairs)

        pairs, pairing = starting_pairs(hamiltonian, group, np.random.default_rng(own), alone)
        keywords: dict[str, Any] = {"seed": root, "dtype": dtype, "visible_bias": False}
        keywords["stddev"] = 1.0 if stddev is None else stddev
        keywords |= {"hidden_bias": not is_even(hamiltonian), **options}
        rbm: RBM | SymmetricRBM
        if group is not None:
            rbm = SymmetricRBM.random(group, n_features=n_features, **keywords)
        elif n_features is None:
            rbm = RBM.random(hamiltonian.n_sites, **keywords)
        else:
            raise ValueError("n_features belongs to tied weights: say over which group: tied")
        if stddev is None:
            rbm = rbm.with_flat(_first_stddev(rbm) * rbm.flat)
        return cls(pairing.astype(rbm.weights.dtype), rbm, *pairs, sector)

    @property
    def hilbert(self) -> LocalSpace:
        """Spins +1 and -1 on all sites."""
        return self.rbm.hilbert

    @property
    def n_hidden(self) -> int:
        """Number of hidden units M."""
        return self.rbm.n_hidden

    @property
    def n_images(self) -> int:
        """Number of terms of the sum."""
        return len(self._group[0])

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """Pairing amplitudes, then the parameters of the RBM."""
        return {"pairing": self.pairing, **self.rbm.parameters}

    def with_parameters(self, parameters: Mapping[str, np.ndarray]) -> PairProductRBM:
        """The same wavefunction with other values of its parameters, by name."""
        rest = dict(parameters)
        pairing = np.array(rest.pop("pairing"), dtype=self.pairing.dtype)
        if pairing.shape != self.pairing.shape:
            raise ValueError(f"pairing must have shape {self.pairing.shape}, got {pairing.shape}")
        finite("pairing", pairing)
        pairing.flags.writeable = False
        moved = copy(self)  # keeps what depends on the structure alone
        for name in ("_pairings", "_plain", "_split", "flat"):
            moved.__dict__.pop(name, None)
        object.__setattr__(moved, "pairing", pairing)
        object.__setattr__(moved, "rbm", self.rbm.with_parameters(rest))
        return moved

    def randomised(self, seed: np.random.SeedSequence) -> PairProductRBM:
        """The same pairs, which begin as a mean field, times another random RBM."""
        size = _first_stddev(self.rbm)
        flat = small_random(self.rbm.flat.shape, self.is_complex, seed, size)
        return self.with_parameters(
            {"pairing": self.pairing, **self.rbm.with_flat(flat).parameters}
        )

    def structure(self) -> dict[str, Any]:
        """Pairs, the structure of the RBM by kind, and the sector."""
        found: dict[str, Any] = {"pairs": self.pairs, "signs": self.signs}
        found["plain" if isinstance(self.rbm, RBM) else "tied"] = self.rbm.structure()
        if self.sector is not None:
            found |= sector_structure(self.sector)
        return found

    @classmethod
    def from_structure(
        cls, structure: Mapping[str, Any], parameters: Mapping[str, np.ndarray]
    ) -> PairProductRBM:
        """See `VariationalState.from_structure`."""
        rest = dict(parameters)
        pairing = rest.pop("pairing")
        kind, name = (RBM, "plain") if "plain" in structure else (SymmetricRBM, "tied")
        sector = sector_from(structure) if "permutations" in structure else None
        rbm = kind.from_structure(structure[name], rest)
        return cls(pairing, rbm, structure["pairs"], structure["signs"], sector)

    def describe(self) -> dict[str, Any]:
        """Shape of the wavefunction, for logs and checkpoints."""
        return {
            **super().describe(),
            "n_hidden": self.n_hidden,
            "n_amplitudes": len(self.pairing),
            "n_images": self.n_images,
        }

    @cached_property
    def _images(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Permutations, signs of the spins and conjugate characters of the sum's terms."""
        if self.sector is None:
            return np.arange(self.n_sites)[None], np.ones(1), np.ones(1, complex)
        group, parity = self.sector.group, self.sector.spin_inversion
        rows, characters = group.permutations, np.asarray(self.sector.characters)
        signs = np.ones(group.order)
        if parity is not None:
            rows, signs = np.concatenate([rows, rows]), np.concatenate([signs, -signs])
            characters = np.concatenate([characters, parity * characters])
        factors = factors_of(replace(self, sector=None), rows, signs)
        inner = np.flatnonzero(factors)
        if (abs(characters - factors)[inner] > SAME).any():
            raise ValueError(
                f"sector {self.sector.label!r} has other characters than the wavefunction under "
                f"what pairs and weights are tied over, or the spin inversion: tie over less"
            )
        n = group.order

        def coset(g: int) -> np.ndarray:
            return group.product(inner % n, g % n) + n * ((inner // n) ^ (g // n))

        kept = coset_representatives(len(rows), coset)
        return rows[kept], signs[kept], np.conj(characters[kept]) / len(kept)

    @cached_property
    def _group(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """`_images`, characters times signs of determinants, and the rows of one-site flips."""
        permutations, signs, characters = self._images
        ordered = np.array([parity_of(row) for row in permutations])
        ordered[signs < 0] *= (-1) ** (self.n_sites // 2)
        rows = rows_of_images(permutations, signs)
        return np.ascontiguousarray(permutations), signs, characters * ordered, rows

    def _of_images(self, matrix: np.ndarray) -> np.ndarray:
        """A matrix by pairs (up, down) as each image has it, (n_images, N, N)."""
        permutations, signs = self._images[:2]
        places = np.argsort(permutations, axis=1)  # of the sites of sigma in the image
        found = matrix[places[:, :, None], places[:, None, :]]
        found[signs < 0] = found[signs < 0].transpose(0, 2, 1)
        return np.ascontiguousarray(found)

    @cached_property
    def _ties(self) -> tuple[np.ndarray, np.ndarray]:
        return self._of_images(self.pairs), self._of_images(self.signs)

    @cached_property
    def _pairings(self) -> np.ndarray:
        """F_g and their transposes, (2, n_images, N, N)."""
        found = self._of_images(TiedPairs(self.pairs, self.signs).matrix(self.pairing))
        return np.stack([found, found.transpose(0, 2, 1)])

    @cached_property
    def _plain(self) -> RBM:
        return self.rbm if isinstance(self.rbm, RBM) else self.rbm.plain

    @cached_property
    def _split(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        psi = self._plain
        return split(psi.visible_bias), split(psi.hidden_bias), split(psi.weights)

    def _projected(self, spins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights (n_samples, n_images) of the terms in Psi, and log Psi (n_samples,)."""
        permutations, signs, factors, _ = self._group
        tables = self._plain.flip_tables
        spins = np.ascontiguousarray(spins, dtype=np.int8)
        log_psi = np.empty((len(spins), self.n_images), dtype=complex)
        images.image_amplitudes(
            tables.split, spins, permutations, signs, *self._split, tables.rows.shape[2], log_psi
        )
        log_signs = np.empty(len(spins), dtype=complex)
        pair_amplitudes(spins, self._pairings[0], log_psi, log_signs)
        image_weights, log_sums = np.empty_like(log_psi), np.empty_like(log_signs)
        images.project(log_psi, factors, image_weights, log_sums)
        return image_weights, log_sums + log_signs

    def log_amplitudes(self, spins: np.ndarray) -> np.ndarray:
        """log Psi of spins (n_samples, N), unchecked; -inf beyond total S_z = 0."""
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
        """See `VariationalState.add_off_diagonal`; kernels where no flip has four sites or more."""
        sizes = np.diff(connections.flip_ptr)
        if ((sizes > 2) & (sizes % 2 == 0)).any() or self._plain.exceeds_tables(2):
            where = (sigma, connections, fixed_sector, per_flip, out)
            VariationalState.add_off_diagonal(self, *where, self.log_psi(sigma))
            return
        add_pairs(
            sigma, connections, per_flip, self._plain.flip_tables, self._split, self._group,
            self._pairings, out,
        )  # fmt: skip

    def jacobian(
        self,
        sigma: np.ndarray,
        cache: np.ndarray | None = None,
        weights: np.ndarray | None = None,
    ) -> Jacobian:
        """See `VariationalState.jacobian`: means over images by their weights."""
        image_weights = self.prepare(sigma) if cache is None else cache
        permutations, signs = self._group[:2]
        own = np.zeros((len(sigma), len(self.pairing)), dtype=complex)
        pair_gradients(sigma, self._pairings[0], *self._ties, image_weights, own)
        rest = self.rbm.image_derivatives(sigma, permutations, signs, image_weights)
        own = own if self.is_complex else own.real
        return Jacobian.of_rows(np.concatenate([own, rest], axis=1), weights)

    def sweep(self, task: SweepTask) -> np.ndarray:
        """Metropolis chains on |Psi|^(2 beta); see `rbmqs.core.pair_product.sample_pairs`."""
        if task.spins.sum(axis=1).any():
            raise ValueError("total_sz must be 0 for a pair product")
        if self._plain.exceeds_tables(2):
            return VariationalState.sweep(self, task)
        return sample_pairs(
            *task[:5], self._plain.flip_tables, self._split, self._group, self._pairings, *task[5:]
        )


def _first_stddev(rbm: RBM | SymmetricRBM) -> float:
    """Size of random weights that gives log psi_RBM the variance of a start."""
    return float((_FIRST_VARIANCE * 2 / (rbm.n_hidden * rbm.n_sites**2)) ** 0.25)
