from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from realtime.models import Job, job_id_of
from realtime.states import JobState

NOW = timezone.now()
LATER, EARLIER = NOW + timedelta(hours=1), NOW - timedelta(hours=1)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "is_unpublished"),
    [
        ({}, True),
        ({"published_at": NOW}, False),
        ({"state": JobState.RUNNING}, False),
        ({"state": JobState.RETRYING, "due_at": EARLIER}, True),
        ({"state": JobState.RETRYING, "due_at": LATER}, False),
    ],
)
def test_unpublished_jobs_are_those_that_are_due_and_wait(
    fields: dict[str, object], is_unpublished: bool
) -> None:
    job = Job.objects.create(
        **{"task": "t", "title": "T", "queued_at": NOW - timedelta(hours=2), **fields}
    )
    unpublished = Job.objects.unpublished(before=NOW)
    assert list(unpublished) == ([job] if is_unpublished else [])


def test_the_job_id_of_a_uuid_is_the_uuid() -> None:
    task_id = uuid4()
    assert job_id_of(str(task_id)) == task_id


def test_another_task_id_always_has_the_same_job_id() -> None:
    assert job_id_of("nightly") == job_id_of("nightly") != job_id_of("daily")
