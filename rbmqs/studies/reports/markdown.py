"""A report as Markdown, its figures in files beside it."""

from __future__ import annotations

from rbmqs.studies.reports.content import Report

FIGURES = "figures"


def to_markdown(report: Report) -> str:
    """The text; figures are expected in the folder `figures`."""
    facts = "\n".join(f"- {key}: `{value}`" for key, value in report.facts.items())
    pictures = "\n\n".join(
        f"![{caption}]({FIGURES}/{name}.png)" for name, (caption, _) in report.figures.items()
    )
    sections = [
        f"# {report.title}",
        report.summary,
        _list("Warnings", report.warnings),
        _list("Failed points", report.failures),
        f"## Energies\n\n{_table(report)}",
        _list("Remarks", report.remarks),
        f"## Figures\n\n{pictures}" if pictures else "",
        f"## Settings\n\n```toml\n{report.settings.strip()}\n```",
        f"## Reproduction\n\n{facts}",
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _list(title: str, items: list[tuple[str, str]]) -> str:
    lines = "\n".join(f"- `{point}` {text}" for point, text in items)
    return f"## {title}\n\n{lines}" if items else ""


def _table(report: Report) -> str:
    rows = [report.heads, tuple("---:" for _ in report.heads), *report.rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
