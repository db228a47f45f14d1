from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest
from django.core.mail import EmailMessage

from picha.environment import Environment


def environment(**variables: str) -> Environment:
    return Environment(variables)


def decoded(name: str) -> str:
    return str(make_header(decode_header(name)))


def test_a_list_without_an_address_is_refused() -> None:
    env = environment(TO=" , ")

    env.emails("TO", default=["ann@a.example"])

    assert env.problems


def test_addresses_are_canonical_and_each_is_given_once() -> None:
    env = environment(
        TO="ann@Büro.example, bob@b.example, Ann@xn--bro-hoa.example", FROM="Büro <a@BÜRO.example>"
    )

    assert env.emails("TO", default=[]) == ["ann@xn--bro-hoa.example", "bob@b.example"]
    sender = parseaddr(env.mailbox("FROM", default=""))
    assert (decoded(sender[0]), sender[1]) == ("Büro", "a@xn--bro-hoa.example")


@pytest.mark.parametrize("length", [99, 100, 101])
@pytest.mark.parametrize("character", ["x", "ü"])
def test_the_name_of_a_mailbox_has_at_most_100_characters(length: int, character: str) -> None:
    env = environment(FROM=f"{character * length} <a@b.example>")

    env.mailbox("FROM", default="")

    assert bool(env.problems) is (length > 100)


@pytest.mark.parametrize("line_break", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_the_name_of_a_mailbox_is_one_line(line_break: str) -> None:
    env = environment(FROM=f"Pi{line_break}cha <a@b.example>")

    env.mailbox("FROM", default="")

    assert env.problems


@pytest.mark.parametrize(
    "name", ["Büro, Ann", "Büro", "Ann", '"Büro \\"Ann\\""', "=?utf-8?q?B=C3=BCro?="]
)
def test_the_name_of_a_mailbox_arrives(name: str) -> None:
    quoted = f'"{name}"' if "," in name else name
    mailbox = environment(FROM=f"{quoted} <a@b.example>").mailbox("FROM", default="")

    sender = EmailMessage(from_email=mailbox).message()["From"]

    expected = parseaddr(f"{quoted} <a@b.example>")[0]
    assert decoded(parseaddr(sender)[0]) == decoded(expected)
    assert parseaddr(sender)[1] == "a@b.example"


@pytest.mark.parametrize(
    "text", ["nobody", "Ann <ann@>", "<>", "Ann <änn@b.example>", "=?utf-8?q?ann?=@b.example"]
)
def test_an_invalid_mailbox_is_refused(text: str) -> None:
    env = environment(FROM=text)

    env.mailbox("FROM", default="")

    assert env.problems


def test_a_mail_server_is_read_from_its_url() -> None:
    env = environment(EMAIL_URL="smtp+ssl://ann:s%40cret@mail.example:465")

    server = env.email("EMAIL_URL", default="smtp://127.0.0.1:25")

    assert (server.host, server.port) == ("mail.example", 465)
    assert (server.user, server.password) == ("ann", "s@cret")
    assert (server.use_ssl, server.use_tls) == (True, False)


def test_an_invalid_mail_server_is_refused() -> None:
    env = environment(EMAIL_URL="carrier-pigeon://roof")

    assert env.email("EMAIL_URL", default="smtp://127.0.0.1:25").port == 25
    assert env.problems[0].startswith("EMAIL_URL is 'carrier-pigeon://roof': it must be a URL such")


def test_a_mail_server_may_need_no_login() -> None:
    server = environment(EMAIL_URL="smtp://mail.example:25").email("EMAIL_URL", default="smtp://x")

    assert (server.user, server.password) == ("", "")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("smtp://ann:p%C3%A4ss@mail.example", "a user and a password of ASCII"),
        ("smtp://j%C3%BCrgen:pass@mail.example", "a user and a password of ASCII"),
        ("smtp+tls://ann:pa%00ss@mail.example", "a user and a password of ASCII"),
        ("smtp+ssl://ann:pa%0Ass@mail.example", "a user and a password of ASCII"),
        ("smtp://ann@mail.example", "both a user and a password"),
        ("smtp://:secret@mail.example", "both a user and a password"),
        ("smtp://", "the host of a mail server"),
        ("smtp+tls://:587", "the host of a mail server"),
        ("smtp://mail..example", "the host of a mail server"),
        (f"smtp://{'x' * 64}.example", "the host of a mail server"),
    ],
)
def test_a_mail_server_that_cannot_work_is_refused(url: str, problem: str) -> None:
    env = environment(EMAIL_URL=url)

    env.email("EMAIL_URL", default="smtp://127.0.0.1:25")

    (sentence,) = env.problems
    assert problem in sentence
    assert sentence.startswith("EMAIL_URL ")


@pytest.mark.parametrize("password", ["p%C3%A4ss", "pä@ss:word"])
def test_the_password_of_a_refused_url_is_not_shown(password: str) -> None:
    env = environment(EMAIL_URL=f"smtp://ann:{password}@mail.example", REDIS=f"x://:{password}@r")

    env.email("EMAIL_URL", default="smtp://127.0.0.1:25")
    env.url("REDIS", default="", schemes=["redis"])

    assert [problem.partition(": ")[0] for problem in env.problems] == [
        "EMAIL_URL is 'smtp://ann:***@mail.example'",
        "REDIS is 'x://:***@r'",
    ]


@pytest.mark.parametrize("url", ["consolemail://", "filemail:///tmp/mail", "smtp://[::1]:25"])
def test_other_mail_servers_are_accepted(url: str) -> None:
    env = environment(EMAIL_URL=url)

    env.email("EMAIL_URL", default="smtp://127.0.0.1:25")

    assert env.problems == []


@pytest.mark.parametrize("text", ["mail.example", "MAIL-1.example", "[192.0.2.1]", "[IPv6:::1]"])
def test_names_of_a_mail_client(text: str) -> None:
    assert environment(NAME=text).mail_client_name("NAME", default="") == text


@pytest.mark.parametrize(
    "text", ["localhost", "a b.example", "büro.example", "[mail]", "192.0.2.1", "a.example\r\nMAIL"]
)
def test_other_names_of_a_mail_client_are_refused(text: str) -> None:
    env = environment(NAME=text)

    env.mail_client_name("NAME", default="")

    assert len(env.problems) == 1
