"""States from measurements: wavefunctions trained on shots in any bases.

In: measured outcomes with their bases. Out: a `VariationalState`. Begin with
`shots.py` and `bases.py`.
"""
