"""Reports: a study or a run as a self-contained HTML page and a Markdown file."""

from pathlib import Path

from hamiltonians.utils.files import check_writable, write_atomically
from rbmqs.studies.reports.content import content_of
from rbmqs.studies.reports.html import to_html
from rbmqs.studies.reports.markdown import FIGURES, to_markdown
from rbmqs.studies.reports.results import report_of_result

__all__ = ["write_report"]


def write_report(root: str | Path, output: str | Path | None = None) -> tuple[Path, Path]:
    """Write `report.html`, `report.md` and `figures/*.png` for whatever a directory holds.

    Parameters
    ----------
    root : path
        Directory of a study, a run, an evolution, a reconstruction or a study of fidelity.
    output : path, optional
        Directory of the report; `root` itself by default.

    Returns
    -------
    html, markdown : Path
    """
    output = Path(output or root)
    paths = output / "report.html", output / "report.md"
    if output.is_dir():
        check_writable(paths[0])  # before the work
    report = report_of_result(Path(root)) or content_of(root)
    figures = output / FIGURES
    figures.mkdir(parents=True, exist_ok=True)
    for name, (_, data) in report.figures.items():
        write_atomically(figures / f"{name}.png", lambda file, d=data: file.write(d))
    for path, text in zip(paths, (to_html(report), to_markdown(report)), strict=True):
        write_atomically(path, lambda file, t=text: file.write(t.encode()))
    return paths
