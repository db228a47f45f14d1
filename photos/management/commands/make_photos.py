from typing import Any

import httpx
from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from photos.flickr.photo import PhotoQuery
from photos.flickr_client import open_flickr_client
from photos.import_run import ImportRun
from photos.sandbox.app import Sandbox
from photos.sandbox.config import SandboxConfig
from realtime.models import Job
from realtime.progress import Progress


class Command(BaseCommand):
    help = "Fills the gallery with invented photos; needs no worker, no Redis and no network."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number", type=int, nargs="?", default=60)

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.FLICKR_SOURCE != "sandbox":
            source = settings.FLICKR_SOURCE
            raise CommandError(f"make_photos needs FLICKR_SOURCE=sandbox, but it is {source}.")
        result = async_to_sync(_make)(options["number"])
        self.stdout.write(", ".join(f"{count} {outcome}" for outcome, count in result.items()))


async def _make(number: int) -> dict[str, int]:
    sandbox = Sandbox(SandboxConfig())
    async with open_flickr_client(
        show_message=_ignore, transport=lambda: httpx.ASGITransport(app=sandbox)
    ) as flickr:
        import_run = ImportRun(
            progress=Progress(Job(task="make_photos", title="Make photos")),
            source=flickr.source,
            downloads=flickr.downloads,
            query=PhotoQuery(limit=number),
        )
        return await import_run.run()


def _ignore(text: str) -> None:
    pass
