"""Rows for the tests of maintenance."""

from datetime import UTC, datetime, timedelta

from realtime.models import Job

LIMIT = 500


def ago(seconds: float) -> datetime:
    """By the machine's clock, also where a test replaces `timezone.now`."""
    return datetime.now(UTC) - timedelta(seconds=seconds)


def make(**fields: object) -> Job:
    defaults = {"task": "t", "title": "T", "queue": "celery", "queued_at": ago(3600)}
    return Job.objects.create(**defaults | fields)


def state_of(job: Job) -> str:
    job.refresh_from_db()
    return job.state
