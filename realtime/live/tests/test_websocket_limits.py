"""Which frames a browser may send through the WebSocket, and how many."""

import pytest
from channels.testing import WebsocketCommunicator
from pytest_django import Settings

from realtime.channel_layer.messages import job_message
from realtime.live.hub import hub
from realtime.live.tests.socket_client import Client, connected, make, opened
from realtime.live.websocket import jobs_socket
from realtime.live.wire import ACK_EVERY, MALFORMED, TOO_MANY
from realtime.models import Job
from realtime.tests.support.people import visitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]


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
