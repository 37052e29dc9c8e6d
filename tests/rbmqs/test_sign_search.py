"""The automatic restart of sign rules: right choices, and honest words where there is none."""

import numpy as np
import pytest

from hamiltonians import chain, heisenberg, j1j2, rectangle
from rbmqs import choose_signs
from rbmqs.cli.main import main
from rbmqs.estimators.error_bars import statistics
from rbmqs.runs.sign_search import SignCandidate, SignSearch, _ranked


def candidate(signs, *energies):
    """Runs with statistical errors of 1e-4 each."""
    noise = np.random.default_rng(0).normal(scale=3e-3, size=(16, 64))
    return SignCandidate(signs, tuple(statistics(e + noise - noise.mean()) for e in energies))


def stuck(energy):
    return statistics(energy + np.repeat(np.arange(16.0), 64).reshape(16, 64))


def test_candidates_are_ranked_and_told_apart_by_their_spread():
    ranked = _ranked([
        candidate(None, -9.0, -9.1, -9.2),
        candidate("marshall", -10.0, -10.1, -10.2),
        candidate([1, 2], -9.9, -10.3, -9.8),
    ])  # fmt: skip
    restart = SignSearch(heisenberg(chain(6)), ranked, "no budget")
    assert [c.label for c in restart.candidates] == ["marshall", "sites [1, 2]", "none"]
    assert restart.best.error == pytest.approx(0.1 / 3**0.5)
    assert [c.label for c in restart.rivals] == ["sites [1, 2]"]
    assert "these runs cannot tell it from sites [1, 2]" in str(restart)
    assert "higher (p = " in str(restart)


def test_runs_that_cannot_be_trusted_do_not_count():
    good = candidate("marshall", -8.0, -8.1).energies
    ranked = _ranked([
        candidate(None, float("nan"), float("nan")),
        SignCandidate("stripe-x", (stuck(-20.0), *good[:1])),
        SignCandidate("marshall", (*good, stuck(-30.0))),
    ])  # fmt: skip
    assert [c.label for c in ranked] == ["marshall", "stripe-x", "none"]
    assert [len(c.trusted) for c in ranked] == [2, 1, 0]
    assert ranked[1].error == pytest.approx(1e-4, rel=0.3)
    restart = SignSearch(heisenberg(chain(6)), ranked, "")
    assert [c.label for c in restart.rivals] == ["stripe-x", "none"]
    assert "1 of 2 runs trusted   too few trusted runs to tell" in str(restart)


def test_marshall_wins_on_a_chain():
    H = heisenberg(chain(8), total_sz=0)
    restart = choose_signs(H, [[0, 1], "marshall", [0]], n_iterations=30, n_seeds=2, progress=False)
    assert len(restart.candidates) == 3
    assert restart.best.signs == "marshall"
    assert "2 runs of 30 iterations each, alpha = 1" in str(restart)
    assert restart.rotated() == H.with_signs(restart.best.signs)


@pytest.mark.slow
def test_stripes_win_at_large_j2():
    H = j1j2(rectangle(4, 4), J2=1.0, total_sz=0)
    restart = choose_signs(H, progress=False)
    found = {c.signs: c.energies[0].mean.real for c in restart.candidates}
    assert set(found) == {None, "marshall", "stripe-x", "stripe-y"}
    assert restart.best.signs in (None, "stripe-x", "stripe-y")  # None begins with the stripes
    assert max(found[None], min(found["stripe-x"], found["stripe-y"])) < found["marshall"]


@pytest.mark.parametrize(("mistake", "words"), [
    (lambda: choose_signs(heisenberg(chain(4), marshall=True)), "unrotated basis only"),
    (lambda: choose_signs(heisenberg(chain(4)), n_seeds=1), "n_seeds must be at least 2"),
    (lambda: choose_signs(heisenberg(chain(4)), ["stripe-x"]), "rows and columns"),
    (lambda: choose_signs(heisenberg(chain(4)), []), "at least one sign rule"),
])  # fmt: skip
def test_mistakes_are_met_at_the_door(mistake, words):
    with pytest.raises(ValueError, match=words):
        mistake()


def test_signs_auto_on_the_command_line(capsys, monkeypatch):
    short = {**choose_signs.__kwdefaults__, "n_iterations": 3, "n_seeds": 2}
    monkeypatch.setattr(choose_signs, "__kwdefaults__", short)
    words = "ground-state heisenberg --length 6 --total-sz 0 --signs auto --iterations 3 --quiet"
    main(words.split())
    out = capsys.readouterr().out
    assert "sign rules for Heisenberg, chain of 6" in out
    assert "marshall" in out
    assert "not told apart" in out or "higher" in out
    assert main(["exact", "heisenberg", "--length", "6", "--signs", "auto"]) == 2


@pytest.mark.parametrize(("signs", "title"), [
    ("marshall", "Marshall basis"), ("0,2", "basis rotated on 2 sites"),
])  # fmt: skip
def test_signs_on_the_command_line(capsys, signs, title):
    main(f"exact heisenberg --length 6 --total-sz 0 --signs {signs}".split())
    assert title in capsys.readouterr().out
