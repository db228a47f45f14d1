"""Runs a body as a job in this process, through the tracer of Celery's workers."""

from collections.abc import Callable
from typing import Any

from celery import shared_task

# Celery internal: `Task.apply` would run retries at once.
from celery.app.trace import build_tracer

from realtime.errors import JobError
from realtime.jobs.create import enqueue
from realtime.models import Job
from realtime.tasks import JobTask

Body = Callable[..., Any]
_body: Body = lambda self: None  # noqa: E731


class Busy(JobError):
    code = "busy"


@shared_task(base=JobTask, bind=True, name="test.sync", title="Do it", soft_time_limit=7)
def sync_task(self: JobTask, *args: Any, **kwargs: Any) -> Any:
    return _body(self, *args, **kwargs)


@shared_task(base=JobTask, bind=True, name="test.async")
async def async_task(self: JobTask, *args: Any, **kwargs: Any) -> Any:
    return await _body(self, *args, **kwargs)


def set_body(body: Body) -> None:
    """Set the body of `sync_task` and `async_task`."""
    global _body
    _body = body


def run(task: JobTask, body: Body, *args: Any) -> Job:
    """Enqueue `task` with `body`, run it, and return its job."""
    set_body(body)
    job = enqueue(task, args=args)
    deliver(job, task)
    job.refresh_from_db()
    return job


def deliver(job: Job, task: JobTask, *, retries: int = 0, **headers: Any) -> None:
    """Run one message of `job`."""
    task_id = str(job.pk)
    request = {"id": task_id, "retries": retries, "hostname": "celery@test", "delivery_info": {}}
    request |= headers
    trace = build_tracer(task.name, task, app=task.app)
    trace(task_id, job.args, job.kwargs, request)
