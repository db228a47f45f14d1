"""The file that one attempt of a job attaches."""

import io
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from realtime.conf import conf
from realtime.errors import FileTooLarge
from realtime.files.names import clean_name
from realtime.files.storage import StoredFile, folder_of
from realtime.models import Job

PART: Final = ".part"
ATTEMPT: Final = re.compile(r"[0-9]+(?=-)")
"""What the name of a file in a job's folder begins with."""
CONTENT_TYPE: Final = re.compile(r"[\w.+-]+/[\w.+-]+(; ?[\w.+-]+=[\w.+-]+)*", re.ASCII)
MIB: Final = 1024 * 1024


class Attachment:
    """What one attempt of a job attaches to it; a task reaches it by `self.progress.attach`."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._file: StoredFile | None = None
        self._begun = False

    @contextmanager
    def write(self, name: str, *, content_type: str) -> Iterator[BinaryIO]:
        if not CONTENT_TYPE.fullmatch(content_type):
            raise ValueError(f"{content_type!r} is no content type; 'text/csv' is one.")
        self._begun = True
        key = f"{self._job.attempt}-{secrets.token_hex(8)}"
        whole = folder_of(self._job.pk) / key
        part = whole.with_suffix(PART)
        part.parent.mkdir(parents=True, exist_ok=True)
        try:
            with _limited(part) as file:
                yield file
            size = _to_disk(part)
            part.replace(whole)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        if self._file:
            (folder_of(self._job.pk) / self._file.key).unlink(missing_ok=True)
        self._file = StoredFile(clean_name(name), content_type, size, key)

    def stored(self) -> dict[str, Any] | None:
        """What the job's row is to keep of the file."""
        return msgspec.to_builtins(self._file) if self._file else None

    def settle(self, *, held: bool, kept: bool) -> None:
        """Delete what is not needed once the attempt has ended.

        An attempt that held the job to its end deletes what earlier ones, killed perhaps, have
        left too; one that had lost it only its own.
        """
        if held and (self._begun or self._job.attempt > 1):
            but = self._file.key if kept and self._file else ""
            _clear(folder_of(self._job.pk), attempt=self._job.attempt, but=but)
        elif self._file and not held:
            (folder_of(self._job.pk) / self._file.key).unlink(missing_ok=True)


class _Limited(io.FileIO):
    """A new file that refuses to grow beyond what the site allows."""

    def write(self, data: Any, /) -> int:
        self._check(self.tell() + memoryview(data).nbytes)
        return super().write(data)

    def truncate(self, size: int | None = None, /) -> int:
        self._check(self.tell() if size is None else size)
        return super().truncate(size)

    def _check(self, size: int) -> None:
        if size > (most := conf.FILE_MAX_BYTES):
            shown = f"{most / MIB:.0f} MiB" if most >= MIB else f"{most:,} bytes"
            raise FileTooLarge(f"The file is too large: up to {shown} are allowed.")


@contextmanager
def _limited(part: Path) -> Iterator[BinaryIO]:
    raw = _Limited(part, "x+b")
    file = io.BufferedRandom(raw)
    try:
        yield file
        if not file.closed:
            file.flush()
    finally:
        raw.close()  # Not `file`, which would try again to write what was refused.


def _to_disk(part: Path) -> int:
    """The size of a file that a power cut does not take back."""
    with part.open("rb+") as file:
        os.fsync(file.fileno())
        return os.fstat(file.fileno()).st_size


def _clear(where: Path, *, attempt: int, but: str) -> None:
    """Of this attempt and earlier ones: since its end was saved, the next may have begun."""
    if not where.is_dir():
        return
    for entry in where.iterdir():
        match = ATTEMPT.match(entry.name)
        if match and int(match[0]) <= attempt and entry.name != but:
            entry.unlink(missing_ok=True)
    with suppress(OSError):  # The next one's file is in it.
        where.rmdir()
