"""The WebSocket as browsers see it: the real application, with a real Valkey."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from pytest_django import Settings

from realtime.access import watch_key
from realtime.bus.bus import bus
from realtime.channel_layer.messages import JobMessage, job_message
from realtime.jobs import lease
from realtime.live.hub import hub
from realtime.live.websocket import jobs_socket
from realtime.live.wire import ACK_EVERY, MALFORMED, TOO_MANY
from realtime.models import Job
from realtime.states import JobState, Visibility
from realtime.tests.support.people import operator, user, visitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]

Person = AbstractBaseUser | AnonymousUser

PATIENCE = 60
"""Seconds; Channels' own communicator gives a busy machine one."""


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
        return dict(json.loads(await self._communicator.receive_from(timeout=PATIENCE)))

    async def receive_until(self, matches: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        while not matches(frame := await self.receive()):
            pass
        return frame

    async def receives_nothing(self, seconds: float = 0.3) -> bool:
        return bool(await self._communicator.receive_nothing(timeout=seconds))

    async def closed(self) -> int:
        while (message := await self._communicator.receive_output(timeout=PATIENCE))[
            "type"
        ] != "websocket.close":
            pass
        return int(message["code"])


@asynccontextmanager
async def opened(communicator: WebsocketCommunicator) -> AsyncIterator[Client]:
    assert (await communicator.connect(timeout=PATIENCE))[0]
    try:
        yield Client(communicator)
    finally:
        await communicator.disconnect(timeout=PATIENCE)


@asynccontextmanager
async def connected(person: Person | None = None) -> AsyncIterator[Client]:
    communicator = WebsocketCommunicator(jobs_socket, "/ws/jobs/")
    communicator.scope["user"] = person or visitor()
    async with opened(communicator) as client:
        yield client


async def make(**fields: Any) -> Job:
    defaults = {"task": "t", "title": "T", "queue": "celery", "visibility": Visibility.PUBLIC}
    return await Job.objects.acreate(**defaults | fields)


async def test_a_watcher_gets_the_present_state_at_once() -> None:
    job = await make(title="Import")
    async with connected() as client:
        await client.watch(job)
        frame = await client.receive()
    assert frame["type"] == "jobs"
    assert frame["seq"] == 1
    assert [(shown["id"], shown["title"]) for shown in frame["jobs"]] == [(str(job.pk), "Import")]


async def test_a_watcher_sees_a_change_of_state() -> None:
    job = await make()
    async with connected() as client:
        await client.watch(job)
        await client.receive()
        await sync_to_async(lease.claim)(job.pk, worker="w")
        frame = await client.receive_until(lambda frame: frame["jobs"][0]["state"] == "running")
    assert frame["jobs"][0]["revision"] == 1


async def test_a_change_whose_message_was_lost_is_sent(settings: Settings) -> None:
    settings.REALTIME_REPAIR_INTERVAL = 0.5
    job = await make()
    async with connected() as client:
        await client.watch(job)
        await client.receive()
        await Job.objects.filter(pk=job.pk).aupdate(state=JobState.RUNNING, revision=1)
        frame = await client.receive_until(lambda frame: frame["jobs"][0]["state"] == "running")
    assert frame["jobs"][0]["revision"] == 1


async def test_a_job_that_cannot_be_shown_does_not_hide_the_others(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REALTIME_REPAIR_INTERVAL = 0.5
    jobs = before, bad, after = [await make() for _ in range(3)]
    good = {str(before.pk), str(after.pk)}

    def message(job: Job) -> JobMessage:
        if job.pk == bad.pk:
            raise UnicodeError("This is not text.")
        return job_message(job)

    async with connected() as client:
        await client.watch(*jobs)
        assert len((await client.receive())["jobs"]) == 3
        monkeypatch.setattr("realtime.channel_layer.messages.job_message", message)
        await Job.objects.all().aupdate(state=JobState.SUCCEEDED, revision=1)
        ended: set[str] = set()
        while ended < good:
            ended |= {job["id"] for job in (await client.receive())["jobs"]}
        assert ended == good
    async with connected() as client:
        await client.watch(*jobs)
        frames = {
            frame["type"]: frame["jobs"] for frame in [await client.receive() for _ in range(2)]
        }
        assert frames["denied"] == [str(bad.pk)]
        assert {job["id"] for job in frames["jobs"]} == good


@pytest.mark.parametrize(
    ("who", "allowed"),
    [("visitor", False), ("key", True), ("owner", True), ("other", False), ("operator", True)],
)
async def test_who_may_watch_a_private_job(who: str, allowed: bool) -> None:
    owner = await sync_to_async(user)("owner")
    job = await make(owner=owner, visibility=Visibility.PRIVATE)
    person: Person = visitor()
    if who == "owner":
        person = owner
    elif who == "other":
        person = await sync_to_async(user)("other")
    elif who == "operator":
        person = await sync_to_async(operator)()
    async with connected(person) as client:
        await client.watch(job, key=watch_key(job.pk) if who == "key" else "")
        frame = await client.receive()
        assert frame["type"] == ("jobs" if allowed else "denied")
        if not allowed:
            await sync_to_async(lease.claim)(job.pk, worker="w")
            assert await client.receives_nothing()


async def test_unknown_and_forbidden_jobs_get_the_same_answer() -> None:
    forbidden = await make(visibility=Visibility.PRIVATE)
    unknown = Job(id=uuid4())
    async with connected() as client:
        await client.watch(forbidden, unknown)
        frame = await client.receive()
    assert frame == {"type": "denied", "jobs": [str(forbidden.pk), str(unknown.pk)]}


async def test_only_operators_see_the_worker_and_the_task() -> None:
    job = await make(worker="celery@inner")
    async with connected() as client, connected(await sync_to_async(operator)()) as op:
        await client.watch(job)
        await op.watch(job)
        shown, shown_to_operator = (
            (await client.receive())["jobs"][0],
            (await op.receive())["jobs"][0],
        )
    assert "worker" not in shown
    assert shown_to_operator["worker"] == "celery@inner"


async def test_an_unwatched_job_is_not_sent() -> None:
    job = await make()
    async with connected() as client:
        await client.watch(job)
        await client.receive()
        await client.send({"type": "unwatch", "jobs": [str(job.pk)]})
        await sync_to_async(lease.claim)(job.pk, worker="w")
        assert await client.receives_nothing()


async def test_operators_get_the_numbers_and_the_jobs_that_change() -> None:
    async with connected(await sync_to_async(operator)()) as client:
        await client.send({"type": "overview"})
        first = await client.receive()
        assert first["numbers"]["waiting"] == 0
        job = await make()
        bus().send_snapshots([job.pk])
        rows: list[dict[str, Any]] = []
        waiting = 0
        while not (rows and waiting):  # they may come in two frames
            frame = await client.receive()
            rows += frame["jobs"]
            waiting = frame["numbers"]["waiting"] if frame["numbers"] else waiting
    assert waiting == 1
    assert rows[0]["task"] == "t"


async def test_the_overview_is_for_operators() -> None:
    clerk = await sync_to_async(user)("clerk", is_staff=True)
    async with connected(clerk) as client:
        await client.send({"type": "overview"})
        assert (await client.receive())["code"] == "denied"
        assert await client.receives_nothing()


@pytest.mark.parametrize("text", [" ", "{", "[]", '{"type":7}', '{"type":"ack","seq":1}', "é"])
async def test_a_malformed_frame_closes_the_socket(text: str) -> None:
    async with connected() as client:
        await client.send(text)
        assert (await client.receive())["type"] == "error"
        assert await client.closed() == MALFORMED


async def test_an_unknown_type_of_frame_is_answered() -> None:
    async with connected() as client:
        await client.send({"type": "unknown", "more": 1})
        answer = await client.receive()
        assert (answer["type"], answer["code"]) == ("error", "unknown")
        await client.send({"type": "ping"})
        assert await client.receive() == {"type": "pong"}


async def test_a_frame_nested_ten_thousand_deep_closes_the_socket() -> None:
    async with connected() as client:
        await client.send('{"type":"watch","jobs":' + "[" * 10_000)
        assert await client.closed() == MALFORMED


async def test_a_binary_frame_closes_the_socket() -> None:
    communicator = WebsocketCommunicator(jobs_socket, "/ws/jobs/")
    communicator.scope["user"] = visitor()
    async with opened(communicator) as client:
        await communicator.send_to(bytes_data=b"\x00")
        assert await client.closed() == MALFORMED


@pytest.mark.parametrize(("more", "closes"), [(-1, False), (0, False), (1, True)])
async def test_a_frame_has_a_maximum_size(settings: Settings, more: int, closes: bool) -> None:
    frame = '{"type":"overview"}'
    settings.REALTIME_FRAME_MAX_BYTES = 40
    async with connected() as client:
        await client.send(frame + " " * (40 + more - len(frame)))
        if closes:
            assert await client.closed() == MALFORMED
        else:
            assert (await client.receive())["code"] == "denied"


@pytest.mark.parametrize(("number", "closes"), [(1, False), (2, False), (3, True)])
async def test_a_socket_watches_a_limited_number_of_jobs(
    settings: Settings, number: int, closes: bool
) -> None:
    settings.REALTIME_WATCHES_MAX = 2
    jobs = [await make() for _ in range(number)]
    async with connected() as client:
        for job in jobs:
            await client.watch(job)
        if closes:
            assert await client.closed() == TOO_MANY
        else:
            assert len((await client.receive())["jobs"]) >= 1


@pytest.fixture
def one_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """All frames of a test come within one second, however slow the machine is."""
    monkeypatch.setattr("realtime.live.quota.monotonic", lambda: 0.0)


@pytest.mark.parametrize(("number", "closes"), [(2, False), (3, False), (4, True)])
@pytest.mark.usefixtures("one_second")
async def test_a_flood_of_frames_closes_the_socket(
    settings: Settings, number: int, closes: bool
) -> None:
    settings.REALTIME_FRAMES_PER_SECOND = 3
    async with connected() as client:
        for _ in range(number):
            await client.send({"type": "unwatch", "jobs": []})
        if closes:
            assert await client.closed() == TOO_MANY
        else:
            assert await client.receives_nothing()


@pytest.mark.usefixtures("one_second")
async def test_a_ping_is_answered_and_counts_as_a_frame(settings: Settings) -> None:
    settings.REALTIME_FRAMES_PER_SECOND = 2
    async with connected() as client:
        for _ in range(2):
            await client.send({"type": "ping"})
            assert await client.receive() == {"type": "pong"}
        await client.send({"type": "ping"})
        assert await client.closed() == TOO_MANY


async def receive_frames(client: Client, job: Job, number: int) -> int:
    """Have the hub send `number` frames; returns the sequence number of the last one."""
    for _ in range(number):
        job.revision += 1
        hub().send(job_message(job))
        frame = await client.receive_until(
            lambda frame: frame["jobs"][0]["revision"] == job.revision
        )
    return int(frame["seq"])


@pytest.mark.parametrize(
    ("step", "closes"), [(ACK_EVERY - 1, True), (ACK_EVERY, False), (ACK_EVERY + 1, False)]
)
@pytest.mark.usefixtures("one_second")
async def test_expected_acknowledgements_do_not_count_as_frames(
    settings: Settings, step: int, closes: bool
) -> None:
    settings.REALTIME_FRAMES_PER_SECOND = 3
    job = await make()
    async with connected() as client:
        await client.watch(job)
        await client.receive()
        for number in (step - 1, step, step):
            await client.send({"type": "ack", "seq": await receive_frames(client, job, number)})
        if closes:
            assert await client.closed() == TOO_MANY
        else:
            assert await client.receives_nothing()


@pytest.mark.usefixtures("one_second")
async def test_repeated_acknowledgements_count_as_frames(settings: Settings) -> None:
    settings.REALTIME_FRAMES_PER_SECOND = 3
    job = await make()
    async with connected() as client:
        await client.watch(job)
        await client.receive()
        last = await receive_frames(client, job, ACK_EVERY)
        for _ in range(3):
            await client.send({"type": "ack", "seq": last})
        assert await client.receives_nothing()
        await client.send({"type": "ack", "seq": last})
        assert await client.closed() == TOO_MANY


async def test_too_many_sockets_of_one_address_are_closed(settings: Settings) -> None:
    settings.REALTIME_SOCKETS_PER_ADDRESS = 1
    async with connected() as client:
        async with connected() as other:
            assert await other.closed() == TOO_MANY
        assert await client.receives_nothing()
    async with connected() as client:
        assert await client.receives_nothing()


async def test_the_rights_of_a_user_are_read_on_a_usable_database_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Not Channels' communicator, which turns this function off.
    cleanups: list[str] = []
    monkeypatch.setattr("channels.db.close_old_connections", lambda: cleanups.append("done"))
    received = iter([{"type": "websocket.connect"}, {"type": "websocket.disconnect"}])

    async def receive() -> dict[str, Any]:
        return next(received)

    async def send(message: dict[str, Any]) -> None:
        pass

    await jobs_socket({"user": await sync_to_async(operator)()}, receive, send)
    assert len(cleanups) == 2  # before and after


async def test_a_socket_without_backpressure_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.live.websocket.lacks_backpressure", lambda send: True)
    communicator = WebsocketCommunicator(jobs_socket, "/ws/jobs/")
    communicator.scope["user"] = visitor()
    is_accepted, _ = await communicator.connect(timeout=PATIENCE)
    assert not is_accepted
