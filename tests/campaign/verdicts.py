"""Verdicts of short runs on random small models beside exact energies; coverage of error bars."""

from typing import Any

import observable_coverage
import verdict_cases
import verdicts as calibration

from tests.campaign.rows import Parts, Row, figure

FIRST = 9000  # cases that no bound was chosen on
KINDS = ("with", "without")


@figure("verdicts")
def verdicts(quick: bool, parts: Parts) -> Row:
    """How often "converged" is false, and how often a good run is not called so."""
    size = 4 if quick else 25
    rows, first = [], FIRST
    for number in range(1 if quick else 12):
        found = parts(f"{size} runs, {number}", judged, size, first)
        rows += found["rows"]
        first = found["next"]
    said = sum(row[kind]["converged"] for row in rows for kind in KINDS)
    false = [f"case {row['case']}: false" for row in rows for k in KINDS if row[k]["false"]]
    known = {"with": rows, "without": [row for row in rows if row["signs_known"]]}
    good = [row[kind]["alarm"] for kind in KINDS for row in known[kind] if row[kind]["good"]]
    return Row(
        "\"converged\" means it",
        f"{len(rows)} runs of random models of 4 to 14 sites, judged with and without the exact "
        f"energy: further than 1 % or 5 error bars below it is false, an alarm is one on a run "
        f"better than 1e-4 (without the energy: where signs are known)",
        f"false {len(false)} of {said} \"converged\", {sum(good)} of {len(good)} alarms",
        "0 false, 5 % alarms", not false and sum(good) <= 0.05 * len(good), tuple(false),
    )  # fmt: skip


def judged(n: int, first: int) -> dict[str, Any]:
    """n short cases from `first` on, and the number after them."""
    rows = []
    for number in verdict_cases.short_cases(n, first):
        result, exact, energy = verdict_cases.run_case(number)
        row = calibration.judged(number, result.history, result.final, exact, energy)
        brief = {key: row[key] for key in ("case", "model", "error", "error_bar", "signs_known")}
        flags = ("converged", "false", "good", "alarm")
        rows.append(brief | {k: {flag: bool(row[k][flag]) for flag in flags} for k in KINDS})
    return {"rows": rows, "next": number + 1}


@figure("coverage")
def coverage(quick: bool, parts: Parts) -> Row:
    """Coverage of two error bars among the estimates that are trusted."""
    n = 20 if quick else 200
    cells = []
    for case in observable_coverage.cases(quick):
        cells += parts(case.name, observable_coverage.measured_case, case, n)
    cells += parts("learnt", observable_coverage.learnt_case, n)
    trusted = [cell for cell in cells if cell["coverage_trusted"] is not None]
    # Of 20 estimates with right bars fewer than 16 are covered once in 3,000 times.
    least, share = (0.8, 0.5) if quick else (0.93, 0.1)
    low = [cell for cell in trusted if cell["trusted"] > share and cell["coverage_trusted"] < least]
    values = [cell["coverage_trusted"] for cell in trusted]
    return Row(
        "two error bars cover",
        f"{len(cells)} observables of fixed states on fast and slow chains and of learnt ones, {n} "
        f"estimates each; those with a status are left out",
        f"{100 * min(values):.0f} to {100 * max(values):.0f} %, {len(low)} below 93 %",
        "93 % or more", not low,
        tuple(f"{c['case']}, {c['observable']}: {100 * c['coverage_trusted']:.1f} % of "
              f"{c['trusted'] * c['estimates']:.0f}" for c in low),
    )  # fmt: skip
