import asyncio
import time
from datetime import timedelta

import pytest
from django.test import AsyncClient
from django.utils import timezone
from pytest_django import Settings

from picha.http import health
from realtime.models import Worker
from realtime.tests.valkey import Valkey

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE = 20
"""Seconds, on a machine that has much else to do; who hangs here hangs for ever."""


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine takes no part that is well for one that is not."""
    monkeypatch.setattr(health, "PATIENCE", 15)


async def ready(client: AsyncClient) -> tuple[int, dict[str, object]]:
    response = await client.get("/readyz")
    return response.status_code, response.json()


async def test_the_process_is_alive_whatever_else_is_down(async_client: AsyncClient) -> None:
    response = await async_client.get("/healthz")

    assert response.status_code == 200
    assert response.content == b"ok"
    assert "no-store" in response["Cache-Control"]


@pytest.mark.usefixtures("patience")
async def test_ready_when_all_parts_are(async_client: AsyncClient, valkey: Valkey) -> None:
    await Worker.objects.acreate(name="worker@here")

    assert await ready(async_client) == (
        200,
        {"ready": True, "database": "ok", "redis": "ok", "worker": "ok"},
    )


@pytest.mark.usefixtures("patience")
async def test_no_worker_was_heard_of_lately(async_client: AsyncClient, valkey: Valkey) -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    await Worker.objects.acreate(name="worker@gone", heartbeat_at=long_ago)

    assert await ready(async_client) == (
        503,
        {"ready": False, "database": "ok", "redis": "ok", "worker": "down"},
    )


@pytest.mark.usefixtures("patience")
async def test_no_redis(async_client: AsyncClient, settings: Settings) -> None:
    settings.REDIS_URL = "unix:///nowhere/secret.sock"
    await Worker.objects.acreate(name="worker@here")

    status, parts = await ready(async_client)

    assert (status, parts["redis"], parts["worker"]) == (503, "down", "ok")
    assert "nowhere" not in str(parts)


async def test_a_frozen_redis_does_not_hold_the_answer(
    async_client: AsyncClient, valkey: Valkey
) -> None:
    await Worker.objects.acreate(name="worker@here")
    valkey.freeze()
    try:
        started = time.monotonic()
        status, parts = await ready(async_client)
        taken = time.monotonic() - started
    finally:
        valkey.thaw()

    assert (status, parts["redis"]) == (503, "down")
    assert taken < AT_ONCE


async def test_a_database_that_hangs_does_not_hold_the_answer(
    async_client: AsyncClient, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hang() -> bool:
        return asyncio.run_coroutine_threadsafe(free.wait(), loop).result()

    monkeypatch.setattr(health, "_database_answers", hang)
    started = time.monotonic()
    status, parts = await ready(async_client)
    taken = time.monotonic() - started
    free.set()

    assert (status, parts["database"]) == (503, "down")
    assert taken < AT_ONCE


async def test_only_reading(async_client: AsyncClient) -> None:
    for path in ("/healthz", "/readyz"):
        assert (await async_client.post(path)).status_code == 405
