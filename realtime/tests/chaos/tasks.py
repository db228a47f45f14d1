"""The tasks of the scenarios: the same work as a Picha job and as a plain Celery task."""

import time

from celery import Task, shared_task
from django.core.mail import EmailMessage

from realtime.tasks import JobTask
from realtime.tests.chaos.effects import BEGUN, EFFECT, ENDED, record


@shared_task(bind=True, base=JobTask, name="chaos.tracked", title="Survive")
def tracked(self: JobTask, *, token: str, items: int, seconds: float) -> None:
    record(BEGUN, token)
    for number in range(items):
        key = str(number)
        if self.progress.begin(key, "begun"):
            record(EFFECT, token, key)
            time.sleep(seconds)
            self.progress.settle(key, "done")
    record(ENDED, token)


@shared_task(base=Task, name="chaos.plain")
def plain(*, token: str, items: int, seconds: float) -> None:
    record(BEGUN, token)
    for number in range(items):
        record(EFFECT, token, str(number))
        time.sleep(seconds)
    record(ENDED, token)


@shared_task(
    base=Task,
    name="chaos.plain_mail",
    autoretry_for=(OSError,),
    retry_kwargs={"max_retries": 3, "countdown": 1},
)
def plain_mail(*, token: str, **_: float) -> None:
    """Sends as most sites do: it retries after any error of the connection."""
    message_id = f"<{token}@plain.example>"
    EmailMessage(
        "Chaos", "Chaos.", to=["visitor@site.example"], headers={"Message-ID": message_id}
    ).send()


@shared_task(base=JobTask, name="chaos.turn", title="Take a turn")
def turn(*, token: str) -> None:
    record(BEGUN, token)


@shared_task(base=Task, name="chaos.plain_turn")
def plain_turn(*, token: str) -> None:
    record(BEGUN, token)
