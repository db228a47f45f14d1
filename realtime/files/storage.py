"""Files that tasks make, to be downloaded by whoever may watch the job.

They are in a folder a job under MEDIA_ROOT, which all workers and web processes must share, under
names that are made up; what a file is called is in the job's row. One is written aside and moved
into place when it is whole, and the row names it when the body has ended well: there is never half
a file, and none of an attempt that failed. The folder is deleted with the job.
"""

import re
import shutil
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec
from django.conf import settings
from msgspec import Struct

from realtime.models import Job

FOLDER: Final = "jobs"


class StoredFile(Struct, frozen=True):
    """As it is kept in the job's row; `key` is the name in the job's folder."""

    name: str
    content_type: str
    size: int
    key: str


def file_of(job: Job) -> StoredFile | None:
    """The file of a job that has ended, if it has made one."""
    if job.file is None or not job.is_finished:
        return None
    return msgspec.convert(job.file, StoredFile)


def path_of(job: Job, file: StoredFile) -> Path:
    return folder_of(job.pk) / file.key


def folder_of(job_id: UUID) -> Path:
    return Path(settings.MEDIA_ROOT) / FOLDER / job_id.hex


def delete_files(job_id: UUID) -> None:
    """Delete whatever a job has on disk."""
    shutil.rmtree(folder_of(job_id), ignore_errors=True)


def delete_orphans() -> int:
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
            delete_files(job_id)
            gone += 1
    return gone
