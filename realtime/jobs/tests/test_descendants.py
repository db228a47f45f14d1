from uuid import UUID

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from realtime.actions import cancel
from realtime.signals import jobs_changed
from realtime.tests.support.batches import batch_of

pytestmark = pytest.mark.django_db


def test_at_most_one_chunk_of_children_is_notified(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    batch = batch_of(700)
    received: list[UUID] = []

    def receive(ids: list[UUID], **_: object) -> None:
        received.extend(ids)

    jobs_changed.connect(receive)
    with django_capture_on_commit_callbacks(execute=True):
        cancel(batch)
    jobs_changed.disconnect(receive)
    assert len(set(received)) == 501  # one chunk and the batch
    assert batch.pk in received
