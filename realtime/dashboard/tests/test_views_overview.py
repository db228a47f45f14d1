from http import HTTPStatus
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from realtime.dashboard.listing import PAGE_SIZE
from realtime.dashboard.tests.pages import EVIL, OVERVIEW, job_url, make_job
from realtime.models import Job
from realtime.snapshots import queue_speed
from realtime.snapshots.schema import OperatorSnapshot
from realtime.states import FINISHED, JobState, RunBy
from realtime.tests.support import people

pytestmark = pytest.mark.django_db


def test_the_overview_shows_the_numbers_and_the_jobs(operator: Client) -> None:
    make_job(title="First")
    make_job(title="Second", state=JobState.RUNNING)
    page = operator.get(OVERVIEW)
    assert page.context["numbers"].running == 1
    assert page.context["numbers"].waiting == 1
    assert [job.title for job in page.context["jobs"]] == ["Second", "First"]
    assert all(isinstance(job, OperatorSnapshot) for job in page.context["jobs"])
    assert page.context["states"] == [("waiting", "Waiting in any way"), *JobState.choices]


def test_an_empty_site_has_an_overview(operator: Client) -> None:
    assert "No job yet" in operator.get(OVERVIEW).content.decode()


def test_the_filter_is_in_the_address(operator: Client) -> None:
    make_job(title="Match", task="a", state=JobState.FAILED)
    make_job(title="Other", task="a")
    make_job(title="Another", task="b", state=JobState.FAILED)
    page = operator.get(OVERVIEW, {"state": "failed", "task": "a"})
    assert [job.title for job in page.context["jobs"]] == ["Match"]
    assert page.context["filter"] == {"state": "failed", "task": "a", "kind": ""}
    assert page.context["tasks"] == ["a", "b"]


@pytest.mark.parametrize("state", ["running", "waiting", "failed", "succeeded"])
def test_the_list_that_a_number_links_to_has_that_number_of_jobs(
    state: str, operator: Client
) -> None:
    now = timezone.now()
    for each in JobState:
        for carrier in RunBy:
            make_job(state=each, carrier=carrier, finished_at=now if each in FINISHED else None)
    page = operator.get(OVERVIEW)
    address = f"?state={state}&amp;kind=single"
    assert address in page.content.decode()
    listed = operator.get(OVERVIEW, {"state": state, "kind": "single"}).context["jobs"]
    if state != "succeeded":
        assert len(listed) == getattr(page.context["numbers"], state)
    assert not any(job.batch for job in listed)


def test_batches_can_be_listed_alone(operator: Client) -> None:
    make_job(title="Many", carrier=RunBy.CHILDREN, state=JobState.RUNNING)
    make_job(title="One")
    page = operator.get(OVERVIEW, {"kind": "batch"})
    assert [job.title for job in page.context["jobs"]] == ["Many"]


def test_the_filter_is_kept_on_the_way_to_a_job_and_back(operator: Client) -> None:
    job = make_job(task="a", state=JobState.FAILED)
    page = operator.get(OVERVIEW, {"state": "failed", "task": "a", "after": str(uuid4())})
    there = f"{job_url(job)}?state=failed&task=a"
    assert there.replace("&", "&amp;") in page.content.decode()
    shown = operator.get(there)
    assert shown.context["overview"] == "/ops/?state=failed&task=a"
    assert operator.get(job_url(job)).context["overview"] == "/ops/"


def test_the_filter_offers_a_selected_task_without_jobs(operator: Client) -> None:
    page = operator.get(OVERVIEW, {"task": "to come"})
    assert page.status_code == HTTPStatus.OK
    assert page.context["tasks"] == ["to come"]


@pytest.mark.parametrize(
    "query", [{"state": EVIL}, {"kind": EVIL}, {"before": "x"}, {"task": "a\0b"}]
)
def test_an_invalid_filter_shows_a_message_and_all_jobs(
    query: dict[str, str], operator: Client
) -> None:
    make_job()
    page = operator.get(OVERVIEW, query)
    assert page.status_code == HTTPStatus.BAD_REQUEST
    assert (
        "There " in page.content.decode()
        or "in the address must be the id" in page.content.decode()
    )
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
            make_job(owner=owner)
        operator.get(OVERVIEW)  # measures the speed of the queue
        # The user (2), their permissions (2), the numbers (4), the page, the places, the tasks.
        with django_assert_num_queries(11):
            operator.get(OVERVIEW)
