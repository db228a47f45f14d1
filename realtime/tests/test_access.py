from uuid import uuid4

import pytest
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from pytest_django import DjangoAssertNumQueries

from realtime.access import Viewer, is_valid_watch_key, job_url, load_ancestors, watch_key
from realtime.models import Job
from realtime.states import Visibility
from realtime.tests.support.people import operator, user, visitor

pytestmark = pytest.mark.django_db


def sees(person: AbstractBaseUser | AnonymousUser, job: Job, *, key: str = "") -> bool:
    return Viewer.of(person).may_watch(job, key=key)


@pytest.fixture
def owner() -> User:
    return user("owner")


@pytest.fixture
def job(owner: User) -> Job:
    return Job.objects.create(task="t", title="T", owner=owner)


def test_the_owner_sees_theirs(job: Job, owner: User) -> None:
    assert sees(owner, job)


def test_another_user_does_not(job: Job) -> None:
    assert not sees(user("other"), job)


def test_a_visitor_does_not(job: Job) -> None:
    assert not sees(visitor(), job)


def test_an_operator_sees_all(job: Job) -> None:
    assert sees(operator(), job)


def test_staff_without_the_permission_is_no_operator(job: Job) -> None:
    assert not sees(user("clerk", is_staff=True), job)


def test_the_permission_without_being_staff_makes_no_operator(job: Job) -> None:
    person = operator()
    person.is_staff = False
    assert not sees(person, job)


def test_a_deactivated_operator_sees_nothing(job: Job) -> None:
    assert not sees(operator(is_active=False), job)


def test_a_deactivated_owner_sees_nothing(job: Job, owner: User) -> None:
    owner.is_active = False
    assert not sees(owner, job)


def test_anyone_sees_a_public_job(owner: User) -> None:
    public = Job.objects.create(task="t", title="T", owner=owner, visibility=Visibility.PUBLIC)
    assert sees(visitor(), public)


def test_a_job_without_an_owner_is_nobodys(job: Job) -> None:
    job.owner = None
    assert not sees(visitor(), job)


def test_the_watch_key_opens_its_job_for_anyone(job: Job) -> None:
    assert sees(visitor(), job, key=watch_key(job.pk))


def test_the_key_of_another_job_opens_nothing(job: Job) -> None:
    assert not sees(visitor(), job, key=watch_key(uuid4()))


@pytest.mark.parametrize("key", ["", ":", "x", "1:2", "é", "a" * 5000, "\x00"])
def test_a_forged_key_opens_nothing(job: Job, key: str) -> None:
    assert not is_valid_watch_key(key, job.pk)


def test_a_key_with_one_letter_changed_opens_nothing(job: Job) -> None:
    key = watch_key(job.pk)
    assert not is_valid_watch_key(key[:-2] + ("A" if key[-2] != "A" else "B") + key[-1], job.pk)


@pytest.mark.parametrize(("age", "works"), [(99, True), (100, True), (101, False)])
def test_a_key_expires(job: Job, monkeypatch: pytest.MonkeyPatch, age: int, works: bool) -> None:
    monkeypatch.setattr("django.conf.settings.REALTIME_WATCH_KEY_MAX_AGE", 100)
    now = 1_800_000_000.0
    monkeypatch.setattr("time.time", lambda: now)
    key = watch_key(job.pk)
    monkeypatch.setattr("time.time", lambda: now + age)
    assert is_valid_watch_key(key, job.pk) is works


def test_the_address_carries_a_key_only_when_asked() -> None:
    job_id = uuid4()
    assert "key=" not in job_url(job_id)
    assert is_valid_watch_key(job_url(job_id, key=True).split("key=")[1], job_id)


def test_the_watch_key_of_a_batch_opens_all_that_is_in_it(
    job: Job, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    inner = Job.objects.create(task="t", title="T", parent=job)
    leaf = Job.objects.create(task="t", title="T", parent=inner)
    below = Job.objects.create(task="t", title="T", parent=leaf)
    for each in (inner, leaf, below):
        assert sees(visitor(), Job.objects.get(pk=each.pk), key=watch_key(job.pk))
        assert not sees(visitor(), Job.objects.get(pk=each.pk), key=watch_key(uuid4()))
    assert not sees(visitor(), job, key=watch_key(inner.pk))

    fetched = list(Job.objects.filter(pk__in=[below.pk, leaf.pk, job.pk]))
    load_ancestors(fetched)
    with django_assert_num_queries(0):
        assert all(sees(visitor(), each, key=watch_key(job.pk)) for each in fetched)
