"""Outbox: publishes committed jobs that are not published yet.

The bus calls it after each commit, and maintenance calls it for jobs whose process died before.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from celery import Task, current_app
from django.db.models import Q
from django.db.models.functions import Now
from kombu.exceptions import OperationalError

from realtime.conf import conf
from realtime.jobs import transitions
from realtime.jobs.broker_check import has_answered, takes_messages
from realtime.jobs.message import decode
from realtime.models import Job
from realtime.states import CLAIMABLE

log: Final = logging.getLogger(__name__)

UNPUBLISHABLE: Final = "The queue does not take this job. The site's operators can see why."


ON_A_NEW_CHANNEL: Final = {"max_retries": 1, "interval_start": 0, "interval_max": 0}
"""A retry by kombu. RabbitMQ closes the channel of a refused message, and kombu keeps it."""


class BrokerDown(Exception):
    """The broker takes no messages. This job and the later ones stay unpublished."""


class BrokerRefuses(BrokerDown):
    """The broker answers, and has refused this job and a message that is not about a job."""


def publish(ids: Iterable[UUID]) -> None:
    """Publish these jobs, except those that are published, do not wait, or are due much later.

    A job that the broker refuses while it takes other messages fails, so it holds up no other job.

    Raises:
        BrokerDown: the broker does not answer, or takes no message at all.
    """
    soon = Now() + timedelta(seconds=conf.BROKER_ETA_MAX)
    due = Q(due_at=None) | Q(due_at__lte=soon)
    jobs = Job.objects.filter(due, pk__in=list(ids), state__in=CLAIMABLE, published_at=None)
    published: list[Job] = []
    try:
        _publish_in_order(jobs.order_by("id"), published)
    finally:
        _mark_published(published)


def _publish_in_order(jobs: Iterable[Job], published: list[Job]) -> None:
    """Publish each job, and add it to `published`; one job that is refused does not end it."""
    refused: list[tuple[Job, BrokerRefuses, int]] = []
    for job in jobs:
        try:
            if _publish_or_fail(job):
                published.append(job)
        except BrokerRefuses as error:
            if refused:
                raise  # A second job is refused alike: it is not the jobs.
            refused.append((job, error, len(published)))
    for job, reason, published_before in refused:
        if len(published) == published_before:
            raise reason  # The broker may take no more messages, as a full Redis.
        if _publish_or_fail_again(job):
            published.append(job)


def _publish_or_fail_again(job: Job) -> bool:
    """Like `_publish_or_fail`, for a refused job: the broker has taken other jobs since."""
    try:
        return _publish_or_fail(job)
    except BrokerRefuses as error:
        _fail(job, error)
        return False


def _mark_published(jobs: Iterable[Job]) -> None:
    ids: dict[int, list[UUID]] = defaultdict(list)
    for job in jobs:
        ids[job.revision].append(job.pk)
    for revision, job_ids in ids.items():
        # A job whose revision has changed may wait for its next message already.
        unchanged = Job.objects.filter(pk__in=job_ids, revision=revision)
        unchanged.update_in_order(published_at=Now())


def _publish_or_fail(job: Job) -> bool:
    """Publish one job, or fail it if it can never be published; whether it was published."""
    try:
        _publish_unless_refused_twice(job)
    except BrokerDown:
        raise
    except Exception as error:  # noqa: BLE001 - it is logged
        _fail(job, error)
        return False
    return True


def _fail(job: Job, error: Exception) -> None:
    sentence = "Job %s failed, because its task message cannot be published"
    log.error(sentence, job.pk, exc_info=error)
    transitions.refuse(job.pk, code="unpublishable", error=UNPUBLISHABLE)


def _publish_unless_refused_twice(job: Job) -> None:
    """Publish one job, once more if the broker refused it but takes another message.

    Raises:
        BrokerDown: the broker does not answer.
        BrokerRefuses: the broker takes no other message either.
        Exception: the job can never be published.
    """
    try:
        _publish(job)
    except (OperationalError, OSError) as error:
        if not has_answered(error):
            raise BrokerDown(str(error)) from error
        if not takes_messages():
            raise BrokerRefuses(str(error)) from error
    else:
        return
    try:
        _publish(job, retry_policy=ON_A_NEW_CHANNEL)
    except (OperationalError, OSError) as error:
        if not has_answered(error):
            raise BrokerDown(str(error)) from error
        raise


def _publish(job: Job, *, retry_policy: dict[str, int] | None = None) -> None:
    """Publish one job with the options of its call. The settings and the task have the others."""
    options, task = decode(job.options), current_app.tasks.get(job.task)
    message = {
        "task_id": str(job.pk),
        "eta": job.due_at,
        **options,
        # The job stays in the outbox until it is published; retries would hold up the jobs behind.
        "retry": retry_policy is not None,
        "retry_policy": retry_policy,
        "add_to_parent": False,
        # The row has `expires_at`. A worker would remember the id of an expired message for hours,
        # and drop the messages of the same job when it is run again.
        "expires": None,
        **_ignore_result(options, task),
    }
    args, kwargs = decode(job.args), decode(job.kwargs)
    if task is None:
        current_app.send_task(job.task, args, kwargs, **{"queue": job.queue, **message})
    else:
        Task.apply_async(task, args, kwargs, **message)  # not JobTask's, which would add a row


def _ignore_result(
    options: dict[str, Any], task: "Task[Any, Any] | None"
) -> dict[str, dict[str, Any] | bool]:
    """Whether the worker stores the result: as the call, the task or the settings say.

    The message says it in a header, because Celery's option has an effect in this process too: it
    subscribes to each result in Redis, here, where nobody waits for it and nobody unsubscribes.
    """
    ignore_result = options.get("ignore_result", getattr(task, "ignore_result", None))
    headers = (options.get("headers") or {}) | {"ignore_result": ignore_result}
    return {"ignore_result": True, "headers": headers}
