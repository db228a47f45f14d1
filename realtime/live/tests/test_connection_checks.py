"""When connections are closed; with real sessions and a real Valkey."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings as django_settings
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.db import OperationalError
from django.test import Client as Browser
from pytest_django import Settings

from realtime.access import Viewer
from realtime.bus.bus import bus
from realtime.jobs import lease
from realtime.live import connection_checks
from realtime.live.access_checks import ALL_USERS, PendingCheck, UserId
from realtime.live.connection_checks import CHUNK_SIZE, ConnectionChecks
from realtime.live.connections import Connections
from realtime.live.event_stream import Stream
from realtime.live.tests.socket_client import PATIENCE, Client, opened
from realtime.live.viewers import Identity, viewers_of
from realtime.live.websocket import jobs_socket
from realtime.live.wire import AGED, SESSION_ENDED, TOO_SLOW
from realtime.models import NO_JOB, Job
from realtime.states import Visibility
from realtime.tests.support.people import operator, user, visitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]


@pytest.fixture(autouse=True)
def patient(settings: Settings) -> None:
    settings.REALTIME_LAYER_TIMEOUT = PATIENCE


@asynccontextmanager
async def logged_in(person: User) -> AsyncIterator[tuple[Client, Browser]]:
    """A socket of `person`, and the browser with the same session."""
    browser = Browser()
    await sync_to_async(browser.force_login)(person)
    key = browser.cookies[django_settings.SESSION_COOKIE_NAME].value
    communicator = WebsocketCommunicator(jobs_socket, "/ws/jobs/")
    communicator.scope["user"] = await User.objects.aget(pk=person.pk)
    store: Any = import_module(django_settings.SESSION_ENGINE).SessionStore(key)
    communicator.scope["session"] = store
    async with opened(communicator) as client:
        await watch_something(client)
        yield client, browser


async def watch_something(client: Client) -> None:
    """Wait for a change to arrive: from then on the hub has joined its groups."""
    job = await Job.objects.acreate(task="t", title="T", visibility=Visibility.PUBLIC)
    await client.watch(job)
    await client.receive()
    await sync_to_async(lease.claim)(job.pk, worker="w")
    await client.receive_until(lambda frame: frame["jobs"][0]["state"] == "running")


def deactivate(person: User, _: Browser) -> None:
    person.is_active = False
    person.save()


def change_password(person: User, _: Browser) -> None:
    person.set_password("another password")
    person.save()


def lose_permission(person: User, _: Browser) -> None:
    person.user_permissions.clear()


def lose_staff(person: User, _: Browser) -> None:
    person.is_staff = False
    person.save()


def delete(person: User, _: Browser) -> None:
    person.delete()


def log_out(_: User, browser: Browser) -> None:
    browser.logout()


@pytest.mark.parametrize(
    "end", [log_out, change_password, deactivate, lose_permission, lose_staff, delete]
)
async def test_access_that_is_revoked_closes_the_socket(
    end: Callable[[User, Browser], None],
) -> None:
    person = await sync_to_async(operator)()
    async with logged_in(person) as (client, browser):
        await sync_to_async(end)(person, browser)
        assert await client.closed() == SESSION_ENDED


async def test_a_group_that_loses_a_permission_closes_its_members_sockets() -> None:
    person = await sync_to_async(user)("op", is_staff=True)
    group = await Group.objects.acreate(name="operators")
    await group.permissions.aadd(await Permission.objects.aget(codename="view_job"))
    await person.groups.aadd(group)
    async with logged_in(person) as (client, _):
        await group.permissions.aclear()
        assert await client.closed() == SESSION_ENDED


async def test_a_user_who_becomes_an_operator_stays_connected_and_gets_the_overview() -> None:
    person = await sync_to_async(user)("op", is_staff=True)
    async with logged_in(person) as (client, _):
        await person.user_permissions.aadd(await Permission.objects.aget(codename="view_job"))
        answer = await ask_for_overview(client)
        while answer["type"] == "error":
            answer = await ask_for_overview(client)
        assert "numbers" in answer


async def ask_for_overview(client: Client) -> dict[str, Any]:
    await asyncio.sleep(0.2)
    await client.send({"type": "overview"})
    return await client.receive()


async def test_a_session_that_ends_without_a_signal_closes_the_socket(settings: Settings) -> None:
    settings.REALTIME_ACCESS_INTERVAL = 0.2
    async with logged_in(await sync_to_async(user)()) as (client, _):
        await Session.objects.all().adelete()
        assert await client.closed() == SESSION_ENDED


async def test_a_session_that_ends_long_after_its_signal_closes_the_socket(
    settings: Settings,
) -> None:
    settings.REALTIME_ACCESS_INTERVAL = 3600
    ada = await sync_to_async(user)()
    async with logged_in(ada) as (client, _):
        bus().request_access_check(ada.pk)
        assert await client.receives_nothing(1.0)
        await Session.objects.all().adelete()
        assert await client.closed() == SESSION_ENDED


async def test_a_check_is_repeated_after_a_database_error(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REALTIME_ACCESS_INTERVAL = 3600
    answers = iter([OperationalError("away")])

    def read(identities: Iterable[Identity]) -> dict[Identity, Viewer]:
        for error in answers:
            raise error
        return viewers_of(identities)

    monkeypatch.setattr("realtime.live.connection_checks.viewers_of", read)
    monkeypatch.setattr("realtime.live.access_checks.PAUSES", ())
    async with logged_in(await sync_to_async(user)()) as (client, browser):
        await sync_to_async(browser.logout)()
        assert await client.closed() == SESSION_ENDED
    assert list(answers) == []


async def test_one_users_logout_leaves_the_others_connected() -> None:
    ada, bob = await sync_to_async(user)("ada"), await sync_to_async(user)("bob")
    async with logged_in(ada) as (client, browser), logged_in(bob) as (others, _):
        await sync_to_async(browser.logout)()
        assert await client.closed() == SESSION_ENDED
        assert await others.receives_nothing()


async def test_a_second_session_survives_the_logout_of_the_first() -> None:
    ada = await sync_to_async(user)("ada")
    async with logged_in(ada) as (client, browser), logged_in(ada) as (others, _):
        await sync_to_async(browser.logout)()
        assert await client.closed() == SESSION_ENDED
        assert await others.receives_nothing()


@asynccontextmanager
async def visiting() -> AsyncIterator[Client]:
    communicator = WebsocketCommunicator(jobs_socket, "/ws/jobs/")
    communicator.scope["user"] = visitor()
    communicator.scope["client"] = ["192.0.2.1", 4000]
    async with opened(communicator) as client:
        yield client


async def test_a_browser_that_acknowledges_nothing_is_closed(settings: Settings) -> None:
    settings.REALTIME_CREDIT_WINDOW = 1
    settings.REALTIME_SEND_DEADLINE = 0.2
    async with visiting() as client:
        for _ in range(3):
            job = await Job.objects.acreate(task="t", title="T", visibility=Visibility.PUBLIC)
            await client.watch(job)
        assert await client.closed() == TOO_SLOW


async def test_a_browser_with_nothing_to_acknowledge_may_be_silent(settings: Settings) -> None:
    settings.REALTIME_SEND_DEADLINE = 0.1
    async with visiting() as client:
        job = await Job.objects.acreate(task="t", title="T", visibility=Visibility.PUBLIC)
        await client.watch(job)
        await client.receive()
        assert await client.receives_nothing()


async def test_an_old_socket_is_closed(settings: Settings) -> None:
    settings.REALTIME_SOCKET_MAX_AGE = 0.1
    async with visiting() as client:
        assert await client.closed() == AGED


@pytest.fixture
async def many() -> AsyncIterator[tuple[ConnectionChecks, list[Stream]]]:
    """Checks of the connections of many users without sessions."""
    connections = Connections()
    checks = ConnectionChecks(connections)
    streams = [
        Stream(Viewer(user_id=number), session_key="") for number in range(2 * CHUNK_SIZE + 1)
    ]
    for number, stream in enumerate(streams):
        connections.add(stream, str(number))
    checks.start()
    yield checks, streams
    checks.stop()


ALL_NOW: dict[UserId, PendingCheck] = {ALL_USERS: PendingCheck(0.0)}

Many = tuple[ConnectionChecks, list[Stream]]


async def test_many_users_are_read_in_chunks(many: Many, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []

    def read(identities: list[Identity]) -> dict[Identity, Viewer]:
        sizes.append(len(identities))
        return dict.fromkeys(identities, Viewer())

    monkeypatch.setattr(connection_checks, "viewers_of", read)
    checks, streams = many
    await checks._check_access(ALL_NOW)
    assert sizes == [CHUNK_SIZE, CHUNK_SIZE, 1]
    assert all(stream.close_request for stream in streams)


async def test_a_user_who_cannot_be_read_does_not_stop_the_check_of_the_others(
    many: Many, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def read(identities: list[Identity]) -> dict[Identity, Viewer]:
        if any(user_id in (7, 8, CHUNK_SIZE + 7) for _, user_id in identities):
            raise LookupError("The directory does not know this user.")
        return dict.fromkeys(identities, Viewer())

    monkeypatch.setattr(connection_checks, "viewers_of", read)
    checks, streams = many
    await checks._check_access(ALL_NOW)
    is_open = [stream.viewer.user_id for stream in streams if not stream.close_request]
    assert set(is_open) == {7, 8, CHUNK_SIZE + 7}
    assert caplog.messages == ["The access of 3 users cannot be checked; it is checked again later"]


async def test_no_connection_is_closed_while_the_database_is_down(
    many: Many, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []

    def read(identities: list[Identity]) -> dict[Identity, Viewer]:
        sizes.append(len(identities))
        if len(sizes) == 3:
            raise OperationalError("away")
        return dict.fromkeys(identities, Viewer())

    monkeypatch.setattr(connection_checks, "viewers_of", read)
    checks, streams = many
    with pytest.raises(OperationalError):
        await checks._check_access(ALL_NOW)
    assert sizes == [CHUNK_SIZE, CHUNK_SIZE, 1]
    assert not any(stream.close_request for stream in streams)


async def test_slow_browsers_are_closed_while_the_database_hangs(
    settings: Settings, many: Many, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REALTIME_ACCESS_INTERVAL = 0
    is_answering = threading.Event()

    def read(identities: list[Identity]) -> dict[Identity, Viewer]:
        assert is_answering.wait(PATIENCE)
        return {}

    monkeypatch.setattr(connection_checks, "viewers_of", read)
    monkeypatch.setattr(connection_checks, "CHECK_SECONDS", 0.01)
    checks, streams = many
    checks.recheck_access(ALL_USERS)
    loops = [asyncio.create_task(loop()) for loop in checks.loops]
    await asyncio.sleep(0.1)
    streams[0].ends_at = 0.0
    await streams[0].next(NO_JOB, within=PATIENCE)
    assert streams[0].close_request
    is_answering.set()
    for loop in loops:
        loop.cancel()
