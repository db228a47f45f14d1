import uuid
from typing import Any

import pytest
from pytest_django import Settings

from photos.forms import ImportForm


def form(**fields: Any) -> ImportForm:
    defaults = {"tags": "sea", "limit": "60", "token": str(uuid.uuid4())}
    return ImportForm(defaults | fields)


@pytest.mark.parametrize(("limit", "valid"), [(0, 0), (1, 1), (500, 1), (501, 0), (-1, 0)])
def test_the_limit_has_a_minimum_and_a_maximum(limit: int, valid: bool) -> None:
    assert form(limit=str(limit)).is_valid() is bool(valid)


@pytest.mark.parametrize("limit", ["", "many", "1.5", "1e3"])
def test_the_limit_is_a_whole_number(limit: str) -> None:
    assert "limit" in form(limit=limit).errors


@pytest.mark.parametrize(("maximum", "valid"), [(59, False), (60, True)])
def test_the_maximum_is_a_setting(settings: Settings, maximum: int, valid: bool) -> None:
    settings.FLICKR_IMPORT_MAX = maximum
    assert form().is_valid() is valid
    assert ImportForm().initial.get("limit", 60) == min(60, maximum)


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("", ()),
        (" , ,", ()),
        ("Sea, dusk ,sea", ("sea", "dusk")),
        ("New   York", ("new york",)),
        ("<script>", ("<script>",)),
    ],
)
def test_tags_are_split_at_commas(text: str, tags: tuple[str, ...]) -> None:
    bound_form = form(tags=text)
    assert bound_form.is_valid()
    assert bound_form.cleaned_data["tags"] == tags


@pytest.mark.parametrize(("number", "valid"), [(20, True), (21, False)])
def test_there_are_at_most_20_tags(number: int, valid: bool) -> None:
    assert form(tags=",".join(f"t{n}" for n in range(number))).is_valid() is valid


@pytest.mark.parametrize(("length", "valid"), [(64, True), (65, False)])
def test_a_tag_has_a_maximum_length(length: int, valid: bool) -> None:
    assert form(tags="x" * length).is_valid() is valid


@pytest.mark.parametrize(("length", "valid"), [(500, True), (501, False)])
def test_all_tags_together_have_a_maximum_length(length: int, valid: bool) -> None:
    tags = ("x" * 60 + ",") * 9
    assert form(tags=tags[:length].ljust(length, ",")).is_valid() is valid


@pytest.mark.parametrize(("last", "valid"), [(12, True), (13, False)])
def test_the_length_is_that_of_the_tags_in_lower_case(last: int, valid: bool) -> None:
    """In upper case the tags are within all limits."""
    tags = [chr(ord("a") + number) + "İ" * 30 for number in range(7)]
    bound_form = form(tags=",".join([*tags, "b" * (64 + last - 12), "c"]))
    assert bound_form.is_valid() is valid


@pytest.mark.parametrize("token", ["", "1", "not a token"])
def test_a_form_without_its_token_is_refused(token: str) -> None:
    assert "token" in form(token=token).errors


def test_each_form_has_a_token_of_its_own() -> None:
    assert ImportForm()["token"].value() != ImportForm()["token"].value()
