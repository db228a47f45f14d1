"""The publisher: does what a worker would do, controlled by commands on stdin.

`python -m realtime.benchmarks.publisher`. The commands, each answered by one line of JSON:

make                make a running public job, and answer with its id
hub HZ SECONDS      send its progress HZ times a second for SECONDS, as the bus does
group HZ SECONDS    the same, to the group of the consumers of `consumer_baseline`
channel HZ SECONDS  the same, as text to a channel of Redis
record HZ SECONDS   the same, to the result backend, as celery-progress does

All but `make` answer how many updates were published.
"""

import asyncio
import json
from contextlib import suppress
from time import monotonic
from typing import Any, Final

import django

django.setup()

from celery import current_app  # noqa: E402
from channels.layers import get_channel_layer  # noqa: E402
from django.conf import settings  # noqa: E402
from django.utils import timezone  # noqa: E402
from redis.asyncio import Redis  # noqa: E402

from realtime.benchmarks.broadcast_baseline import CHANNEL  # noqa: E402
from realtime.benchmarks.commands import Answer, answer_commands  # noqa: E402
from realtime.channel_layer import messages  # noqa: E402
from realtime.models import Job  # noqa: E402
from realtime.states import JobState, Visibility  # noqa: E402

GROUP: Final = "consumer-baseline"
TOTAL: Final = 1_000_000
PHASES: Final = [["Reading the feed", "done"], ["Saving photos", "running"], ["Done", "waiting"]]


async def make_job() -> Job:
    return await Job.objects.acreate(
        task="import_photos",
        title="Import photos from Flickr",
        queue="celery",
        visibility=Visibility.PUBLIC,
        state=JobState.RUNNING,
        revision=1,
        phase="Saving photos",
        phases=PHASES,
        unit="photo",
        total=TOTAL,
        counts={"new": 24, "unchanged": 5},
        started_at=timezone.now(),
        heartbeat_at=timezone.now(),
    )


class Publisher:
    def __init__(self, job: Job) -> None:
        self.job = job
        self._layer: Any = get_channel_layer()
        current_app.conf["result_backend"] = settings.REDIS_URL.replace(
            "unix://", "redis+socket://"
        )
        self._results: Any = current_app.backend
        self._redis = Redis.from_url(settings.REDIS_URL)

    async def publish(self, how: str, *, hertz: float, seconds: float) -> Answer:
        began, number = monotonic(), 0
        while number < hertz * seconds:
            await asyncio.sleep(max(0.0, began + number / hertz - monotonic()))
            await self._publish_once(how)
            number += 1
        return {"published": number}

    async def _publish_once(self, how: str) -> None:
        self.job.tick += 1
        self.job.done += 1
        self.job.fraction = self.job.done / TOTAL
        self.job.message = f"@{monotonic():.6f}@"
        message = messages.job_message(self.job)
        if how == "hub":
            with suppress(*messages.LAYER_ERRORS):  # it counts as published but not delivered
                await messages.send_job(message)
        elif how == "group":
            event = {"type": "job.snapshot", "snapshot": json.loads(message["public"])}
            await self._layer.group_send(GROUP, event)
        elif how == "channel":
            await self._redis.publish(CHANNEL, message["public"])
        else:
            info: dict[str, Any] = {"pending": False, "current": 1, "total": 2, "percent": 50.0}
            info["description"] = self.job.message
            self._results.store_result(str(self.job.pk), info, "PROGRESS")


async def main() -> None:
    publisher: Publisher | None = None

    async def answer(command: list[str]) -> Answer:
        nonlocal publisher
        match command:
            case ["make"]:
                publisher = Publisher(await make_job())
                return {"job": str(publisher.job.pk)}
            case [how, hertz, seconds] if publisher:
                return await publisher.publish(how, hertz=float(hertz), seconds=float(seconds))
        return {}

    await answer_commands(answer)


if __name__ == "__main__":
    asyncio.run(main())
