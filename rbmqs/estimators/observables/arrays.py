"""What observables with arrays of values share: their report, and their form in files."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from hamiltonians.utils.brief import Rows, Tabled


class ArraysWithErrors(Tabled):
    """Base of dataclasses of arrays with a `status`, which is empty where errors may be trusted."""

    status: str

    def described(self) -> tuple[str, Rows]:
        """A headline, and the values that are shown."""
        raise NotImplementedError

    def summary(self) -> tuple[str, Rows]:
        """See `Tabled`; reasons not to trust the errors come first."""
        head, rows = self.described()
        return head, [("status", self.status), *rows] if self.status else rows

    def to_dict(self) -> dict[str, Any]:
        """JSON-able form: nested lists by name."""
        items = {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]
        return {name: v.tolist() if isinstance(v, np.ndarray) else v for name, v in items.items()}
