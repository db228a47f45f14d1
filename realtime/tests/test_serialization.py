import math
from typing import Any

import pytest
from kombu.exceptions import EncodeError

from realtime.serialization import clean_text, is_storable, to_json_exact, to_json_lossy

UNSTORABLE = ["\0", "a\0b", "caf\udce9", "\ud800", "é\udfff"]
STORABLE = ["", "photo", "é", "😀", "\ud7ff\ue000", "\\u0000", "\n\x01"]


@pytest.mark.parametrize("text", UNSTORABLE)
def test_what_cannot_be_stored_is_replaced(text: str) -> None:
    assert not is_storable(text)
    assert is_storable(clean_text(text))
    assert len(clean_text(text)) == len(text)


@pytest.mark.parametrize("text", STORABLE)
def test_what_can_be_stored_stays(text: str) -> None:
    assert is_storable(text)
    assert clean_text(text) == text
    assert (
        to_json_exact([text, {text: text}])
        == to_json_lossy([text, {text: text}])
        == [text, {text: text}]
    )


def test_of_what_is_no_text_its_text_is_stored() -> None:
    assert [clean_text(None), clean_text(7), clean_text(["\0"])] == ["", "7", "['\\x00']"]


@pytest.mark.parametrize("length", [2, 3, 4])
def test_it_is_cut(length: int) -> None:
    assert clean_text("é" * length, 3) == "é" * min(length, 3)


@pytest.mark.parametrize(
    "value", [*UNSTORABLE, [{"a": "\0"}], {"\0": 1}, math.nan, [math.inf], {"a": -math.inf}]
)
def test_arguments_are_stored_exactly_or_not_at_all(value: Any) -> None:
    with pytest.raises(EncodeError, match="cannot be stored"):
        to_json_exact(value)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("caf\udce9.txt", "caf\ufffd.txt"),
        ([{"a\0": ["\0", 1, None]}], [{"a\ufffd": ["\ufffd", 1, None]}]),
        ([math.nan, {"a": math.inf}, 1.5], [None, {"a": None}, 1.5]),
    ],
)
def test_a_result_is_stored_as_well_as_it_can_be(value: Any, read: Any) -> None:
    assert to_json_lossy(value) == read
