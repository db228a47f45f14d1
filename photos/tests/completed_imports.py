"""Imports from a sandbox in memory, and their results."""

from typing import Any

from asgiref.sync import async_to_sync

from photos.flickr.photo import PhotoQuery
from photos.flickr.sources import Source
from photos.import_run import ImportRun
from photos.sandbox.app import Sandbox
from photos.saving import Mark
from photos.tests.in_memory_flickr import FlickrParts, connect_to
from realtime.models import Job
from realtime.progress import Progress


def new_import(
    flickr: FlickrParts,
    *,
    job: Job | None = None,
    source: Source | None = None,
    mark: Mark | None = None,
    **query: Any,
) -> ImportRun:
    return ImportRun(
        progress=Progress(job or Job(task="import", title="Import")),
        source=source or flickr.source,
        downloads=flickr.downloads,
        query=PhotoQuery(**{"limit": 12} | query),
        mark=mark,
    )


class CompletedImport:
    """One import from a sandbox that has run to its end."""

    def __init__(
        self, sandbox: Sandbox, *, mark: str | None = None, job: Job | None = None, **query: Any
    ) -> None:
        self.flickr = connect_to(sandbox)
        self.mark = None if mark is None else Mark(mark)
        run = new_import(self.flickr, job=job, mark=self.mark, **query)
        self.progress = run.progress
        self.result: dict[str, int] = async_to_sync(run.run)()

    @property
    def items(self) -> dict[str, Any]:
        return {item[0]: item for item in self.progress.fields()["recent"]}


def counts(new: int = 0, updated: int = 0, unchanged: int = 0, failed: int = 0) -> dict[str, int]:
    return {"new": new, "updated": updated, "unchanged": unchanged, "failed": failed}
