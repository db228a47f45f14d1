import pytest

from realtime.models import Job, JobEvent
from realtime.tests.support.batches import batch_of

pytestmark = pytest.mark.django_db


def test_deleting_a_batch_deletes_its_children() -> None:
    batch_of(3).delete()
    assert not Job.objects.exists()
    assert not JobEvent.objects.exists()
