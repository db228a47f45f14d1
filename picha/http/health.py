"""Health checks: `/healthz` (does the process answer?) and `/readyz` (can the site work?).

Load balancers, `make run` and operators read them. They never show a reason: anybody can open them.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.asyncio import Redis

from realtime.models import Worker

Check = Callable[[], Awaitable[bool]]

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 1.5  # for all checks, which run at the same time

# A database that does not answer blocks only these threads. The middleware needs the thread of the
# request itself before the response can leave.
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="readyz")


@require_safe
@never_cache
async def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@never_cache
async def readyz(request: HttpRequest) -> JsonResponse:
    passed = await asyncio.gather(*(_passes(name, check) for name, check in CHECKS.items()))
    states = {name: "ok" if is_ok else "down" for name, is_ok in zip(CHECKS, passed, strict=True)}
    is_ready = all(passed)
    return JsonResponse({"ready": is_ready, **states}, status=200 if is_ready else 503)


async def _passes(name: str, check: Check) -> bool:
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await check()
    except Exception:
        logger.warning("Not ready: %s", name, exc_info=True)
        return False


def in_thread(check: Callable[[], bool]) -> Check:
    return sync_to_async(check, thread_sensitive=False, executor=_threads)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(cursor.fetchone() == (1,))
    finally:
        close_old_connections()


async def _redis_answers() -> bool:
    async with Redis.from_url(
        settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1
    ) as redis:
        return bool(await redis.ping())


def _worker_is_up() -> bool:
    try:
        return Worker.objects.up().exists()
    finally:
        close_old_connections()


CHECKS: Final[dict[str, Check]] = {
    "database": in_thread(_database_answers),
    "redis": _redis_answers,
    "worker": in_thread(_worker_is_up),
}
