"""Studies: many runs from one file, resumable at any moment, ending in a table and figures.

>>> from rbmqs.studies import read_study, run_study, load_table
>>> run_study(read_study("study.toml"), "runs/transition")
>>> table = load_table("runs/transition")
"""

from hamiltonians.utils.lazy import names_on_first_use

__all__, __getattr__, __dir__ = names_on_first_use(
    __name__,
    {
        "collecting": "collect",
        "executors": "make_executor",
        "points": "load_arrays load_history load_quench load_wavefunction",
        "reading": "read_study study_from_table",
        "reports": "write_report",
        "running": "StudyOutcome run_study",
        "study": "Point Study StudyError",
        "table": "Table",
        "table_files": "load_table",
        "rbmqs.estimators.fits": "Extrapolation extrapolate_sizes extrapolate_variance",
        "rbmqs.runs.zero_variance": "zero_variance_energy",
    },
)
