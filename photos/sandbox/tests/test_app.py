import io
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from PIL import Image

from photos.sandbox.app import Sandbox
from photos.sandbox.catalogue import EPOCH
from photos.sandbox.config import API_KEY, SandboxConfig
from photos.sandbox.replies import TOO_MANY

BASE = "http://sandbox.test:8003"
NOW = EPOCH + 10_000 * 90
EVERYTHING = "description,license,date_upload,date_taken,owner_name,path_alias,tags,media,url_z"


def client(**knobs: Any) -> httpx.AsyncClient:
    calm: dict[str, Any] = {"clock": lambda: NOW, "photos": 300}
    config = SandboxConfig(**calm | knobs)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=Sandbox(config)), base_url=BASE)


async def rest(http: httpx.AsyncClient, **params: str) -> dict[str, Any]:
    fixed = {"api_key": API_KEY, "format": "json", "nojsoncallback": "1"}
    answer = await http.get("/services/rest/", params=fixed | params)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def search(http: httpx.AsyncClient, **params: str) -> dict[str, Any]:
    found = await rest(http, method="flickr.photos.search", extras=EVERYTHING, **params)
    photos: dict[str, Any] = found["photos"]
    return photos


async def test_the_same_seed_gives_the_same_photos() -> None:
    first, again, other = [await search(client(seed=seed), text="a") for seed in (1, 1, 2)]
    assert first == again
    assert first["photo"] != other["photo"]


async def test_a_new_photo_appears_as_time_goes_by() -> None:
    before = await search(client(), min_upload_date="1")
    later = await search(client(clock=lambda: NOW + 90), min_upload_date="1")
    assert later["photo"][1]["id"] == before["photo"][0]["id"]


async def test_an_incremental_search_begins_with_the_oldest() -> None:
    newest = await search(client(), min_upload_date="1")
    mark = newest["photo"][9]["dateupload"]
    since = await search(client(), min_upload_date=mark, sort="date-posted-asc")
    assert [one["id"] for one in since["photo"]] == [
        one["id"] for one in reversed(newest["photo"][:10])
    ]


async def test_tags_narrow_a_search_and_a_minus_excludes() -> None:
    found = await search(client(), tags="sea,-dusk")
    words = [one["tags"].split() for one in found["photo"]]
    assert words
    assert all("sea" in one and "dusk" not in one for one in words)


async def test_pages_past_the_first_4000_repeat() -> None:
    http = client(photos=5000)
    last = await search(http, min_upload_date="1", per_page="500", page="8")
    past = await search(http, min_upload_date="1", per_page="500", page="9")
    assert [one["id"] for one in past["photo"]] == [one["id"] for one in last["photo"]]


async def test_pages_move_while_they_are_read() -> None:
    http = client(moving=3)
    first = await search(http, min_upload_date="1", per_page="10", page="1")
    second = await search(http, min_upload_date="1", per_page="10", page="2")
    ids = [{one["id"] for one in page["photo"]} for page in (first, second)]
    assert len(ids[0] & ids[1]) == 3


async def test_the_types_of_the_envelope_drift() -> None:
    http = client()
    one = await search(http, min_upload_date="1", page="1")
    two = await search(http, min_upload_date="1", page="2")
    assert (type(one["pages"]), type(one["total"])) == (int, str)
    assert (type(two["pages"]), type(two["total"])) == (str, int)


async def test_some_photos_lack_a_size() -> None:
    found = await search(client(), min_upload_date="1")
    assert 0 < sum("url_z" not in one for one in found["photo"]) < 30


async def test_get_recent_counts_to_a_thousand_at_most() -> None:
    found = await rest(client(photos=3000), method="flickr.photos.getRecent")
    assert int(found["photos"]["total"]) == 1000


async def test_a_page_of_interesting_photos_may_be_short() -> None:
    found = await rest(client(photos=3000), method="flickr.interestingness.getList")
    assert len(found["photos"]["photo"]) == 94
    assert int(found["photos"]["pages"]) > 1


async def test_an_empty_result_has_no_pages() -> None:
    found = await search(client(), tags="nobody-uses-this")
    assert (found["pages"], int(found["total"]), found["photo"]) == (0, 0, [])


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"api_key": ""}, 100),
        ({"api_key": "bogus"}, 100),
        ({"format": "yaml"}, 111),
        ({"method": "flickr.nothing"}, 112),
        ({"method": "flickr.photos.search"}, 3),
        ({"method": "flickr.photos.search", "tags": ",".join("abcdefghijklmnopqrstu")}, 1),
    ],
)
async def test_a_refusal_comes_with_status_200(params: dict[str, str], code: int) -> None:
    found = await rest(client(), **params)
    assert (found["stat"], found["code"]) == ("fail", code)


async def test_licences_are_listed() -> None:
    found = await rest(client(), method="flickr.photos.licenses.getInfo")
    assert [one["id"] for one in found["licenses"]["license"]] == list(range(17))


async def test_without_nojsoncallback_the_document_is_wrapped() -> None:
    http = client()
    feed = await http.get("/services/feeds/photos_public.gne?format=json")
    assert feed.text.startswith("jsonFlickrFeed({")
    answer = await http.get("/services/rest/?method=flickr.test.echo")
    assert answer.text.startswith("jsonFlickrApi({")


async def feed_items(**knobs: Any) -> list[dict[str, Any]]:
    answer = await client(**knobs).get("/services/feeds/photos_public.gne?nojsoncallback=1")
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_the_feed_has_the_20_newest_but_not_in_order() -> None:
    items = await feed_items()
    published = [one["published"] for one in items]
    assert len(items) == 20
    assert published != sorted(published, reverse=True)


async def test_an_author_in_the_feed_is_encoded_twice() -> None:
    authors = {one["author"] for one in await feed_items()}
    assert any("\\u" in author for author in authors)
    assert all(author.startswith('nobody@flickr.com ("') for author in authors)


async def test_the_old_feed_was_not_json() -> None:
    http = client(broken_escapes=True, hostile_rate=1.0)
    answer = await http.get("/services/feeds/photos_public.gne?nojsoncallback=1")
    with pytest.raises(ValueError, match="escape"):
        answer.json()


async def picture(http: httpx.AsyncClient, change: Callable[[str], str]) -> httpx.Response:
    item = (await search(http, text="a"))["photo"][0]
    address = f"/65535/{item['id']}_{item['secret']}.jpg"
    return await http.get(change(address))


@pytest.mark.parametrize(
    ("suffix", "edge"), [("s", 75), ("q", 150), ("m", 240), ("n", 320), ("", 500)]
)
async def test_a_picture_comes_in_the_size_of_its_suffix(suffix: str, edge: int) -> None:
    ending = f"_{suffix}.jpg" if suffix else ".jpg"
    answer = await picture(client(), lambda address: address.replace(".jpg", ending))
    image = Image.open(io.BytesIO(answer.content))
    assert (image.format, max(image.size)) == ("JPEG", edge)


async def test_a_picture_is_the_same_each_time() -> None:
    first = await picture(client(seed=3), str)
    again = await picture(client(seed=3, latency=0.001), str)
    assert first.content == again.content


async def test_a_picture_that_is_gone_redirects_to_a_placeholder() -> None:
    http = client(gone_rate=1.0)
    answer = await picture(http, str)
    assert answer.status_code == 302
    assert "photo_unavailable" in answer.headers["location"]
    assert (await http.get(answer.headers["location"])).headers["content-type"] == "image/gif"


async def test_a_picture_needs_its_secret() -> None:
    answer = await picture(client(), lambda address: address[:-14] + "0000000000.jpg")
    assert answer.status_code == 302


async def test_a_photo_has_a_page_that_escapes_its_title() -> None:
    http = client(hostile_rate=1.0)
    found = await search(http, text="<script>alert('title')")
    photo = found["photo"][0]
    answer = await http.get(f"/photos/{photo['owner']}/{photo['id']}/")
    assert "&lt;script&gt;" in answer.text
    assert "<script>" not in answer.text


@pytest.mark.parametrize("path", ["/nothing", "/photos/me/1/", "/65535/1_0000000000_z.png"])
async def test_other_addresses_are_not_found(path: str) -> None:
    assert (await client().get(path)).status_code == 404


async def test_a_script_answers_the_first_requests() -> None:
    http = client(script=(None, TOO_MANY))
    statuses = [(await http.get("/services/rest/")).status_code for _ in range(3)]
    assert statuses == [200, 429, 200]


@pytest.mark.parametrize(("limit", "answered"), [(1, 1), (3, 3), (0, 5)])
async def test_the_rate_limit_answers_429(limit: int, answered: int) -> None:
    http = client(rate_limit=limit)
    statuses = [(await http.get("/services/rest/")).status_code for _ in range(5)]
    assert statuses == [200] * answered + [429] * (5 - answered)


async def test_every_request_fails_when_told_so() -> None:
    http = client(failure_rate=1.0)
    answers = [await http.get("/services/rest/") for _ in range(30)]
    assert {answer.status_code for answer in answers} == {200, 429, 502}
    assert all(not answer.text.startswith('{"photos"') for answer in answers)
