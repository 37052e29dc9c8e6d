"""What is refused on the first rank is refused on all: none waits for another for ever."""

import pickle
from types import SimpleNamespace

import pytest

from hamiltonians.utils.locks import LockedError, locked
from hamiltonians.utils.ranks import on_all_ranks
from rbmqs.runs.run import new_directory


def gathering(*others):
    """A communicator whose other ranks have these to say."""
    return SimpleNamespace(allgather=lambda value: [pickle.loads(pickle.dumps(value)), *others])


def test_the_first_rank_refuses_and_tells_the_others(tmp_path):
    with (
        locked(tmp_path),
        pytest.raises(LockedError, match="is being written"),
        on_all_ranks(new_directory(tmp_path), gathering(None)),
    ):
        pass


def test_another_rank_raises_what_the_first_one_was_refused():
    refused = FileExistsError("output x holds a run already")
    with (
        pytest.raises(FileExistsError, match="holds a run already"),
        on_all_ranks(new_directory(None), gathering(refused)),
    ):
        pass


def test_nothing_refused_gives_the_directory_and_frees_it(tmp_path):
    for comm in (None, gathering(None)):
        with on_all_ranks(new_directory(tmp_path / "run"), comm) as directory:
            assert directory == tmp_path / "run"
        with locked(tmp_path / "run"):
            pass
