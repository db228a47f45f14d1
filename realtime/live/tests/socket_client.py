"""A browser for tests of the WebSocket, connected to the application without a server."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from realtime.live.websocket import jobs_socket
from realtime.models import Job
from realtime.states import Visibility
from realtime.tests.support.people import visitor

Person = AbstractBaseUser | AnonymousUser

TIMEOUT_SECONDS = 60
"""The default of Channels' communicator, one second, is too short for a busy machine."""


class Client:
    def __init__(self, communicator: WebsocketCommunicator) -> None:
        self._communicator = communicator

    async def send(self, frame: dict[str, Any] | str) -> None:
        text = frame if isinstance(frame, str) else json.dumps(frame)
        await self._communicator.send_to(text_data=text)

    async def watch(self, *jobs: Job, key: str = "") -> None:
        requests = [{"id": str(job.pk), "key": key} for job in jobs]
        await self.send({"type": "watch", "jobs": requests})

    async def receive(self) -> dict[str, Any]:
        return dict(json.loads(await self._communicator.receive_from(timeout=TIMEOUT_SECONDS)))

    async def receive_until(self, matches: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        while not matches(frame := await self.receive()):
            pass
        return frame

    async def receives_nothing(self, seconds: float = 0.3) -> bool:
        return bool(await self._communicator.receive_nothing(timeout=seconds))

    async def closed(self) -> int:
        while (message := await self._communicator.receive_output(timeout=TIMEOUT_SECONDS))[
            "type"
        ] != "websocket.close":
            pass
        return int(message["code"])


@asynccontextmanager
async def opened(communicator: WebsocketCommunicator) -> AsyncIterator[Client]:
    assert (await communicator.connect(timeout=TIMEOUT_SECONDS))[0]
    try:
        yield Client(communicator)
    finally:
        await communicator.disconnect(timeout=TIMEOUT_SECONDS)


@asynccontextmanager
async def connected(person: Person | None = None) -> AsyncIterator[Client]:
    communicator = WebsocketCommunicator(jobs_socket, "/ws/jobs/")
    communicator.scope["user"] = person or visitor()
    async with opened(communicator) as client:
        yield client


async def make(**fields: Any) -> Job:
    defaults = {"task": "t", "title": "T", "queue": "celery", "visibility": Visibility.PUBLIC}
    return await Job.objects.acreate(**defaults | fields)
