"""The hash of a batch's calls: where it is stored, and that it stays comparable."""

from importlib import import_module
from typing import Any

import pytest
from celery import shared_task
from django.apps import apps

from realtime.batches import enqueue_batch
from realtime.jobs.reuse import hash_calls
from realtime.models import Job
from realtime.tasks import JobTask

pytestmark = pytest.mark.django_db

KNOWN_HASH = "382931329e2ed57eb0ad8fed8e15b5ba825e19c2a99b0c85d4d14c02a476ae9e"

migration: Any = import_module("realtime.migrations.0008_calls_hash")


@shared_task(base=JobTask, name="test.calls_hash.child", title="Child")
def child(number: int) -> None:
    pass


def test_options_of_a_batch_say_nothing_but_how_it_is_published() -> None:
    batch = enqueue_batch(child, [(1,), (2,)], title="Two")
    batch.refresh_from_db()
    assert batch.options == {}
    assert batch.calls_hash == hash_calls(batch.children.order_by("pk"))


def test_hashes_of_existing_batches_stay_valid() -> None:
    calls = [
        Job(task="t", title="T", args=[1.0, "é"], kwargs={"a": None}),
        Job(task="t", title="T"),
    ]
    assert hash_calls(calls) == KNOWN_HASH


def test_the_migration_moves_the_hash_and_back() -> None:
    old = {"calls": KNOWN_HASH}
    batch = Job.objects.create(task="realtime.batch", title="T", options=old)
    other = Job.objects.create(task="t", title="T", options={"calls": "of a task"})
    migration.move_to_field(apps, None)
    batch.refresh_from_db()
    other.refresh_from_db()
    assert (batch.options, batch.calls_hash) == ({}, KNOWN_HASH)
    assert (other.options, other.calls_hash) == ({"calls": "of a task"}, "")
    migration.move_to_options(apps, None)
    batch.refresh_from_db()
    assert batch.options == old
