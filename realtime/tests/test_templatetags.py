"""`{% job_progress job %}` in a page of any app."""

from datetime import UTC, datetime

import pytest
from django.template import Context, Template
from django.urls import reverse

from realtime.models import Job
from realtime.states import JobState

TAG = "{% load realtime %}{% job_progress job key=key %}"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def render(source: str, **context: object) -> str:
    return Template(source).render(Context(context))


@pytest.mark.django_db
def test_a_waiting_job_has_its_place_however_its_row_was_loaded() -> None:
    for title in ("First", "Second"):
        Job.objects.create(task="t", title=title, queue="celery")
    html = render(TAG, job=Job.objects.get(title="Second"), key="")
    assert "2nd in line." in html


def test_it_needs_no_request() -> None:
    job = Job(title="Import", state=JobState.RUNNING, queued_at=NOON)
    html = render(TAG, job=job, key="a key&more")
    assert 'key="a key&amp;more"' in html
    assert f'url="{reverse("realtime:job", args=[job.pk])}"' in html


def test_with_main_the_title_is_the_heading_and_the_tab_shows_the_progress() -> None:
    job = Job(title="Import", state=JobState.RUNNING, queued_at=NOON)
    html = render("{% load realtime %}{% job_progress job main=True %}", job=job)
    assert "<h1" in html
    assert " titled " in html
