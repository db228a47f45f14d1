"""What a worker does at Celery's signals."""

from typing import Any

from celery.signals import worker_init

from realtime.jobs.time_limits import problems


@worker_init.connect
def refuse_time_limits(sender: Any, **_: Any) -> None:
    """A worker with such limits does not start; by now it knows all its tasks."""
    if found := problems(sender.app):
        raise SystemExit("\n".join(found))
