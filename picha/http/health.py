"""Is the process alive, and can the site do its work?"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.asyncio import Redis

from realtime.models import Worker

logger = logging.getLogger(__name__)

PATIENCE = 1.5  # seconds, for all parts together

# A database that hangs keeps these few threads and no others; those of the request itself would
# be needed again by the middleware before the answer can leave.
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="readyz")


@require_safe
@never_cache
async def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@never_cache
async def readyz(request: HttpRequest) -> JsonResponse:
    database, redis, worker = await asyncio.gather(
        _well("database", _in_thread(_database_answers)),
        _well("redis", _redis_answers()),
        _well("worker", _in_thread(_worker_is_up)),
    )
    parts = {"database": database, "redis": redis, "worker": worker}
    ready = all(parts.values())
    words = {name: "ok" if well else "down" for name, well in parts.items()}
    return JsonResponse({"ready": ready, **words}, status=200 if ready else 503)


async def _well(name: str, answer: Awaitable[bool]) -> bool:
    """What is wrong goes to the log: the address is open to all."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await answer
    except Exception:
        logger.warning("Not ready: %s", name, exc_info=True)
        return False


async def _in_thread(ask: Callable[[], bool]) -> bool:
    return await sync_to_async(ask, thread_sensitive=False, executor=_threads)()


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(cursor.fetchone() == (1,))
    finally:
        close_old_connections()


def _worker_is_up() -> bool:
    try:
        return Worker.objects.up().exists()
    finally:
        close_old_connections()


async def _redis_answers() -> bool:
    async with Redis.from_url(
        settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1
    ) as redis:
        return bool(await redis.ping())
