from uuid import UUID

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from realtime.actions import cancel
from realtime.signals import jobs_changed
from realtime.tests.support.batches import batch_of

pytestmark = pytest.mark.django_db


def test_only_so_many_of_very_many_are_announced(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    batch = batch_of(700)
    heard: list[UUID] = []

    def hear(ids: list[UUID], **_: object) -> None:
        heard.extend(ids)

    jobs_changed.connect(hear)
    with django_capture_on_commit_callbacks(execute=True):
        cancel(batch)
    jobs_changed.disconnect(hear)
    assert len(set(heard)) == 501  # and the batch
    assert batch.pk in heard
