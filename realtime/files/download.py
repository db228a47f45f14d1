"""Download: the HTTP response with a job's file."""

import logging
from collections.abc import AsyncIterator, Iterator
from typing import Final

from asgiref.sync import sync_to_async
from django.http import FileResponse, Http404

from realtime.files import storage
from realtime.models import Job

log: Final = logging.getLogger(__name__)


class Download(FileResponse):
    """A `FileResponse` that has only one block of the file in memory under ASGI too.

    There Django reads the whole file before it sends the first byte (`StreamingHttpResponse`: "must
    consume synchronous iterators").
    """

    async def __aiter__(self) -> AsyncIterator[bytes]:
        blocks = iter(self)
        while block := await sync_to_async(_next_block, thread_sensitive=False)(blocks):
            yield block


def _next_block(blocks: Iterator[bytes]) -> bytes:
    return next(blocks, b"")


def download(job: Job, *, is_head: bool = False) -> Download:
    """The file of `job`. A browser saves it and never shows it, so that no script in it runs.

    The response to a HEAD request has the same headers, and does not keep the file open.

    Raises:
        Http404: the job has no file, or has not finished.
    """
    file = storage.file_of(job)
    if file is None:
        raise Http404("No such file.")
    try:
        opened = storage.path_of(job, file).open("rb")
    except FileNotFoundError:
        log.warning("The file of job %s does not exist in MEDIA_ROOT", job.pk)
        raise Http404("No such file.") from None
    response = Download(
        opened, as_attachment=True, filename=file.name, content_type=file.content_type
    )
    if is_head:
        opened.close()
        response.streaming_content = ()
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response
