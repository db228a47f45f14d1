"""The contact page, and checks of its responses to a submitted form."""

import re
from typing import Final
from uuid import UUID

from feedback.models import Feedback
from realtime.access import is_valid_watch_key
from realtime.models import Job

URL: Final = "/feedback/"
JOB_URL: Final = re.compile(r"/jobs/([0-9a-f-]{36})/\?key=([^&]+)$")


def job_id_in(location: str) -> UUID:
    match = JOB_URL.search(location)
    assert match
    assert is_valid_watch_key(match[2], UUID(match[1]))
    return UUID(match[1])


def is_nothing_saved() -> bool:
    return not Feedback.objects.exists() and not Job.objects.exists()
