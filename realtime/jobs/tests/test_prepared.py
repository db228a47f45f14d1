"""That a compiled move does what Django's own query would do, in fewer statements."""

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
from realtime.jobs.prepared import PreparedUpdate, Slot, Statement
from realtime.models import Job, JobEvent
from realtime.states import EventKind, JobState

pytestmark = pytest.mark.django_db

STATEMENTS = 1 if connection.vendor == "postgresql" else 2
STATEMENT_RUN = Statement.run
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
    """All of it but its id, and of its times only that they are there."""
    fields = dict(Job.objects.values().get(pk=job.pk), id=None)
    return {name: bool(v) if name.endswith("_at") else v for name, v in fields.items()}


def test_a_move_leaves_what_the_query_leaves() -> None:
    ours, theirs = make(message="old"), make(message="old")
    move = PreparedUpdate(
        Q(id=Slot("id")), revision=F("revision") + 1, heartbeat_at=Now(), error=""
    )
    fields = PROGRESS | {"state": JobState.RUNNING, "result": {"new": 3}, "worker": "w"}
    assert move.make(Job.objects.all(), {"id": ours.pk}, text="It moves", **fields)
    Job.objects.filter(pk=theirs.pk).update(
        **fields, revision=F("revision") + 1, heartbeat_at=Now(), error=""
    )
    assert row(ours) == row(theirs)


def test_a_move_writes_the_line_that_the_model_writes() -> None:
    ours, theirs = make(), make()
    move = PreparedUpdate(Q(id=Slot("id")), state=JobState.LOST)
    move.make(Job.objects.all(), {"id": ours.pk}, text="It's 100 % %s")
    JobEvent.objects.create(
        job=theirs, kind=EventKind.STATE, state=JobState.LOST, text="It's 100 % %s"
    )
    first, second = (JobEvent.objects.get(job=job) for job in (ours, theirs))
    assert abs(first.at - second.at) < timedelta(minutes=1)
    for name in ("kind", "state", "text", "actor", "reason"):
        assert getattr(first, name) == getattr(second, name)


def test_a_claim_returns_the_job_as_the_database_has_it() -> None:
    owner = User.objects.create(username="ann")
    job = make(owner=owner, parent=make(), phases=[["Reading", "waiting"]], due_at=timezone.now())
    claimed = lease.claim(job.pk, worker="w")
    assert claimed
    stored = Job.objects.get(pk=job.pk)
    for field in Job._meta.concrete_fields:
        assert getattr(claimed, field.attname) == getattr(stored, field.attname), field.name
    assert not claimed._state.adding


def test_a_claim_knows_the_owner_of_the_job(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    job = make(owner=User.objects.create(username="ann"))
    claimed = lease.claim(job.pk, worker="w")
    assert claimed
    with django_assert_num_queries(0):  # The event loop, which asks, must not query.
        assert claimed.owner
        assert claimed.owner.username == "ann"


def test_what_every_run_does_takes_few_statements(
    django_assert_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    run: list[str] = []

    def noted(self: Statement, *args: Any) -> Any:
        run.append(self.sql)
        return STATEMENT_RUN(self, *args)

    job = make()
    monkeypatch.setattr(Statement, "run", noted)
    with django_assert_num_queries(0):  # besides
        claimed = lease.claim(job.pk, worker="w")
        assert claimed
        assert len(run) == STATEMENTS
        assert lease.finish(claimed, result=None, **PROGRESS)
        assert len(run) == 2 * STATEMENTS


def test_a_move_is_compiled_once_for_the_same_fields() -> None:
    compiled = []

    class Counted(PreparedUpdate):
        def _compile(self, *args: Any, **options: Any) -> Any:
            compiled.append(args)
            return super()._compile(*args, **options)

    move = Counted(Q(id=Slot("id")), state=JobState.RUNNING)
    for number in range(3):
        job = make()
        assert move.make(Job.objects.all(), {"id": job.pk}, text="", worker=f"w{number}")
        job.refresh_from_db()
        assert job.worker == f"w{number}"
    assert len(compiled) == 1
    move.make(Job.objects.all(), {"id": job.pk}, text="", done=1)
    assert len(compiled) == 2


def test_a_filtered_query_set_does_not_become_part_of_the_statement() -> None:
    move = PreparedUpdate(Q(id=Slot("id")), state=JobState.RUNNING)
    first, second = make(title="1"), make(title="2")
    assert move.make(Job.objects.filter(title="1"), {"id": first.pk}, text="")
    assert move.make(Job.objects.all(), {"id": second.pk}, text="")


def test_a_move_without_its_line_does_not_happen() -> None:
    job = make()
    move = PreparedUpdate(Q(id=Slot("id")), state=JobState.RUNNING)
    nothing: Any = None
    with pytest.raises(IntegrityError), transaction.atomic():
        move.make(Job.objects.all(), {"id": job.pk}, text=nothing)
    job.refresh_from_db()
    assert job.state == JobState.QUEUED


@pytest.mark.django_db(transaction=True)
def test_a_move_outside_a_transaction_is_one_of_its_own() -> None:
    job = make()
    move = PreparedUpdate(Q(id=Slot("id")), state=JobState.RUNNING)
    nothing: Any = None
    with pytest.raises(IntegrityError):
        move.make(Job.objects.all(), {"id": job.pk}, text=nothing)
    job.refresh_from_db()
    assert job.state == JobState.QUEUED
    assert move.make(Job.objects.all(), {"id": job.pk}, text="Now")
    with transaction.atomic():  # It left none open, and spoilt none.
        job.refresh_from_db()
    assert job.state == JobState.RUNNING


def test_a_move_belongs_to_the_transaction_around_it() -> None:
    job = make()
    with transaction.atomic():
        assert lease.claim(job.pk, worker="w")
        transaction.set_rollback(True)
    job.refresh_from_db()
    assert job.state == JobState.QUEUED
    assert not JobEvent.objects.filter(job=job).exists()


def test_a_broken_transaction_makes_no_move() -> None:
    job = make()
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(transaction.TransactionManagementError):
            lease.claim(job.pk, worker="w")


if connection.vendor == "postgresql":

    @pytest.mark.django_db(transaction=True)
    def test_postgresql_keeps_what_every_run_does() -> None:
        for _ in range(12):
            claimed = lease.claim(make().pk, worker="w")
            assert claimed
            assert lease.finish(claimed, result=None, **PROGRESS)
        with connection.cursor() as cursor:
            cursor.execute("SELECT statement FROM pg_prepared_statements")
            kept = [statement for (statement,) in cursor.fetchall()]
        assert sum("realtime_jobevent" in statement for statement in kept) == 2
