"""An entry of a page as Flickr's REST API sends it, and pages of entries."""

from typing import Any

from photos.flickr import parse
from photos.flickr.photo import Page

SITE = "https://www.flickr.com"
ENTRY: dict[str, Any] = {
    "id": "38453825782",
    "owner": "44080248@N03",
    "secret": "d76493e64e",
    "server": "4525",
    "farm": 5,
    "title": "Low dusk over Ambervale",
    "description": {"_content": "We waited."},
    "license": "4",
    "dateupload": "1510942104",
    "datetaken": "2017-08-11 19:21:37",
    "datetakengranularity": "0",
    "datetakenunknown": "0",
    "ownername": "äquinoktium",
    "pathalias": "aequinoktium",
    "tags": "sea dusk sea",
    "media": "photo",
    "url_z": "https://live.staticflickr.com/4525/38453825782_d76493e64e_z.jpg",
    "height_z": "360",
    "width_z": 640,
    "url_n": "https://live.staticflickr.com/4525/38453825782_d76493e64e_n.jpg",
    "height_n": 180,
    "width_n": 320,
}


def page_of(*entries: Any, **envelope: Any) -> Page:
    photos = {"page": 1, "pages": 1, "perpage": 100, "total": 1, "photo": list(entries)}
    return parse.page({"photos": photos | envelope, "stat": "ok"}, site=SITE, entries_max=100)
