from typing import Any

import pytest

from realtime.snapshots import formats
from realtime.tests.support.word_cases import NUMBERS


@pytest.mark.parametrize(("function", "arguments", "text"), NUMBERS)
def test_each_function_returns_the_text_of_the_case(
    function: str, arguments: list[Any], text: str
) -> None:
    assert getattr(formats, function)(*arguments) == text


def test_every_function_has_its_cases() -> None:
    public = {name for name, value in vars(formats).items() if callable(value) and name.islower()}
    own = {name for name in public if getattr(formats, name).__module__ == formats.__name__}
    assert {name for name in own if not name.startswith("_")} == {case[0] for case in NUMBERS}
