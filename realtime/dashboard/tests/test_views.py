import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from realtime.dashboard.listing import PAGE_SIZE
from realtime.models import Job, JobEvent, JobItem
from realtime.snapshots import queue_speed
from realtime.snapshots.schema import OperatorSnapshot
from realtime.states import FINISHED, Carrier, EventKind, JobState, Visibility
from realtime.tests.support import people

pytestmark = pytest.mark.django_db

OVERVIEW: Final = "/ops/"
EVIL: Final = "<script>alert(1)</script>"


def make(**fields: Any) -> Job:
    return Job.objects.create(**{"task": "t", "title": "A job", **fields})


def job_url(job: Job) -> str:
    return reverse("dashboard:job", args=[job.pk])


def client_of(user: User | None) -> Client:
    client = Client()
    if user:
        client.force_login(user)
    return client


@pytest.fixture
def operator() -> Client:
    return client_of(people.operator())


def former(**fields: bool) -> User:
    """An operator who has lost something since."""
    user = people.operator()
    User.objects.filter(pk=user.pk).update(**fields)
    return user


PERSONAS: Final[dict[str, tuple[Callable[[], User | None], HTTPStatus]]] = {
    "visitor": (lambda: None, HTTPStatus.FOUND),
    "user": (people.user, HTTPStatus.FORBIDDEN),
    "staff without the permission": (
        lambda: people.user(is_staff=True),
        HTTPStatus.FORBIDDEN,
    ),
    "operator who is no longer staff": (lambda: former(is_staff=False), HTTPStatus.FORBIDDEN),
    "deactivated operator": (lambda: former(is_active=False), HTTPStatus.FOUND),
    "operator": (people.operator, HTTPStatus.OK),
    "superuser": (lambda: people.user(is_staff=True, is_superuser=True), HTTPStatus.OK),
}


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("route", ["overview", "job", "no such job"])
def test_only_operators_come_in(persona: str, route: str) -> None:
    make_user, expected = PERSONAS[persona]
    routes = {
        "overview": OVERVIEW,
        "job": job_url(make(title="Secret title", visibility=Visibility.PUBLIC)),
        "no such job": reverse("dashboard:job", args=[uuid4()]),
    }
    if route == "no such job" and expected == HTTPStatus.OK:
        expected = HTTPStatus.NOT_FOUND
    answer = client_of(make_user()).get(routes[route])
    assert answer.status_code == expected
    assert (b"Secret title" in answer.content) is (
        expected == HTTPStatus.OK and route != "no such job"
    )
    if expected == HTTPStatus.FOUND:
        assert answer["Location"] == f"/accounts/login/?next={routes[route]}"


def test_the_owner_of_a_job_is_no_operator_of_it() -> None:
    user = people.user()
    assert client_of(user).get(job_url(make(owner=user))).status_code == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_is_changed_here(method: str, operator: Client) -> None:
    job = make()
    for url in (OVERVIEW, job_url(job)):
        assert getattr(operator, method)(url).status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert Job.objects.get().revision == job.revision


def test_a_page_of_operators_is_kept_nowhere(operator: Client) -> None:
    for url in (OVERVIEW, job_url(make())):
        assert "no-store" in operator.get(url)["Cache-Control"]


def test_the_overview_shows_the_numbers_and_the_jobs(operator: Client) -> None:
    make(title="First")
    make(title="Second", state=JobState.RUNNING)
    page = operator.get(OVERVIEW)
    assert page.context["numbers"].running == 1
    assert page.context["numbers"].waiting == 1
    assert [job.title for job in page.context["jobs"]] == ["Second", "First"]
    assert all(isinstance(job, OperatorSnapshot) for job in page.context["jobs"])
    assert page.context["states"] == [("waiting", "Waiting in any way"), *JobState.choices]


def test_an_empty_site_has_an_overview(operator: Client) -> None:
    assert "No job yet" in operator.get(OVERVIEW).content.decode()


def test_the_filter_is_in_the_address(operator: Client) -> None:
    make(title="Wanted", task="a", state=JobState.FAILED)
    make(title="Other", task="a")
    make(title="Another", task="b", state=JobState.FAILED)
    page = operator.get(OVERVIEW, {"state": "failed", "task": "a"})
    assert [job.title for job in page.context["jobs"]] == ["Wanted"]
    assert page.context["filter"] == {"state": "failed", "task": "a", "kind": ""}
    assert page.context["tasks"] == ["a", "b"]


@pytest.mark.parametrize("state", ["running", "waiting", "failed", "succeeded"])
def test_the_list_that_a_number_leads_to_has_as_many_jobs(state: str, operator: Client) -> None:
    now = timezone.now()
    for each in JobState:
        for carrier in Carrier:
            make(state=each, carrier=carrier, finished_at=now if each in FINISHED else None)
    page = operator.get(OVERVIEW)
    address = f"?state={state}&amp;kind=single"
    assert address in page.content.decode()
    listed = operator.get(OVERVIEW, {"state": state, "kind": "single"}).context["jobs"]
    if state != "succeeded":
        assert len(listed) == getattr(page.context["numbers"], state)
    assert not any(job.batch for job in listed)


def test_batches_can_be_listed_alone(operator: Client) -> None:
    make(title="Many", carrier=Carrier.CHILDREN, state=JobState.RUNNING)
    make(title="One")
    page = operator.get(OVERVIEW, {"kind": "batch"})
    assert [job.title for job in page.context["jobs"]] == ["Many"]


def test_the_filter_is_kept_on_the_way_to_a_job_and_back(operator: Client) -> None:
    job = make(task="a", state=JobState.FAILED)
    page = operator.get(OVERVIEW, {"state": "failed", "task": "a", "after": str(uuid4())})
    there = f"{job_url(job)}?state=failed&task=a"
    assert there.replace("&", "&amp;") in page.content.decode()
    shown = operator.get(there)
    assert shown.context["overview"] == "/ops/?state=failed&task=a"
    assert operator.get(job_url(job)).context["overview"] == "/ops/"


def test_what_is_done_on_a_jobs_page_here_leads_back_here() -> None:
    user = people.operator()
    user.user_permissions.add(Permission.objects.get(codename="change_job"))
    operator, job = client_of(user), make(task="a")
    there = f"{job_url(job)}?state=queued&task=a"
    text = operator.get(there).content.decode()
    (asked,) = set(re.findall(r'name="next" value="([^"]*)"', text))
    answer = operator.post(reverse("realtime:cancel", args=[job.pk]), {"next": unescape(asked)})
    assert answer["Location"] == there
    assert Job.objects.get().state == JobState.CANCELLED


def test_a_filter_that_there_cannot_be_leads_nowhere(operator: Client) -> None:
    answer = operator.get(f"{job_url(make())}?state=asleep")
    assert answer.status_code == HTTPStatus.NOT_FOUND


def test_a_task_without_jobs_may_be_waited_for(operator: Client) -> None:
    page = operator.get(OVERVIEW, {"task": "to come"})
    assert page.status_code == HTTPStatus.OK
    assert page.context["tasks"] == ["to come"]


@pytest.mark.parametrize(
    "query", [{"state": EVIL}, {"kind": EVIL}, {"before": "x"}, {"task": "a\0b"}]
)
def test_what_there_cannot_be_is_said_and_all_jobs_are_shown(
    query: dict[str, str], operator: Client
) -> None:
    make()
    page = operator.get(OVERVIEW, query)
    assert page.status_code == HTTPStatus.BAD_REQUEST
    assert "There " in page.content.decode() or "does not exist" in page.content.decode()
    assert EVIL not in page.content.decode()
    assert len(page.context["jobs"]) == 1
    assert page.context["filter"] == {"state": "", "task": "", "kind": ""}


def test_the_links_lead_from_page_to_page(operator: Client) -> None:
    Job.objects.bulk_create(
        Job(task="t", title="T", state=JobState.FAILED) for _ in range(PAGE_SIZE + 1)
    )
    first = operator.get(OVERVIEW, {"state": "failed"})
    assert first.context["newer"] == ""
    assert first.context["older"].startswith("/ops/?state=failed&before=")
    second = operator.get(first.context["older"])
    assert len(second.context["jobs"]) == 1
    assert second.context["older"] == ""
    third = operator.get(second.context["newer"])
    assert [job.id for job in third.context["jobs"]] == [job.id for job in first.context["jobs"]]


def test_the_overview_costs_as_many_queries_for_one_job_as_for_a_page(
    operator: Client,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    monkeypatch.setattr(queue_speed, "CACHE_SECONDS", 600)
    owner = people.user("owner")
    for number in (1, PAGE_SIZE):
        for _ in range(number):
            make(owner=owner)
        operator.get(OVERVIEW)  # measures the speed of the queue
        # The user (2), their permissions (2), the numbers (4), the page, the places, the tasks.
        with django_assert_num_queries(11):
            operator.get(OVERVIEW)


def full_job() -> Job:
    job = make(
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
    ("attempt", "losses", "told"),
    [
        (0, 0, {"Attempt": "none yet"}),
        (4, 0, {"Attempt": "4"}),
        (4, 2, {"Attempt": "4", "Workers lost": "2 of 3"}),
    ],
)
def test_it_counts_attempts_and_lost_workers(
    operator: Client, attempt: int, losses: int, told: dict[str, str]
) -> None:
    page = operator.get(job_url(make(attempt=attempt, losses=losses))).content.decode()
    facts = dict(re.findall(r"<dt>(Attempt|Workers lost)</dt><dd>(.*?)</dd>", page))
    assert facts == told


@pytest.mark.parametrize(("number", "shown"), [(499, 499), (500, 500), (501, 500)])
def test_it_shows_the_newest_of_long_lists(operator: Client, number: int, shown: int) -> None:
    job = make(state=JobState.RUNNING)
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


def test_why_a_job_does_not_move_is_said(operator: Client) -> None:
    page = operator.get(job_url(make()))
    assert (
        page.context["reason"]
        == "No worker is up. Your request is saved and starts as soon as one is."
    )


def test_what_tasks_say_stays_text(operator: Client) -> None:
    job = make(
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
    page = client_of(user).get(job_url(make())).content.decode()
    assert (">Cancel</button>" in page) == may_change
    assert (">Run again</button>" in page) == may_change
