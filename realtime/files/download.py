"""The answer that carries a job's file."""

import logging
from collections.abc import AsyncIterator, Iterator
from typing import Final

from asgiref.sync import sync_to_async
from django.http import FileResponse, Http404

from realtime.files import storage
from realtime.models import Job

log: Final = logging.getLogger(__name__)


class Download(FileResponse):
    """A `FileResponse` that under ASGI, too, has no more of the file in memory than one block.

    Django's own is read whole there before its first byte is sent (`StreamingHttpResponse`, "must
    consume synchronous iterators").
    """

    async def __aiter__(self) -> AsyncIterator[bytes]:
        blocks = iter(self)
        while block := await sync_to_async(_following, thread_sensitive=False)(blocks):
            yield block


def _following(blocks: Iterator[bytes]) -> bytes:
    return next(blocks, b"")


def download(job: Job) -> Download:
    """The file of `job`, as something to save and never to show: a browser runs nothing in it.

    Raises:
        Http404: there is none, or not yet.
    """
    file = storage.file_of(job)
    if file is None:
        raise Http404("No such file.")
    try:
        opened = storage.path_of(job, file).open("rb")
    except FileNotFoundError:
        log.warning("The file of job %s is gone from the disk", job.pk)
        raise Http404("No such file.") from None
    answer = Download(
        opened, as_attachment=True, filename=file.name, content_type=file.content_type
    )
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return answer
