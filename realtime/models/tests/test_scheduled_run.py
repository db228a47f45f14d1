from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from realtime.models import ScheduledRun

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.django_db
def test_a_slot_of_a_schedule_is_unique() -> None:
    ScheduledRun.objects.create(schedule="a", slot=NOON)
    ScheduledRun.objects.create(schedule="b", slot=NOON)
    with pytest.raises(IntegrityError), transaction.atomic():
        ScheduledRun.objects.create(schedule="a", slot=NOON)


def test_the_text_is_the_schedule_and_the_slot() -> None:
    assert str(ScheduledRun(schedule="Import", slot=NOON)) == "Import, 2026-06-01 12:00:00 UTC"
