"""Figures on how far the package can be trusted: `python -m tests.campaign --write`.

Each file makes one of them, or a few of one kind. `--quick` takes few trials, as the tests of
`test_campaign.py` do; `docs/reliability.md` holds those of the long version.
"""
