from collections.abc import Iterator
from uuid import UUID

import pytest

from realtime.signals import jobs_queued


@pytest.fixture
def queued() -> Iterator[list[UUID]]:
    """The ids that `jobs_queued` was sent with."""
    received: list[UUID] = []

    def receive(ids: list[UUID], **_: object) -> None:
        received.extend(ids)

    jobs_queued.connect(receive)
    yield received
    jobs_queued.disconnect(receive)
