"""Timing, JSON and bar charts that the benchmarks share."""

from __future__ import annotations

import datetime
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Action = Callable[[], Any]


def seconds(work: Action) -> float:
    """Wall-clock seconds of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def seconds_per_call(work: Action, at_least: float = 0.05) -> float:
    """Mean over as many calls as fill `at_least` seconds, so that short kernels can be timed."""
    calls, started = 0, time.perf_counter()
    while True:
        work()
        calls += 1
        elapsed = time.perf_counter() - started
        if elapsed >= at_least:
            return elapsed / calls


def median(values: list[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Write values; null for what is not a finite number."""
    # Late: fresh processes that are measured import this file.
    from rbmqs.utils.json_files import plain

    path.write_text(json.dumps(plain(values), indent=1) + "\n", encoding="utf-8")


def write_record(path: Path | str | None, record: dict[str, Any]) -> None:
    """Write what was measured, with its date and host, where a file was asked for."""
    if path is not None:
        from host import host_line

        host = {} if "machine" in record else {"machine": host_line()}
        write_json(Path(path), {"date": f"{datetime.date.today()}", **host, **record})


def bar_chart(path: Path, values: dict[str, dict[str, float]], title: str, axis: str) -> None:
    """Horizontal bars on a logarithmic axis, one group for each outer key, each bar labelled."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    series = list(dict.fromkeys(name for group in values.values() for name in group))
    height = 0.8 / len(series)
    figure, axes = plt.subplots(
        figsize=(9, 1 + 0.25 * len(series) * len(values)), layout="constrained"
    )
    for row, name in enumerate(series):
        groups = [index for index, group in enumerate(values.values()) if name in group]
        lengths = [group[name] for group in values.values() if name in group]
        bars = axes.barh([g + (row + 0.5) * height - 0.4 for g in groups], lengths, height)
        bars.set_label(name)
        axes.bar_label(bars, fmt="%.3g", padding=3, fontsize="small")
    axes.set_yticks(range(len(values)), labels=list(values))
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlim(min(1.0, *axes.get_xlim()), 2.0 * axes.get_xlim()[1])
    axes.set_xlabel(axis)
    axes.set_title(title)
    figure.legend(loc="outside right upper", fontsize="small")
    figure.savefig(path, dpi=150)
    plt.close(figure)
