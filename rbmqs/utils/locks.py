"""Locks of directories and files that are written, see `hamiltonians.utils.locks`."""

from hamiltonians.utils.locks import LockedError, locked

__all__ = ["LockedError", "locked"]
