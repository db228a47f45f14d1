import asyncio
import time
from datetime import timedelta

import pytest
from django.test import AsyncClient
from django.utils import timezone
from pytest_django import Settings

from picha.http import health
from realtime.models import Worker
from realtime.tests.support.valkey import Valkey

pytestmark = pytest.mark.django_db(transaction=True)

RESPONSE_SECONDS_MAX = 20
"""Long enough for a busy machine: without a timeout the response never arrives."""


@pytest.fixture
def long_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a check that passes may need longer than the site waits."""
    monkeypatch.setattr(health, "TIMEOUT_SECONDS", 15)


async def readyz(client: AsyncClient) -> tuple[int, dict[str, object]]:
    response = await client.get("/readyz")
    return response.status_code, response.json()


async def test_healthz_answers_whatever_else_is_down(async_client: AsyncClient) -> None:
    response = await async_client.get("/healthz")

    assert response.status_code == 200
    assert response.content == b"ok"
    assert "no-store" in response["Cache-Control"]


@pytest.mark.usefixtures("long_timeout")
async def test_the_site_is_ready_when_all_checks_pass(
    async_client: AsyncClient, valkey: Valkey
) -> None:
    await Worker.objects.acreate(name="worker@here")

    assert await readyz(async_client) == (
        200,
        {"ready": True, "database": "ok", "redis": "ok", "worker": "ok"},
    )


@pytest.mark.usefixtures("long_timeout")
async def test_a_worker_without_recent_heartbeats_is_down(
    async_client: AsyncClient, valkey: Valkey
) -> None:
    an_hour_ago = timezone.now() - timedelta(hours=1)
    await Worker.objects.acreate(name="worker@gone", heartbeat_at=an_hour_ago)

    assert await readyz(async_client) == (
        503,
        {"ready": False, "database": "ok", "redis": "ok", "worker": "down"},
    )


@pytest.mark.usefixtures("long_timeout")
async def test_an_unreachable_redis_is_down(async_client: AsyncClient, settings: Settings) -> None:
    settings.REDIS_URL = "unix:///nowhere/secret.sock"
    await Worker.objects.acreate(name="worker@here")

    status, states = await readyz(async_client)

    assert (status, states["redis"], states["worker"]) == (503, "down", "ok")
    assert "nowhere" not in str(states)


async def test_a_frozen_redis_does_not_block_the_response(
    async_client: AsyncClient, valkey: Valkey
) -> None:
    await Worker.objects.acreate(name="worker@here")
    valkey.freeze()
    try:
        started = time.monotonic()
        status, states = await readyz(async_client)
        seconds = time.monotonic() - started
    finally:
        valkey.thaw()

    assert (status, states["redis"]) == (503, "down")
    assert seconds < RESPONSE_SECONDS_MAX


async def test_a_database_that_does_not_answer_does_not_block_the_response(
    async_client: AsyncClient, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_over = asyncio.Event()
    loop = asyncio.get_running_loop()

    def block() -> bool:
        return asyncio.run_coroutine_threadsafe(is_over.wait(), loop).result()

    monkeypatch.setitem(health.CHECKS, "database", health.in_thread(block))
    started = time.monotonic()
    status, states = await readyz(async_client)
    seconds = time.monotonic() - started
    is_over.set()

    assert (status, states["database"]) == (503, "down")
    assert seconds < RESPONSE_SECONDS_MAX


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_only_get_and_head_are_allowed(async_client: AsyncClient, path: str) -> None:
    assert (await async_client.post(path)).status_code == 405
