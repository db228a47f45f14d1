"""Reads the JSON documents in Flickr's responses, and the failures that they report.

It uses no regular expressions, because those that look for the end of a document may need the
square of its length.
"""

import json
from typing import Any

from photos.flickr.errors import UnreadableError, refusal
from photos.flickr.text import whole_number

CALLBACK_MAX = 100
"""Characters of the name of a JSONP callback."""


def parse_document(body: bytes) -> dict[str, Any]:
    """The JSON object in a response, with or without a JSONP callback around it."""
    value = _load_json(_without_callback(body.decode("utf-8", "replace")))
    if not isinstance(value, dict):
        raise UnreadableError
    return value


def _without_callback(text: str) -> str:
    """The document without a `jsonFlickrApi(` before it and a `)` or `);` behind it."""
    text = text.strip()
    name, bracket, _ = text[:CALLBACK_MAX].partition("(")
    call = text.removesuffix(";").rstrip()
    is_callback = name.startswith("json") and name.isidentifier() and bool(bracket)
    return call[len(name) + 1 : -1] if is_callback and call.endswith(")") else text


def _load_json(text: str) -> Any:
    for repair in (str, _repair_escapes):
        try:
            return json.loads(repair(text), strict=False)
        except (ValueError, RecursionError):
            continue
    raise UnreadableError


def _repair_escapes(text: str) -> str:
    r"""Feeds before 2017 wrote \' for ', which JSON does not allow. Leave other escapes alone."""
    # In a pair of backslashes, the second one escapes nothing.
    return "\\\\".join(part.replace("\\'", "'") for part in text.split("\\\\"))


def parse_rest_document(body: bytes) -> dict[str, Any]:
    """The document in a response of the REST API; raises an error if it reports a failure."""
    answer = parse_document(body)
    if answer.get("stat") == "ok":
        return answer
    if answer.get("stat") == "fail":
        code = whole_number(answer.get("code"))
        raise refusal(-1 if code is None else code, str(answer.get("message", "")))
    raise UnreadableError
