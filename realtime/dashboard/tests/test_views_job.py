import re
from datetime import timedelta
from html import unescape
from http import HTTPStatus

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from realtime.dashboard.tests.pages import EVIL, OVERVIEW, client_of, job_url, make_job
from realtime.models import Job, JobEvent, JobItem
from realtime.states import EventKind, JobState
from realtime.tests.support import people

pytestmark = pytest.mark.django_db


def full_job() -> Job:
    job = make_job(
        title="Import",
        task="no such task",
        state=JobState.FAILED,
        error="It failed.",
        error_code="broken",
        traceback="Traceback: KeyError",
        worker="w1",
        kwargs={"what": "bread"},
    )
    JobEvent.objects.create(job=job, kind=EventKind.LOG, text="First line")
    JobEvent.objects.create(
        job=job, kind=EventKind.ACTION, text="Second", actor=people.user("grace"), reason="late"
    )
    JobItem.objects.create(job=job, key="one", label="Item one", outcome="failed")
    return job


def test_a_jobs_page_shows_all_of_it(operator: Client) -> None:
    job = full_job()
    page = operator.get(job_url(job))
    assert page.context["job"] == job
    assert page.context["snapshot"].id == job.pk
    assert page.context["key"] == page.context["reason"] == ""
    assert [event.text for event in page.context["events"]] == ["First line", "Second"]
    assert [item.label for item in page.context["items"]] == ["Item one"]
    text = page.content.decode()
    for part in ("Traceback: KeyError", "no such task", "w1", "It failed.", "Item one", "late"):
        assert part in text


@pytest.mark.parametrize(
    ("attempt", "losses", "expected"),
    [
        (0, 0, {"Attempt": "none yet"}),
        (4, 0, {"Attempt": "4"}),
        (4, 2, {"Attempt": "4", "Workers lost": "2 of 3"}),
    ],
)
def test_it_counts_attempts_and_lost_workers(
    operator: Client, attempt: int, losses: int, expected: dict[str, str]
) -> None:
    page = operator.get(job_url(make_job(attempt=attempt, losses=losses))).content.decode()
    facts = dict(re.findall(r"<dt>(Attempt|Workers lost)</dt><dd>(.*?)</dd>", page))
    assert facts == expected


@pytest.mark.parametrize(("number", "shown"), [(499, 499), (500, 500), (501, 500)])
def test_it_shows_the_newest_of_long_lists(operator: Client, number: int, shown: int) -> None:
    job = make_job(state=JobState.RUNNING)
    numbers = range(1, number + 1)
    JobEvent.objects.bulk_create(
        JobEvent(job=job, kind=EventKind.LOG, text=f"Line {one}") for one in numbers
    )
    now = timezone.now()
    JobItem.objects.bulk_create(
        JobItem(job=job, key=str(one), updated_at=now + timedelta(seconds=one)) for one in numbers
    )
    page = operator.get(job_url(job))
    assert [event.text for event in page.context["events"]] == [
        f"Line {one}" for one in numbers[-shown:]
    ]
    assert [item.key for item in page.context["items"]] == [
        str(one) for one in reversed(numbers[-shown:])
    ]


def test_its_secrets_are_hidden(operator: Client) -> None:
    page = operator.get(job_url(full_job()))
    assert "bread" not in page.content.decode()
    assert "[hidden]" in page.context["kwargs"]


def test_it_says_why_a_job_does_not_start(operator: Client) -> None:
    page = operator.get(job_url(make_job()))
    assert (
        page.context["reason"]
        == "No worker is up. Your request is saved and starts as soon as one is."
    )


def test_texts_of_tasks_are_escaped(operator: Client) -> None:
    job = make_job(
        title=EVIL,
        task=EVIL,
        message=EVIL,
        error=EVIL,
        traceback=EVIL,
        worker=EVIL,
        args=[EVIL],
        state=JobState.FAILED,
    )
    JobEvent.objects.create(job=job, kind=EventKind.LOG, text=EVIL, reason=EVIL)
    JobItem.objects.create(job=job, key=EVIL, label=EVIL, outcome=EVIL, detail=EVIL)
    for url in (OVERVIEW, job_url(job)):
        text = operator.get(url).content.decode()
        assert EVIL not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_a_jobs_page_costs_as_many_queries_for_one_line_as_for_many(
    operator: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    job = full_job()
    for number in (1, 30):
        for index in range(number):
            JobItem.objects.create(job=job, key=f"{number}-{index}")
            JobEvent.objects.create(
                job=job, kind=EventKind.LOG, actor=people.user(f"{number}-{index}")
            )
        # Who it is (2), what they may (2), the job, its events, its items.
        with django_assert_num_queries(7):
            operator.get(job_url(job))


@pytest.mark.parametrize("may_change", [False, True])
def test_operators_who_may_change_jobs_can_cancel_and_run_again(may_change: bool) -> None:
    user = people.operator()
    if may_change:
        user.user_permissions.add(Permission.objects.get(codename="change_job"))
    page = client_of(user).get(job_url(make_job())).content.decode()
    assert (">Cancel</button>" in page) == may_change
    assert (">Run again</button>" in page) == may_change


def test_an_action_on_a_job_redirects_to_its_page_in_the_dashboard() -> None:
    user = people.operator()
    user.user_permissions.add(Permission.objects.get(codename="change_job"))
    operator, job = client_of(user), make_job(task="a")
    there = f"{job_url(job)}?state=queued&task=a"
    text = operator.get(there).content.decode()
    (next_url,) = set(re.findall(r'name="next" value="([^"]*)"', text))
    answer = operator.post(reverse("realtime:cancel", args=[job.pk]), {"next": unescape(next_url)})
    assert answer["Location"] == there
    assert Job.objects.get().state == JobState.CANCELLED


def test_an_invalid_filter_is_not_found(operator: Client) -> None:
    answer = operator.get(f"{job_url(make_job())}?state=asleep")
    assert answer.status_code == HTTPStatus.NOT_FOUND
