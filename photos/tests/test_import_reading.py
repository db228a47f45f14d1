"""Imports whose list of photos cannot be read to its end."""

from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest
from asgiref.sync import async_to_sync

from photos.flickr.errors import KeyRefusedError, ServerFaultError
from photos.flickr.photo import Page, PhotoQuery
from photos.flickr.sources import EMPTY_PAGE, ApiSource
from photos.import_run import READING_FAILED
from photos.models import ImportMark, Photo
from photos.sandbox.app import Sandbox
from photos.sandbox.replies import BAD_GATEWAY, Reply
from photos.tasks import import_photos
from photos.tests.completed_imports import CompletedImport, counts, new_import
from photos.tests.in_memory_flickr import connect_to, new_sandbox
from realtime.states import JobState
from realtime.testing import run_task

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media_root")]

EMPTY = Reply(body=b'{"stat":"ok","photos":{"page":2,"pages":9,"total":900,"photo":[]}}')


class SourceThatFails(ApiSource):
    """Its second page cannot be read."""

    async def pages(self, query: PhotoQuery) -> AsyncGenerator[Page, None]:
        async for page in ApiSource.pages(self, replace(query, limit=3)):
            yield page
        raise KeyRefusedError


def test_a_failure_on_a_later_page_leaves_the_photos_before_with_pictures() -> None:
    flickr = connect_to(new_sandbox())
    run = new_import(flickr, source=SourceThatFails(flickr.api))
    with pytest.raises(KeyRefusedError):
        async_to_sync(run.run)()
    assert Photo.objects.shown().count() == Photo.objects.count() == 3
    assert run.progress.counts() == {"new": 3}
    assert run.notes == [READING_FAILED]


def test_an_import_whose_first_page_fails_needs_no_note() -> None:
    run = new_import(connect_to(new_sandbox(first_replies=(BAD_GATEWAY,) * 5)))
    with pytest.raises(ServerFaultError):
        async_to_sync(run.run)()
    assert run.notes == []


def test_an_empty_page_in_the_middle_is_named_and_moves_no_mark() -> None:
    run = CompletedImport(
        new_sandbox(gone_rate=1.0, first_replies=(None, EMPTY)), mark="", limit=105
    )
    assert run.result["failed"] > 100
    assert run.progress.message == EMPTY_PAGE
    assert not ImportMark.objects.exists()


def test_an_empty_page_while_the_oldest_are_read_keeps_the_mark_before_it() -> None:
    sandbox = new_sandbox(gone_rate=1.0, first_replies=(None, EMPTY))
    run = CompletedImport(sandbox, mark="", since=1, oldest_first=True, limit=250)
    assert run.result == counts(failed=100)
    newest = Photo.objects.newest_first()[0]
    assert ImportMark.objects.get().uploaded_at == newest.uploaded_at


def test_the_note_about_an_empty_page_stays_on_the_jobs_page(sandbox: Sandbox) -> None:
    sandbox.faults.config = replace(sandbox.config, first_replies=(EMPTY,))
    run = run_task(import_photos, tags="", limit=3)
    assert run.job.state == JobState.SUCCEEDED
    assert run.snapshots[-1].message == EMPTY_PAGE
