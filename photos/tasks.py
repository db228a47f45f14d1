"""The Celery tasks that import photos from Flickr, on a schedule and on demand."""

from typing import Any, Final

from asgiref.sync import sync_to_async
from celery import shared_task
from django.conf import settings

from photos.flickr.photo import PhotoQuery
from photos.flickr_client import open_flickr_client
from photos.import_run import PHASES, ImportRun
from photos.models import ImportMark
from photos.saving import OUTCOMES, Mark
from photos.tags import joined, split
from realtime.progress import Progress
from realtime.states import Visibility
from realtime.tasks import JobTask

ON_DEMAND: Final = "import_photos"
SCHEDULED: Final = "task_save_latest_flickr_image"

FIRST_LIMIT: Final = 60
"""How many photos the first import of a new site gets."""


@shared_task(
    bind=True,
    base=JobTask,
    name=ON_DEMAND,
    title="Import photos from Flickr",
    phases=PHASES,
    outcomes=OUTCOMES,
    resumes=True,
)
async def import_photos(self: JobTask, *, tags: str, limit: int) -> dict[str, int]:
    """Import the newest `limit` photos with all these tags; `tags` has commas between them."""
    return await run(self.progress, query=PhotoQuery(tags=split(tags), limit=limit))


@shared_task(
    bind=True,
    base=JobTask,
    name=SCHEDULED,
    title="Import the latest photos from Flickr",
    visibility=Visibility.PUBLIC,
    phases=PHASES,
    outcomes=OUTCOMES,
    resumes=True,
)
async def task_save_latest_flickr_image(self: JobTask) -> dict[str, int]:
    """Import the photos with FLICKR_TAGS that are new since the last scheduled import."""
    mark = Mark(joined(split(settings.FLICKR_TAGS)))
    query = await sync_to_async(query_for_new_photos)(mark)
    return await run(self.progress, query=query, mark=mark)


def query_for_new_photos(mark: Mark) -> PhotoQuery:
    """The photos since the import mark, oldest first, so that no photo is missed.

    Without tags Flickr has more photos than any import can read, so it reads the newest first.
    The feed always has just its 20 newest photos.
    """
    tags, limit = split(mark.tags), settings.FLICKR_IMPORT_MAX
    mark_row = ImportMark.objects.filter(tags=mark.tags).first()
    if mark_row is None or settings.FLICKR_SOURCE == "feed":
        return PhotoQuery(tags=tags, limit=min(limit, FIRST_LIMIT))
    since = int(mark_row.uploaded_at.timestamp())
    return PhotoQuery(tags=tags, limit=limit, since=since, oldest_first=bool(tags))


async def run(progress: Progress, *, query: PhotoQuery, **options: Any) -> dict[str, int]:
    notes: list[str] = []

    def show_message(text: str) -> None:
        progress.message = text or " ".join(notes)

    async with open_flickr_client(show_message=show_message) as flickr:
        if query.limit > flickr.source.max_photos:
            newest = flickr.source.max_photos
            notes.append(f"Flickr's public feed has only its {newest} newest photos.")
        show_message("")
        import_run = ImportRun(
            progress=progress,
            source=flickr.source,
            downloads=flickr.downloads,
            query=query,
            notes=notes,
            **options,
        )
        return await import_run.run()
