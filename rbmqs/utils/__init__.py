"""What every room may use and what knows no physics.

Checks of arguments, atomic files and archives, JSON, progress bars, interrupts, schedules, threads.
In and out: plain values. Begin with `checks.py`.
"""
