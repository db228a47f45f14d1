"""A prepared update has the effect of Django's own query, with fewer statements."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from realtime.jobs import lease
from realtime.jobs.prepared import Placeholder, PreparedUpdate, Statement
from realtime.models import Job, JobEvent
from realtime.states import EventKind, JobState

pytestmark = pytest.mark.django_db

STATEMENTS = 1 if connection.vendor == "postgresql" else 2
RUN = Statement.run
PROGRESS: dict[str, Any] = {
    "phase": "Saving",
    "phases": [["Reading", "done"], ["Saving", "running"]],
    "fraction": 0.5,
    "done": 2**40,
    "total": None,
    "unit": "%s photo",
    "message": "50 % of \"it\": 'done'",
    "counts": {"new": 3, "é": 1},
    "recent": [["1", "label", "new", "done", "", ""]],
}


def make(**fields: Any) -> Job:
    return Job.objects.create(**{"task": "t", "title": "T", "args": [1, {"a": None}]} | fields)


def row(job: Job) -> dict[str, Any]:
    """All fields except the id; of each time only whether it is set."""
    fields = dict(Job.objects.values().get(pk=job.pk), id=None)
    return {name: bool(v) if name.endswith("_at") else v for name, v in fields.items()}


def test_an_update_sets_the_fields_that_django_would_set() -> None:
    job, expected = make(message="old"), make(message="old")
    update = PreparedUpdate(
        Job, Q(id=Placeholder("id")), revision=F("revision") + 1, heartbeat_at=Now(), error=""
    )
    fields = PROGRESS | {"state": JobState.RUNNING, "result": {"new": 3}, "worker": "w"}
    assert update.execute({"id": job.pk}, text="It changes", **fields)
    Job.objects.filter(pk=expected.pk).update(
        **fields, revision=F("revision") + 1, heartbeat_at=Now(), error=""
    )
    assert row(job) == row(expected)


def test_an_update_adds_the_event_that_django_would_add() -> None:
    job, expected = make(), make()
    update = PreparedUpdate(Job, Q(id=Placeholder("id")), state=JobState.LOST)
    update.execute({"id": job.pk}, text="It's 100 % %s")
    JobEvent.objects.create(
        job=expected, kind=EventKind.STATE, state=JobState.LOST, text="It's 100 % %s"
    )
    first, second = (JobEvent.objects.get(job=each) for each in (job, expected))
    assert abs(first.at - second.at) < timedelta(minutes=1)
    for name in ("kind", "state", "text", "actor", "reason"):
        assert getattr(first, name) == getattr(second, name)


def test_a_claim_returns_the_job_as_it_is_stored() -> None:
    owner = User.objects.create(username="ann")
    job = make(owner=owner, parent=make(), phases=[["Reading", "waiting"]], due_at=timezone.now())
    claimed = lease.claim(job.pk, worker="w")
    assert claimed
    stored = Job.objects.get(pk=job.pk)
    for field in Job._meta.concrete_fields:
        assert getattr(claimed, field.attname) == getattr(stored, field.attname), field.name
    assert not claimed._state.adding


def test_a_claim_loads_the_owner_of_the_job(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    job = make(owner=User.objects.create(username="ann"))
    claimed = lease.claim(job.pk, worker="w")
    assert claimed
    with django_assert_num_queries(0):  # Snapshots read it on the event loop.
        assert claimed.owner
        assert claimed.owner.username == "ann"


def test_a_claim_and_an_end_take_few_statements(
    django_assert_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    executed: list[str] = []

    def record(self: Statement, *args: Any) -> Any:
        executed.append(self.sql)
        return RUN(self, *args)

    job = make()
    monkeypatch.setattr(Statement, "run", record)
    with django_assert_num_queries(0):  # by Django's cursors
        claimed = lease.claim(job.pk, worker="w")
        assert claimed
        assert len(executed) == STATEMENTS
        assert lease.finish(claimed, result=None, **PROGRESS)
        assert len(executed) == 2 * STATEMENTS


def test_an_update_is_compiled_once_for_the_same_fields() -> None:
    compiled = []

    class Counted(PreparedUpdate[Job]):
        def _compile(self, *args: Any, **options: Any) -> Any:
            compiled.append(args)
            return super()._compile(*args, **options)

    update = Counted(Job, Q(id=Placeholder("id")), state=JobState.RUNNING)
    for number in range(3):
        job = make()
        assert update.execute({"id": job.pk}, text="", worker=f"w{number}")
        job.refresh_from_db()
        assert job.worker == f"w{number}"
    assert len(compiled) == 1
    update.execute({"id": job.pk}, text="", done=1)
    assert len(compiled) == 2


def test_a_failed_event_undoes_the_update() -> None:
    job = make()
    update = PreparedUpdate(Job, Q(id=Placeholder("id")), state=JobState.RUNNING)
    no_text: Any = None
    with pytest.raises(IntegrityError), transaction.atomic():
        update.execute({"id": job.pk}, text=no_text)
    job.refresh_from_db()
    assert job.state == JobState.QUEUED


@pytest.mark.django_db(transaction=True)
def test_an_update_outside_a_transaction_has_its_own() -> None:
    job = make()
    update = PreparedUpdate(Job, Q(id=Placeholder("id")), state=JobState.RUNNING)
    no_text: Any = None
    with pytest.raises(IntegrityError):
        update.execute({"id": job.pk}, text=no_text)
    job.refresh_from_db()
    assert job.state == JobState.QUEUED
    assert update.execute({"id": job.pk}, text="Now")
    with transaction.atomic():  # The failed one is not open any more.
        job.refresh_from_db()
    assert job.state == JobState.RUNNING


def test_an_update_is_part_of_the_surrounding_transaction() -> None:
    job = make()
    with transaction.atomic():
        assert lease.claim(job.pk, worker="w")
        transaction.set_rollback(True)
    job.refresh_from_db()
    assert job.state == JobState.QUEUED
    assert not JobEvent.objects.filter(job=job).exists()


def test_an_update_in_a_broken_transaction_raises() -> None:
    job = make()
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(transaction.TransactionManagementError):
            lease.claim(job.pk, worker="w")


if connection.vendor == "postgresql":

    @pytest.mark.django_db(transaction=True)
    def test_postgresql_prepares_the_statements() -> None:
        for _ in range(12):
            claimed = lease.claim(make().pk, worker="w")
            assert claimed
            assert lease.finish(claimed, result=None, **PROGRESS)
        with connection.cursor() as cursor:
            cursor.execute("SELECT statement FROM pg_prepared_statements")
            statements = [statement for (statement,) in cursor.fetchall()]
        # Tests before this one may have prepared others on the same connection.
        assert sum("realtime_jobevent" in statement for statement in statements) >= 2
