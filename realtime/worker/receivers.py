"""Receivers of Celery's signals that check a worker when it starts."""

from typing import Any, Final

from celery.apps.worker import Worker
from celery.signals import worker_init

from realtime.jobs.time_limits import problems

WITHOUT_HEARTBEAT: Final = (
    "This worker was started with --without-heartbeat. At each heartbeat a worker saves that it is"
    " up, rescues the jobs of lost workers and publishes lost messages again. Start it without this"
    " option."
)


@worker_init.connect
def refuse_time_limits(sender: Any, **_: Any) -> None:
    """Do not start with time limits that cannot work. All tasks are known by now."""
    if sentences := problems(sender.app):
        raise SystemExit("\n".join(sentences))


@worker_init.connect
def refuse_without_heartbeat(sender: Any, **_: Any) -> None:
    """`celery.contrib.testing` starts a worker without it too, but not as a `Worker` program."""
    # Celery internal: `options` of the worker, as its command line takes them.
    options = getattr(sender, "options", {})
    if isinstance(sender, Worker) and options.get("without_heartbeat"):
        raise SystemExit(WITHOUT_HEARTBEAT)
