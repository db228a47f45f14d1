from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from realtime.models import ScheduledRun

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.django_db
def test_a_turn_can_be_taken_once() -> None:
    ScheduledRun.objects.create(schedule="a", slot=NOON)
    ScheduledRun.objects.create(schedule="b", slot=NOON)
    with pytest.raises(IntegrityError), transaction.atomic():
        ScheduledRun.objects.create(schedule="a", slot=NOON)
