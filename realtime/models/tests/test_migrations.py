from importlib import import_module
from typing import Any

import pytest
from django.apps import apps

from realtime.models import Job

calls_hash: Any = import_module("realtime.migrations.0008_calls_hash")


@pytest.mark.django_db
def test_the_hash_of_a_batch_moves_from_its_options_to_a_field_and_back() -> None:
    options = {"calls": "0123abcd"}
    batch = Job.objects.create(task="realtime.batch", title="T", options=options)
    other = Job.objects.create(task="t", title="T", options=options)
    calls_hash.move_to_field(apps, None)
    batch.refresh_from_db()
    other.refresh_from_db()
    assert (batch.options, batch.calls_hash) == ({}, "0123abcd")
    assert (other.options, other.calls_hash) == (options, "")
    calls_hash.move_to_options(apps, None)
    batch.refresh_from_db()
    assert batch.options == options
