from uuid import uuid4

import pytest
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from pytest_django import DjangoAssertNumQueries

from realtime.access import Viewer, is_valid_watch_key, job_url, load_ancestors, watch_key
from realtime.models import Job
from realtime.states import Visibility
from realtime.tests.support.people import operator, user, visitor

pytestmark = pytest.mark.django_db


def may_watch(person: AbstractBaseUser | AnonymousUser, job: Job, *, key: str = "") -> bool:
    return Viewer.of(person).may_watch(job, key=key)


@pytest.fixture
def owner() -> User:
    return user("owner")


@pytest.fixture
def job(owner: User) -> Job:
    return Job.objects.create(task="t", title="T", owner=owner)


def test_the_owner_may_watch(job: Job, owner: User) -> None:
    assert may_watch(owner, job)


def test_another_user_may_not_watch(job: Job) -> None:
    assert not may_watch(user("other"), job)


def test_a_visitor_may_not_watch(job: Job) -> None:
    assert not may_watch(visitor(), job)


def test_an_operator_may_watch_any_job(job: Job) -> None:
    assert may_watch(operator(), job)


def test_staff_without_the_permission_may_not_watch(job: Job) -> None:
    assert not may_watch(user("clerk", is_staff=True), job)


def test_a_user_with_the_permission_who_is_not_staff_may_not_watch(job: Job) -> None:
    person = operator()
    person.is_staff = False
    assert not may_watch(person, job)


def test_an_inactive_operator_may_not_watch(job: Job) -> None:
    assert not may_watch(operator(is_active=False), job)


def test_an_inactive_owner_may_not_watch(job: Job, owner: User) -> None:
    owner.is_active = False
    assert not may_watch(owner, job)


def test_anyone_may_watch_a_public_job(owner: User) -> None:
    public = Job.objects.create(task="t", title="T", owner=owner, visibility=Visibility.PUBLIC)
    assert may_watch(visitor(), public)


def test_a_visitor_may_not_watch_a_job_without_owner(job: Job) -> None:
    job.owner = None
    assert not may_watch(visitor(), job)


def test_anyone_with_the_watch_key_may_watch(job: Job) -> None:
    assert may_watch(visitor(), job, key=watch_key(job.pk))


def test_the_key_of_another_job_is_not_valid(job: Job) -> None:
    assert not may_watch(visitor(), job, key=watch_key(uuid4()))


@pytest.mark.parametrize("key", ["", ":", "x", "1:2", "é", "a" * 5000, "\x00"])
def test_a_forged_key_is_not_valid(job: Job, key: str) -> None:
    assert not is_valid_watch_key(key, job.pk)


def test_a_key_with_one_changed_letter_is_not_valid(job: Job) -> None:
    key = watch_key(job.pk)
    assert not is_valid_watch_key(key[:-2] + ("A" if key[-2] != "A" else "B") + key[-1], job.pk)


@pytest.mark.parametrize(("age", "is_valid"), [(99, True), (100, True), (101, False)])
def test_a_key_expires(job: Job, monkeypatch: pytest.MonkeyPatch, age: int, is_valid: bool) -> None:
    monkeypatch.setattr("django.conf.settings.REALTIME_WATCH_KEY_MAX_AGE", 100)
    now = 1_800_000_000.0
    monkeypatch.setattr("time.time", lambda: now)
    key = watch_key(job.pk)
    monkeypatch.setattr("time.time", lambda: now + age)
    assert is_valid_watch_key(key, job.pk) is is_valid


def test_a_job_url_contains_a_key_only_on_request() -> None:
    job_id = uuid4()
    assert "key=" not in job_url(job_id)
    assert is_valid_watch_key(job_url(job_id, key=True).split("key=")[1], job_id)


def test_the_watch_key_of_a_batch_is_valid_for_its_descendants(
    job: Job, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    inner = Job.objects.create(task="t", title="T", parent=job)
    leaf = Job.objects.create(task="t", title="T", parent=inner)
    grandchild = Job.objects.create(task="t", title="T", parent=leaf)
    for descendant in (inner, leaf, grandchild):
        assert may_watch(visitor(), Job.objects.get(pk=descendant.pk), key=watch_key(job.pk))
        assert not may_watch(visitor(), Job.objects.get(pk=descendant.pk), key=watch_key(uuid4()))
    assert not may_watch(visitor(), job, key=watch_key(inner.pk))

    jobs = list(Job.objects.filter(pk__in=[grandchild.pk, leaf.pk, job.pk]))
    load_ancestors(jobs)
    with django_assert_num_queries(0):
        assert all(may_watch(visitor(), each, key=watch_key(job.pk)) for each in jobs)
