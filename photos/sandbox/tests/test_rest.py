import pytest

from photos.sandbox.tests.clients import NOW, client, rest, search


async def test_the_same_seed_gives_the_same_photos() -> None:
    first, again, other = [await search(client(seed=seed), text="a") for seed in (1, 1, 2)]
    assert first == again
    assert first["photo"] != other["photo"]


async def test_a_new_photo_appears_after_the_interval() -> None:
    before = await search(client(), min_upload_date="1")
    later = await search(client(clock=lambda: NOW + 90), min_upload_date="1")
    assert later["photo"][1]["id"] == before["photo"][0]["id"]


async def test_a_search_since_a_date_can_start_with_the_oldest() -> None:
    newest = await search(client(), min_upload_date="1")
    mark = newest["photo"][9]["dateupload"]
    since = await search(client(), min_upload_date=mark, sort="date-posted-asc")
    assert [entry["id"] for entry in since["photo"]] == [
        entry["id"] for entry in reversed(newest["photo"][:10])
    ]


async def test_a_search_requires_tags_and_excludes_tags_with_a_minus() -> None:
    document = await search(client(), tags="sea,-dusk")
    words = [entry["tags"].split() for entry in document["photo"]]
    assert words
    assert all("sea" in entry and "dusk" not in entry for entry in words)


async def test_pages_after_the_first_4000_photos_repeat() -> None:
    http = client(photos=5000)
    last = await search(http, min_upload_date="1", per_page="500", page="8")
    past = await search(http, min_upload_date="1", per_page="500", page="9")
    assert [entry["id"] for entry in past["photo"]] == [entry["id"] for entry in last["photo"]]


async def test_pages_change_while_they_are_read() -> None:
    http = client(new_photos_per_request=3)
    first = await search(http, min_upload_date="1", per_page="10", page="1")
    second = await search(http, min_upload_date="1", per_page="10", page="2")
    ids = [{entry["id"] for entry in page["photo"]} for page in (first, second)]
    assert len(ids[0] & ids[1]) == 3


async def test_the_types_of_pages_and_total_change() -> None:
    http = client()
    first = await search(http, min_upload_date="1", page="1")
    second = await search(http, min_upload_date="1", page="2")
    assert (type(first["pages"]), type(first["total"])) == (int, str)
    assert (type(second["pages"]), type(second["total"])) == (str, int)


async def test_some_photos_lack_a_size() -> None:
    document = await search(client(), min_upload_date="1")
    assert 0 < sum("url_z" not in entry for entry in document["photo"]) < 30


async def test_the_total_of_get_recent_is_at_most_1000() -> None:
    document = await rest(client(photos=3000), method="flickr.photos.getRecent")
    assert int(document["photos"]["total"]) == 1000


async def test_a_page_of_interesting_photos_may_be_short() -> None:
    document = await rest(client(photos=3000), method="flickr.interestingness.getList")
    assert len(document["photos"]["photo"]) == 94
    assert int(document["photos"]["pages"]) > 1


async def test_an_empty_result_has_no_pages() -> None:
    document = await search(client(), tags="nobody-uses-this")
    assert (document["pages"], int(document["total"]), document["photo"]) == (0, 0, [])


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
async def test_a_failure_has_status_200(params: dict[str, str], code: int) -> None:
    document = await rest(client(), **params)
    assert (document["stat"], document["code"]) == ("fail", code)


async def test_licences_are_listed() -> None:
    document = await rest(client(), method="flickr.photos.licenses.getInfo")
    assert [entry["id"] for entry in document["licenses"]["license"]] == list(range(17))
