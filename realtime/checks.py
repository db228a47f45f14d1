"""Django system checks: `realtime.E001` refuses time limits that cannot work."""

from typing import Any

from celery import current_app
from django.core.checks import CheckMessage, Error, register

from realtime.jobs.time_limits import problems


@register
def check_time_limits(**_: Any) -> list[CheckMessage]:
    return [Error(problem, id="realtime.E001") for problem in problems(current_app)]
