import json
from datetime import UTC, datetime, timedelta

import pytest

from photos.flickr.errors import KeyRefusedError, ServerFaultError
from photos.models import ImportMark, Photo
from photos.sandbox.replies import Reply
from photos.tests.completed_imports import CompletedImport, counts
from photos.tests.in_memory_flickr import new_sandbox

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media_root")]


def test_an_empty_response_deletes_nothing() -> None:
    CompletedImport(new_sandbox(), mark="", since=1)
    before = ImportMark.objects.get().uploaded_at
    assert CompletedImport(new_sandbox(photos=0), mark="").result == counts()
    assert Photo.objects.shown().count() == 12
    assert ImportMark.objects.get().uploaded_at == before


def test_a_refused_import_sets_no_mark() -> None:
    failure = Reply(body=b'{"stat":"fail","code":100,"message":"Invalid API Key"}')
    with pytest.raises(KeyRefusedError):
        CompletedImport(new_sandbox(first_replies=(failure,)), mark="")
    assert not ImportMark.objects.exists()


def test_with_oldest_first_the_mark_moves_with_each_page() -> None:
    CompletedImport(new_sandbox(), mark="", since=1, oldest_first=True, limit=5)
    newest = Photo.objects.newest_first()[0]
    assert ImportMark.objects.get().uploaded_at == newest.uploaded_at


def test_with_oldest_first_a_failure_keeps_the_pages_before() -> None:
    failing = new_sandbox(first_replies=(None, *(Reply(status=502),) * 9))
    with pytest.raises(ServerFaultError):
        CompletedImport(
            failing, mark="sea", tags=("landscape",), since=1, oldest_first=True, limit=150
        )
    assert Photo.objects.count() == 100
    assert (
        ImportMark.objects.get(tags="sea").uploaded_at
        == Photo.objects.newest_first()[0].uploaded_at
    )


def test_with_newest_first_a_failure_sets_no_mark() -> None:
    failing = new_sandbox(first_replies=(None, *(Reply(status=502),) * 9))
    with pytest.raises(ServerFaultError):
        CompletedImport(failing, mark="", limit=150)
    assert Photo.objects.count() == 100
    assert not ImportMark.objects.exists()


def test_an_import_filled_by_one_second_moves_the_mark_past_it() -> None:
    CompletedImport(new_sandbox(), mark="", since=1, oldest_first=True, limit=1)
    mark = ImportMark.objects.get().uploaded_at
    since = int(mark.timestamp())
    CompletedImport(new_sandbox(), mark="", since=since, oldest_first=True, limit=1)
    assert ImportMark.objects.get().uploaded_at == mark + timedelta(seconds=1)


@pytest.mark.parametrize("oldest_first", [True, False])
def test_the_mark_moves_past_entries_that_cannot_be_read(oldest_first: bool) -> None:
    """Otherwise the next import would read the same entries, and no photo behind them."""
    entries = [{"id": str(number), "dateupload": str(1000 + number)} for number in range(1, 6)]
    document = {"stat": "ok", "photos": {"pages": 9, "total": 900, "photo": entries}}
    sandbox = new_sandbox(first_replies=(Reply(body=json.dumps(document).encode()),))
    run = CompletedImport(sandbox, mark="", since=1, oldest_first=oldest_first, limit=5)
    assert run.result == counts(failed=5)
    assert ImportMark.objects.get().uploaded_at == datetime.fromtimestamp(1005, tz=UTC)


def test_the_mark_never_moves_back() -> None:
    future = datetime(2090, 1, 1, tzinfo=UTC)
    ImportMark.objects.create(tags="", uploaded_at=future)
    CompletedImport(new_sandbox(), mark="")
    assert ImportMark.objects.get().uploaded_at == future
