from dataclasses import dataclass
from email.header import decode_header, make_header
from email.utils import parseaddr
from pathlib import Path

import pytest
from django.core.mail import EmailMessage

from picha.environment import Environment


def environment(**variables: str) -> Environment:
    return Environment(variables)


def decoded(name: str) -> str:
    return str(make_header(decode_header(name)))


def test_a_variable_that_is_not_set_or_empty_has_its_default() -> None:
    env = environment(EMPTY="  ")

    assert env.integer("PORT", default=8000, minimum=1, maximum=10) == 8000
    assert env.text("EMPTY", default="the default") == "the default"
    assert env.problems == []


@pytest.mark.parametrize("text", ["on", "TRUE", "1", "yes"])
def test_values_that_mean_on(text: str) -> None:
    assert environment(DEBUG=text).boolean("DEBUG", default=False) is True


@pytest.mark.parametrize("text", ["off", "False", "0", "no"])
def test_values_that_mean_off(text: str) -> None:
    assert environment(DEBUG=text).boolean("DEBUG", default=True) is False


def test_lists_are_separated_by_commas() -> None:
    env = environment(HOSTS="a.example, b.example,", TO="ann@a.example,bob@b.example")

    assert env.strings("HOSTS", default=[]) == ["a.example", "b.example"]
    assert env.emails("TO", default=[]) == ["ann@a.example", "bob@b.example"]


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://p.example/", "https://p.example"),
        ("HTTPS://P.example:443", "https://p.example"),
        ("http://p.example:8080", "http://p.example:8080"),
        ("http://[::1]:80", "http://[::1]"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(text: str, origin: str) -> None:
    assert environment(SITE_URL=text).origin("SITE_URL", default="") == origin


def test_a_directory_is_absolute() -> None:
    assert environment(VAR_DIR="var/x").directory("VAR_DIR", default=Path()).is_absolute()


@pytest.mark.parametrize("text", ["0", "65536", "-1", "8000.5", "eighty", "²", "9" * 5000])
def test_a_number_outside_its_limits_is_refused(text: str) -> None:
    env = environment(PORT=text)

    assert env.integer("PORT", default=8000, minimum=1, maximum=65532) == 8000
    assert env.problems == [f"PORT is {text!r}: it must be a whole number from 1 to 65532."]


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "soon"])
def test_a_duration_must_be_above_0(text: str) -> None:
    env = environment(PAUSE=text)

    assert env.positive_number("PAUSE", default=1.5) == 1.5
    assert env.problems == [f"PAUSE is {text!r}: it must be a number above 0."]


@pytest.mark.parametrize(
    "text",
    [
        "photos.example",
        "ftp://p.example",
        "https://p.example/path",
        "http://p.example:port",
        "http://",
    ],
)
def test_an_invalid_origin_is_refused(text: str) -> None:
    env = environment(SITE_URL=text)

    env.origin("SITE_URL", default="http://127.0.0.1:8000")

    assert len(env.problems) == 1
    assert env.problems[0].startswith(f"SITE_URL is {text!r}: it must be ")


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


def test_an_invalid_choice_is_answered_with_all_choices() -> None:
    env = environment(SOURCE="flickr")

    env.choice("SOURCE", ["sandbox", "feed"], default="sandbox")

    assert env.problems == ["SOURCE is 'flickr': it must be one of sandbox, feed."]


def test_check_reports_all_problems() -> None:
    env = environment(PORT="x", DEBUG="maybe")
    env.integer("PORT", default=1, minimum=1, maximum=2)
    env.boolean("DEBUG", default=False)

    with pytest.raises(SystemExit) as error:
        env.check()

    assert "PORT is 'x'" in str(error.value)
    assert "DEBUG is 'maybe'" in str(error.value)


@dataclass
class Conf:
    LEASE: float = 30.0
    BATCH_MAX: int = 10
    PROXIES: int = 0
    FREEZE: bool = True


def test_the_settings_of_an_app_are_typed_by_its_conf() -> None:
    env = environment(APP_LEASE="1.5", APP_PROXIES="0", APP_FREEZE="off")

    values = env.app_settings("APP_", Conf)

    assert (values.LEASE, values.BATCH_MAX, values.PROXIES, values.FREEZE) == (1.5, 10, 0, False)
    assert env.names == {"APP_LEASE", "APP_BATCH_MAX", "APP_PROXIES", "APP_FREEZE"}


def test_an_app_setting_may_be_0_only_if_its_default_is() -> None:
    env = environment(APP_BATCH_MAX="0", APP_PROXIES="0")

    env.app_settings("APP_", Conf)

    assert [problem.partition(" ")[0] for problem in env.problems] == ["APP_BATCH_MAX"]


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
