from email.message import EmailMessage
from typing import Any, Final

import pytest
from django.core.mail import EmailMessage as DjangoEmail
from django.utils import timezone
from pytest_django import Settings

from feedback.emails import emails_for
from feedback.models import Feedback
from feedback.tests.fake_mail_server import FakeMailServer

LINE_BREAKS: Final = [chr(n) for n in range(0x3000) if len(f"a{chr(n)}b".splitlines()) > 1]
"""The characters that `str.splitlines` splits at; SMTP knows only CRLF."""


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


def both_emails(**fields: Any) -> tuple[DjangoEmail, DjangoEmail]:
    to_team, to_visitor = emails_for(feedback(**fields))
    return to_team.message, to_visitor.message


def header(email: DjangoEmail, name: str) -> str:
    message = email.message()
    return str(message[name])


def test_the_team_gets_the_message_and_can_reply() -> None:
    to_team, _ = both_emails()
    assert to_team.to == ["team@picha.example"]
    assert to_team.from_email == "Picha <site@picha.example>"
    assert to_team.reply_to == ["ann@visitor.example"]
    assert to_team.subject == "Feedback from ann@visitor.example"
    assert "The photos are lovely." in to_team.body


def test_the_confirmation_contains_no_text_of_the_form() -> None:
    _, to_visitor = both_emails(message="Buy my pills")
    assert to_visitor.to == ["ann@visitor.example"]
    assert to_visitor.from_email == "Picha <site@picha.example>"
    assert to_visitor.reply_to == []
    text = f"{to_visitor.subject}{to_visitor.body}"
    assert "pills" not in text
    assert "ann" not in text
    assert "https://picha.example" in text


def test_the_confirmation_is_the_same_for_all_visitors() -> None:
    assert (
        both_emails(message="A")[1].body
        == both_emails(message="B", email="bob@visitor.example")[1].body
    )


def test_markup_in_a_message_stays_plain_text() -> None:
    to_team, _ = both_emails(message="<b>bold</b> & \"quoted\" {{ settings.SECRET_KEY }} 'x'")
    assert "<b>bold</b> & \"quoted\" {{ settings.SECRET_KEY }} 'x'" in to_team.body
    assert to_team.message().get_content_type() == "text/plain"
    assert not to_team.message().is_multipart()


@pytest.mark.parametrize(
    "address", ["ann@visitor.example\r\nBcc: bob@visitor.example", "a\nTo: bob@visitor.example"]
)
def test_an_address_cannot_inject_a_header(address: str) -> None:
    to_team, to_visitor = both_emails(email=address)
    assert "\n" not in to_team.subject
    for email in (to_team, to_visitor):
        with pytest.raises(ValueError, match="newlines"):
            email.message()


def test_a_message_cannot_inject_a_header() -> None:
    to_team, _ = both_emails(
        message="\r\n\r\nBcc: bob@visitor.example\r\n.\r\nMAIL FROM:<x@y.example>"
    )
    assert to_team.message()["Bcc"] is None
    assert to_team.recipients() == ["team@picha.example"]


def test_the_message_id_depends_on_feedback_and_recipient() -> None:
    first, second = both_emails()
    ids = {header(first, "Message-ID"), header(second, "Message-ID")}
    assert {header(email, "Message-ID") for email in both_emails()} == ids
    assert len(ids) == 2
    assert header(both_emails(submission="s2")[0], "Message-ID") not in ids
    assert header(first, "Message-ID").endswith("@picha.example>")


def test_emails_are_marked_as_auto_generated() -> None:
    assert {header(email, "Auto-Submitted") for email in both_emails()} == {"auto-generated"}


def test_each_address_of_the_team_gets_an_email_of_its_own(settings: Settings) -> None:
    settings.FEEDBACK_RECIPIENTS = ["one@picha.example", "two@picha.example"]
    emails = emails_for(feedback())
    assert [email.message.recipients() for email in emails] == [
        ["one@picha.example"],
        ["two@picha.example"],
        ["ann@visitor.example"],
    ]
    assert [email.label for email in emails] == [
        "The Picha team (1)",
        "The Picha team (2)",
        "Your confirmation",
    ]
    assert len({email.key for email in emails}) == 3


def test_keys_and_labels_contain_no_address() -> None:
    assert not any("@" in f"{email.key}{email.label}" for email in emails_for(feedback()))


def test_without_confirmation_only_the_team_gets_an_email() -> None:
    assert [email.key for email in emails_for(feedback(confirms=False))] == ["team-1"]


def test_a_domain_may_be_in_any_script(fake_mail_server: FakeMailServer) -> None:
    for email in both_emails(email="ann@bücher.example"):
        email.send()
    to_team, to_visitor = fake_mail_server.emails
    assert to_team["Reply-To"] == to_visitor["To"] == "ann@xn--bcher-kva.example"


def test_a_message_may_be_in_any_script(fake_mail_server: FakeMailServer) -> None:
    to_team, _ = both_emails(message="Grüße 🙂 日本語\n.\n..\n" + "x" * 2000)
    assert to_team.send() == 1
    received: EmailMessage = fake_mail_server.emails[0]
    text = received.get_content().replace("\r\n", "\n")
    assert "Grüße 🙂 日本語\n.\n..\n" + "x" * 2000 in text


@pytest.mark.parametrize("line_break", LINE_BREAKS, ids=ascii)
def test_no_line_is_longer_than_smtp_allows(
    line_break: str, fake_mail_server: FakeMailServer
) -> None:
    to_team, _ = both_emails(message=line_break.join(["ü" * 400] * 3))
    assert to_team.send() == 1
    (content,) = fake_mail_server.contents
    lines = content.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert not any(set(line) & set(b"\r\n") for line in lines)
    assert content.isascii()
    text = fake_mail_server.emails[0].get_content().replace("\r\n", "\n")
    assert line_break.replace("\r", "\n").join(["ü" * 400] * 3) in text


@pytest.mark.parametrize("message", ["short", "grüßt", "x" * 998, "x" * 999, "=" * 5000])
def test_an_email_is_always_quoted_printable(message: str) -> None:
    for email in both_emails(message=message):
        assert header(email, "Content-Transfer-Encoding") == "quoted-printable"
        assert email.message().as_bytes().isascii()


def test_the_longest_address_fits_into_the_headers(fake_mail_server: FakeMailServer) -> None:
    domain = ".".join(["x" * 60] * 3 + ["y" * 9])
    address = f"{'a' * 60}@{domain}"
    assert len(address) == 253
    for email in both_emails(email=address):
        assert email.send() == 1
    assert max(len(line) for line in b"".join(fake_mail_server.contents).split(b"\r\n")) <= 998
    assert fake_mail_server.emails[0]["Reply-To"] == address
