"""Reads the JSON documents in Flickr's responses, and the failures that they report."""

import json
import re
from typing import Any

from photos.flickr.errors import UnreadableError, refusal
from photos.flickr.text import whole_number

_CALLBACK = re.compile(r"\s*json\w+\((.*)\)\s*;?\s*", re.DOTALL)
_ESCAPES = re.compile(r"\\(.)", re.DOTALL)


def parse_document(body: bytes) -> dict[str, Any]:
    """The JSON object in a response, with or without a JSONP callback around it."""
    text = body.decode("utf-8", "replace")
    if match := _CALLBACK.fullmatch(text):
        text = match[1]
    value = _load_json(text)
    if not isinstance(value, dict):
        raise UnreadableError
    return value


def _load_json(text: str) -> Any:
    for candidate in (text, _ESCAPES.sub(_repair_escape, text)):
        try:
            return json.loads(candidate, strict=False)
        except (ValueError, RecursionError):
            continue
    raise UnreadableError


def _repair_escape(escape: re.Match[str]) -> str:
    r"""Feeds before 2017 wrote \' for ', which JSON does not allow. Leave other escapes alone."""
    return "'" if escape[1] == "'" else escape[0]


def parse_rest_document(body: bytes) -> dict[str, Any]:
    """The document in a response of the REST API; raises an error if it reports a failure."""
    answer = parse_document(body)
    if answer.get("stat") == "ok":
        return answer
    if answer.get("stat") == "fail":
        code = whole_number(answer.get("code"))
        raise refusal(-1 if code is None else code, str(answer.get("message", "")))
    raise UnreadableError
