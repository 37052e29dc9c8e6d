"""Budgets: what does not fit is refused in one line, before anything is allocated."""

import pytest

from hamiltonians import TooLargeError
from hamiltonians.utils.memory import available_memory, require_memory


def test_the_refusal_names_bytes_needed_and_available():
    with pytest.raises(TooLargeError) as caught:
        require_memory(1e18, "10^9 chains of 8 sites (n_chains)", "take fewer")
    text = str(caught.value)
    assert "10^9 chains of 8 sites (n_chains) would take about 10^18 bytes of memory" in text
    assert "available are" in text
    assert text.endswith("; take fewer")
    assert "\n" not in text


def test_limits():
    require_memory(1000, "this", limit=1000)
    with pytest.raises(TooLargeError, match=r"1e-06 GB .* available are 9.99e-07 GB$"):
        require_memory(1000, "this", limit=999)
    require_memory(available_memory() / 2, "half")
    with pytest.raises(TooLargeError):
        require_memory(float("nan"), "a product that overflowed")
