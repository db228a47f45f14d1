"""Server-Sent Events and polling: the same snapshots without a WebSocket."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from django.test import AsyncClient
from django.urls import reverse
from pytest_django import Settings

from realtime.access import watch_key
from realtime.jobs import lease
from realtime.models import Job
from realtime.states import JobState, Visibility
from realtime.tests.support.people import operator, user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]


@pytest.fixture(autouse=True)
def quick(settings: Settings) -> None:
    settings.REALTIME_STREAM_INTERVAL = 0.01
    settings.REALTIME_REPAIR_INTERVAL = 0.5


async def make(**fields: Any) -> Job:
    defaults = {"task": "t", "title": "T", "queue": "celery", "visibility": Visibility.PUBLIC}
    return await Job.objects.acreate(**defaults | fields)


def url(job: Job, name: str = "events") -> str:
    return reverse(f"realtime:{name}", args=[job.pk])


async def read(response: Any) -> AsyncIterator[dict[str, Any]]:
    assert isinstance(response, StreamingHttpResponse)
    async for chunk in response:
        lines = dict(line.split(": ", 1) for line in chunk.decode().strip().split("\n"))
        if "data" in lines:
            yield {"id": lines["id"], "job": json.loads(lines["data"])}


def run(job: Job) -> None:
    claimed = lease.claim(job.pk, worker="w")
    assert claimed
    lease.finish(claimed, result=None)


async def test_a_stream_sends_the_present_state_and_the_end(async_client: AsyncClient) -> None:
    job = await make()
    response = await async_client.get(url(job))
    assert response["Content-Type"] == "text/event-stream"
    states = []
    async for event in read(response):
        states.append(event["job"]["state"])
        if states == ["queued"]:
            await sync_to_async(run)(job)
    assert states[0] == "queued"
    assert states[-1] == "succeeded"


async def test_a_snapshot_that_the_browser_has_is_not_sent_again(
    async_client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.live.event_stream.COMMENT_SECONDS", 0.05)
    job = await make(revision=3, tick=7)
    response: Any = await async_client.get(url(job), headers={"Last-Event-ID": "3-7"})
    chunks = response.streaming_content
    assert (await anext(chunks)).startswith(b"retry: ")
    # The snapshot comes before the first comment.
    assert await anext(chunks) == b": still here\n\n"
    await Job.objects.filter(pk=job.pk).aupdate(revision=4, tick=0)
    async for event in read(response):
        assert event["id"] == "4-0"
        break


async def test_a_browser_with_the_last_snapshot_gets_no_stream(async_client: AsyncClient) -> None:
    job = await make(state=JobState.SUCCEEDED, revision=2, finished_at="2026-01-01T00:00Z")
    response = await async_client.get(url(job), headers={"Last-Event-ID": "2-0"})
    assert response.status_code == 204


async def test_browsers_get_different_retry_times(async_client: AsyncClient) -> None:
    job = await make()
    lines = set()
    for _ in range(8):
        response: Any = await async_client.get(url(job))
        lines.add(await anext(response.streaming_content))
        await response.streaming_content.aclose()
    assert len(lines) > 1
    assert all(500 <= int(line.removeprefix(b"retry: ")) <= 2500 for line in lines)


async def test_a_stream_ends_after_a_while(async_client: AsyncClient, settings: Settings) -> None:
    settings.REALTIME_STREAM_MAX_AGE = 5.0
    response = await async_client.get(url(await make(state=JobState.RUNNING)))
    assert len([event async for event in read(response)]) == 1


async def test_a_slow_browser_gets_the_newest_state_only(
    async_client: AsyncClient, settings: Settings
) -> None:
    settings.REALTIME_STREAM_INTERVAL = 1.0
    job = await make()
    ticks = []
    async for event in read(await async_client.get(url(job))):
        ticks.append(event["job"]["tick"])
        if ticks[-1] == 20:
            break
        for tick in range(1, 21):
            await Job.objects.filter(pk=job.pk).aupdate(tick=tick)
    assert len(ticks) <= 10  # of twenty


@pytest.mark.parametrize(("already", "status"), [(0, 200), (1, 200), (2, 429)])
async def test_an_address_has_a_limited_number_of_streams(
    async_client: AsyncClient, settings: Settings, already: int, status: int
) -> None:
    settings.REALTIME_SOCKETS_PER_ADDRESS = 2
    job = await make()
    streams: list[Any] = [await async_client.get(url(job)) for _ in range(already)]
    response = await async_client.get(url(job))
    assert response.status_code == status
    for stream in (*streams, response):
        if stream.status_code == 200:
            await stream.streaming_content.aclose()


async def test_head_opens_no_stream(async_client: AsyncClient, settings: Settings) -> None:
    settings.REALTIME_SOCKETS_PER_ADDRESS = 1
    job = await make()
    heads = [await async_client.head(url(job)) for _ in range(2)]
    stream: Any = await async_client.get(url(job))
    assert [head.status_code for head in heads] == [200, 200]
    assert stream.status_code == 200
    assert all(head.headers == stream.headers for head in heads)
    await stream.streaming_content.aclose()


@pytest.mark.parametrize("name", ["events", "snapshot"])
@pytest.mark.parametrize(
    ("viewer", "status"),
    [("visitor", 404), ("key", 200), ("owner", 200), ("other", 404), ("operator", 200)],
)
async def test_only_some_viewers_may_read_a_private_job(
    async_client: AsyncClient, settings: Settings, name: str, viewer: str, status: int
) -> None:
    settings.REALTIME_STREAM_MAX_AGE = 0.01
    owner = await sync_to_async(user)("owner")
    job = await make(owner=owner, visibility=Visibility.PRIVATE)
    people = {"owner": owner}
    if viewer == "other":
        people["other"] = await sync_to_async(user)("other")
    if viewer == "operator":
        people["operator"] = await sync_to_async(operator)()
    if viewer in people:
        await async_client.aforce_login(people[viewer])
    query = {"key": watch_key(job.pk)} if viewer == "key" else {}
    response = await async_client.get(url(job, name), query)
    assert response.status_code == status
    if response.streaming:
        assert len([event async for event in read(response)]) <= 1
    if status == 200:
        assert response["Cache-Control"] == "no-store"


async def test_polling_returns_the_snapshot(async_client: AsyncClient) -> None:
    job = await make(worker="celery@inner")
    response = await async_client.get(url(job, "snapshot"))
    shown = json.loads(response.content)
    assert (shown["id"], shown["state"]) == (str(job.pk), "queued")
    assert "worker" not in shown
