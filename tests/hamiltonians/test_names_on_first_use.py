"""Names of a package that are imported on first use, and the report that many classes share."""

import sys
import types

import pytest

import hamiltonians as hm
import rbmqs
from hamiltonians.utils.brief import Tabled
from hamiltonians.utils.lazy import names_on_first_use


@pytest.fixture
def package(monkeypatch):
    """A package of one module `inner`, with a name of it and one from elsewhere."""
    made = types.ModuleType("made_up")
    made.__path__ = []
    inner = types.ModuleType("made_up.inner")
    inner.value, inner.count = 7, 0
    for module in (made, inner):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    known, made.__getattr__, made.__dir__ = names_on_first_use(
        "made_up", {"inner": "value count", "made_up.inner": "absolute"}, "inner"
    )
    inner.absolute = "by its whole path"
    return made, known


def test_a_name_is_found_by_its_module_and_kept(package):
    made, known = package
    assert known == sorted(["value", "count", "absolute", "inner"]) == made.__dir__()
    assert "value" not in vars(made)
    assert (made.value, made.absolute, made.inner.count) == (7, "by its whole path", 0)
    assert vars(made)["value"] == 7


def test_other_names_are_refused_as_by_any_module(package):
    with pytest.raises(AttributeError, match="module 'made_up' has no attribute 'valeu'"):
        _ = package[0].valeu


@pytest.mark.parametrize("room", [hm, rbmqs])
def test_every_public_name_is_there(room):
    assert set(room.__all__) <= set(dir(room))
    for name in room.__all__:
        assert getattr(room, name) is not None


class Long(Tabled):
    """A head of two lines, and more rows than a prompt shows."""

    def summary(self):
        return "first\nsecond <b>\n", [(f"row {k}", "a < b") for k in range(30)]


def test_reports_of_one_kind_for_a_terminal_a_prompt_and_a_notebook():
    text, shown, table = str(Long()), repr(Long()), Long()._repr_html_()
    assert text.splitlines()[:4] == ["first", "second <b>", "", "row 0          a < b"]
    assert len(text.splitlines()) == 33
    assert len(shown.splitlines()) == 20
    assert shown.splitlines()[-1] == "... print() shows the rest"
    assert table.startswith("<p>first<br>second &lt;b&gt;</p><table>")
    assert table.count("<tr>") == 30
    assert "a &lt; b" in table
