from typing import Any

import httpx
from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from photos.flickr.photo import Request
from photos.flickr_client import connected
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
            raise CommandError("Invented photos are for FLICKR_SOURCE=sandbox alone.")
        result = async_to_sync(_make)(options["number"])
        self.stdout.write(", ".join(f"{count} {word}" for word, count in result.items()))


async def _make(number: int) -> dict[str, int]:
    box = Sandbox(SandboxConfig())
    async with connected(say=_silent, transport=lambda: httpx.ASGITransport(app=box)) as flickr:
        work = ImportRun(
            progress=Progress(Job(task="make_photos", title="Make photos")),
            source=flickr.source,
            downloads=flickr.downloads,
            request=Request(limit=number),
        )
        return await work.run()


def _silent(text: str) -> None:
    pass
