"""A disk that fills up at the end of a run costs the file, not the run: results are printed."""

import errno
import os

import pytest

import hamiltonians as hm
import rbmqs
from rbmqs.cli.main import main
from rbmqs.dynamics import evolve
from rbmqs.utils.figures import panels, saved

H = hm.ising(hm.chain(4))


@pytest.fixture
def full_at_the_end(monkeypatch):
    """No file of a result and no picture can be moved into place."""
    replace = os.replace

    def fails(source, target):
        if str(target).endswith(("result.json", ".png")):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    monkeypatch.setattr(os, "replace", fails)


@pytest.mark.usefixtures("full_at_the_end")
def test_ground_state_prints_its_result(tmp_path, capsys):
    command = f"ground-state ising --length 4 --iterations 4 --quiet --output {tmp_path / 'run'}"
    with pytest.warns(RuntimeWarning, match="could not be written .No space left") as caught:
        assert main(command.split()) == 0
    names = {str(w.message).split(" could")[0].rsplit("/")[-1] for w in caught}
    assert names == {"result.json", "energy.png"}
    assert "energy" in capsys.readouterr().out


@pytest.mark.usefixtures("full_at_the_end")
def test_evolution_is_returned(tmp_path):
    with pytest.warns(RuntimeWarning, match="could not be written .No space left") as caught:
        result = evolve(
            H, rbmqs.RBM.random(4, seed=1), [0.0, 0.02], output=tmp_path / "run", progress=False
        )
    assert len(caught) == 2
    assert len(result.times) == 2


@pytest.mark.usefixtures("full_at_the_end")
def test_excited_states_are_returned(tmp_path):
    options = {"n_states": 2, "n_iterations": 2, "progress": False, "output": tmp_path / "run"}
    with pytest.warns(RuntimeWarning, match="result.json could not be written .No space left"):
        assert len(rbmqs.excited_states(H, **options).runs) == 2


@pytest.mark.usefixtures("full_at_the_end")
def test_the_file_asked_for_is_named(tmp_path):
    figure, _ = panels(1, 2, 2)
    with pytest.raises(OSError, match=r"No space left on device: .*picture\.png"):
        saved(figure, tmp_path / "picture.png")
    assert not list(tmp_path.iterdir())
