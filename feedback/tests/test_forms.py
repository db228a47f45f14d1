from typing import Any

import pytest
from pytest_django import Settings

from feedback import tokens
from feedback.forms import NOT_AN_ADDRESS, UNSUPPORTED_ADDRESS, FeedbackForm


def errors(data: dict[str, Any]) -> dict[str, list[str]]:
    return {name: list(map(str, texts)) for name, texts in FeedbackForm(data).errors.items()}


def test_an_address_and_a_message_are_enough(form_data: dict[str, Any]) -> None:
    form = FeedbackForm(form_data)
    assert form.is_valid()
    assert form.submission().email == "ann@visitor.example"
    assert form.submission().message == "The photos are lovely."


@pytest.mark.parametrize(
    "address",
    [
        "ann@visitor.example",
        "a.b+news@mail.visitor.example",
        "o'neil@visitor.example",
        "ann@bücher.example",
        f"ann@{'x' * 60}.example",
    ],
)
def test_a_usual_address_is_accepted(address: str, form_data: dict[str, Any]) -> None:
    assert errors(form_data | {"email": address}) == {}


@pytest.mark.parametrize(
    "address",
    [
        "ann",
        "ann@",
        "@visitor.example",
        "ann@visitor",
        "ann@localhost",
        "ann@[127.0.0.1]",
        "ann@visitor.example, bob@visitor.example",
        "Ann <ann@visitor.example>",
        "ann@visitor.example\nBcc: bob@visitor.example",
        "ann@visitor.example\r\nBcc: bob@visitor.example",
        "ann@visitor.example%0ABcc:bob@visitor.example",
        '"ann"@visitor.example',
        '"a\x01b"@visitor.example',
        "=?utf-8?q?ann?=@visitor.example",
        "=?utf-8?q??=@visitor.example",
        f"ann@{'ü' * 60}.example",
        "ann@visitor..example",
    ],
)
def test_other_text_is_not_an_address(address: str, form_data: dict[str, Any]) -> None:
    assert errors(form_data | {"email": address}) == {"email": [NOT_AN_ADDRESS]}


def test_the_form_has_the_canonical_address(form_data: dict[str, Any]) -> None:
    form = FeedbackForm(form_data | {"email": " Ann@Büro.example "})
    assert form.is_valid()
    assert form.submission().email == "Ann@xn--bro-hoa.example"


def test_an_address_that_we_cannot_write_to_is_refused_with_the_reason(
    form_data: dict[str, Any],
) -> None:
    assert errors(form_data | {"email": "müller@visitor.example"}) == {
        "email": [UNSUPPORTED_ADDRESS]
    }
    assert "cannot write to" in UNSUPPORTED_ADDRESS


def test_a_too_long_address_is_refused(form_data: dict[str, Any]) -> None:
    domain = ".".join(["x" * 60] * 4)
    assert len(f"ann@{domain}.example") > 254
    assert "email" in errors(form_data | {"email": f"ann@{domain}.example"})


@pytest.mark.parametrize("message", ["", "   ", "\r\n\r\n"])
def test_a_message_without_words_is_refused(message: str, form_data: dict[str, Any]) -> None:
    assert errors(form_data | {"message": message}) == {"message": ["Write your message first."]}


def test_an_address_is_required(form_data: dict[str, Any]) -> None:
    assert errors(form_data | {"email": ""}) == {
        "email": ["Enter your email address, so that we can answer you."]
    }


@pytest.mark.parametrize("character", ["x", "ü", "🙂"])
def test_a_message_of_10000_characters_is_accepted(
    character: str, form_data: dict[str, Any]
) -> None:
    assert errors(form_data | {"message": character * 10_000}) == {}


def test_a_longer_message_is_refused_and_shown_again(form_data: dict[str, Any]) -> None:
    form = FeedbackForm(form_data | {"message": "x" * 10_001})
    error = str(form.errors["message"][0])
    assert error.startswith("Your message has 10,001 characters; the maximum is 10,000.")
    assert "x" * 10_001 in str(form["message"])


def test_a_line_break_counts_as_one_character(form_data: dict[str, Any]) -> None:
    form = FeedbackForm(form_data | {"message": "x" + "\r\n" * 9_998 + "x"})
    assert form.is_valid()
    assert form.cleaned_data["message"] == "x" + "\n" * 9_998 + "x"


def test_every_line_break_becomes_a_newline(form_data: dict[str, Any]) -> None:
    form = FeedbackForm(form_data | {"message": "a\rb\r\nc\n\rd"})
    assert form.is_valid()
    assert form.cleaned_data["message"] == "a\nb\nc\n\nd"


def test_the_maximum_length_is_a_setting(settings: Settings, form_data: dict[str, Any]) -> None:
    settings.FEEDBACK_MESSAGE_MAX = 3
    assert "the maximum is 3" in errors(form_data | {"message": "four"})["message"][0]


def test_the_textarea_has_no_maxlength() -> None:
    assert "maxlength" not in str(FeedbackForm()["message"])


def test_a_null_character_is_refused(form_data: dict[str, Any]) -> None:
    assert "message" in errors(form_data | {"message": "a\0b"})


def test_browsers_do_not_fill_in_the_honeypot() -> None:
    field = str(FeedbackForm()["topic"])
    assert 'autocomplete="off"' in field
    assert not any(word in field for word in ('name="email', "url", "website", "phone", "company"))


def test_a_form_with_the_honeypot_filled_in_is_from_a_robot(form_data: dict[str, Any]) -> None:
    form = FeedbackForm(form_data | {"topic": "https://spam.example"})
    assert form.is_valid()
    assert form.is_from_robot


def test_a_form_without_a_valid_token_is_as_early_as_a_new_one(
    settings: Settings, form_data: dict[str, Any]
) -> None:
    settings.FEEDBACK_MIN_SECONDS = 600.0
    new_token = str(FeedbackForm()["token"].value())
    for token in (new_token, "", "forged"):
        form = FeedbackForm(form_data | {"token": token})
        assert form.is_valid()
        assert 500 < form.seconds_too_early <= 600
    settings.FEEDBACK_MIN_SECONDS = 0.0
    assert form.seconds_too_early == 0


@pytest.mark.parametrize(("age", "wait"), [(0.4, 0.1), (0.5, 0.0), (0.6, 0.0)])
def test_the_default_minimum_is_half_a_second(
    age: float,
    wait: float,
    settings: Settings,
    form_data: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    del settings.FEEDBACK_MIN_SECONDS
    monkeypatch.setattr(tokens, "age_seconds", lambda token: age)
    form = FeedbackForm(form_data)
    assert form.is_valid()
    assert form.seconds_too_early == pytest.approx(wait)


def test_every_form_has_a_token_of_its_own() -> None:
    assert FeedbackForm()["token"].value() != FeedbackForm()["token"].value()


def test_a_form_that_is_shown_again_keeps_its_token(form_data: dict[str, Any]) -> None:
    assert FeedbackForm(form_data | {"token": "first"})["token"].value() == "first"


def test_labels_end_without_a_colon() -> None:
    form = FeedbackForm()
    labels = [str(form[name].label_tag()) for name in ("email", "message")]
    assert not [label for label in labels if ":" in label]
