import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from photos.flickr.api import EXTRAS
from photos.flickr.documents import parse_rest_document
from photos.models import Licence, Photo
from photos.sandbox.replies import Reply
from photos.tests.completed_imports import CompletedImport, counts, new_import
from photos.tests.in_memory_flickr import connect_to, new_sandbox

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media_root")]


def test_a_bad_entry_is_recorded_with_its_reason() -> None:
    document = async_to_sync(recent_photos_document)(limit=12)
    del document["photos"]["photo"][3]["owner"]
    run = CompletedImport(new_sandbox(first_replies=(json_reply(document),)))
    assert run.result == counts(new=11, failed=1)
    assert run.progress.fields()["counts"] == {"new": 11, "failed": 1}
    assert "It has no owner." in str(run.progress.ledger.unsaved())


async def recent_photos_document(*, limit: int) -> dict[str, Any]:
    flickr = connect_to(new_sandbox())
    params = {
        "method": "flickr.photos.getRecent",
        "api_key": flickr.config.api_key,
        "per_page": str(limit),
        "extras": EXTRAS,
        "nojsoncallback": "1",
    }
    response = await flickr.client.get(flickr.config.api_url, params=params, max_bytes=10**7)
    return parse_rest_document(response.body)


def json_reply(document: dict[str, Any]) -> Reply:
    return Reply(body=json.dumps(document).encode())


def test_a_photo_that_is_listed_twice_is_saved_once() -> None:
    document = async_to_sync(recent_photos_document)(limit=6)
    document["photos"]["photo"] *= 2
    run = CompletedImport(new_sandbox(first_replies=(json_reply(document),)), limit=6)
    assert run.result == counts(new=6)


def test_photos_get_their_licences() -> None:
    CompletedImport(new_sandbox())
    assert Licence.objects.exists()
    assert all(photo.licence for photo in Photo.objects.select_related("licence"))


@pytest.mark.parametrize(
    ("licences", "name"), [(b"[]", "Licence 99 of Flickr"), (b'[{"id":"99","name":"New"}]', "New")]
)
def test_an_unknown_licence_is_read_from_flickr(licences: bytes, name: str) -> None:
    document = async_to_sync(recent_photos_document)(limit=12)
    document["photos"]["photo"][0]["license"] = "99"
    licences_reply = Reply(body=b'{"stat":"ok","licenses":{"license":%s}}' % licences)
    CompletedImport(new_sandbox(first_replies=(json_reply(document), licences_reply)))
    assert Licence.objects.get(pk=99).name == name


def test_the_feed_keeps_values_that_only_the_api_has() -> None:
    CompletedImport(new_sandbox(), limit=20)
    flickr = connect_to(new_sandbox())
    run = new_import(flickr, source=flickr.feed, limit=20)
    assert async_to_sync(run.run)()["new"] == 0
    assert not Photo.objects.filter(licence=None).exists()


def test_hostile_descriptions_are_cleaned() -> None:
    CompletedImport(new_sandbox(hostile_rate=1.0, gone_rate=1.0), limit=60)
    photos = list(Photo.objects.all())
    assert any("<script>" in photo.title for photo in photos)
    assert not any("<script" in photo.description for photo in photos)
    assert not any("javascript:" in photo.description for photo in photos)
