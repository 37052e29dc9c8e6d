"""A run on disk: prepared, done, saved, resumed, read back, reported.

In: a Hamiltonian, keywords of the ansatz and `RunSettings`, or a table of a TOML file. Out: a
`RunResult` and a directory with log, checkpoint and result. Begin with `prepare.py` (what is asked
for becomes a run), then `run.py` (the run), `outcome.py` and `report.py` (what came out of it).
"""
