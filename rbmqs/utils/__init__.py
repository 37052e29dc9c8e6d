"""What every room may use and what knows no physics.

JSON files, progress bars, interrupts, schedules, threads.
In and out: plain values. Checks, atomic files and archives are in `hamiltonians.utils`.
"""
