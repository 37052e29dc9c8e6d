"""The command `rbmqs`, one command a file.

In: the words of a command line. Out: text on standard output, files, an exit status
(`exit_codes.py`). Commands make tables as a TOML file holds them (`options.py`) and hand them to
`rbmqs.runs` and `rbmqs.studies`. Begin with `main.py`.
"""
