from email.message import EmailMessage
from typing import Any

import pytest
from django.core.mail import EmailMessage as DjangoEmail
from django.utils import timezone
from pytest_django import Settings

from feedback.emails import letters
from feedback.models import Feedback
from feedback.tests.fake_mail_server import FakeMailServer


def feedback(**fields: Any) -> Feedback:
    return Feedback(
        **{
            "email": "ann@visitor.example",
            "message": "The photos are lovely.",
            "submission": "s1",
            "confirms": True,
            "created_at": timezone.now(),
        }
        | fields
    )


def both(**fields: Any) -> tuple[DjangoEmail, DjangoEmail]:
    to_team, to_visitor = letters(feedback(**fields))
    return to_team.email, to_visitor.email


def header(email: DjangoEmail, name: str) -> str:
    message = email.message()
    return str(message[name])


def test_the_team_reads_who_wrote_what_and_can_answer() -> None:
    to_team, _ = both()
    assert to_team.to == ["team@picha.example"]
    assert to_team.from_email == "Picha <site@picha.example>"
    assert to_team.reply_to == ["ann@visitor.example"]
    assert to_team.subject == "Feedback from ann@visitor.example"
    assert "The photos are lovely." in to_team.body


def test_the_visitor_reads_nothing_that_was_typed_into_the_form() -> None:
    _, to_visitor = both(message="Buy my pills")
    assert to_visitor.to == ["ann@visitor.example"]
    assert to_visitor.from_email == "Picha <site@picha.example>"
    assert to_visitor.reply_to == []
    text = f"{to_visitor.subject}{to_visitor.body}"
    assert "pills" not in text
    assert "ann" not in text
    assert "https://picha.example" in text


def test_the_visitors_text_is_the_same_for_all() -> None:
    assert both(message="A")[1].body == both(message="B", email="bob@visitor.example")[1].body


def test_markup_in_a_message_stays_plain_text() -> None:
    to_team, _ = both(message="<b>bold</b> & \"quoted\" {{ settings.SECRET_KEY }} 'x'")
    assert "<b>bold</b> & \"quoted\" {{ settings.SECRET_KEY }} 'x'" in to_team.body
    assert to_team.message().get_content_type() == "text/plain"
    assert not to_team.message().is_multipart()


@pytest.mark.parametrize(
    "address", ["ann@visitor.example\r\nBcc: bob@visitor.example", "a\nTo: bob@visitor.example"]
)
def test_no_header_can_be_smuggled_in_by_an_address(address: str) -> None:
    to_team, to_visitor = both(email=address)
    assert "\n" not in to_team.subject
    for email in (to_team, to_visitor):
        with pytest.raises(ValueError, match="newlines"):
            email.message()


def test_a_message_that_looks_like_headers_stays_below_them() -> None:
    to_team, _ = both(message="\r\n\r\nBcc: bob@visitor.example\r\n.\r\nMAIL FROM:<x@y.example>")
    assert to_team.message()["Bcc"] is None
    assert to_team.recipients() == ["team@picha.example"]


def test_a_feedback_and_a_recipient_have_one_message_id() -> None:
    first, second = both()
    ids = {header(first, "Message-ID"), header(second, "Message-ID")}
    assert {header(email, "Message-ID") for email in both()} == ids
    assert len(ids) == 2
    assert header(both(submission="s2")[0], "Message-ID") not in ids
    assert header(first, "Message-ID").endswith("@picha.example>")


def test_no_holiday_notice_answers() -> None:
    assert {header(email, "Auto-Submitted") for email in both()} == {"auto-generated"}


def test_each_address_of_the_team_gets_an_email_of_its_own(settings: Settings) -> None:
    settings.FEEDBACK_RECIPIENTS = ["one@picha.example", "two@picha.example"]
    every = letters(feedback())
    assert [letter.email.recipients() for letter in every] == [
        ["one@picha.example"],
        ["two@picha.example"],
        ["ann@visitor.example"],
    ]
    assert [letter.label for letter in every] == [
        "The Picha team (1)",
        "The Picha team (2)",
        "Your confirmation",
    ]
    assert len({letter.key for letter in every}) == 3


def test_what_the_page_shows_of_an_email_holds_no_address() -> None:
    assert not any("@" in f"{letter.key}{letter.label}" for letter in letters(feedback()))


def test_over_the_cap_only_the_team_is_written_to() -> None:
    assert [letter.key for letter in letters(feedback(confirms=False))] == ["team-1"]


def test_an_address_in_any_script_is_written_to(fake_mail_server: FakeMailServer) -> None:
    for email in both(email="ann@bücher.example"):
        email.send()
    to_team, to_visitor = fake_mail_server.emails
    assert to_team["Reply-To"] == to_visitor["To"] == "ann@xn--bcher-kva.example"


def test_any_script_survives(fake_mail_server: FakeMailServer) -> None:
    to_team, _ = both(message="Grüße 🙂 日本語\n.\n..\n" + "x" * 2000)
    assert to_team.send() == 1
    received: EmailMessage = fake_mail_server.emails[0]
    text = received.get_content().replace("\r\n", "\n")
    assert "Grüße 🙂 日本語\n.\n..\n" + "x" * 2000 in text
