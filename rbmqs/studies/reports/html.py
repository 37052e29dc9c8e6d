"""A report as one HTML file that needs nothing else and asks the network for nothing."""

from __future__ import annotations

import base64
from html import escape

from rbmqs.studies.reports.content import Report

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; display: block;
  overflow-x: auto }
th, td { padding: .15rem .7rem; text-align: right; border-bottom: 1px solid #ddd }
th { border-bottom: 2px solid #888 }
td, dt { white-space: nowrap }
pre { background: #f5f5f5; padding: .8rem; overflow-x: auto }
figure { display: inline-block; margin: .5rem; vertical-align: top }
figure img { max-width: 32rem; width: 100% }
dt { font-weight: 600 }
dd { margin: 0 0 .4rem 0 }
.bad { color: #a02010 }
"""


def to_html(report: Report) -> str:
    """The page."""
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        f"<title>{escape(report.title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(report.title)}</h1><p>{escape(report.summary)}</p>",
        _list("Warnings", report.warnings, "bad"),
        _list("Failed points", report.failures, "bad"),
        _table(report),
        _list("Remarks", report.remarks, ""),
        _figures(report),
        f"<h2>Settings</h2><pre>{escape(report.settings)}</pre>",
        _facts(report),
        "</body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _list(title: str, items: list[tuple[str, str]], css: str) -> str:
    if not items:
        return ""
    lines = "".join(
        f"<li><code>{escape(point)}</code> {escape(text)}</li>" for point, text in items
    )
    return f'<h2>{title}</h2><ul class="{css}">{lines}</ul>'


def _table(report: Report) -> str:
    heads = "".join(f"<th>{escape(head)}</th>" for head in report.heads)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
        for row in report.rows
    )
    body = f"<thead><tr>{heads}</tr></thead><tbody>\n{rows}\n</tbody>"
    return f'<h2>Energies</h2><table id="energies">{body}</table>'


def _figures(report: Report) -> str:
    pictures = "\n".join(
        f'<figure><img alt="{escape(caption)}" src="data:image/png;base64,'
        f'{base64.b64encode(data).decode()}"><figcaption>{escape(caption)}</figcaption></figure>'
        for caption, data in report.figures.values()
    )
    return f"<h2>Figures</h2>\n{pictures}" if pictures else ""


def _facts(report: Report) -> str:
    items = "".join(
        f"<dt>{escape(key)}</dt><dd><code>{escape(value)}</code></dd>"
        for key, value in report.facts.items()
    )
    return f"<h2>Reproduction</h2><dl>{items}</dl>"
