from dataclasses import dataclass
from pathlib import Path

import pytest

from picha.environment import Environment


def environment(**variables: str) -> Environment:
    return Environment(variables)


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
        ("https://Fotos-Müller.example", "https://xn--fotos-mller-zhb.example"),
        ("https://straße.example:8443", "https://xn--strae-oqa.example:8443"),
        ("https://fotos。example", "https://fotos.example"),
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
        "https://a\u2100b.example",
        "https://ü..example",
    ],
)
def test_an_invalid_origin_is_refused(text: str) -> None:
    env = environment(SITE_URL=text)

    env.origin("SITE_URL", default="http://127.0.0.1:8000")

    assert len(env.problems) == 1
    assert env.problems[0].startswith(f"SITE_URL is {text!r}: it must be ")


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
