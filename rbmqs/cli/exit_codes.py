"""Exit statuses that every command shares; an interrupted one adds its signal to 128."""

OK = 0
BAD_INPUT = 2
NOT_CONVERGED = 3  # or, of a study, points that failed or are left
INTERRUPTED = 128
