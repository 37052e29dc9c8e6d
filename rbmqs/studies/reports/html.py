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
dd code { overflow-wrap: anywhere }
.bad { color: #a02010 }
"""


def to_html(report: Report) -> str:
    """The page."""
    title = escape(report.title)
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        f"<title>{title}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{title}</h1><p>{escape(report.summary)}</p>",
        _section("Can it be trusted?", _verdicts(report.verdicts)),
        _items("Warnings", report.warnings, "bad"),
        _items("Failed points", report.failures, "bad"),
        _section("Results", _table(report.heads, report.rows)),
        _items("Remarks", report.remarks, ""),
        _section("Figures", "\n".join(_figure(*figure) for figure in report.figures.values())),
        _section("Settings", f"<pre>{escape(report.settings)}</pre>"),
        _section("How to reproduce it", _facts(report.facts)),
        "</body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _section(title: str, content: str) -> str:
    return f"<h2>{title}</h2>\n{content}" if content else ""


def _verdicts(verdicts: list[tuple[str, str, str]]) -> str:
    lines = (f"<li>{escape(a)}: <b>{escape(b)}</b>, {escape(c)}</li>" for a, b, c in verdicts)
    return f"<ul>{''.join(lines)}</ul>" if verdicts else ""


def _items(title: str, items: list[tuple[str, str]], css: str) -> str:
    lines = (f"<li><code>{escape(point)}</code> {escape(text)}</li>" for point, text in items)
    return _section(title, f'<ul class="{css}">{"".join(lines)}</ul>') if items else ""


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    head = _row("th", heads)
    body = "\n".join(_row("td", row) for row in rows)
    return f"<table><thead>{head}</thead><tbody>\n{body}\n</tbody></table>"


def _row(tag: str, cells: tuple[str, ...]) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"


def _figure(caption: str, data: bytes) -> str:
    text, picture = escape(caption), base64.b64encode(data).decode()
    return (
        f'<figure><img alt="{text}" src="data:image/png;base64,{picture}">'
        f"<figcaption>{text}</figcaption></figure>"
    )


def _facts(facts: dict[str, str]) -> str:
    pairs = (f"<dt>{escape(k)}</dt><dd><code>{escape(v)}</code></dd>" for k, v in facts.items())
    return f"<dl>{''.join(pairs)}</dl>"
