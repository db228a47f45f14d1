"""From the row to the broker: publish what is committed and was not published yet."""

import logging
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from typing import Final
from uuid import UUID

from celery import Task, current_app
from django.db.models import Q
from django.db.models.functions import Now
from kombu.exceptions import OperationalError

from realtime.conf import conf
from realtime.jobs import transitions
from realtime.jobs.message import decode
from realtime.models import Job
from realtime.states import CLAIMABLE

log: Final = logging.getLogger(__name__)

UNPUBLISHABLE: Final = "The queue does not take this job. The site's operators can see why."


class BrokerDown(Exception):
    """The broker did not take a job; it, and those behind it, stay unpublished."""


def publish(ids: Iterable[UUID]) -> None:
    """Publish these jobs, those left out that are published, finished or not due for long.

    Raises:
        BrokerDown: at the first job that the broker did not take.
    """
    soon = Now() + timedelta(seconds=conf.BROKER_ETA_MAX)
    due = Q(due_at=None) | Q(due_at__lte=soon)
    jobs = Job.objects.filter(due, pk__in=list(ids), state__in=CLAIMABLE, published_at=None)
    sent: dict[int, list[UUID]] = defaultdict(list)
    try:
        for job in jobs.order_by("id"):
            if send_or_refuse(job):
                sent[job.revision].append(job.pk)
    except (OperationalError, OSError) as error:
        raise BrokerDown(str(error)) from error
    finally:
        for revision, published in sent.items():
            # A job that has moved on since may wait for its next message: not this one's business.
            unmoved = Job.objects.filter(pk__in=published, revision=revision)
            unmoved.update_in_order(published_at=Now())


def send_or_refuse(job: Job) -> bool:
    """Send one job's message, or fail the job if no broker will ever take it; whether it went."""
    try:
        send(job)
    except (OperationalError, OSError):
        raise
    except Exception:
        log.exception("Job %s cannot be published", job.pk)
        transitions.refuse(job.pk, code="unpublishable", error=UNPUBLISHABLE)
        return False
    return True


def send(job: Job) -> None:
    """Hand one job's message to the broker, without Celery's retries: the outbox has its own."""
    options = decode(job.options)
    message = {
        "task_id": str(job.pk),
        "eta": job.due_at,
        "retry": False,
        "ignore_result": True,
        "add_to_parent": False,
        **options,
        # The row says it. A worker remembers for hours the ids of messages that came too late, and
        # would drop those of the same job that is run again.
        "expires": None,
    }
    task = current_app.tasks.get(job.task)
    args, kwargs = decode(job.args), decode(job.kwargs)
    if task is None:
        current_app.send_task(job.task, args, kwargs, **{"queue": job.queue, **message})
    else:
        Task.apply_async(task, args, kwargs, **message)  # past JobTask's: there is a row already
