"""States from measurements: wavefunctions trained on snapshots in several bases.

In: measured configurations with their bases. Out: a `VariationalState`. Begin with `snapshots.py`.
"""
