"""Exact diagonalisation of spins of any S and of blockaded atoms: sectors and known states."""

import numpy as np
import pytest
from spin_twins import full_levels

import hamiltonians as hm
from hamiltonians import SymmetryGroup, SymmetrySector, Sz, chain, ground_state, heisenberg
from hamiltonians.exact.memory import sector_dimension
from hamiltonians.models.known_signs import connects_all, known_signs

# Energies of S = 1 rings in all sectors by QuSpin 1.0.1, S="1", to the digits printed.
QUSPIN_RINGS = {6: -8.617423181814, 8: -11.336956077897, 10: -14.094129954933}


def levels_of(H):
    return np.linalg.eigvalsh(H.to_dense())


def blocks_of(H):
    """All S_z, momenta, point-group irreps of a lattice that have states."""
    top = sum(H.local_space.spins)
    values = np.arange(-top, top + 1) if H.conserves_total_sz else [None]
    for m in values:
        block = H if m is None else H.with_total_sz(m)
        for sector in H.lattice.sectors(complete=True):
            if sector_dimension(block, sector):
                yield block, sector


@pytest.mark.parametrize(
    "H",
    [
        hm.bilinear_biquadratic(chain(5), 0.3),
        hm.xxz(chain(4), spin=1.5, delta=0.4, D=0.3),
        hm.blume_capel(chain(5), D=0.4, h=0.7),
        hm.rydberg(chain(9), radius=1.5, blockade=True, detuning=0.3),
        hm.heisenberg(chain(4), spin=2, J=-1.0),
    ],
    ids=lambda H: H.name,
)
def test_levels_of_all_sectors_are_those_of_the_matrix(H):
    expected = levels_of(H)
    found = full_levels(H, blocks_of(H))
    np.testing.assert_allclose(found, expected, atol=1e-11 * np.abs(expected).max())


def test_sectors_of_mixed_spins_with_inversion_add_up():
    H = heisenberg(chain(6), spin=(1, 0.5) * 3)
    group = SymmetryGroup.generated([[2, 3, 4, 5, 0, 1]])
    sectors = [
        SymmetrySector(group, np.exp(2j * np.pi * k * np.arange(3) / 3), parity)
        for k in range(3)
        for parity in (1, -1)
    ]
    found = full_levels(H, [(H, sector) for sector in sectors])
    np.testing.assert_allclose(found, levels_of(H), atol=1e-12)
    with pytest.raises(ValueError, match="moves the terms on sites"):
        ground_state(H, symmetry=chain(6).translation_sector(0))


def test_states_of_a_symmetry_sector_are_eigenstates_of_the_matrix():
    H = heisenberg(chain(7), spin=1, total_sz=1)
    sector = H.lattice.sector(2 * np.pi * 3 / 7)
    found = ground_state(H, 2, symmetry=sector)
    M = H.to_sparse()
    for k in range(2):
        v = found.expanded(k)
        assert np.linalg.norm(v) == pytest.approx(1)
        np.testing.assert_allclose(M @ v, found.energies[k] * v, atol=1e-9)
    bond = Sz(0, 1) * Sz(1, 1)
    v = found.expanded()
    direct = hm.expectation(v, bond, found.sector)
    assert found.expect(bond) == pytest.approx(direct, abs=1e-10)
    assert found.correlations()[0, 1] == pytest.approx(direct, abs=1e-10)
    assert found.correlations()[3, 3] == pytest.approx(found.expect(Sz(3, 1) ** 2), abs=1e-10)


@pytest.mark.parametrize(("n_sites", "energy"), QUSPIN_RINGS.items())
def test_rings_are_those_of_quspin_with_and_without_symmetries(n_sites, energy):
    H = heisenberg(chain(n_sites), spin=1, total_sz=0)
    sector = hm.ground_sector(H)
    assert sector is not None
    assert ground_state(H, symmetry=sector, vectors=False).energy == pytest.approx(energy, abs=1e-9)
    assert sector.spin_inversion == 1
    if n_sites <= 8:
        assert ground_state(H).energy == pytest.approx(energy, abs=1e-10)
    assert known_signs(H).rotation.rule == "marshall"
    assert connects_all(H)
    assert hm.with_smallest_sz(heisenberg(chain(n_sites), spin=1)).total_sz == 0
    assert hm.with_smallest_sz(hm.xxz(chain(4), spin=1, D=1.0)).total_sz is None


def test_aklt_states():
    """One singlet on a ring, four states on an open chain, entropies of their valence bonds."""
    ring = hm.aklt(chain(6))
    levels = hm.full_spectrum(ring)
    assert levels[0] == pytest.approx(-4, abs=1e-12)
    assert levels[1] > -3.5
    open_chain = hm.aklt(chain(7, periodic=False))
    np.testing.assert_allclose(levels_of(open_chain)[:4], -4, atol=1e-12)
    assert levels_of(open_chain)[4] > -3.7
    found = ground_state(hm.aklt(chain(8), total_sz=0))
    assert hm.best_reference(hm.aklt(chain(8))).energy == pytest.approx(found.energy, abs=1e-9)
    entropy = hm.entanglement_entropy(found, range(4))
    p = (1 + 3 * (-1 / 3) ** np.array([4, 4])) / 4  # weights of the singlet of both end spins
    q = (1 - (-1 / 3) ** 4) / 4
    weights = np.array([p[0] ** 2, *[q * q] * 3])
    expected = weights / weights.sum()
    assert entropy == pytest.approx(-np.sum(expected * np.log(expected)), abs=1e-8)
    spectrum, sz = hm.entanglement_spectrum(found, range(4))
    np.testing.assert_allclose(np.exp(-spectrum[:4]).sum(), 1, atol=1e-12)
    assert sorted(sz[:4].tolist()) == [-1, 0, 0, 1]


def test_entropy_is_that_of_the_whole_vector():
    """With the fixed S_z forgotten, and under a blockade against all configurations."""
    H = heisenberg(chain(5), spin=(1, 0.5, 1.5, 0.5, 0.5), total_sz=0)
    found = ground_state(H)
    free = hm.SpinSector(H.local_space)
    everything = np.zeros(free.dimension)
    everything[free.rank_of_spins(found.sector.configurations())] = found.vector
    expected = hm.entanglement_entropy(found, [0, 3], sector=None)
    tensor = everything.reshape(3, 2, 4, 2, 2).transpose(0, 3, 1, 2, 4).reshape(6, 16)
    p = np.linalg.svd(tensor, compute_uv=False) ** 2
    assert expected == pytest.approx(-np.sum(p * np.log(p)), abs=1e-12)
    assert hm.entanglement_entropy(everything, [0, 3], sector=free) == pytest.approx(expected)
    assert hm.entanglement_entropy(found, [0, 3], order=2) == pytest.approx(-np.log(np.sum(p**2)))
    atoms = ground_state(hm.rydberg(chain(8), radius=1.0, blockade=True, detuning=1.0))
    states = hm.Sector(8).configurations()
    amplitudes = np.zeros(256)
    amplitudes[hm.Sector(8).rank_of_spins(atoms.sector.configurations())] = atoms.vector
    assert len(states) == 256
    assert hm.entanglement_entropy(atoms, range(3)) == pytest.approx(
        hm.entanglement_entropy(amplitudes, range(3)), abs=1e-12
    )


@pytest.mark.parametrize("blockade", [False, True])
def test_rydberg_chain_of_14_is_that_of_dense_matrices(blockade):
    """The matrix written out atom by atom, with rows and columns of excluded states cut out."""
    n, rabi, detuning, radius = 14, 1.3, 0.8, 1.2
    H = hm.rydberg(chain(n, periodic=False), rabi, detuning, radius, blockade)
    states = np.arange(2**n)
    excited = 1 - (states[:, None] >> np.arange(n - 1, -1, -1) & 1)  # up comes first
    kept = np.flatnonzero((excited[:, 1:] & excited[:, :-1]).sum(axis=1) == 0)
    if not blockade:
        assert H.dimension == 2**n
        sector = hm.ground_sector(H)
        solved = ground_state(H, symmetry=sector)
        assert ground_state(H).energy == pytest.approx(solved.energy, abs=1e-9)
        kept = kept[:0]
    else:
        assert H.dimension == len(kept) == 987
    diagonal = -detuning * excited.sum(axis=1).astype(float)
    for i in range(n):
        for j in range(i + 1, n):
            if not (blockade and j - i == 1):
                strength = rabi * (radius / (j - i)) ** 6
                diagonal += strength * excited[:, i] * excited[:, j]
    place = {s: k for k, s in enumerate(kept.tolist())}
    if blockade:
        M = np.diag(diagonal[kept])
        for s, k in place.items():
            for i in range(n):
                other = place.get(s ^ (1 << i))
                if other is not None:
                    M[k, other] = rabi / 2
        np.testing.assert_allclose(H.to_dense(), M, atol=1e-12)
        np.testing.assert_allclose(hm.full_spectrum(H), np.linalg.eigvalsh(M), atol=1e-11)
    else:
        v = solved.expanded()
        image = diagonal * v + rabi / 2 * sum(v[states ^ (1 << i)] for i in range(n))
        np.testing.assert_allclose(image, solved.energy * v, atol=1e-8)


def test_level_statistics_tell_chaos_from_none():
    rng = np.random.default_rng(1)
    A = rng.normal(size=(700, 700))
    chaotic = hm.level_statistics(np.linalg.eigvalsh(A + A.T))
    assert abs(chaotic.ratio - 0.5359) < 4 * chaotic.error
    assert chaotic.nearest == "GOE"
    independent = hm.level_statistics(rng.random(3000))
    assert abs(independent.ratio - 0.3863) < 4 * independent.error
    assert "Poisson" in str(independent)
    degenerate = hm.level_statistics(np.repeat(rng.random(300), 2), middle=1)
    assert degenerate.n_degenerate == 300
    with pytest.raises(ValueError, match="4 different levels"):
        hm.level_statistics(np.zeros(10))
    with pytest.raises(ValueError, match="middle must be at most 1"):
        hm.level_statistics(rng.random(10), middle=2)


def test_symmetries_that_do_not_hold_are_refused():
    field = heisenberg(chain(4), spin=1, field=(0, 0, 0.3))
    even = chain(4).sectors(spin_inversion=True)[0]
    with pytest.raises(ValueError, match=r"the terms on sites .* are others when all spins"):
        ground_state(field, symmetry=even)
    atoms = hm.rydberg(chain(4), radius=1.0, blockade=True)
    with pytest.raises(ValueError, match="under a blockade"):
        ground_state(atoms, symmetry=even)
    H = hm.spin_hamiltonian(hm.X(0) + hm.X(1) + hm.X(2), 3, blockade=[(0, 1)])
    turned = SymmetrySector(SymmetryGroup.generated([[1, 2, 0]]), np.ones(3))
    with pytest.raises(ValueError, match=r"the blockade of sites .* where there is none"):
        ground_state(H, symmetry=turned)
    with pytest.raises(ValueError, match="n_sites must be at most 31"):
        ground_state(heisenberg(chain(40), spin=1, total_sz=0))


def test_evolution_and_product_states():
    H = heisenberg(chain(4), spin=1)
    start = hm.product_state("neel", hm.SpinSector(H.local_space))
    times = np.array([0.3, 0.9])
    found = hm.evolve(H, start, times)
    energies, V = np.linalg.eigh(H.to_dense())
    for t, psi in zip(times, found, strict=True):
        np.testing.assert_allclose(V @ (np.exp(-1j * energies * t) * (V.T @ start)), psi, atol=1e-9)
    tilted = hm.product_state("+x", hm.SpinSector(H.local_space))
    Sx = sum(hm.Sx(i, 1) for i in range(4))
    assert hm.expectation(tilted, Sx, hm.SpinSector(H.local_space)) == pytest.approx(4)
