"""Memory budgets: what does not fit is refused before it is allocated."""

import math

from hamiltonians.utils.checks import number

_ALWAYS_FITS = 2**26  # bytes that are not worth asking the host about


class TooLargeError(ValueError):
    """More memory would be needed than there is; raised before anything is allocated."""


def require_memory(n_bytes: float, what: str, advice: str = "", limit: int | None = None) -> None:
    """Refuse what would not fit into memory.

    Parameters
    ----------
    n_bytes : float
        That will be held at a time.
    what : str
        Names it, and the arguments that make it large: ``"10^9 chains of 8 sites (n_chains)"``.
    advice : str
        What to change; nothing where it is plain.
    limit : int, optional
        Bytes allowed; defaults to what the host has available.

    Raises
    ------
    TooLargeError
        In one line with the bytes needed and available.
    """
    if limit is None and n_bytes <= _ALWAYS_FITS:
        return
    allowed = available_memory() if limit is None else number("memory_limit", limit, at_least=0)
    if not n_bytes <= allowed:
        raise TooLargeError(
            f"{what} would take {size_text(n_bytes)} of memory; available are "
            f"{size_text(allowed)}{'; ' if advice else ''}{advice}"
        )


def available_memory() -> int:
    """Bytes that the host can give."""
    import psutil  # start-up time: what is small never asks

    return int(psutil.virtual_memory().available)


def size_text(n_bytes: float) -> str:
    """Bytes as people say them."""
    return f"{n_bytes / 1e9:.3g} GB" if n_bytes < 10**15 else f"{power_text(n_bytes)} bytes"


def power_text(number: float) -> str:
    """A number of any size in a few characters."""
    if number < 10**7:
        return str(number)
    return f"about 10^{math.log10(number):.0f}"
