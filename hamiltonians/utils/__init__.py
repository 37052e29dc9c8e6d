"""Nothing that knows physics: checks of arguments, registries, archives written atomically.

Both packages use these; each function refuses what it cannot handle in one line that says what
was got and what is allowed. Begin with `checks.py`.
"""
