"""The figures of docs/reliability.md in their short version, and the document's own promises."""

import pytest

from tests.campaign.figures import FIGURES
from tests.campaign.mutants import FAULTS
from tests.campaign.rows import ROOT, Parts

SHARE = {"calls": 0.97}  # of trials, where the goal of all is not met yet: it must not fall


@pytest.mark.slow
@pytest.mark.submission
@pytest.mark.campaign
@pytest.mark.parametrize("name", FIGURES)
def test_figure_meets_its_goal(name, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    row = FIGURES[name](True, Parts(name))
    good, _, total = row.figure.partition(" of ")
    met = row.met or (name in SHARE and int(good) >= SHARE[name] * int(total))
    assert met, "\n".join([row.figure, *row.details])


def test_every_planted_fault_still_has_its_line():
    for fault in FAULTS:
        assert (ROOT / fault.file).read_text().count(fault.old) == 1, fault.name


def test_rows_of_the_document_are_figures_of_the_campaign():
    text = (ROOT / "docs" / "reliability.md").read_text()
    assert "python -m tests.campaign --write" in text
    rows = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]
    assert rows == [name for name in FIGURES if name in rows]
