"""The WebSocket as browsers see it: the real application, with a real Valkey."""

from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from pytest_django import Settings

from realtime.access import watch_key
from realtime.bus.bus import bus
from realtime.channel_layer.messages import JobMessage, job_message
from realtime.jobs import lease
from realtime.live.tests.socket_client import PATIENCE, Person, connected, make
from realtime.live.websocket import jobs_socket
from realtime.models import Job
from realtime.states import JobState, Visibility
from realtime.tests.support.people import operator, user, visitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]


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
    monkeypatch.setattr("realtime.live.websocket.lacks_backpressure", lambda scope, send: True)
    communicator = WebsocketCommunicator(jobs_socket, "/ws/jobs/")
    communicator.scope["user"] = visitor()
    is_accepted, _ = await communicator.connect(timeout=PATIENCE)
    assert not is_accepted
