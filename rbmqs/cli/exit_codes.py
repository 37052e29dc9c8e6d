"""Exit statuses that every command shares; an interrupted one adds its signal to 128."""

import argparse

OK = 0
BAD_INPUT = 2
NOT_CONVERGED = (
    3  # where --fail-if-not-converged is set; of a study, points that failed or are left
)
INTERRUPTED = 128


def of_verdict(converged: bool, options: argparse.Namespace) -> int:
    """That of a finished run: 3 only where asked for."""
    return NOT_CONVERGED if options.fail_if_not_converged and not converged else OK
