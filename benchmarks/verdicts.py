"""Verdicts on short runs of random small models, against their exact energies.

    python benchmarks/verdicts.py                     # 300 runs
    python benchmarks/verdicts.py --first 5000        # 300 others
    python benchmarks/verdicts.py --quick             # 8 of them

Each run is judged twice: with its exact energy, as users have it up to 2^18 states, and without, by
variance and signs. A verdict is false where a run is called converged and its energy, sampled or
summed over all states, is further than 1 % from the exact one, or 5 error bars below it. It is a
false alarm where a run better than 1e-4 is not called converged. Bounds were chosen on cases below
number 2000; others are blind.

Without a reference, variance tells eigenstates from other states and not the lowest one from the
rest: where signs are not known, such a run is "unknown". These are counted by themselves.
"""

import argparse
import time
from pathlib import Path

from host import host_line
from timing import write_record
from verdict_cases import case, run_case, short_cases

from hamiltonians import Reference
from hamiltonians.models.known_signs import connects_all, sign_sites
from rbmqs.runs.status import FAR, verdict_of

GOOD = 1e-4
BLIND = 2000  # bounds were chosen on cases of lower numbers
QUICK = (5, 9, 39, 52, 71, 73, 91, 176)  # excited, frozen and good ones


def judged(number, history, estimate, exact, energy):
    """One run: its errors, and what is said about it with and without a reference."""
    hamiltonian = estimate.hamiltonian
    scale = hamiltonian.size_of(exact)
    reference = Reference(exact, "exact", "exact diagonalisation", 1e-10 * scale)
    stats = estimate.energy
    errors = [hamiltonian.relative(value - exact, exact) for value in (stats.mean.real, energy)]
    bar = stats.error_of_mean / scale if scale else 0.0
    signs = sign_sites(hamiltonian) is not None and connects_all(hamiltonian)
    row = {
        "case": number,
        "model": hamiltonian.name,
        "n_iterations": len(history),
        "sampled_error": errors[0],
        "error": errors[1],
        "error_bar": bar,
        "v_score": estimate.v_score,
        "signs_known": signs,
    }
    for name, known in (("with", reference), ("without", None)):
        verdict = verdict_of(history, estimate, known)
        is_good = max(errors) < GOOD + 3 * bar and errors[1] < GOOD
        is_wrong = max(map(abs, errors)) > FAR or errors[0] < -5 * bar - 1e-9
        row[name] = {
            "verdict": verdict.to_dict(),
            "converged": verdict.severity < 2,
            "false": verdict.severity < 2 and is_wrong,
            "good": is_good,
            "alarm": verdict.severity == 2 and is_good,
        }
    return row


def summary(rows):
    """A table of the counts, as Markdown."""
    kinds = {
        "with the exact energy": ("with", lambda row: True),
        "without, signs known": ("without", lambda row: row["signs_known"]),
        "without, signs unknown": ("without", lambda row: not row["signs_known"]),
    }
    lines = [
        "| reference | cases | runs | converged | false | better than 1e-4 | alarms |",
        "|---|---|---|---|---|---|---|",
    ]
    for label, (name, applies) in kinds.items():
        for part, is_blind in (("seen", False), ("blind", True)):
            chosen = [r for r in rows if applies(r) and (r["case"] >= BLIND) == is_blind]
            counts = [
                sum(r[name][key] for r in chosen) for key in ("converged", "false", "good", "alarm")
            ]
            cells = " | ".join(map(str, (label, part, len(chosen), *counts)))
            lines.append(f"| {cells} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=f"{len(QUICK)} cases")
    parser.add_argument("--cases", type=int, default=300, metavar="N", help="how many")
    parser.add_argument("--first", type=int, default=0, metavar="NUMBER", help="of the first case")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    host = host_line()
    print(host)
    rows = []
    for number in QUICK if options.quick else short_cases(options.cases, options.first):
        started = time.perf_counter()
        result, exact, energy = run_case(number)
        row = judged(number, result.history, result.final, exact, energy)
        row["seconds"] = time.perf_counter() - started
        rows.append(row)
        marks = [
            f"{key.upper()} ({name} reference)"
            for name in ("with", "without")
            for key in ("false", "alarm")
            if row[name][key]
        ]
        print(f"{number:>4} {case(number)[2][:50]:<50} {row['error']:>8.1e} {' '.join(marks)}")
        write_record(options.json, {"host": host, "rows": rows})
    print(summary(rows))
    return 1 if any(row[name]["false"] for row in rows for name in ("with", "without")) else 0


if __name__ == "__main__":
    raise SystemExit(main())
