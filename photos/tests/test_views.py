import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils.html import escape
from pytest_django import DjangoAssertNumQueries, Settings

from photos.models import ImportRequest, Licence
from photos.tasks import ON_DEMAND, SCHEDULED
from photos.tests.factories import DIGEST, create_photo, create_photo_with_file, create_photos
from realtime.models import Job
from realtime.states import JobState, Visibility

pytestmark = pytest.mark.django_db

GALLERY = "/"
IMPORTS = "/photos/imports/"


def person(name: str, *permissions: str, **fields: Any) -> User:
    one = User.objects.create_user(name, password="a password", **fields)
    one.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return one


@pytest.fixture
def owner(db: None) -> User:
    return person("ada")


@pytest.fixture
def signed_in(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def job(**fields: Any) -> Job:
    usual = {"task": ON_DEMAND, "title": "Import 60 photos", "queue": "celery"}
    return Job.objects.create(**usual | fields)


def public_job(**fields: Any) -> Job:
    return job(**{"visibility": Visibility.PUBLIC, "task": SCHEDULED} | fields)


def text_of(response: Any) -> str:
    assert isinstance(response, HttpResponse)
    return response.content.decode()


# The gallery


def test_anyone_sees_the_gallery(client: Client) -> None:
    licence = Licence.objects.create(number=4, name="CC BY 2.0", url="https://example.org/by/")
    one = create_photo(
        licence=licence, description="<b>From the window</b>", taken="2017-08-11 19:21:37"
    )
    text = text_of(client.get(GALLERY))
    for shown in (
        one.title,
        one.owner_name,
        one.page_url,
        one.thumbnail_url,
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


def test_the_newest_come_first(client: Client) -> None:
    create_photos(30)
    assert client.get(GALLERY).context["page"][0].title == "Photo 29"
    assert client.get(f"{GALLERY}?page=2").context["page"][0].title == "Photo 5"


@pytest.mark.parametrize(
    ("page", "number"), [("0", 2), ("3", 2), ("x", 1), ("", 1), ("-1", 2), ("9" * 50, 2), ("²", 1)]
)
def test_a_page_that_is_not_there_is_one_that_is(client: Client, page: str, number: int) -> None:
    create_photos(30)
    assert client.get(GALLERY, {"page": page}).context["page"].number == number


def test_photos_without_a_picture_are_not_shown(client: Client) -> None:
    create_photo(title="Not here", thumbnail="")
    assert "Not here" not in text_of(client.get(GALLERY))


@pytest.mark.parametrize(
    "title", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}"]
)
def test_hostile_words_are_only_words(client: Client, title: str) -> None:
    create_photo(title=title, owner_name=title, description="")
    text = text_of(client.get(GALLERY))
    assert title not in text or title.startswith("{{")
    assert escape(title) in text


def test_nothing_runs_from_within_the_page(client: Client) -> None:
    create_photo()
    text = text_of(client.get(GALLERY))
    assert " style=" not in text
    assert "onclick" not in text


def test_a_visitor_is_told_how_to_get_photos(client: Client) -> None:
    text = text_of(client.get(GALLERY))
    assert "No photos yet" in text
    assert f"next={IMPORTS}" in text


def test_a_user_without_photos_is_led_to_the_imports(signed_in: Client) -> None:
    assert "Import some now" in text_of(signed_in.get(GALLERY))


def test_a_public_import_is_shown_while_it_runs(client: Client) -> None:
    running = public_job(state=JobState.RUNNING, fraction=0.5)
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
    public_job(**fields)
    assert "<job-progress" not in text_of(client.get(GALLERY))


@pytest.mark.parametrize("number", [1, 24])
def test_the_gallery_takes_three_queries(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    create_photos(number)
    public_job(state=JobState.RUNNING)
    with django_assert_num_queries(3):
        client.get(GALLERY)


def test_the_time_of_the_last_update_is_shown(client: Client) -> None:
    create_photo(1, last_seen_at=datetime(2026, 5, 1, 12, 34, 56, tzinfo=UTC))
    create_photo(2, last_seen_at=datetime(2026, 5, 1, 9, 0, tzinfo=UTC))
    assert "1 May 2026, 12:34:56 UTC" in text_of(client.get(GALLERY))


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_the_gallery_is_only_read(client: Client, method: str) -> None:
    assert getattr(client, method)(GALLERY).status_code == 405


# Thumbnails


@pytest.fixture
def media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.mark.usefixtures("media")
def test_a_thumbnail_is_kept_for_ever(client: Client) -> None:
    one = create_photo_with_file(b"RIFF....WEBP")
    response = client.get(one.thumbnail_url)
    assert isinstance(response, HttpResponse)
    assert response.content == b"RIFF....WEBP"
    assert response.headers["Content-Type"] == "image/webp"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "immutable" in response.headers["Cache-Control"]
    assert "Cookie" not in response.headers.get("Vary", "")


@pytest.mark.usefixtures("media")
def test_a_thumbnail_takes_no_query(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    one = create_photo_with_file()
    with django_assert_num_queries(0):
        client.get(one.thumbnail_url)


@pytest.mark.usefixtures("media")
@pytest.mark.parametrize(
    "path",
    [
        f"/photos/1/{DIGEST}.webp",
        f"/photos/1001/{DIGEST}.png",
        f"/photos/../1001/{DIGEST}.webp",
        "/photos/1001/../../secret-key.webp",
        "/photos/1001/%2e%2e%2fsecret-key.webp",
        f"/photos/{'1' * 21}/{DIGEST}.webp",
        f"/photos/1001/{DIGEST.upper()}.webp",
        f"/photos/²/{DIGEST}.webp",
    ],
)
def test_nothing_else_comes_from_the_disk(client: Client, path: str) -> None:
    create_photo_with_file()
    assert client.get(path).status_code == 404


# Imports


def test_a_visitor_has_to_log_in(client: Client) -> None:
    for response in (client.get(IMPORTS), client.post(IMPORTS, wish())):
        assert response.status_code == 302
        assert response.headers["Location"] == f"/accounts/login/?next={IMPORTS}"
    assert not Job.objects.exists()


def wish(**fields: Any) -> dict[str, Any]:
    return {"tags": "sea, dusk", "limit": "60", "token": str(uuid.uuid4())} | fields


def test_an_import_is_started_and_shown(signed_in: Client, owner: User) -> None:
    response = signed_in.post(IMPORTS, wish())
    started = Job.objects.get()
    assert response.status_code == 303
    assert response.headers["Location"] == reverse("realtime:job", args=[started.pk])
    assert (started.task, started.owner, started.visibility) == (
        "import_photos",
        owner,
        Visibility.PRIVATE,
    )
    assert started.kwargs == {"tags": "sea,dusk", "limit": 60}
    assert started.title == "Import 60 photos tagged sea, dusk"
    assert started.state == JobState.QUEUED


def test_a_double_click_is_one_import(signed_in: Client) -> None:
    form = wish()
    first, second = signed_in.post(IMPORTS, form), signed_in.post(IMPORTS, form)
    assert first.headers["Location"] == second.headers["Location"]
    assert Job.objects.count() == ImportRequest.objects.count() == 1


def test_a_form_changed_after_going_back_is_another_import(signed_in: Client) -> None:
    form = wish()
    signed_in.post(IMPORTS, form)
    signed_in.post(IMPORTS, form | {"tags": "forest"})
    assert Job.objects.count() == 2


def test_the_token_of_another_user_leads_nowhere_new(signed_in: Client) -> None:
    form = wish()
    mine = signed_in.post(IMPORTS, form).headers["Location"]
    other = Client()
    other.force_login(person("eve"))
    assert other.post(IMPORTS, form).headers["Location"] != mine


@pytest.mark.parametrize(
    "fields", [{"limit": "0"}, {"limit": "501"}, {"limit": ""}, {"token": ""}, {"tags": "x" * 65}]
)
def test_a_bad_form_starts_nothing(signed_in: Client, fields: dict[str, str]) -> None:
    response = signed_in.post(IMPORTS, wish(**fields))
    assert response.status_code == 422
    assert "Nothing was started" in text_of(response)
    assert not Job.objects.exists()


def test_a_form_from_elsewhere_is_refused(owner: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(owner)
    assert strict.post(IMPORTS, wish()).status_code == 403
    assert not Job.objects.exists()


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_imports_are_read_or_started(signed_in: Client, method: str) -> None:
    assert getattr(signed_in, method)(IMPORTS).status_code == 405


def test_reading_the_page_starts_nothing(signed_in: Client) -> None:
    assert signed_in.get(IMPORTS, wish()).status_code == 200
    assert not Job.objects.exists()


def test_own_and_public_imports_are_listed_and_no_others(signed_in: Client, owner: User) -> None:
    job(owner=owner, title="Mine, running", state=JobState.RUNNING)
    job(owner=owner, title="Mine, done", state=JobState.SUCCEEDED, counts={"new": 60})
    public_job(title="The site's", state=JobState.FAILED)
    job(owner=person("eve"), title="Of Eve", state=JobState.RUNNING)
    text = text_of(signed_in.get(IMPORTS))
    assert "Mine, running" in text
    assert "Mine, done" in text
    assert "60 new" in text
    assert "The site&#x27;s" in text
    assert "Of Eve" not in text


def test_an_operator_is_a_user_here(client: Client) -> None:
    operator = person("op", "view_job", is_staff=True)
    job(owner=person("eve"), title="Of Eve")
    client.force_login(operator)
    assert "Of Eve" not in text_of(client.get(IMPORTS))


@pytest.mark.parametrize("number", [1, 9])
def test_the_imports_take_four_queries(
    signed_in: Client, owner: User, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    for _ in range(number):
        job(owner=owner, state=JobState.RUNNING)
        public_job(state=JobState.SUCCEEDED)
    # The session, the user, their imports, the public ones.
    with django_assert_num_queries(4):
        signed_in.get(IMPORTS)


def test_a_hostile_tag_is_only_a_word(signed_in: Client) -> None:
    signed_in.post(IMPORTS, wish(tags="<script>alert(1)</script>"))
    assert "<script>alert" not in text_of(signed_in.get(IMPORTS))
