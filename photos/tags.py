"""Tags in a form field and in the database: words with commas between them."""

from typing import Final

TAGS_MAX: Final = 20
"""Flickr's limit for one search."""
TAG_LENGTH_MAX: Final = 64


def split(text: str) -> tuple[str, ...]:
    words = (" ".join(word.split()).lower() for word in text.split(","))
    return tuple(dict.fromkeys(word for word in words if word))


def joined(tags: tuple[str, ...]) -> str:
    return ",".join(tags)
