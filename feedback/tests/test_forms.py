from typing import Any

import pytest
from pytest_django import Settings

from feedback import tokens
from feedback.forms import NOT_AN_ADDRESS, FeedbackForm


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
def test_a_usual_address_is_taken(address: str, form_data: dict[str, Any]) -> None:
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
        "änn@visitor.example",
        f"ann@{'ü' * 60}.example",
        "ann@visitor..example",
    ],
)
def test_what_is_not_an_address_is_refused(address: str, form_data: dict[str, Any]) -> None:
    assert errors(form_data | {"email": address}) == {"email": [NOT_AN_ADDRESS]}


def test_an_address_that_no_mail_server_takes_is_refused(form_data: dict[str, Any]) -> None:
    domain = ".".join(["x" * 60] * 4)
    assert len(f"ann@{domain}.example") > 254
    assert "email" in errors(form_data | {"email": f"ann@{domain}.example"})


@pytest.mark.parametrize("message", ["", "   ", "\r\n\r\n"])
def test_a_message_without_words_is_refused(message: str, form_data: dict[str, Any]) -> None:
    assert errors(form_data | {"message": message}) == {"message": ["Write your message first."]}


def test_an_address_is_asked_for(form_data: dict[str, Any]) -> None:
    assert errors(form_data | {"email": ""}) == {
        "email": ["Enter your email address, so that we can answer you."]
    }


@pytest.mark.parametrize("character", ["x", "ü", "🙂"])
def test_a_message_of_ten_thousand_characters_is_taken(
    character: str, form_data: dict[str, Any]
) -> None:
    assert errors(form_data | {"message": character * 10_000}) == {}


def test_one_character_more_is_refused_and_kept(form_data: dict[str, Any]) -> None:
    form = FeedbackForm(form_data | {"message": "x" * 10_001})
    sentence = str(form.errors["message"][0])
    assert sentence.startswith("Your message has 10,001 characters; we can take 10,000.")
    assert "x" * 10_001 in str(form["message"])


def test_a_line_end_counts_once_as_it_does_in_a_browser(form_data: dict[str, Any]) -> None:
    form = FeedbackForm(form_data | {"message": "x" + "\r\n" * 9_998 + "x"})
    assert form.is_valid()
    assert form.cleaned_data["message"] == "x" + "\n" * 9_998 + "x"


def test_the_limit_is_a_setting(settings: Settings, form_data: dict[str, Any]) -> None:
    settings.FEEDBACK_MESSAGE_MAX = 3
    assert "we can take 3" in errors(form_data | {"message": "four"})["message"][0]


def test_a_browser_does_not_cut_what_is_pasted() -> None:
    assert "maxlength" not in str(FeedbackForm()["message"])


def test_a_null_character_is_refused(form_data: dict[str, Any]) -> None:
    assert "message" in errors(form_data | {"message": "a\0b"})


def test_no_browser_fills_in_the_hidden_field() -> None:
    field = str(FeedbackForm()["topic"])
    assert 'autocomplete="off"' in field
    assert not any(word in field for word in ('name="email', "url", "website", "phone", "company"))


def test_whoever_fills_in_the_hidden_field_is_trapped(form_data: dict[str, Any]) -> None:
    form = FeedbackForm(form_data | {"topic": "https://spam.example"})
    assert form.is_valid()
    assert form.is_trapped


def test_a_form_is_too_early_until_a_person_could_have_filled_it_in(
    settings: Settings, form_data: dict[str, Any]
) -> None:
    settings.FEEDBACK_MIN_SECONDS = 600.0
    fresh = str(FeedbackForm()["token"].value())
    for token in (fresh, "", "forged"):
        form = FeedbackForm(form_data | {"token": token})
        assert form.is_valid()
        assert 500 < form.too_early <= 600
    settings.FEEDBACK_MIN_SECONDS = 0.0
    assert form.too_early == 0


@pytest.mark.parametrize(("age", "wait"), [(0.4, 0.1), (0.5, 0.0), (0.6, 0.0)])
def test_a_person_needs_half_a_second(
    age: float,
    wait: float,
    settings: Settings,
    form_data: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    del settings.FEEDBACK_MIN_SECONDS
    monkeypatch.setattr(tokens, "age", lambda token: age)
    form = FeedbackForm(form_data)
    assert form.is_valid()
    assert form.too_early == pytest.approx(wait)


def test_every_form_has_a_token_of_its_own() -> None:
    assert FeedbackForm()["token"].value() != FeedbackForm()["token"].value()


def test_a_form_that_is_shown_again_keeps_its_token(form_data: dict[str, Any]) -> None:
    assert FeedbackForm(form_data | {"token": "first"})["token"].value() == "first"


def test_labels_end_as_those_of_the_other_forms_do() -> None:
    form = FeedbackForm()
    labels = [str(form[name].label_tag()) for name in ("email", "message")]
    assert not [label for label in labels if ":" in label]
