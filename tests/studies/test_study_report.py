"""Figures from a table, and reports whose numbers are the table's and which need no network."""

import json
import re
import shlex
import shutil
import subprocess
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from small_study import N_POINTS, TEXT, run_here
from synthetic import FIELDS, ising_table

import hamiltonians as hm
import rbmqs
from rbmqs.cli.main import build_parser, main
from rbmqs.cli.options import table_from_options
from rbmqs.runs.config import config_from_table
from rbmqs.runs.prepare import prepare
from rbmqs.studies import figures, load_table, write_report
from rbmqs.studies.numbers import short, with_error
from rbmqs.studies.reports.command import IN_PYTHON, command_of
from rbmqs.studies.reports.diagnosis import remark_of, warnings_of

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    directory, _ = run_here(tmp_path_factory.mktemp("report"))
    write_report(directory)
    return directory


class Page(HTMLParser):
    """Cells of the table of energies, and everything that points outside."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows, self.links, self._cell = [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.links += [values[k] for k in ("src", "href") if values.get(k)]
        self.links += [tag] if tag in ("script", "link", "iframe") else []
        if tag == "tr":
            self.rows.append([])
        self._cell = tag == "td"
        if self._cell:
            self.rows[-1].append("")

    def handle_data(self, data):
        if self._cell:
            self.rows[-1][-1] += data

    def handle_endtag(self, tag):
        self._cell = False


def expected_rows(table) -> list[list[str]]:
    rows = []
    for k in range(len(table)):
        energy = with_error(table["energy_per_site"][k], table["energy_per_site_error"][k])
        rows.append([str(table["length"][k]), str(table["h"][k]), energy])
    return rows


def test_numbers_of_the_page_are_those_of_the_table(root):
    table = load_table(root)
    page = Page((root / "report.html").read_text())
    rows = [row for row in page.rows if row]
    assert [row[:3] for row in rows] == expected_rows(table)
    for k, row in enumerate(rows):
        value, error = map(float, row[2].split(" ± "))
        assert abs(value - table["energy_per_site"][k]) <= 0.06 * error
        assert error == pytest.approx(table["energy_per_site_error"][k], rel=0.06)


def test_markdown_says_the_same(root):
    text = (root / "report.md").read_text()
    for row in expected_rows(load_table(root)):
        assert f"| {' | '.join(row)} |" in text
    for line in text.splitlines():
        if line.startswith("!["):
            assert (root / line.split("(")[1].rstrip(")")).exists()


def test_page_asks_for_nothing_outside(root):
    page = Page((root / "report.html").read_text())
    assert page.links
    assert all(link.startswith("data:image/png;base64,") for link in page.links)


def test_page_holds_settings_warnings_and_the_command(root):
    text = (root / "report.html").read_text()
    assert f"{N_POINTS} of {N_POINTS} points done" in text
    assert "too few to judge convergence" in text
    assert "rbmqs study run study.toml" in text
    assert "warm_start = &quot;model.parameters.h&quot;" in text
    assert "Pauli matrices" in text


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
def test_browser_shows_the_page_without_errors_or_network(root, tmp_path):
    """Headless Chromium renders it; its log holds no console error and no refused request."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0"]
    page = (root / "report.html").resolve().as_uri()
    done = subprocess.run(
        [BROWSER, *options, f"--user-data-dir={tmp_path}", "--dump-dom", page],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert [row[:3] for row in Page(done.stdout).rows if row] == expected_rows(load_table(root))
    assert "CONSOLE" not in done.stderr
    assert "ERR_" not in done.stderr


@pytest.mark.parametrize("more", [[], ["--restarts", "2"]])
def test_report_of_a_single_run(tmp_path, capsys, more):
    run = tmp_path / "run"
    options = ["--alpha", "1", "--iterations", "3", "--samples", "64", "--chains", "8", "--quiet"]
    options += more
    main(["ground-state", "heisenberg", "--length", "4", *options, "--output", str(run)])
    capsys.readouterr()
    assert main(["report", str(run)]) == 0
    assert capsys.readouterr().out.split() == [str(run / "report.html"), str(run / "report.md")]
    page = (run / "report.html").read_text()
    assert "S = σ/2" in page
    assert "<h1>Heisenberg, chain of 4" in page
    assert "was sought by variational Monte Carlo" in page
    assert re.search(r"optimisation: <b>unfinished</b>.*error bar: <b>.*accuracy: <b>", page)
    assert "null" not in page
    assert max(map(len, Page(page).rows)) <= 2, "one value a line: nothing scrolls sideways"
    command = unescape(re.search(r"<code>(rbmqs ground-state [^<]*)</code>", page)[1])
    assert main([*shlex.split(command)[1:], "--quiet", "--output", str(tmp_path / "again")]) == 0
    assert (tmp_path / "again" / "log.jsonl").read_bytes() == (run / "log.jsonl").read_bytes()
    assert main(["report", str(tmp_path / "nothing")]) == 2


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("--ansatz jastrow --seed 0", {"ansatz": "jastrow"}),
        ("--optimiser adam --real --learning-rate 0.01",
         {"kind": "adam", "learning_rate": 0.01, "dtype": "real"}),
        ("--growth 1.0 2.0 --iterations 0", {"growth": (1, 2)}),
        ("--signs none", {"signs": None}),
        ("--lattice triangular --shape 3 3", {"lattice": hm.triangular(3, 3)}),
        ("--open --length 6", {"lattice": hm.chain(6, periodic=False)}),
        (IN_PYTHON, {"visible_bias": False}),
        (IN_PYTHON, {"momentum": 0.5}),
        (IN_PYTHON, {"sweep_size": 3}),
        (IN_PYTHON, {"lattice": hm.from_edges([(0, 1), (1, 2)])}),
    ],
)  # fmt: skip
def test_the_command_says_all_that_decides_a_run_or_nothing(words, options, tmp_path):
    lattice = options.pop("lattice", None) or hm.chain(4)
    H = hm.heisenberg(lattice)
    length = {"n_iterations": 0, "n_final_samples": 64, "n_samples": 64, "progress": False}
    result = rbmqs.ground_state(H, output=tmp_path / "run", **length, **options)
    header = rbmqs.read_log(tmp_path / "run" / "log.jsonl")[0]
    settings = json.loads((tmp_path / "run" / "result.json").read_text())["settings"]
    command = command_of({**header, "settings": settings})
    if words == IN_PYTHON:
        assert command == IN_PYTHON
        return
    found = build_parser().parse_args(shlex.split(command)[1:])
    config = config_from_table(table_from_options(found))
    again = prepare(
        config.hamiltonian(), config.ansatz.options(), config.run, signs=config.model.run_signs
    )
    assert again.hamiltonian.fingerprint == (result.solved or result.hamiltonian).fingerprint
    assert again.settings == result.settings
    if not result.settings.growth:  # whose header has the last size
        assert json.loads(json.dumps(again.psi.describe())) == header["ansatz"]
    for word in words.split(" --"):
        assert word in command


def test_warnings_are_plain_sentences():
    table = ising_table(sizes=(4,), alphas=(1,))
    columns = dict(table.columns)
    columns["r_hat"] = np.array([1.2, 1, 1, 1, 1.0])
    columns["acceptance"] = np.array([0.5, 0.01, 0.5, 0.5, 0.5])
    columns["energy"] = table["reference"] + np.array([0, 0, -1, 1, 0]) * 10 * table["energy_error"]
    columns["status"] = np.array(["", "", "", "", "a (R_hat 2; at most 1.1); b"], dtype=object)
    changed = type(table)(columns, table.axes)
    found = [warnings_of(changed, k) for k in range(5)]
    for sentences, word in zip(found, ("disagree", "accepted", "below", None, "a"), strict=True):
        assert (not sentences) if word is None else word in sentences[0]
    assert found[4] == ["a (R_hat 2; at most 1.1)", "b"]
    assert "above the reference" in remark_of(changed, 3)
    assert remark_of(changed, 0) == ""
    columns["energy_error"] = columns["energy_error"] * np.nan
    assert remark_of(type(table)(columns, table.axes), 3) == "", "no 'nan error bars'"


def test_numbers_have_the_digits_that_their_errors_warrant():
    assert with_error(-10.251763, 0.000334) == "-10.25176 ± 0.00033"
    assert with_error(1234.5, 23.0) == "1234 ± 23" or with_error(1234.5, 23.0) == "1235 ± 23"
    assert with_error(float("nan"), 1.0) == "–"
    assert with_error(-1.5, 0.0) == "-1.5"
    assert short(float("nan")) == "–"


def drawn(figure) -> list[np.ndarray]:
    """Heights of the points with error bars in the first panel."""
    return [bars.lines[0].get_ydata() for bars in figure.axes[0].containers]


def test_energy_figure_shows_the_table():
    table = ising_table(alphas=(1,))
    figure = figures.plot_energy(table)
    for (_, rows), heights in zip(table.series("h"), drawn(figure), strict=True):
        np.testing.assert_array_equal(heights, rows["energy_per_site"])
    assert "h" in figure.axes[1].get_xlabel()


def test_derivative_figure_has_one_point_less():
    figure = figures.plot_derivatives(ising_table(alphas=(1,)), "h")
    assert all(len(heights) == len(FIELDS) - 1 for heights in drawn(figure))


def test_finite_size_figure_names_the_limit():
    table = ising_table(alphas=(1,))
    figure = figures.plot_finite_size(table, exact=-1.27)
    labels = figure.axes[0].get_legend_handles_labels()[1]
    assert len(figures.finite_size(table)) == len(FIELDS)
    assert all("±" in label for label in labels if label.startswith("h = "))


@pytest.mark.parametrize("name", ["plot_variance_extrapolation", "plot_alpha"])
def test_figures_over_several_wavefunctions(name):
    assert drawn(getattr(figures, name)(ising_table(sizes=(4, 6)))) or name == "plot_alpha"


@pytest.mark.parametrize("name", ["plot_correlations", "plot_structure_factor", "plot_convergence"])
def test_figures_from_the_directory(name, root):
    figure = getattr(figures, name)(load_table(root))
    assert len(figure.axes[0].get_legend_handles_labels()[1]) == N_POINTS


def test_correlations_are_drawn_against_distance(root):
    figure = figures.plot_correlations(load_table(root))
    (bars, *_) = figure.axes[0].containers
    assert bars.lines[0].get_xdata().tolist() == [1.0, 2.0]
    assert figure.axes[0].get_xlabel() == "distance"


def test_planes_are_drawn_over_the_zone(tmp_path):
    """A square has corners at (pi, pi), a hexagon's area is that of its reciprocal cell."""
    lattices = 'lattice = [{kind = "square", length = 3}, {kind = "triangular", length = 3}]'
    text = TEXT.replace("lattice.length = [4, 6]", lattices).replace(" + lattice.length", "")
    text = text.replace("num = 3", "num = 2").replace("n_iterations = 12", "n_iterations = 2")
    directory, _ = run_here(tmp_path, text)
    figure = figures.plot_structure_factor(load_table(directory))
    zones = [axis for axis in figure.axes if axis.get_xlabel()]
    assert len(zones) == 4
    areas = []
    for axis in zones:
        (mesh,) = [c for c in axis.collections if hasattr(c, "get_coordinates")]
        step = np.diff(mesh.get_coordinates()[0, :2, 0])[0]
        areas.append(np.isfinite(np.ma.filled(mesh.get_array(), np.nan)).sum() * step**2)
    np.testing.assert_allclose(areas, np.repeat([4.0, 8 / np.sqrt(3)], 2), rtol=0.02)


def test_a_missing_time_is_not_replaced_by_a_number(root):
    table = load_table(root)
    figure = figures.plot_convergence(table)
    assert figure.axes[0].get_xlabel() == "time (s)"
    columns = dict(table.columns)
    columns["seconds_per_iteration"] = np.where(np.arange(N_POINTS) == 2, np.nan, 0.01)
    figure = figures.plot_convergence(type(table)(columns, table.axes, {}, table.directory))
    assert figure.axes[0].get_xlabel() == "iterations"
    assert figure.axes[0].lines[0].get_xdata()[-1] == 12


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("plot_alpha", "one value"),
        ("plot_finite_size", "four sizes"),
        ("plot_correlations", "directory"),
        ("plot_variance_extrapolation", "two different"),
        ("plot_convergence", "directory"),
    ],
)
def test_figures_say_what_the_table_lacks(name, sentence):
    with pytest.raises(figures.NothingToDrawError, match=sentence):
        getattr(figures, name)(ising_table(sizes=(4,), alphas=(1,)))


def test_order_figure_needs_its_columns():
    table = ising_table(alphas=(1,))
    figures.plot_order_parameters(table)
    with pytest.raises(figures.NothingToDrawError, match="m_s_squared"):
        figures.plot_order_parameters(table, staggered=True)


def test_gallery_draws_from_a_study(root):
    """Every figure that the small study has data for is in its report."""
    names = {path.stem for path in (root / "figures").iterdir()}
    assert {"energy", "derivatives", "order", "correlations", "structure_factor"} <= names
