from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape
from pytest_django import DjangoAssertNumQueries

from photos.models import Licence
from photos.tests.factories import create_photo, create_photos
from photos.tests.pages import GALLERY, IMPORTS, create_public_job, text_of
from realtime.states import JobState, Visibility

pytestmark = pytest.mark.django_db


def test_anyone_sees_the_gallery(client: Client) -> None:
    licence = Licence.objects.create(number=4, name="CC BY 2.0", url="https://example.org/by/")
    photo = create_photo(
        licence=licence, description="<b>From the window</b>", taken="2017-08-11 19:21:37"
    )
    text = text_of(client.get(GALLERY))
    for shown in (
        photo.title,
        photo.owner_name,
        photo.page_url,
        photo.thumbnail_url,
        "CC BY 2.0",
        "https://example.org/by/",
        "11 August 2017",
        "<b>From the window</b>",
        "<b>1</b> photo",
        "not endorsed or certified by SmugMug, Inc.",
    ):
        assert shown in text


@pytest.mark.parametrize(("number", "pages"), [(23, 1), (24, 1), (25, 2), (49, 3)])
def test_a_page_has_24_photos(client: Client, number: int, pages: int) -> None:
    create_photos(number)
    page = client.get(GALLERY).context["page"]
    assert (len(page), page.paginator.num_pages) == (min(number, 24), pages)


def test_the_newest_photos_come_first(client: Client) -> None:
    create_photos(30)
    assert client.get(GALLERY).context["page"][0].title == "Photo 29"
    assert client.get(f"{GALLERY}?page=2").context["page"][0].title == "Photo 5"


@pytest.mark.parametrize(
    ("page", "number"), [("0", 2), ("3", 2), ("x", 1), ("", 1), ("-1", 2), ("9" * 50, 2), ("²", 1)]
)
def test_an_unknown_page_shows_an_existing_one(client: Client, page: str, number: int) -> None:
    create_photos(30)
    assert client.get(GALLERY, {"page": page}).context["page"].number == number


def test_photos_without_a_picture_are_not_shown(client: Client) -> None:
    create_photo(title="Not here", thumbnail="")
    assert "Not here" not in text_of(client.get(GALLERY))


@pytest.mark.parametrize(
    "title", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}"]
)
def test_hostile_titles_are_escaped(client: Client, title: str) -> None:
    create_photo(title=title, owner_name=title, description="")
    text = text_of(client.get(GALLERY))
    assert title not in text or title.startswith("{{")
    assert escape(title) in text


def test_the_page_has_no_inline_styles_or_scripts(client: Client) -> None:
    create_photo()
    text = text_of(client.get(GALLERY))
    assert " style=" not in text
    assert "onclick" not in text


def test_an_empty_gallery_links_to_the_login(client: Client) -> None:
    text = text_of(client.get(GALLERY))
    assert "No photos yet" in text
    assert f"next={IMPORTS}" in text


def test_an_empty_gallery_links_a_user_to_the_imports(signed_in: Client) -> None:
    assert "Import some now" in text_of(signed_in.get(GALLERY))


def test_a_public_import_is_shown_while_it_runs(client: Client) -> None:
    running = create_public_job(state=JobState.RUNNING, fraction=0.5)
    assert f'job="{running.pk}"' in text_of(client.get(GALLERY))


@pytest.mark.parametrize(
    "fields",
    [
        {"state": JobState.SUCCEEDED},
        {"state": JobState.FAILED},
        {"state": JobState.RUNNING, "visibility": Visibility.PRIVATE},
        {"state": JobState.RUNNING, "task": "send_feedback_email_task"},
    ],
)
def test_other_jobs_are_not_shown(client: Client, fields: dict[str, Any]) -> None:
    create_public_job(**fields)
    assert "<job-progress" not in text_of(client.get(GALLERY))


@pytest.mark.parametrize("number", [1, 24])
def test_the_gallery_takes_three_queries(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    create_photos(number)
    create_public_job(state=JobState.RUNNING)
    with django_assert_num_queries(3):
        client.get(GALLERY)


def test_the_time_of_the_last_update_is_shown(client: Client) -> None:
    create_photo(1, last_seen_at=datetime(2026, 5, 1, 12, 34, 56, tzinfo=UTC))
    create_photo(2, last_seen_at=datetime(2026, 5, 1, 9, 0, tzinfo=UTC))
    assert "1 May 2026, 12:34:56 UTC" in text_of(client.get(GALLERY))


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_the_gallery_allows_no_other_methods(client: Client, method: str) -> None:
    assert getattr(client, method)(GALLERY).status_code == 405
