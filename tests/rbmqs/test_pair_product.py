"""The pair product times an RBM against sums over matchings, enumeration and exact energies."""

import itertools

import numpy as np
import pytest

from hamiltonians import Sector, X, Y, Z, chain, heisenberg, j1j2, spin_hamiltonian, square
from hamiltonians.models.symmetries import find_sector
from rbmqs import RBM, PairProductRBM, SymmetricRBM, ground_state
from rbmqs.core.pair_product import DRIFT, exchange_ratio, exchange_update, invert
from rbmqs.states.pairing import singlet_couplings, starts, tie_pairs, translations_of
from rbmqs.testing import check_state

RING = heisenberg(chain(8), total_sz=0)
PAIRS = tie_pairs(np.arange(6)[None], np.ones((1, 6)))


def one(n_sites):
    return RBM(np.zeros(n_sites), np.zeros(1), np.zeros((n_sites, 1)), False, False)


def singlets(n_sites, rbm=None, sector=None):
    """Random f_ij = f_ji, alone."""
    pairs = tie_pairs(np.arange(n_sites)[None], np.ones((1, n_sites)))
    pairing = np.random.default_rng(0).normal(size=pairs.numbers.max() + 1)
    return PairProductRBM(pairing, rbm or one(n_sites), *pairs, sector)


def directed():
    """Random f_ij of six sites, an amplitude for each order of a pair."""
    pairs = np.full((6, 6), -1)
    pairs[~np.eye(6, dtype=bool)] = np.arange(30)
    pairing = np.random.default_rng(0).normal(size=30)
    return PairProductRBM(pairing, one(6), pairs, np.ones((6, 6)))


def by_matchings(f, sigma):
    """Amplitude of a product of pairs c^+_i,up c^+_j,down, electrons brought into site order."""
    ups, downs = np.flatnonzero(sigma > 0), np.flatnonzero(sigma < 0)
    total = 0.0
    for partners in itertools.permutations(downs):
        pairs = list(zip(ups, partners, strict=True))
        order = itertools.combinations(itertools.chain(*pairs), 2)
        total += (-1) ** sum(a > b for a, b in order) * np.prod([f[pair] for pair in pairs])
    return total


@pytest.mark.parametrize("psi", [singlets(6), directed()], ids=["singlets", "directed"])
def test_amplitudes_are_sums_over_matchings(psi):
    f = np.where(psi.pairs < 0, 0, psi.pairing[psi.pairs])
    sigma = Sector(6, 0).configurations()
    expected = [by_matchings(f, row) for row in sigma]
    # The sign is that of u1 d1 u2 d2 u3 d3 in the order u1 u2 u3 d1 d2 d3; the RBM is 2 cosh 0.
    np.testing.assert_allclose(np.exp(psi.log_psi(sigma)), -2 * np.array(expected), atol=1e-12)
    assert np.isneginf(psi.log_psi(np.ones(6, int)).real)


def test_symmetric_pairing_makes_singlets():
    dots = (X(i) * X(j) + Y(i) * Y(j) + Z(i) * Z(j) for i, j in itertools.combinations(range(8), 2))
    total_spin = spin_hamiltonian(sum(dots), n_sites=8, total_sz=0).to_sparse()
    v = singlets(8).state_vector(Sector(8, 0))
    assert np.vdot(v, total_spin @ v).real == pytest.approx(-3 * 8 / 2)  # 2 S^2 - 3 N / 2


def test_updates_of_the_inverse_do_not_drift():
    rng = np.random.default_rng(1)
    f = rng.normal(size=(16, 16))
    np.fill_diagonal(f, 0)
    ups, downs = np.arange(0, 16, 2), np.arange(1, 16, 2)
    inverse, fresh, row, column = np.empty((8, 8)), np.empty((8, 8)), np.empty(8), np.empty(8)
    log_det, n_moves, n_refreshed = invert(f, ups, downs, inverse), 0, 0
    while n_moves < 256:
        a, b = rng.integers(8, size=2)
        ratio = exchange_ratio(f, f.T.copy(), inverse, ups, downs, a, b, column)
        if abs(ratio) < 0.1:
            continue
        drift = exchange_update(f, inverse, ups, downs, a, b, ratio, column, row)
        ups[a], downs[b] = downs[b], ups[a]
        new = invert(f, ups, downs, fresh)
        assert np.exp(new - log_det) == pytest.approx(ratio, rel=1e-6)
        log_det, n_moves = new, n_moves + 1
        assert drift > DRIFT or abs(inverse - fresh).max() < 1e-6 * abs(fresh).max()
        if drift > DRIFT:
            inverse, n_refreshed = fresh.copy(), n_refreshed + 1
    assert n_refreshed < 10


@pytest.mark.parametrize(
    ("n_sites", "sector"),
    [
        (8, find_sector(RING, "k=pi even -")),
        (8, find_sector(RING, "k=0 even +")),
        (6, chain(6).translation_sectors()[1].with_spin_inversion(1)),  # complex; N / 2 is odd
        (6, chain(6).translation_sectors()[1].with_spin_inversion(-1)),
    ],
)
def test_projection_is_the_sum_over_the_group(n_sites, sector):
    dtype = float if sector.is_real else complex
    base = singlets(n_sites, RBM.random(n_sites, 1, dtype=float, stddev=0.3))
    parts = (base.pairing, *base.rbm.parameters.values())
    pairing, *rest = (np.asarray(part, dtype) for part in parts)
    psi = PairProductRBM(pairing, RBM(*rest), base.pairs, base.signs, sector)
    sigma = Sector(n_sites, 0).configurations()
    images = sigma[:, sector.group.permutations]
    amplitudes = np.exp(base.log_psi(images)) + sector.spin_inversion * np.exp(
        base.log_psi(-images)
    )
    expected = amplitudes @ np.conj(sector.characters) / (2 * sector.group.order)
    found = np.exp(psi.log_psi(sigma))
    assert abs(expected).max() > 1e-6
    np.testing.assert_allclose(found, expected, atol=1e-9 * abs(expected).max())
    assert psi.n_images == 2 * sector.group.order


def tied(H, n_features, label="symmetric"):
    """Random amplitudes and weights, tied over translations."""
    group = H.lattice.translation_group()
    boundary = (-1,) * len(H.lattice.shape)
    pairs = tie_pairs(*translations_of(group.permutations, H.lattice, boundary))
    pairing = np.random.default_rng(0).normal(size=pairs.numbers.max() + 1)
    rbm = SymmetricRBM.random(
        group, n_features=n_features, dtype=float, hidden_bias=False, stddev=0.1
    )
    return PairProductRBM(pairing, rbm, *pairs, find_sector(H, label))


@pytest.mark.parametrize("n_features", [1, 8])  # 8: an element was taken for a symmetry of psi
def test_tied_elements_leave_the_sum(n_features):
    psi = tied(heisenberg(square(4, 4), total_sz=0), n_features)
    assert psi.n_images == 8
    sigma = Sector(16, 0).configurations()[::200]
    found = np.exp(psi.log_psi(sigma[:, psi.sector.group.permutations]))
    expected = found[:, :1] * np.ones(found.shape[1])
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9 * abs(found).max())


@pytest.mark.parametrize("boundary", [(1, 1), (-1, 1), (-1, -1)])
def test_tied_pairs_obey_the_boundary(boundary):
    lattice = square(4, 4)
    rows = lattice.translation_group().permutations
    kept, signs = translations_of(rows, lattice, boundary)
    pairs = tie_pairs(kept, signs)
    f = pairs.matrix(np.arange(1.0, pairs.numbers.max() + 2))
    np.testing.assert_array_equal(f, f.T)
    for row, sign in zip(kept, signs, strict=True):
        np.testing.assert_array_equal(f[np.ix_(row, row)], sign[:, None] * f * sign)
    np.testing.assert_allclose(pairs.matrix(pairs.amplitudes(f)), f)


def test_zeros_of_the_determinant_are_finite():
    H = heisenberg(square(4, 4), total_sz=0)
    pairs = tie_pairs(*translations_of(H.lattice.translation_group().permutations, None, ()))
    psi = PairProductRBM(np.ones(pairs.numbers.max() + 1), one(16), *pairs)
    sigma = Sector(16, 0).configurations()[::40]
    assert np.isfinite(psi.log_psi(sigma).real).all()
    assert np.isfinite(psi.log_derivatives(sigma)).all()
    assert len(list(starts(singlet_couplings(H), pairs, np.random.default_rng(0)))) > 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PairProductRBM(np.ones(2), one(6), *PAIRS), r"pairing must have shape \(15,\)"),
        (lambda: PairProductRBM(1j * np.ones(15), one(6), *PAIRS), "pairing and rbm must both"),
        (lambda: PairProductRBM(np.ones(15), one(5), *PAIRS), "rbm must have an even number"),
        (lambda: PairProductRBM(np.ones(15), one(8), *PAIRS), "pairs must have shape"),
        (
            lambda: PairProductRBM(np.full(15, np.nan), one(6), *PAIRS),
            "pairing has 15 values that are not",
        ),
        (lambda: PairProductRBM(np.ones(15), None, *PAIRS), "rbm must be RBM or SymmetricRBM"),
        (lambda: PairProductRBM(np.ones(15), one(6), *PAIRS, "k=0"), "sector must be"),
        (lambda: PairProductRBM.random(heisenberg(chain(6))), "total_sz = 0"),
        (lambda: PairProductRBM.random(heisenberg(chain(6), total_sz=1)), "total_sz = 0"),
        (lambda: PairProductRBM.random(RING, period=2), "period belongs to tied translations"),
        (lambda: PairProductRBM.random(RING, tied="space-group", period=0), "period must be"),
        (lambda: PairProductRBM(np.ones(15), one(6), np.ones((6, 6)), PAIRS[1]), "pairs must be"),
        (lambda: PairProductRBM(np.ones(15), one(6), PAIRS[0], np.nan * PAIRS[1]), "signs "),
        (lambda: singlets(6).with_flat(np.ones(3)), "flat must have shape"),
        (
            lambda: singlets(6).with_parameters({"pairing": np.ones(16), **one(6).parameters}),
            r"pairing must have shape \(15,\)",
        ),
        (lambda: PairProductRBM.random(None), "hamiltonian must be a SpinHamiltonian, got None"),
        (lambda: PairProductRBM.random(RING, tied=3), "tied must be a SymmetryGroup, got 3"),
        (lambda: PairProductRBM.random(RING, project=3), "project must be a SymmetrySector, got 3"),
        (lambda: PairProductRBM.random(RING, dtype="x"), "dtype must be float or complex, got 'x'"),
        (lambda: PairProductRBM.random(RING, stddev=0), "stddev must be"),
        (lambda: RBM.random(4, dtype=None), "dtype must be float or complex, got None"),
        (lambda: RBM.random(4, dtype=np.nan), "dtype must be float or complex, got nan"),
        (lambda: tied(RING, 1, "k=pi odd +"), "has other characters"),
    ],
)
def test_wrong_arguments(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def states(dtype):
    yield PairProductRBM.random(RING, dtype=dtype, alpha=1, hidden_bias=True, project="symmetric")
    yield PairProductRBM.random(RING, dtype=dtype, tied="translations", n_features=2)


@pytest.mark.submission
def test_real_states_keep_the_contract():
    for psi in states(float):
        check_state(psi, total_sz=0)


@pytest.mark.slow
def test_complex_states_keep_the_contract():
    for psi in states(complex):
        check_state(psi, total_sz=0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("H", "exact"),
    [
        (heisenberg(square(4, 4), total_sz=0), -0.701780200527),  # in Marshall's basis by default
        (j1j2(square(4, 4), 1, 0.5, total_sz=0), -0.528620209462),
    ],
)
def test_energies_of_4x4_by_sums(H, exact):
    """Energies of exact diagonalisation; no error by sampling, so that none is below."""
    options = {"tied": "translations", "project": "symmetric", "dtype": "real", "n_features": 8}
    found = ground_state(
        H, ansatz="pair-product-rbm", ansatz_options={"period": 2}, **options, summation=True,
        n_iterations=100, n_restarts=1, progress=False,
    )  # fmt: skip
    v = found.psi.state_vector(Sector(16, 0))
    assert 0 <= 1 - np.vdot(v, H.to_sparse() @ v).real / (64 * exact) < 3e-5


@pytest.mark.slow
def test_sampled_energy_is_that_of_the_state():
    H = j1j2(square(4, 4), 1, 0.5, total_sz=0)
    psi = PairProductRBM.random(
        H, tied="translations", project="symmetric", dtype=float, n_features=2
    )
    found = psi.measure(H, n_samples=8192, seed=1).energy
    v = psi.state_vector(Sector(16, 0))
    assert abs(found.mean.real - np.vdot(v, H.to_sparse() @ v).real) < 5 * found.error_of_mean


def test_a_restart_keeps_its_pairs():
    psi = PairProductRBM.random(heisenberg(chain(6), total_sz=0))
    other = psi.randomised(np.random.SeedSequence(5))
    np.testing.assert_array_equal(other.pairing, psi.pairing)
    assert np.std(other.rbm.flat) == pytest.approx(np.std(psi.rbm.flat), rel=0.3)
    assert abs(other.rbm.flat - psi.rbm.flat).min() > 0
