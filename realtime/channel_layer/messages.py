"""The messages that the bus sends to the hubs of the web processes through the channel layer.

There is one group for each job, for its watchers; one for the operators, with all changed jobs; and
one by which hubs learn that a user's sessions or rights have changed. Messages carry snapshots
that are encoded already, so that a hub need not encode them.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypedDict
from uuid import UUID

from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from realtime.channel_layer.redis import RedisPubSubChannelLayer
from realtime.conf import conf
from realtime.models import Job
from realtime.snapshots.build import operator, public
from realtime.snapshots.schema import encode

log: Final = logging.getLogger(__name__)

OPERATORS_GROUP: Final = "jobs"
ACCESS_GROUP: Final = "people"
LAYER_ERRORS: Final = (OSError, RedisError)  # TimeoutError is an OSError.


class JobMessage(TypedDict):
    """One job's newest snapshot, for its watchers and for operators among them."""

    type: str
    id: str
    revision: int
    tick: int
    finished: bool
    public: str
    operator: str


class OverviewMessage(TypedDict):
    """The operators' snapshots, by id, of jobs that changed their state."""

    type: str
    jobs: dict[str, str]


def group(job_id: UUID) -> str:
    return f"job.{job_id.hex}"


def job_message(job: Job) -> JobMessage:
    return {
        "type": "job",
        "id": job.pk.hex,
        "revision": job.revision,
        "tick": job.tick,
        "finished": job.is_finished,
        "public": encode(public(job)),
        "operator": encode(operator(job)),
    }


def job_messages(jobs: Iterable[Job]) -> dict[Job, JobMessage]:
    """A message for each of these jobs; jobs whose snapshot raises an error are left out."""
    messages = {}
    for job in jobs:
        try:
            messages[job] = job_message(job)
        except Exception:  # one broken row must not hide the others
            log.exception("The snapshot of job %s cannot be built", job.pk)
    return messages


async def send_job(message: JobMessage) -> None:
    await _send(_to_watchers(message))


async def send_many(messages: Sequence[JobMessage]) -> None:
    """Send each message to the job's watchers, and all of them in one to the operators.

    Raises:
        TimeoutError, OSError, redis.exceptions.RedisError: the layer did not answer.
    """
    batch: OverviewMessage = {
        "type": "jobs",
        "jobs": {message["id"]: message["operator"] for message in messages},
    }
    await _send(*map(_to_watchers, messages), (OPERATORS_GROUP, batch))


async def send_access_check(user_id: int | None) -> None:
    """Have all hubs check again what this user may see, or every user if it is None.

    The id is sent as text: channel layers cannot send the UUID that is the key of some user models.
    """
    check = {"type": "everyone"} if user_id is None else {"type": "person", "user": str(user_id)}
    await _send((ACCESS_GROUP, check))


def _to_watchers(message: JobMessage) -> tuple[str, JobMessage]:
    return group(UUID(hex=message["id"])), message


async def _send(*messages: tuple[str, Any]) -> None:
    layer = get_channel_layer()
    async with asyncio.timeout(conf.LAYER_TIMEOUT):
        if len(messages) > 1 and isinstance(layer, RedisPubSubChannelLayer):
            await layer.group_send_many(messages)
        else:
            for name, message in messages:
                await layer.group_send(name, message)
