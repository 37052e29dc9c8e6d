"""Exit statuses that every command shares; an interrupted one adds its signal to 128."""

import argparse

from rbmqs.utils.progress import say

OK = 0
BAD_INPUT = 2
# Where --fail-if-not-converged is set; of a study, points that failed or are left.
NOT_CONVERGED = 3
INTERRUPTED = 128


def of_verdict(converged: bool, options: argparse.Namespace) -> int:
    """That of a finished run: 3 only where asked for."""
    return NOT_CONVERGED if options.fail_if_not_converged and not converged else OK


def of_interruption(signal_number: int, output: str | None) -> int:
    """That of an interrupted command with --resume; says how to go on with what is in `output`."""
    saved = "saved; go on with the same command and --resume"
    say(saved if output else "not saved: give --output DIR")
    return INTERRUPTED + signal_number
