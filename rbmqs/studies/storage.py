"""The directory of a study: what is done, what is under way, and what cannot be trusted.

    study.json            the study as it was run
    points/ID/            a finished point: its files and SHA256SUMS
    work/ID/              a point under way, with the checkpoint it goes on from
    failures/ID.json      why a point failed
    damaged/ID.K/         a point whose files did not match their checksums, set aside

A point is finished when its directory has been renamed from work/ to points/, which the file
system does at once or not at all; the checksums, written last, cover every file.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hamiltonians.utils.brief import brief
from hamiltonians.utils.files import write_atomically
from hamiltonians.utils.locks import locked
from rbmqs.studies.study import Study
from rbmqs.utils.json_files import read_json, write_json
from rbmqs.utils.parsing import DamagedError, describing
from rbmqs.utils.typed_tables import hints_of, known_keys, read_table, read_value

STUDY, SOURCE, SUMS, RECORD = "study.json", "study.toml", "SHA256SUMS", "point.json"
_NAME = re.compile(r"[A-Za-z0-9_=+-][A-Za-z0-9._=+-]{0,199}")


class StudyDirectory:
    """Paths of a study and the few operations on them.

    Parameters
    ----------
    root : path
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def study(self) -> tuple[Study, dict[str, str]]:
        """The study as it was run, and where it was.

        Raises
        ------
        DamagedError
            study.json lacks something, or holds values of another kind.
        """
        record = read_json(self.root / STUDY)
        with describing(self.root / STUDY):
            study = read_table(Study, known_keys(record, hints_of(Study)))
            return study, read_value("provenance", record["provenance"], dict[str, str])

    def point(self, point_id: str) -> Path:
        """Directory of a finished point."""
        return self.root / "points" / checked_name(point_id)

    def work(self, point_id: str) -> Path:
        """Directory of a point under way."""
        return self.root / "work" / checked_name(point_id)

    def failure(self, point_id: str) -> Path:
        """Record of a failed point."""
        return self.root / "failures" / f"{checked_name(point_id)}.json"

    def is_published(self, point_id: str) -> bool:
        """Whether the point was finished, sound or not."""
        return self.point(point_id).exists()

    def verify(self, point_id: str, fingerprint: str) -> None:
        """Compare every file of a finished point with its checksum.

        Raises
        ------
        DamagedError
            Naming the file that is missing, changed or cut short.
        """
        directory = self.point(point_id)
        for name, expected in _read_sums(directory).items():
            if not (directory / name).is_file():
                raise DamagedError(f"{directory / name} is missing")
            if _sha256(directory / name) != expected:
                raise DamagedError(f"{directory / name} does not match its checksum")
        if read_json(directory / RECORD).get("fingerprint") != fingerprint:
            raise DamagedError(f"{directory / RECORD} belongs to another point")

    def publish(self, point_id: str) -> None:
        """Move a point from work/ to points/ with the checksums of its files."""
        source, target = self.work(point_id), self.point(point_id)
        names = sorted(p.relative_to(source).as_posix() for p in source.rglob("*") if p.is_file())
        names = [name for name in names if name != SUMS]
        for name in names:
            _sync(source / name)
        lines = "".join(f"{_sha256(source / name)}  {name}\n" for name in names)
        write_atomically(source / SUMS, lambda file: file.write(lines.encode()))
        target.parent.mkdir(parents=True, exist_ok=True)
        os.rename(source, target)
        _sync(target.parent)

    def set_aside(self, point_id: str) -> Path:
        """Move a damaged point out of the way; it will be run again."""
        number = 1
        while (target := self.root / "damaged" / f"{point_id}.{number}").exists():
            number += 1
        target.parent.mkdir(parents=True, exist_ok=True)
        os.rename(self.point(point_id), target)
        return target

    def record_failure(self, point_id: str, record: dict[str, Any]) -> None:
        """Write why a point failed."""
        self.failure(point_id).parent.mkdir(parents=True, exist_ok=True)
        write_json(self.failure(point_id), record)

    def forget_failure(self, point_id: str) -> None:
        """Remove the record of a failure and what is left of the point, so that it starts anew."""
        if self.failure(point_id).exists():
            shutil.rmtree(self.work(point_id), ignore_errors=True)
            self.failure(point_id).unlink()

    @contextmanager
    def lock(self, point_id: str) -> Iterator[None]:
        """Hold the lock of a point, once whoever holds it has ended."""
        path = self.root / "locks" / checked_name(point_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path, wait=True):
            yield


def checked_name(name: str, of: str = "") -> str:
    """The name of a point or file that was read from a file, if it stays inside its directory.

    Of a path, which is shown then, each part is a name.

    Raises
    ------
    DamagedError
        Other characters than letters, digits and ._=+-, or a dot at the start.
    """
    if not _NAME.fullmatch(name):
        raise DamagedError(
            f"a name must consist of letters, digits and ._=+-, without a dot at its start, "
            f"got {brief(of or name)}"
        )
    return name


def _read_sums(directory: Path) -> dict[str, str]:
    """Checksum of every file of a finished point."""
    try:
        lines = (directory / SUMS).read_text(encoding="ascii").splitlines()
        sums = {name: value for value, name in (line.split("  ", 1) for line in lines)}
        for name in sums:
            for part in name.split("/"):
                checked_name(part, of=name)
    except (OSError, ValueError) as error:
        raise DamagedError(f"{directory / SUMS} cannot be read: {error}") from None
    if RECORD not in sums:
        raise DamagedError(f"{directory / SUMS} does not list {RECORD}")
    return sums


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    """Have the file system write a file, or the entries of a directory, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
