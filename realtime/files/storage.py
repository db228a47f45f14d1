"""Storage: where the files that tasks attach to their jobs are on disk.

Each job has a folder under MEDIA_ROOT, which all workers and web processes must share. A file in
it has a random name; the job's row has the name for people. `attachment` writes a file under a
temporary name and renames it once it is complete, and the row names it once the task has
succeeded. So nobody can download half a file, or one of a failed attempt. `receivers` deletes the
folder with the job.
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
CHUNK_SIZE: Final = 500


class StoredFile(Struct, frozen=True):
    """A file as the job's row describes it; `key` is its name in the job's folder."""

    name: str
    content_type: str
    size: int
    key: str


def file_of(job: Job) -> StoredFile | None:
    """The file of a finished job, if it has one."""
    if job.file is None or not job.is_finished:
        return None
    return msgspec.convert(job.file, StoredFile)


def path_of(job: Job, file: StoredFile) -> Path:
    return folder_of(job.pk) / file.key


def folder_of(job_id: UUID) -> Path:
    return Path(settings.MEDIA_ROOT) / FOLDER / job_id.hex


def delete_files(job_id: UUID) -> None:
    """Delete the folder of a job with its files."""
    shutil.rmtree(folder_of(job_id), ignore_errors=True)


def delete_orphans() -> int:
    """Delete the folders of jobs that do not exist any more, and return their number.

    A process leaves one behind if it dies between the deletion of a job and that of its files.
    """
    root = Path(settings.MEDIA_ROOT) / FOLDER
    names = [entry.name for entry in root.iterdir()] if root.is_dir() else []
    ids = [UUID(hex=name) for name in names if re.fullmatch(r"[0-9a-f]{32}", name)]
    deleted = 0
    for start in range(0, len(ids), CHUNK_SIZE):
        chunk = ids[start : start + CHUNK_SIZE]
        existing = set(Job.objects.filter(pk__in=chunk).values_list("pk", flat=True))
        for job_id in set(chunk) - existing:
            delete_files(job_id)
            deleted += 1
    return deleted
