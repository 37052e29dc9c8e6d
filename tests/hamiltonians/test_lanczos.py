"""Lanczos: one state, several, degenerate ones, interruptions, time evolution."""

import tracemalloc

import numpy as np
import pytest
import scipy.linalg

from hamiltonians import (
    TooLargeError,
    chain,
    full_spectrum,
    ground_state,
    heisenberg,
    ising,
    j1j2,
    ladder,
    memory_needed,
    rectangle,
    square,
    xxz,
    xyz,
)
from hamiltonians.exact import checkpoints
from hamiltonians.exact.blocks import BlockOperator, lay_out
from hamiltonians.exact.checkpoints import Checkpoint, StoppedError
from hamiltonians.exact.diagonalisation import checked_plan, compiled, random_vector
from hamiltonians.exact.evolution import evolve
from hamiltonians.exact.ground_sector import ground_sector, with_smallest_sz
from hamiltonians.exact.lanczos import Recurrence, lowest_state
from hamiltonians.models.known_signs import sign_sites
from hamiltonians.operators.sectors import Sector
from hamiltonians.utils.archive import CheckpointError
from hamiltonians.utils.locks import LockedError, locked


@pytest.mark.parametrize("n_low", [1, 3, 6])
@pytest.mark.parametrize("total_sz", [None, 0, 1])
def test_any_split_into_blocks_gives_the_same_product(n_low, total_sz):
    H = j1j2(chain(8), J2=0.4, total_sz=total_sz)
    operator = BlockOperator(Sector(8, total_sz), H.terms)
    operator.__dict__["layout"] = lay_out(operator.sector, n_low)
    rng = np.random.default_rng(n_low)
    x, y = rng.normal(size=(2, operator.dimension))
    expected = 0.7 * (H.to_dense() @ x) - 0.3 * y
    share = operator.multiply(x, y, 0.7, 0.3)
    np.testing.assert_allclose(y, expected, atol=1e-12)
    assert share == pytest.approx(0.7 * x @ expected)


@pytest.mark.parametrize(
    "H", [ising(chain(10), h=0.9), heisenberg(chain(12), total_sz=0), xyz(chain(10), Jz=0.4)]
)
@pytest.mark.parametrize("vectors", [True, False])
def test_energy_and_residual(H, vectors):
    result = ground_state(H, vectors=vectors)
    assert result.energy == pytest.approx(full_spectrum(H)[0], abs=1e-10)
    assert result.residuals[0] <= (1e-10 if vectors else 1e-8) * abs(result.energy) * 10
    if vectors:
        image = H.to_sparse() @ result.vector
        measured = np.linalg.norm(image - result.energy * result.vector)
        assert measured == pytest.approx(result.residuals[0], abs=1e-11)
    else:
        with pytest.raises(ValueError, match="vectors must be True"):
            _ = result.vector


def test_the_recurrence_knows_its_residual():
    """beta_m |s_m| without a vector is |Hv - Ev| with it, from the same start vector."""
    operator = compiled(heisenberg(chain(14), total_sz=0), None)

    def start():
        return random_vector(operator, np.random.default_rng(3))

    known, measured = (
        lowest_state(operator, start, tolerance=1e-6, with_vector=flag) for flag in (False, True)
    )
    assert known.residual == pytest.approx(measured.residual, rel=1e-3)
    assert known.energy == pytest.approx(measured.energy, rel=1e-12)


def test_degenerate_levels_come_with_all_their_states():
    H = xxz(rectangle(3, 4), delta=0.3, total_sz=0)
    result = ground_state(H, k=8)
    np.testing.assert_allclose(result.energies, full_spectrum(H)[:8], atol=1e-9)
    overlaps = result.vectors.T @ result.vectors
    np.testing.assert_allclose(overlaps, np.eye(8), atol=1e-8)
    assert (result.residuals < 1e-7).all()


def test_a_start_vector_that_is_an_eigenstate_ends_at_once():
    H = heisenberg(chain(12), J=-1.0, total_sz=0)
    assert ground_state(H).energy == pytest.approx(-12)


def test_an_interrupted_run_goes_on_from_its_checkpoint(tmp_path):
    H, path = heisenberg(chain(16), total_sz=0), tmp_path / "run.npz"
    whole = ground_state(H, vectors=False)

    class Stop(Exception):
        pass

    def stop(n_products, energy, residual):
        if n_products >= 12:
            raise Stop

    name = f"{H.fingerprint} {H.dimension} seed 0"
    operator, file = (
        compiled(H, None),
        Checkpoint(path, name, H.dimension, np.dtype(float), every=0.0),
    )
    with pytest.raises(Stop):
        lowest_state(
            operator, lambda: random_vector(operator, np.random.default_rng(0)), tolerance=1e-8,
            with_vector=False, report=lambda run, E, r: (file.save(run), stop(run.n_steps, E, r)),
        )  # fmt: skip
    assert path.exists()
    resumed = []
    result = ground_state(H, vectors=False, checkpoint=path,
                          progress=lambda n, E, r: resumed.append(n))  # fmt: skip
    assert resumed[0] > 12
    assert result.energy == pytest.approx(whole.energy, abs=1e-10)
    assert not path.exists()


def saved(path, fingerprint, length, steps=2):
    """A checkpoint of vectors of some length."""
    run = Recurrence(np.ones(length), np.ones(length), 1.0, 1.0, [0.0] * steps, [1.0] * steps)
    Checkpoint(path, fingerprint, length, np.dtype(float)).save(run)


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    H = heisenberg(chain(14), total_sz=0)
    saved(path, "other", H.dimension)
    with pytest.raises(ValueError, match="must belong to this run"):
        ground_state(H, checkpoint=path)
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(ValueError, match="not a readable checkpoint"):
        ground_state(H, checkpoint=path)


@pytest.mark.parametrize("length", [3431, 1, 100_000])
def test_a_checkpoint_with_vectors_of_another_length_is_refused(tmp_path, length):
    """They had reached a kernel: heap corruption, or an energy of -887037778."""
    path = tmp_path / "run.npz"
    H = heisenberg(chain(14), total_sz=0)
    saved(path, f"{H.fingerprint} {H.dimension} seed 0", length)
    with pytest.raises(ValueError, match="of length 3432"):
        ground_state(H, checkpoint=path)


def rewritten(path, **changes):
    """The file with other arrays under the old description, as another program writes it."""
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **(arrays | {name: change(arrays[name]) for name, change in changes.items()}))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"alpha": lambda a: a - 100.0}, "alpha does not match its checksum"),
        ({"current": lambda a: 2 * a}, "current does not match its checksum"),
        ({"alpha": lambda a: np.zeros(99)}, "alpha should be"),
        ({"previous": lambda a: a.astype("U4")}, "previous should"),
    ],
)
def test_a_checkpoint_that_was_edited_is_refused(tmp_path, changes, reason):
    """Other diagonal elements had given -100 as an energy."""
    path = tmp_path / "run.npz"
    H = heisenberg(chain(14), total_sz=0)
    saved(path, f"{H.fingerprint} {H.dimension} seed 0", H.dimension)
    rewritten(path, **changes)
    with pytest.raises(CheckpointError, match=reason):
        ground_state(H, checkpoint=path)


def test_a_checkpoint_of_too_many_steps_or_of_huge_vectors_is_refused_unread(tmp_path):
    path = tmp_path / "run.npz"
    H = heisenberg(chain(14), total_sz=0)
    saved(path, f"{H.fingerprint} {H.dimension} seed 0", H.dimension, steps=1001)
    with pytest.raises(CheckpointError, match="1001 steps"):
        ground_state(H, checkpoint=path)
    saved(path, f"{H.fingerprint} {H.dimension} seed 0", 10**6)
    tracemalloc.start()
    with pytest.raises(CheckpointError, match="of length 3432"):
        Checkpoint(path, f"{H.fingerprint} {H.dimension} seed 0", 3432, np.dtype(float)).load()
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_one_diagonalisation_writes_a_checkpoint_and_a_full_disk_does_not_end_it(
    tmp_path, monkeypatch
):
    H, path = heisenberg(chain(14), total_sz=0), tmp_path / "run.npz"
    with locked(path), pytest.raises(LockedError, match=r"run\.npz is being written by process"):
        ground_state(H, checkpoint=path)
    with pytest.raises(OSError, match="no such directory"):
        ground_state(H, checkpoint=tmp_path / "none" / "run.npz")

    def full(*arguments):
        raise OSError(28, "No space left on device")

    original = Checkpoint.save_if_due

    def often(self, run):
        self.every = -1.0
        original(self, run)

    monkeypatch.setattr(checkpoints, "write_archive", full)
    monkeypatch.setattr(Checkpoint, "save_if_due", often)
    with pytest.warns(RuntimeWarning, match="No space left on device.*goes on without"):
        result = ground_state(H, checkpoint=path, vectors=False)
    assert result.energy == pytest.approx(ground_state(H, vectors=False).energy, abs=1e-10)


def test_a_run_that_is_stopped_saves_and_goes_on(tmp_path):
    H, path = heisenberg(chain(14), total_sz=0), tmp_path / "run.npz"
    whole = ground_state(H, vectors=False)
    asked = iter([False, False, True])
    with pytest.raises(StoppedError, match=r"after 12 products, saved in .*run\.npz"):
        ground_state(H, vectors=False, checkpoint=path, stop=lambda: next(asked))
    found = ground_state(H, vectors=False, checkpoint=path)
    assert found.energy == whole.energy
    assert found.n_products == whole.n_products
    assert not path.exists()
    with pytest.raises(ValueError, match="stop needs a checkpoint"):
        ground_state(H, stop=lambda: True)


@pytest.mark.parametrize("H", [heisenberg(chain(10), total_sz=0), xyz(chain(8), Jx=0.3)])
def test_evolution_is_the_matrix_exponential(H):
    rng = np.random.default_rng(1)
    psi = rng.normal(size=H.dimension) + 1j * rng.normal(size=H.dimension)
    times = [0.3, -0.5, 2.0, 0.0]
    for t, found in zip(times, evolve(H, psi, times), strict=True):
        exact = scipy.linalg.expm(-1j * t * H.to_dense()) @ psi
        np.testing.assert_allclose(found, exact, atol=1e-8)


def test_evolution_in_a_sector_keeps_norm_and_energy():
    H = heisenberg(chain(12), total_sz=0)
    symmetry = H.lattice.sector(0, "even", spin_inversion=1)
    low, high = ground_state(H, k=2, symmetry=symmetry).vectors.T
    gap = np.diff(ground_state(H, k=2, symmetry=symmetry).energies)[0]
    (after,) = evolve(H, (low + high) / np.sqrt(2), [1.7], symmetry=symmetry)
    assert np.linalg.norm(after) == pytest.approx(1)
    phase = np.vdot(high, after) / np.vdot(low, after)
    assert phase == pytest.approx(np.exp(-1.7j * gap), abs=1e-8)


def test_evolution_refuses_bad_input():
    H = heisenberg(chain(4), total_sz=0)
    with pytest.raises(ValueError, match=r"vector must have shape \(6,\)"):
        evolve(H, np.ones(5), [1.0])
    with pytest.raises(ValueError, match="times must be finite"):
        evolve(H, np.ones(6), [np.nan])
    with pytest.raises(TooLargeError):
        evolve(H, np.ones(6), [1.0], memory_limit=100)


@pytest.mark.parametrize(
    "H",
    [
        heisenberg(chain(8)), heisenberg(chain(10)), heisenberg(ladder(4, 2)),
        ising(chain(10), h=0.7), ising(chain(9), h=-0.7), ising(square(3), J=-1.0),
        xxz(chain(10), delta=-2.0, total_sz=0),
        heisenberg(chain(7), J=-1.0, total_sz=0.5), heisenberg(chain(9, periodic=False)),
    ],
    ids=lambda H: H.name,
)  # fmt: skip
def test_the_sector_chosen_holds_the_ground_state(H):
    smaller = with_smallest_sz(H)
    sector = ground_sector(smaller)
    assert sector is not None
    lowest = np.linalg.eigvalsh(H.to_dense())[0]
    assert ground_state(smaller, symmetry=sector).energy == pytest.approx(lowest)


def test_frustration_leaves_the_sector_open():
    assert ground_sector(heisenberg(chain(9), total_sz=0.5)) is None
    assert sign_sites(j1j2(square(4), total_sz=0)) is None


def test_total_sz_is_fixed_only_where_every_multiplet_is_there():
    assert with_smallest_sz(heisenberg(chain(6))).total_sz == 0
    assert with_smallest_sz(heisenberg(chain(5))).total_sz == 0.5
    assert with_smallest_sz(xxz(chain(6), delta=0.5)).total_sz is None
    assert with_smallest_sz(heisenberg(chain(6), field=(0, 0, 0.1))).total_sz is None


def test_the_plan_names_what_memory_is_for():
    H = heisenberg(square(6), total_sz=0)
    sector = ground_sector(H)
    plan = checked_plan(H, symmetry=sector, vectors=False, memory_limit=6 * 2**30)
    assert plan.dimension == 15_804_956
    assert plan.stored_elements
    assert 2e9 < plan.parts["matrix elements"] < 2.6e9
    tight = checked_plan(H, symmetry=sector, vectors=False, memory_limit=10**9)
    assert not tight.stored_elements
    with pytest.raises(TooLargeError, match="dimension about 10"):
        checked_plan(H, symmetry=sector, memory_limit=10**8)
    assert memory_needed(ising(chain(30))) < memory_needed(ising(chain(30)), k=2)
