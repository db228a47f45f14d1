"""Cleans the HTML of photo descriptions, so that it is safe to show."""

from typing import Final
from urllib.parse import urlsplit

import nh3

TAGS: Final = {"a", "b", "br", "em", "i", "p", "strong"}


def _absolute_links_only(element: str, attribute: str, value: str) -> str | None:
    """Remove relative links: they were written for Flickr and would lead to pages of this site."""
    if attribute != "href":
        return value if attribute == "rel" else None
    try:
        parts = urlsplit(value)
    except ValueError:  # for example "http://["
        return None
    return value if parts.scheme in ("http", "https") and parts.netloc else None


_cleaner: Final = nh3.Cleaner(
    tags=TAGS,
    attributes={"a": {"href"}},
    attribute_filter=_absolute_links_only,
    url_schemes={"http", "https"},
    link_rel="nofollow noopener noreferrer ugc",
)


def clean_html(markup: str) -> str:
    """Return safe HTML. Line breaks of plain text become <br>."""
    lines = markup.replace("\r\n", "\n")
    return _cleaner.clean(lines if "<p" in lines else lines.replace("\n", "<br>")).strip()
