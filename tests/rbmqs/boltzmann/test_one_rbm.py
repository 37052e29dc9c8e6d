"""One RBM of any layers: one trainer, one file, one way to go on; what is refused at the door."""

import argparse

import numpy as np
import pytest
from scipy import sparse

import rbmqs.boltzmann.rbm_model
from hamiltonians.utils.archive import CheckpointError
from rbmqs.boltzmann import BernoulliRBM, GaussianRBM, LayeredRBM, SoftmaxRBM, training
from rbmqs.cli.boltzmann import _to_go_on
from rbmqs.cli.main import main
from rbmqs.tomography.modes import lost_mode
from rbmqs.tomography.snapshots import classical_rbm_of, train_wavefunction

RNG = np.random.default_rng(0)
BITS = (RNG.random((40, 6)) < 0.4).astype(float)
REALS = RNG.normal(size=(40, 3)) @ np.array([[1, 0.8, 0], [0, 1, 0.5], [0, 0, 1]])
MODELS = {
    "bernoulli": (lambda **k: BernoulliRBM(4, **k), BITS),
    "spin": (lambda **k: LayeredRBM(4, visible="spin", hidden="softmax", **k), 2 * BITS - 1),
    "drelu": (lambda **k: LayeredRBM(4, visible="gaussian", hidden="drelu", **k), REALS),
    "gaussian": (lambda **k: GaussianRBM(4, **k), REALS),
    "softmax": (lambda **k: SoftmaxRBM(4, **k), BITS[:, :3] + BITS[:, 3:]),
}
CONSTANT = {"random_state": 1, "schedule": "constant", "learning_rate": 0.05, "batch_size": 10}


METHODS = {kind: ["pcd", "cd", "pt", "ptt", "exact"] for kind in MODELS}
METHODS["drelu"].remove("exact")  # neither layer has finitely many states


@pytest.mark.submission
@pytest.mark.parametrize(
    ("kind", "method"), [(kind, method) for kind in MODELS for method in METHODS[kind]]
)
def test_every_method_trains_resumes_and_is_loaded(kind, method, tmp_path):
    make, rows = MODELS[kind]
    keywords, path = CONSTANT | {"method": method}, tmp_path / "run.npz"
    whole = make(n_iter=60, **keywords).fit(rows)
    half = make(n_iter=30, **keywords).fit(rows, checkpoint=path)
    loaded = type(half).load(path)
    np.testing.assert_array_equal(loaded.transform(rows), half.transform(rows))
    resumed = type(half)(**make().get_params() | {"n_iter": 60}).resume(path, rows)
    for name, array in whole.rbm_.arrays.items():
        np.testing.assert_array_equal(resumed.rbm_.arrays[name], array)
    assert not np.array_equal(half.components_, whole.components_)
    before = loaded.components_.copy()
    assert not np.array_equal(loaded.partial_fit(rows).components_, before)


@pytest.mark.parametrize("method", ["pt", "ptt"])
def test_tempering_of_real_units_finds_both_modes(method):
    """Two narrow modes at +-4 with weights 0.7 and 0.3; 400 rows."""
    sign = np.where(np.random.default_rng(1).random(400) < 0.7, 1.0, -1.0)
    rows = 4 * sign[:, None] + 0.5 * np.random.default_rng(2).normal(size=(400, 2))
    model = GaussianRBM(2, method=method, n_iter=150, batch_size=50, learning_rate=0.05,
                        random_state=0)  # fmt: skip
    exact = GaussianRBM(2, method="exact", n_iter=150, batch_size=50, learning_rate=0.05,
                        random_state=0)  # fmt: skip
    ours, best = (m.fit(rows).log_likelihood(rows).mean() for m in (model, exact))
    single = -5.3946  # one normal distribution, where they start
    assert ours > best - 0.1 * (best - single)
    assert "swap rate" in model.training_.history[-1].figures


SCALE = np.array([100.0, 1000.0, 10_000.0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("visible", ["gaussian", "relu", "drelu"])
def test_scaled_columns_shift_the_likelihood_by_the_log(visible, dtype):
    rows = np.abs(REALS) if visible == "relu" else REALS
    keywords = {"n_iter": 50, "random_state": 0, "method": "exact", "dtype": dtype}
    make = {"gaussian": lambda: GaussianRBM(3, **keywords)}.get(
        visible, lambda: LayeredRBM(3, visible=visible, **keywords)
    )
    plain, scaled = (make().fit(X).log_likelihood(X).mean() for X in (rows, rows * SCALE))
    assert scaled + np.log(SCALE).sum() == pytest.approx(plain, abs=2e-3)


def test_sampled_gradients_stand_scaled_columns_too():
    plain, scaled = (GaussianRBM(3, n_iter=50, random_state=0).fit(X).log_likelihood(X).mean()
                     for X in (REALS, REALS * SCALE))  # fmt: skip
    assert scaled + np.log(SCALE).sum() == pytest.approx(plain, abs=0.05)


def test_a_run_goes_on_with_its_own_data_and_keywords_only(tmp_path):
    path = tmp_path / "run.npz"
    BernoulliRBM(4, n_iter=3, random_state=1).fit(BITS, checkpoint=path)
    for other in (BITS[:, ::-1], BITS[::-1], sparse.csr_matrix(BITS[:, ::-1])):
        with pytest.raises(CheckpointError, match="other data"):
            BernoulliRBM(4).resume(path, other)
    for keywords in ({"n_components": 5}, {"random_state": 2}, {"method": "pcd"}, {"l2": 0.1}):
        (name,) = keywords
        with pytest.raises(ValueError, match=f"run with {name} .*, got .*: leave {name} out"):
            BernoulliRBM(**keywords).resume(path, BITS)
    assert BernoulliRBM().resume(path, BITS).n_iter_ == 3  # "auto" would be 1500 epochs
    assert BernoulliRBM(n_iter=5).resume(path, BITS).n_iter_ == 5
    GaussianRBM(4, n_iter=2).fit(REALS, checkpoint=path)
    with pytest.raises(CheckpointError, match="GaussianRBM"):
        LayeredRBM().resume(path, REALS)


def test_numpy_scalars_are_keywords_and_are_kept_in_files(tmp_path):
    path = tmp_path / "run.npz"
    keywords = {
        "n_components": np.int64(3), "n_iter": np.int64(2), "learning_rate": np.float32(0.1),
        "batch_size": np.int32(7), "centred": np.bool_(True), "verbose": np.bool_(False),
        "n_chains": np.int64(9), "max_seconds": np.float32(60), "random_state": np.int64(3),
    }  # fmt: skip
    model = BernoulliRBM(**keywords).fit(BITS, checkpoint=path)
    assert BernoulliRBM.load(path).n_components == 3
    np.testing.assert_array_equal(BernoulliRBM.load(path).components_, model.components_)
    assert BernoulliRBM(n_iter=np.int64(4)).resume(path, BITS).n_iter_ == 4


def test_a_full_disk_is_a_warning_between_and_an_error_before_the_work(tmp_path, monkeypatch):
    write, calls = rbmqs.boltzmann.rbm_model.write_archive, []

    def full_after_the_first(path, *rest):
        calls.append(path)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        write(path, *rest)

    monkeypatch.setattr(rbmqs.boltzmann.rbm_model, "write_archive", full_after_the_first)
    monkeypatch.setattr(training, "SAVE_EVERY", 0.0)
    model = BernoulliRBM(4, n_iter=200, batch_size=40, random_state=0)
    with pytest.warns(training.CheckpointWarning, match="the run goes on: .*No space left"):
        model.fit(BITS, checkpoint=tmp_path / "run.npz")
    assert BernoulliRBM.load(tmp_path / "run.npz").n_iter_ == 200
    calls.append("first")
    calls[:] = calls[:1]
    with pytest.raises(OSError, match="No space left"):
        model.fit(BITS, checkpoint=tmp_path / "other.npz")


@pytest.fixture
def in_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("data.npy", BITS)
    np.save("reversed.npy", BITS[:, ::-1])
    command = "train data.npy --hidden 4 --epochs 3 --seed 1 --output m.npz --quiet"
    assert main(command.split()) == 0
    return tmp_path


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("train reversed.npy --output m.npz --resume", "other data"),
        ("train data.npy --output m.npz --resume --hidden 5", "n_components 4, got 5"),
        ("train data.npy --output m.npz --resume --units 256", "n_components 4, got 256"),
        ("train data.npy --output m.npz --resume --seed 2", "random_state 1, got 2"),
        ("train data.npy --output m.npz --resume --hidden spin", "hidden 'bernoulli', got 'spin'"),
        ("train data.npy --output m.npz --resume --double", "dtype 'float32', got 'float64'"),
        ("train data.npy --output n.npz --plot p.xyz", "p.xyz must end in one of"),
        ("train data.npy --output n.npz --plot no/p.png", "no such directory"),
        ("train data.npy --output .", "is a directory"),
        ("train data.npy --output n.npz --visible spin --binarize 1", "--binarize is for"),
    ],
)  # fmt: skip
def test_commands_that_would_mislead_are_refused(in_directory, command, reason, capsys):
    assert main([*command.split(), "--quiet"]) == 2
    assert reason in capsys.readouterr().err
    assert not (in_directory / "n.npz").exists()


def test_layers_resume_from_the_command_line_and_the_hint_keeps_every_option(in_directory, capsys):
    np.save("reals.npy", REALS)
    first = "train reals.npy --visible gaussian --hidden relu --units 3 --seed 1 --output l.npz"
    assert main([*first.split(), "--epochs", "2", "--quiet", "--validation", "reals.npy"]) == 0
    assert main([*first.split(), "--epochs", "4", "--quiet", "--resume"]) == 0
    assert "4 in" in capsys.readouterr().out
    options = argparse.Namespace(
        data="my data.npy", n_components=3, n_iter=300, learning_rate=None, batch_size=None,
        method="pt", n_gibbs_steps=None, schedule=None, max_seconds=None, binarize=None,
        random_state=0, visible="gaussian", hidden="relu", validation="v.npy", output="l.npz",
        plot=None, double=True, quiet=False,
    )  # fmt: skip
    assert _to_go_on(options) == (
        "rbmqs train 'my data.npy' --units 3 --epochs 300 --method pt --seed 0 --visible gaussian "
        "--hidden relu --validation v.npy --output l.npz --double --resume"
    )


@pytest.mark.parametrize("seed", [0, 1])
def test_both_modes_of_measurements_are_learnt(seed):
    """Half all up, half all down: one of the two ended at 0.0004 to 0.14."""
    spins = np.repeat([[1] * 4, [-1] * 4], 1000, axis=0)
    psi, record = train_wavefunction(spins, 4, random_state=seed)
    log_p = 2 * psi.log_psi(np.array([[1] * 4, [-1] * 4]))
    share = np.exp(log_p - classical_log_norm(psi))
    np.testing.assert_allclose(share, 0.5, atol=0.03)
    assert record.status == ""


def classical_log_norm(psi):
    states = 1 - 2 * ((np.arange(2**psi.n_sites)[:, None] >> np.arange(psi.n_sites)) & 1)
    return np.logaddexp.reduce(2 * psi.log_psi(states))


@pytest.mark.parametrize("n", [4, 20])
def test_a_lost_mode_is_a_sentence(n):
    """Data from both modes, an RBM whose field leaves one of them e^-8 of the other's weight."""
    spins = np.repeat([[1] * n, [-1] * n], 500, axis=0)
    psi, _ = train_wavefunction(spins[:500], 2, n_iter=40, random_state=0, method="cd")
    bits = (1 + spins) // 2
    assert "0.5 of the measurements" in lost_mode(classical_rbm_of(psi), bits, 0)
    assert lost_mode(classical_rbm_of(psi), bits[:500], 0) == ""


def test_balanced_modes_of_many_sites_are_no_alarm():
    """Annealing reaches one of the two only; the exact draws reach both."""
    spins = np.repeat([[1] * 20, [-1] * 20], 500, axis=0)
    psi, record = train_wavefunction(spins, 4, n_iter=40, random_state=0)
    log_p = 2 * psi.log_psi(np.array([[1] * 20, [-1] * 20]))
    assert abs(log_p[0] - log_p[1]) < 0.4
    assert record.status == ""
