"""Spectra in momentum, reflection and parity sectors against QuSpin, for random couplings."""

import numpy as np
import pytest

pytest.importorskip("quspin")

from quspin.basis import spin_basis_general
from quspin.operators import hamiltonian

from hamiltonians import (
    PauliSum,
    SymmetryGroup,
    X,
    Y,
    Z,
    chain,
    full_spectrum,
    ground_state,
    spin_hamiltonian,
)

pytestmark = [
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
    pytest.mark.filterwarnings("ignore:using non-commuting symmetries"),
]
N = 12
CHECKS = {"check_herm": False, "check_symm": False, "check_pcon": False}


def random_ring(total_sz, seed):
    """Random couplings of each distance round the ring, and the same as QuSpin lists."""
    rng = np.random.default_rng(seed)
    terms, static = PauliSum(), []
    for distance in (1, 2, 3):
        pairs = [(i, (i + distance) % N) for i in range(N)]
        xy, zz = rng.normal(size=2).tolist()
        flip = PauliSum.sum(X(i) * X(j) + Y(i) * Y(j) for i, j in pairs)
        terms += xy * flip + zz * PauliSum.sum(Z(i) * Z(j) for i, j in pairs)
        static += [[name, [[xy, i, j] for i, j in pairs]] for name in ("xx", "yy")]
        static.append(["zz", [[zz, i, j] for i, j in pairs]])
    if total_sz is None:
        field = float(rng.normal())
        terms += field * PauliSum.sum(X(i) for i in range(N))
        static.append(["x", [[field, i] for i in range(N)]])
    return spin_hamiltonian(terms, N, total_sz=total_sz), static


def quspin_spectrum(static, total_sz, **blocks):
    """All eigenvalues in QuSpin's sector."""
    n_up = None if total_sz is None else round(N / 2 + total_sz)
    basis = spin_basis_general(N, Nup=n_up, pauli=1, **blocks)
    if basis.Ns == 0:
        return np.zeros(0)
    return hamiltonian(static, [], basis=basis, dtype=np.complex128, **CHECKS).eigvalsh()


@pytest.mark.submission
@pytest.mark.parametrize(("total_sz", "seed"), [(0, 1), (1, 2), (2, 3)])
def test_every_momentum(total_sz, seed):
    H, static = random_ring(total_sz, seed)
    shift = np.roll(np.arange(N), 1)
    for n in range(N):
        symmetry = chain(N).translation_sector(2 * np.pi * n / N)
        theirs = [quspin_spectrum(static, total_sz, k=(shift, q)) for q in (n, (N - n) % N)]
        ours = full_spectrum(H, symmetry=symmetry)
        for spectrum in theirs:  # k and -k are degenerate, so that the sign of k does not matter
            np.testing.assert_allclose(ours, spectrum, atol=1e-10)


@pytest.mark.parametrize("total_sz", [None, 0])
@pytest.mark.parametrize("momentum", [0, N // 2])
@pytest.mark.parametrize(("reflection", "parity"), [(1, 1), (1, -1), (-1, 1), (-1, -1)])
def test_all_symmetries_together(total_sz, momentum, reflection, parity):
    H, static = random_ring(total_sz, 4)
    shift, mirror = np.roll(np.arange(N), 1), np.arange(N)[::-1]
    group = SymmetryGroup.generated(np.array([shift, mirror]))
    step, turn = group.index(shift), group.index(mirror)
    wanted = (1 - 2 * (momentum > 0), reflection)
    symmetry = next(
        s.with_spin_inversion(parity)
        for s in group.sectors()
        if np.allclose((s.characters[step], s.characters[turn]), wanted)
    )
    blocks = {
        "k": (shift, momentum),
        "p": (mirror, 0 if reflection == 1 else 1),
        "z": (-(np.arange(N) + 1), 0 if parity == 1 else 1),
    }
    theirs = quspin_spectrum(static, total_sz, **blocks)
    if len(theirs):
        np.testing.assert_allclose(full_spectrum(H, symmetry=symmetry), theirs, atol=1e-10)
    else:
        with pytest.raises(ValueError, match="empty sector"):
            ground_state(H, symmetry=symmetry)
