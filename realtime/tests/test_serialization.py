import math
from typing import Any

import pytest
from kombu.exceptions import EncodeError

from realtime.serialization import clean_text, is_storable, to_json_exact, to_json_lossy

UNSTORABLE = ["\0", "a\0b", "caf\udce9", "\ud800", "é\udfff"]
STORABLE = ["", "photo", "é", "😀", "\ud7ff\ue000", "\\u0000", "\n\x01"]


@pytest.mark.parametrize("text", UNSTORABLE)
def test_characters_that_cannot_be_stored_are_replaced(text: str) -> None:
    assert not is_storable(text)
    assert is_storable(clean_text(text))
    assert len(clean_text(text)) == len(text)


@pytest.mark.parametrize("text", STORABLE)
def test_text_that_can_be_stored_is_unchanged(text: str) -> None:
    assert is_storable(text)
    assert clean_text(text) == text
    assert (
        to_json_exact([text, {text: text}])
        == to_json_lossy([text, {text: text}])
        == [text, {text: text}]
    )


def test_other_objects_become_text() -> None:
    assert [clean_text(None), clean_text(7), clean_text(["\0"])] == ["", "7", "['\\x00']"]


@pytest.mark.parametrize("length", [2, 3, 4])
def test_text_is_cut_at_max_length(length: int) -> None:
    assert clean_text("é" * length, 3) == "é" * min(length, 3)


@pytest.mark.parametrize(
    "value", [*UNSTORABLE, [{"a": "\0"}], {"\0": 1}, math.nan, [math.inf], {"a": -math.inf}]
)
def test_to_json_exact_refuses_values_that_cannot_be_stored(value: Any) -> None:
    with pytest.raises(EncodeError, match="cannot be stored"):
        to_json_exact(value)


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("caf\udce9.txt", "caf\ufffd.txt"),
        ([{"a\0": ["\0", 1, None]}], [{"a\ufffd": ["\ufffd", 1, None]}]),
        ([math.nan, {"a": math.inf}, 1.5], [None, {"a": None}, 1.5]),
    ],
)
def test_to_json_lossy_replaces_what_cannot_be_stored(value: Any, stored: Any) -> None:
    assert to_json_lossy(value) == stored
