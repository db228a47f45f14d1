"""The Celery app: `celery -A picha worker -l info`, `celery -A picha beat -l info`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "picha.settings")

app = Celery("picha", task_cls="realtime.tasks:JobTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.set_default()  # for all threads: otherwise it is current_app only in the importing one
app.autodiscover_tasks()


@app.task(bind=True, name="debug_task", title="Show what the worker sees")
def debug_task(self) -> str:  # type: ignore[no-untyped-def]  # the task's own class
    return repr(self.request.id)


@app.task(name="sum_two_numbers", title="Add two numbers")
def sum_two_numbers(a: float, b: float) -> float:
    return a + b
