"""Attachment: writes the file that one attempt of a job attaches. A worker uses it."""

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

PARTIAL_SUFFIX: Final = ".part"
ATTEMPT_PREFIX: Final = re.compile(r"[0-9]+(?=-)")
"""The name of a file in a job's folder begins with the number of the attempt."""
CONTENT_TYPE: Final = re.compile(r"[\w.+-]+/[\w.+-]+(; ?[\w.+-]+=[\w.+-]+)*", re.ASCII)
MIB: Final = 1024 * 1024


class Attachment:
    """The file of one attempt of a job. A task writes it with `self.progress.attach`."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._file: StoredFile | None = None
        self._has_written = False

    @contextmanager
    def write(self, name: str, *, content_type: str) -> Iterator[BinaryIO]:
        if not CONTENT_TYPE.fullmatch(content_type):
            raise ValueError(f"{content_type!r} is not a content type such as 'text/csv'.")
        self._has_written = True
        key = f"{self._job.attempt}-{secrets.token_hex(8)}"
        final = folder_of(self._job.pk) / key
        partial = final.with_suffix(PARTIAL_SUFFIX)
        partial.parent.mkdir(parents=True, exist_ok=True)
        try:
            with _open_limited(partial) as file:
                yield file
            size = _sync_to_disk(partial)
            partial.replace(final)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        if self._file:
            (folder_of(self._job.pk) / self._file.key).unlink(missing_ok=True)
        self._file = StoredFile(clean_name(name), content_type, size, key)

    def row_value(self) -> dict[str, Any] | None:
        """The value of `Job.file`."""
        return msgspec.to_builtins(self._file) if self._file else None

    def delete_unused(self, *, had_lease: bool, is_saved: bool) -> None:
        """Delete the files that are not needed after the end of the attempt.

        An attempt that had the lease until its end also deletes the files of earlier attempts,
        which may have been killed. An attempt that has lost the lease deletes only its own file.
        `is_saved` says that the job's row names the file of this attempt.
        """
        if had_lease and (self._has_written or self._job.attempt > 1):
            saved = self._file.key if is_saved and self._file else ""
            _delete_files(folder_of(self._job.pk), attempt=self._job.attempt, keep=saved)
        elif self._file and not had_lease:
            (folder_of(self._job.pk) / self._file.key).unlink(missing_ok=True)


class _Limited(io.FileIO):
    """A new file that raises `FileTooLarge` before it grows beyond the limit of the site."""

    def write(self, data: Any, /) -> int:
        self._check(self.tell() + memoryview(data).nbytes)
        return super().write(data)

    def truncate(self, size: int | None = None, /) -> int:
        self._check(self.tell() if size is None else size)
        return super().truncate(size)

    def _check(self, size: int) -> None:
        if size > (limit := conf.FILE_MAX_BYTES):
            text = f"{limit / MIB:.0f} MiB" if limit >= MIB else f"{limit:,} bytes"
            raise FileTooLarge(f"The file is too large: up to {text} are allowed.")


@contextmanager
def _open_limited(path: Path) -> Iterator[BinaryIO]:
    raw = _Limited(path, "x+b")
    file = io.BufferedRandom(raw)
    try:
        yield file
        if not file.closed:
            file.flush()
    finally:
        raw.close()  # Closing `file` would try again to write the data that was refused.


def _sync_to_disk(path: Path) -> int:
    """Flush the file to disk, so that it survives a power cut, and return its size."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
        return os.fstat(file.fileno()).st_size


def _delete_files(folder: Path, *, attempt: int, keep: str) -> None:
    """Delete the files of this attempt and of earlier ones.

    The end of this attempt is saved already, so the next attempt may have started to write.
    """
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        match = ATTEMPT_PREFIX.match(entry.name)
        if match and int(match[0]) <= attempt and entry.name != keep:
            entry.unlink(missing_ok=True)
    with suppress(OSError):  # It is not empty: a file is kept, or the next attempt has one.
        folder.rmdir()
