"""Files that tasks make, to be downloaded by whoever may watch the job.

They are in a folder a job under MEDIA_ROOT, which all workers and web processes must share, under
names that are made up; what a file is called is in the job's row. One is written aside and moved
into place when it is whole, and the row names it when the body has ended well: there is never half
a file, and none of an attempt that failed. The folder is deleted with the job.
"""

import io
import os
import re
import secrets
import shutil
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.urls import reverse
from msgspec import Struct

from realtime import wire
from realtime.conf import conf
from realtime.errors import FileTooLarge
from realtime.models import Job

FOLDER: Final = "jobs"
PART: Final = ".part"
ATTEMPT: Final = re.compile(r"[0-9]+(?=-)")
"""What the name of a file in a job's folder begins with."""
NAME_MAX: Final = 150
"""Characters of a file's name, its ending among them."""
FALLBACK: Final = "file"
RESERVED: Final = re.compile(r'[<>:"|?*]')
CONTENT_TYPE: Final = re.compile(r"[\w.+-]+/[\w.+-]+(; ?[\w.+-]+=[\w.+-]+)*", re.ASCII)
MIB: Final = 1024 * 1024


class StoredFile(Struct, frozen=True):
    """As it is kept in the job's row; `key` is the name in the job's folder."""

    name: str
    content_type: str
    size: int
    key: str


def of(job: Job) -> StoredFile | None:
    """The file of a job that has ended, if it has made one."""
    if job.file is None or not job.is_finished:
        return None
    return msgspec.convert(job.file, StoredFile)


def shown(job: Job) -> wire.File | None:
    """As watchers see it; who has come by a watch key adds that to the address."""
    file = of(job)
    if file is None:
        return None
    return wire.File(name=file.name, size=file.size, url=reverse("realtime:file", args=[job.pk]))


def path(job: Job, file: StoredFile) -> Path:
    return folder(job.pk) / file.key


def folder(job_id: UUID) -> Path:
    return Path(settings.MEDIA_ROOT) / FOLDER / job_id.hex


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
        whole = folder(self._job.pk) / key
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
            (folder(self._job.pk) / self._file.key).unlink(missing_ok=True)
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
            _clear(folder(self._job.pk), attempt=self._job.attempt, but=but)
        elif self._file and not held:
            (folder(self._job.pk) / self._file.key).unlink(missing_ok=True)


@receiver(post_delete, sender=Job)
def forget_deleted(instance: Job, **_: Any) -> None:
    """Also sent for each job of a bulk deletion, and for those that a deletion takes with it."""
    transaction.on_commit(partial(forget, instance.pk))


def forget(job_id: UUID) -> None:
    """Delete whatever a job has on disk."""
    shutil.rmtree(folder(job_id), ignore_errors=True)


def sweep() -> int:
    """Delete the folders of jobs that are no more, as a process that died leaves them behind.

    Returns how many there were.
    """
    root = Path(settings.MEDIA_ROOT) / FOLDER
    names = [entry.name for entry in root.iterdir()] if root.is_dir() else []
    found = {UUID(hex=name): name for name in names if re.fullmatch(r"[0-9a-f]{32}", name)}
    ids = list(found)
    gone = 0
    for start in range(0, len(ids), 500):
        some = ids[start : start + 500]
        alive = set(Job.objects.filter(pk__in=some).values_list("pk", flat=True))
        for job_id in set(some) - alive:
            forget(job_id)
            gone += 1
    return gone


def clean_name(name: str) -> str:
    """A name that every system takes and no header or shell is confused by.

    Without folders, control characters, changes of the writing direction, and what Windows
    reserves; its ending is kept when it is cut.
    """
    last = re.split(r"[/\\]", name)[-1]
    seen = "".join(sign for sign in last if unicodedata.category(sign)[0] != "C")
    plain = unicodedata.normalize("NFC", seen)  # signs may meet only now
    stem, dot, ending = RESERVED.sub("_", plain).strip(". ").rpartition(".")
    if not dot:
        stem, ending = ending, ""
    ending = dot + ending.strip(" ")[:20].rstrip(" ")
    return (stem[: NAME_MAX - len(ending)].rstrip(". ") + ending) or FALLBACK


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
