"""The REST methods that an import needs.

Like Flickr, it sometimes writes numbers as strings.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from photos.sandbox.catalogue import SandboxPhoto
from photos.sandbox.photo_json import photo_json
from photos.sandbox.replies import failure
from photos.sandbox.search import Library, Query

Params = Mapping[str, str]
Document = dict[str, Any]

RESULTS_MAX = 4000
"""After the first 4,000 results of a query Flickr repeats pages."""

PER_PAGE_MAX = 500
TAGS_MAX = 20
CRITERIA = (
    "tags", "text", "user_id", "license", "min_upload_date", "max_upload_date",
    "min_taken_date", "max_taken_date", "group_id", "bbox",
)  # fmt: skip

LICENCES = (
    (0, "All Rights Reserved", ""),
    (1, "Attribution-NonCommercial-ShareAlike License", "by-nc-sa/2.0/"),
    (2, "Attribution-NonCommercial License", "by-nc/2.0/"),
    (3, "Attribution-NonCommercial-NoDerivs License", "by-nc-nd/2.0/"),
    (4, "Attribution License", "by/2.0/"),
    (5, "Attribution-ShareAlike License", "by-sa/2.0/"),
    (6, "Attribution-NoDerivs License", "by-nd/2.0/"),
    (7, "No known copyright restrictions", "https://www.flickr.com/commons/usage/"),
    (8, "United States Government Work", "http://www.usa.gov/copyright.shtml"),
    (9, "Public Domain Dedication (CC0)", "https://creativecommons.org/publicdomain/zero/1.0/"),
    (10, "Public Domain Mark", "https://creativecommons.org/publicdomain/mark/1.0/"),
    (11, "CC BY 4.0", "by/4.0/"),
    (12, "CC BY-SA 4.0", "by-sa/4.0/"),
    (13, "CC BY-ND 4.0", "by-nd/4.0/"),
    (14, "CC BY-NC 4.0", "by-nc/4.0/"),
    (15, "CC BY-NC-SA 4.0", "by-nc-sa/4.0/"),
    (16, "CC BY-NC-ND 4.0", "by-nc-nd/4.0/"),
)
DEEDS = "https://creativecommons.org/licenses/"


def answer(library: Library, params: Params, *, origin: str) -> Document:
    """Respond to a method, with Flickr's checks in Flickr's order."""
    if params.get("api_key") != library.config.api_key:
        return failure(100, "Invalid API Key (Key has invalid format)")
    if params.get("format", "json") != "json":
        return failure(111, f'Format "{params["format"]}" not found')
    name = params.get("method", "")
    method = METHODS.get(name)
    if method is None:
        return failure(112, f'Method "{name}" not found')
    return method(library, params, origin)


def search(library: Library, params: Params, origin: str) -> Document:
    tags = tuple(tag for tag in params.get("tags", "").split(",") if tag.strip())
    if len(tags) > TAGS_MAX:
        return failure(1, "Too many tags in ALL query")
    if not any(params.get(name) for name in CRITERIA):
        return failure(3, "Parameterless searches have been disabled.")
    query = Query(
        tags=tags,
        mode=params.get("tag_mode", "any"),
        text=params.get("text", ""),
        owner=params.get("user_id", ""),
        licences=frozenset(int(n) for n in params.get("license", "").split(",") if n.isdigit()),
        min_upload=_moment(params, "min_upload_date", default=0),
        max_upload=_moment(params, "max_upload_date", default=float("inf")),
        oldest_first=params.get("sort") == "date-posted-asc",
    )
    photos = library.find(query)
    return _page(photos, params, origin=origin, total=len(photos))


def get_recent(library: Library, params: Params, origin: str) -> Document:
    photos = library.find(Query())
    return _page(photos, params, origin=origin, total=min(len(photos), 1000))


def interesting(library: Library, params: Params, origin: str) -> Document:
    """Like Flickr, return pages with fewer photos than asked for, although more pages follow."""
    photos = library.find(Query())[::7][:500]
    document = _page(photos, params, origin=origin, total=len(photos))
    document["photos"]["photo"] = document["photos"]["photo"][:94]
    return document


def licences(library: Library, params: Params, origin: str) -> Document:
    entries = [
        {"id": number, "name": name, "url": url if "://" in url or not url else DEEDS + url}
        for number, name, url in LICENCES
    ]
    return {"licenses": {"license": entries}, "stat": "ok"}


METHODS: MappingProxyType[str, Callable[[Library, Params, str], Document]] = MappingProxyType(
    {
        "flickr.photos.search": search,
        "flickr.photos.getRecent": get_recent,
        "flickr.interestingness.getList": interesting,
        "flickr.photos.licenses.getInfo": licences,
    }
)


def _page(photos: list[SandboxPhoto], params: Params, *, origin: str, total: int) -> Document:
    per_page = min(max(_whole(params, "per_page", default=100), 1), PER_PAGE_MAX)
    number = max(_whole(params, "page", default=1), 1)
    last = max(1, min(-(-total // per_page), RESULTS_MAX // per_page))
    start = (min(number, last) - 1) * per_page
    extras = frozenset(params.get("extras", "").replace(" ", "").split(","))
    entries = [
        photo_json(photo, extras=extras, origin=origin)
        for photo in photos[start : start + per_page]
    ]
    pages = -(-total // per_page)
    # Flickr's types of these two differ between methods and years.
    is_odd = number % 2 == 1
    envelope: Document = {
        "page": number,
        "pages": pages if is_odd else str(pages),
        "perpage": per_page,
        "total": str(total) if is_odd else total,
        "photo": entries,
    }
    return {"photos": envelope, "stat": "ok"}


def _whole(params: Params, name: str, *, default: int) -> int:
    text = params.get(name, "")
    return int(text) if text.isdigit() and len(text) < 9 else default


def _moment(params: Params, name: str, *, default: float) -> float:
    try:
        return float(params.get(name, ""))
    except ValueError:
        return default
