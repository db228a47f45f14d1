"""The Celery tasks: photos from Flickr, on a schedule and on demand."""

from typing import Any, Final

from asgiref.sync import sync_to_async
from celery import shared_task
from django.conf import settings

from photos.flickr.photo import Request
from photos.flickr_client import connected
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
"""Photos that a site without any begins with."""


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
    """The newest `limit` photos with all these tags, comma between."""
    return await run(self.progress, request=Request(tags=split(tags), limit=limit))


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
    """What is new since the last time, of the site's own tags."""
    mark = Mark(joined(split(settings.FLICKR_TAGS)))
    request = await sync_to_async(what_is_new)(mark)
    return await run(self.progress, request=request, mark=mark)


def what_is_new(mark: Mark) -> Request:
    """With tags nothing is missed. Without, Flickr has more than any import can read: newest first.

    The feed has no more than its 20 newest, whatever was read before.
    """
    tags, limit = split(mark.tags), settings.FLICKR_IMPORT_MAX
    known = ImportMark.objects.filter(tags=mark.tags).first()
    if known is None or settings.FLICKR_SOURCE == "feed":
        return Request(tags=tags, limit=min(limit, FIRST_LIMIT))
    since = int(known.uploaded_at.timestamp())
    return Request(tags=tags, limit=limit, since=since, oldest_first=bool(tags))


async def run(progress: Progress, *, request: Request, **options: Any) -> dict[str, int]:
    note = ""

    def say(text: str) -> None:
        progress.message = text or note

    async with connected(say=say) as flickr:
        if request.limit > flickr.source.most:
            note = f"Flickr's public feed holds its {flickr.source.most} newest photos only."
        say("")
        work = ImportRun(
            progress=progress,
            source=flickr.source,
            downloads=flickr.downloads,
            request=request,
            **options,
        )
        return await work.run()
