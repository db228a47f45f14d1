"""Receivers of Celery's signals that check a worker when it starts."""

from typing import Any

from celery.signals import worker_init

from realtime.jobs.time_limits import problems


@worker_init.connect
def refuse_time_limits(sender: Any, **_: Any) -> None:
    """Do not start with time limits that cannot work. All tasks are known by now."""
    if found := problems(sender.app):
        raise SystemExit("\n".join(found))
